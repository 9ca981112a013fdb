"""What well-known classes and functions outside the repo are and give back."""

from __future__ import annotations

from hubkit.analysis.builtin_names import is_stdlib
from hubkit.facts import Returns

_NOT_MODULES_OF_NN = frozenset({"Parameter", "UninitializedParameter", "Buffer", "PackedSequence"})
_MODULES = frozenset(
    {
        "torch.jit.ScriptModule",
        "torch.jit.RecursiveScriptModule",
        "torch.fx.GraphModule",
        "pytorch_lightning.LightningModule",
        "lightning.LightningModule",
        "lightning.pytorch.LightningModule",
    }
)
_MODULE_FAMILIES = ("torchvision.models.", "torchvision.ops.", "timm.models.", "torchaudio.models.")
_OTHERS = frozenset(
    {"torch.Tensor", "torch.Generator", "torch.Size", "torch.autograd.Function", "torch.device"}
)
_OTHER_FAMILIES = ("torch.utils.data.", "torch.optim.", "torchvision.transforms.")
_MODULE_FUNCTIONS = frozenset(
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
    """Whether a class outside the repo derives from ``nn.Module``; None when it is not known.

    Args:
        name: Its dotted name.
    """
    last = name.rpartition(".")[2]
    if name in _MODULES:
        return True
    if name in _OTHERS or is_stdlib(name):
        return False
    if not last[:1].isupper():
        return None
    if name.startswith("torch.nn.") and not name.startswith("torch.nn.utils."):
        return last not in _NOT_MODULES_OF_NN
    if name.startswith(_OTHER_FAMILIES):
        # Transforms have been modules since torchvision 0.8, and not all of them.
        return None if name.startswith("torchvision.transforms.") else False
    if name.startswith(_MODULE_FAMILIES) and not last.endswith("_Weights"):
        return True
    return None


def external_result(name: str) -> Returns:
    """What calling something outside the repo gives back, for the few that are known.

    Args:
        name: Its dotted name.
    """
    last = name.rpartition(".")[2]
    is_torchvision_model = name.startswith("torchvision.models.") and last.islower()
    if name in _MODULE_FUNCTIONS or (is_torchvision_model and not last.startswith("get_")):
        return Returns("module", name)
    if name in _OTHER_CALLS:
        return Returns("other", f"what {name} gives")
    if last[:1].isupper() and is_external_module_class(name):
        return Returns("module", name)
    return Returns("unknown")
