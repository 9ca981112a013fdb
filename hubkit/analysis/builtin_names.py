"""Facts about names outside the repo, whose source is not read."""

from __future__ import annotations

import os
import sys

from hubkit.facts import Returns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Modules of torch that ``from torch... import name`` may import.
_TORCH_MODULES = _words(
    """
    amp autograd backends checkpoint cuda data distributed fft func functional fx hub init jit
    library linalg model_zoo modules mps multiprocessing nn onnx optim overrides parallel
    profiler quantization random serialization sparse special testing types utils version
    lr_scheduler tensorboard parametrize rnn weight_norm transforms datasets models ops io
    """
)
_TORCH_CONSTANTS = _words(
    """
    float16 float32 float64 bfloat16 half double int8 int16 int32 int64 uint8 complex64
    complex128 long short channels_last contiguous_format preserve_format strided inf nan pi e
    """
)
_STDLIB_CONSTANTS = _words(
    """
    math.pi math.e math.tau math.inf math.nan sys.argv sys.path sys.platform sys.version
    sys.version_info sys.maxsize sys.modules sys.stdin sys.stdout sys.stderr sys.executable
    sys.byteorder os.environ os.sep os.name os.linesep os.curdir string.ascii_letters
    string.ascii_lowercase string.ascii_uppercase string.digits string.punctuation
    """
)
_THIRD_PARTY_MODULES = _words(
    """
    PIL.Image PIL.ImageOps PIL.ImageDraw PIL.ImageFont PIL.ImageFilter PIL.ImageEnhance
    scipy.io scipy.ndimage scipy.signal scipy.stats scipy.sparse skimage.io skimage.transform
    skimage.color matplotlib.pyplot matplotlib.cm numpy.random numpy.linalg numpy.fft
    transformers.models huggingface_hub.utils timm.models timm.layers timm.data
    setuptools.sandbox tensorflow.keras sklearn.metrics sklearn.cluster sklearn.decomposition google.protobuf
    """
)
# Modules of which nothing is a model.
_HELPER_MODULES = tuple(
    f"{package}.{module}."
    for package in ("torchvision", "torchaudio", "torchtext")
    for module in ("datasets", "io", "transforms", "utils")
)
_TORCH_PACKAGES = frozenset({"torch", "torchvision", "torchaudio", "torchtext"})


# What it no longer has since Python 3.12 and 3.13, so that findings are the same on all versions.
_FORMER_STDLIB = _words(
    """
    aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib
    nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
    """
)
_STDLIB = sys.stdlib_module_names | _FORMER_STDLIB | frozenset(sys.builtin_module_names)


def is_stdlib(name: str) -> bool:
    """Whether a name, dotted or not, is in the standard library of some version of Python."""
    top = name.partition(".")[0]
    return top in _STDLIB


def is_helper_origin(dotted: str) -> bool:
    """Whether a name is never an entrypoint.

    It is from the standard library, typing or torch, or a transform or dataset of torchvision.
    """
    top = dotted.partition(".")[0]
    is_basic = is_stdlib(top) or top in ("torch", "typing_extensions", "__future__")
    return is_basic or dotted.startswith(_HELPER_MODULES)


def is_callable_name(dotted: str) -> bool:
    """Whether something outside the repo can be called, judging by its dotted name.

    Modules and constants cannot. For unknown names the spelling decides: names in capitals are
    constants.
    """
    module, _, name = dotted.rpartition(".")
    top = dotted.partition(".")[0]
    if not module or dotted in _THIRD_PARTY_MODULES or dotted in _STDLIB_CONSTANTS:
        return False
    if top == "__future__" or name.startswith("__"):
        return False
    if top in _TORCH_PACKAGES and (name in _TORCH_MODULES or name in _TORCH_CONSTANTS):
        return False
    if is_stdlib(top) and _is_stdlib_module(dotted):
        return False
    return not is_constant_name(name)


def is_constant_name(name: str) -> bool:
    """Whether a name is spelled like a constant: ``MODEL_URLS``, but not ``UNet`` or ``VGG``."""
    return name.isupper() and "_" in name


def _is_stdlib_module(dotted: str) -> bool:
    # Asking the file system spares importing what may be costly to import.
    base = os.path.join(os.path.dirname(os.__file__), *dotted.split("."))  # noqa: PTH118, PTH120
    return os.path.isfile(f"{base}.py") or os.path.isdir(base) or dotted == "os.path"  # noqa: PTH112, PTH113


_NOT_NN_CLASSES = frozenset({"Parameter", "UninitializedParameter", "Buffer", "PackedSequence"})
_NN_CLASSES = frozenset(
    {
        "torch.jit.ScriptModule",
        "torch.jit.RecursiveScriptModule",
        "torch.fx.GraphModule",
        "pytorch_lightning.LightningModule",
        "lightning.LightningModule",
        "lightning.pytorch.LightningModule",
    }
)
_NN_FAMILIES = ("torchvision.models.", "torchvision.ops.", "timm.models.", "torchaudio.models.")
_OTHER_CLASSES = frozenset(
    {"torch.Tensor", "torch.Generator", "torch.Size", "torch.autograd.Function", "torch.device"}
)
_OTHER_FAMILIES = ("torch.utils.data.", "torch.optim.", "torchvision.transforms.")
_NN_FUNCTIONS = frozenset(
    {"timm.create_model", "timm.models.create_model", "torch.jit.load", "torch.jit.script"}
)
_OTHER_CALLS = frozenset(
    {
        "argparse.Namespace",
        "collections.OrderedDict",
        "collections.defaultdict",
        "functools.partial",
        "json.load",
        "json.loads",
        "os.path.join",
        "pathlib.Path",
        "torch.hub.download_url_to_file",
    }
)


def is_external_module_class(name: str) -> bool | None:
    """Whether a class outside the repo derives from ``nn.Module``; None if it is not known."""
    last = name.rpartition(".")[2]
    if name in _NN_CLASSES:
        return True
    if name in _OTHER_CLASSES or is_stdlib(name):
        return False
    if not last[:1].isupper():
        return None
    if name.startswith("torch.nn.") and not name.startswith("torch.nn.utils."):
        return last not in _NOT_NN_CLASSES
    if name.startswith(_OTHER_FAMILIES):
        # Transforms have been modules since torchvision 0.8, and not all of them.
        return None if name.startswith("torchvision.transforms.") else False
    if name.startswith(_NN_FAMILIES) and not last.endswith("_Weights"):
        return True
    return None


def external_result(name: str) -> Returns:
    """What a function or class outside the repo returns, if it is one of the few known ones."""
    last = name.rpartition(".")[2]
    is_torchvision_model = name.startswith("torchvision.models.") and last.islower()
    if name in _NN_FUNCTIONS or (is_torchvision_model and not last.startswith("get_")):
        return Returns("module", name)
    if name in _OTHER_CALLS:
        return Returns("other", f"the result of {name}")
    if last[:1].isupper() and is_external_module_class(name):
        return Returns("module", name)
    return Returns("unknown")
