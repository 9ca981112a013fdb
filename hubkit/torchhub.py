"""What torch.hub itself does and expects, stated once.

The names and rules are those of torch/hub.py; ``weights_parameters`` states the convention that
authors of hub repos follow.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Parameter

HUBCONF = "hubconf.py"  # MODULE_HUBCONF
DEPENDENCIES = "dependencies"  # VAR_DEPENDENCY, the variable of a hubconf that torch.hub reads

# Parameters of torch.hub.load that come before the entrypoint's own arguments, by position or name.
LOAD_POSITIONAL = ("repo_or_dir", "model")
# Keyword arguments that torch.hub.load does not pass on to the entrypoint.
LOAD_KEYWORDS = ("source", "trust_repo", "force_reload", "verbose", "skip_validation")
# Names that an entrypoint's parameters cannot have if its callers are to pass them by name.
LOAD_PARAMETERS = frozenset((*LOAD_POSITIONAL, *LOAD_KEYWORDS))

# Owners whose repos torch.hub loads without asking (_TRUSTED_REPO_OWNERS).
TRUSTED_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")

# Top-level modules that the torch distribution installs.
TORCH_MODULES = frozenset({"torch", "functorch", "torchgen"})

# The hash in a checkpoint's file name (HASH_REGEX): torch.hub takes the first match.
_HASH_IN_NAME = re.compile(r"-([a-f0-9]*)\.")
SHORTEST_HASH = 8  # digits, as torch.hub's documentation asks for

WeightsKind = Literal["flag", "name", "path"]

# Parameters that name the weights, and those that take a file; all other names are flags.
_NAMES = ("weights", "weights_backbone")
_PATHS = ("checkpoint", "ckpt")
_FLAG_WORDS = frozenset({"pretrained", "pretrain"})
# Where an entrypoint has several, the first of these decides; the others follow it.
_ORDER = ("pretrained", "pretrain", "weights", "checkpoint", "ckpt")
_PARTS = ("backbone", "encoder", "decoder")


class NoDefault:
    """Stands for the default of a parameter that has none."""


class OtherDefault:
    """Stands for a default that is not a plain value, or that source does not tell."""


NO_DEFAULT = NoDefault()
OTHER_DEFAULT = OtherDefault()
_COMMON_DEFAULTS: dict[str | None, object] = {
    None: NO_DEFAULT,
    "None": None,
    "True": True,
    "False": False,
}


class WeightsParameter(Struct, frozen=True):
    """A parameter that chooses weights.

    Attributes:
        name: Its name.
        kind: "flag" for one that is true or false, "name" for one that names the weights, "path"
            for one that takes a file.
        is_part: Whether it is about a part of the model, such as its backbone.
        without: The value that leaves the weights out.
        with_weights: The value that asks for them; None when only the author knows one.
    """

    name: str
    kind: WeightsKind
    is_part: bool
    without: bool | None
    with_weights: object


def hash_in_name(file_name: str) -> str | None:
    """The digits that torch.hub takes for the hash in a file name; None when it finds none.

    They may be fewer than ``SHORTEST_HASH``, even none.

    Args:
        file_name: The name.
    """
    found = _HASH_IN_NAME.search(file_name)
    return found[1] if found else None


def weights_kind(name: str) -> WeightsKind | None:
    """How a parameter of that name chooses weights; None when it does not.

    Args:
        name: The parameter's name.
    """
    if name in _NAMES:
        return "name"
    if name in _PATHS:
        return "path"
    return "flag" if _FLAG_WORDS & set(name.lower().split("_")) else None


def weights_parameters(parameters: Iterable[tuple[str, object]]) -> tuple[WeightsParameter, ...]:
    """The parameters that decide together whether an entrypoint loads weights, the first one first.

    Where several choose the weights of the whole model (``pretrained`` beside ``weights``), one
    decides and the others keep their defaults. Parameters for parts of the model are set besides:
    a backbone has weights of its own.

    Args:
        parameters: Name and default of each parameter that can be passed by name; ``NO_DEFAULT``
            for a required one, ``OTHER_DEFAULT`` for a default that is not a plain value.
    """
    found = list(_find(parameters))
    whole = sorted((one for one in found if not one.is_part), key=_rank)
    return (*whole[:1], *(one for one in found if one.is_part))


def arguments_without_weights(parameters: Iterable[tuple[str, object]]) -> dict[str, bool | None]:
    """Keyword arguments that build a model without weights.

    Args:
        parameters: As for ``weights_parameters``.
    """
    return {one.name: one.without for one in weights_parameters(parameters)}


def arguments_with_weights(parameters: Iterable[tuple[str, object]]) -> dict[str, object] | None:
    """Keyword arguments that build a model with weights; None when only the author knows them.

    What decides on the whole model is set; parts keep their defaults, unless there is no other
    parameter.

    Args:
        parameters: As for ``weights_parameters``.
    """
    found = weights_parameters(parameters)
    deciding = [one for one in found if not one.is_part] or found
    if not deciding or any(one.with_weights is None for one in deciding):
        return None
    return {one.name: one.with_weights for one in deciding}


def read_defaults(parameters: Iterable[Parameter]) -> tuple[tuple[str, object], ...]:
    """Names and defaults of the parameters that choose weights, for ``weights_parameters``.

    Args:
        parameters: Parameters as they are written.
    """
    return tuple(
        (one.name, _parse_default(one.default))
        for one in parameters
        if not one.kind.startswith("var-") and weights_kind(one.name)
    )


def _parse_default(source: str | None) -> object:
    if source in _COMMON_DEFAULTS:
        return _COMMON_DEFAULTS[source]
    try:
        return ast.literal_eval(str(source))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return OTHER_DEFAULT


def _find(parameters: Iterable[tuple[str, object]]) -> Iterator[WeightsParameter]:
    for name, default in parameters:
        kind = weights_kind(name)
        if kind is None or (kind == "path" and isinstance(default, NoDefault)):
            continue  # A required file is nothing to choose: the caller must have one.
        is_part = any(part in name.lower() for part in _PARTS)
        is_flag = kind == "flag" and (isinstance(default, bool | NoDefault))
        yield WeightsParameter(
            name, kind, is_part, False if is_flag else None, _with_weights(default, is_flag=is_flag)
        )


def _with_weights(default: object, *, is_flag: bool) -> object:
    if is_flag:
        return True
    plain = default is not None and default is not False
    return default if plain and not isinstance(default, NoDefault | OtherDefault) else None


def _rank(one: WeightsParameter) -> int:
    return _ORDER.index(one.name) if one.name in _ORDER else 1
