"""What well-known packages always bring along, by import name.

Written down, never looked up in what happens to be installed, so that findings are the same on
every machine. Only what every recent release of a package requires is listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def find_bringers(declared: Iterable[str]) -> dict[str, str]:
    """Modules that are installed with others, and which of the others brings each.

    Args:
        declared: Top-level modules that are there.
    """
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
