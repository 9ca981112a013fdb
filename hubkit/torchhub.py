"""What torch.hub itself does and expects, stated once.

The names and rules are those of torch/hub.py; ``weights_parameters`` states the convention that
authors of hub repos follow.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Protocol

    from hubkit.facts import Parameter

    class CallSettings(Protocol):
        """What an author declares about calls of an entrypoint, in ``[tool.hubkit.entrypoints]``.

        Attributes:
            call: Arguments of every call.
            untrained: Arguments that leave the weights out, False if there are none, None to go by the
                names of parameters.
            trained: Arguments that ask for weights, False if there are no weights, None to go by the
                names of parameters.
        """

        @property
        def call(self) -> Mapping[str, Any]: ...  # noqa: D102
        @property
        def untrained(self) -> Mapping[str, Any] | bool | None: ...  # noqa: D102
        @property
        def trained(self) -> Mapping[str, Any] | bool | None: ...  # noqa: D102


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

# The branches that torch.hub tries in this order if no ref is named.
DEFAULT_BRANCHES = ("main", "master")

# Top-level modules that the torch distribution installs.
TORCH_MODULES = frozenset({"torch", "functorch", "torchgen"})

# The hash in a checkpoint's file name (HASH_REGEX): torch.hub takes the first match.
_HASH_IN_NAME = r"-([a-f0-9]*)\."
SHORTEST_HASH = 8  # digits, as torch.hub's documentation asks for

# Keys under which training code saves a state dict, those to prefer first.
STATE_DICT_KEYS = (
    *("state_dict", "model_state_dict", "model", "net"),
    *("params_ema", "params", "weights", "ema"),
)

# How the names of checkpoints end, whatever their case: what torch.load reads, and all.
PICKLE_ENDING = r"\.(?:pth|pt|th|ckpt|bin|pkl|pickle)(?:\.tar)?"
CHECKPOINT_ENDING = rf"(?:{PICKLE_ENDING}|\.safetensors)"

WeightsKind = Literal["flag", "name", "path"]

# Parameters that are true or false, that name the weights, and that take a file. All other names
# with one of the words are flags.
SWITCH = "pretrained"  # the usual name
_FLAGS = (SWITCH, "pretrain", "load_weights", "use_weights", "with_weights")
_NAMES = ("weights", "weights_backbone")
_FILES = ("checkpoint", "ckpt", "weights", "weight", "pretrained", "pretrain", "model")
_PATHS = ("checkpoint", "ckpt", *(f"{one}_{end}" for one in _FILES for end in ("path", "file")))
_FLAG_WORDS = frozenset({"pretrained", "pretrain"})
# Where an entrypoint has several, the first of these decides; the others follow it.
_ORDER = (*_FLAGS[:2], "", *_NAMES, *_PATHS)
_PARTS = ("backbone", "encoder", "decoder")
# Annotations that say how to ask for weights: torchvision's enums have a member DEFAULT.
_ENUM = r"\w_Weights\b"
_LITERAL = r"Literal\[\s*(['\"])(.+?)\1"
_BOOL = r"\bbool\b"
_NOTHING = r"\b(None|False|Optional|bool)\b"
_ABOUT_WEIGHTS = r"(?i)pre_?train|weight|ckpt|checkpoint"  # compiled when used: loads do not ask


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


class ParameterDefault(Struct, frozen=True):
    """A parameter that can be passed by name.

    Attributes:
        name: Its name.
        default: Its default; ``NO_DEFAULT`` if it is required, ``OTHER_DEFAULT`` if source does not
            show a plain value.
        annotation: Text of its annotation.
    """

    name: str
    default: object
    annotation: str = ""


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
    found = re.search(_HASH_IN_NAME, file_name)
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
    words = set(name.lower().split("_"))
    return "flag" if name in _FLAGS or _FLAG_WORDS & words else None


def mentions_weights(text: str) -> bool:
    """Whether code, such as a condition, has a name that is about weights.

    Args:
        text: The source text.
    """
    return re.search(_ABOUT_WEIGHTS, text) is not None


def weights_parameters(parameters: Iterable[ParameterDefault]) -> tuple[WeightsParameter, ...]:
    """The parameters that decide together whether an entrypoint loads weights, the first one first.

    Where several choose the weights of the whole model (``pretrained`` beside ``weights``), one
    decides and the others keep their defaults. Parameters for parts of the model are set besides:
    a backbone has weights of its own.

    Args:
        parameters: The parameters that can be passed by name.
    """
    found = list(_find(parameters))
    whole = sorted((one for one in found if not one.is_part), key=_rank)
    return (*whole[:1], *(one for one in found if one.is_part))


def has_weights(parameters: Iterable[ParameterDefault], settings: CallSettings) -> bool:
    """Whether an entrypoint offers weights, as declared or else by the names of its parameters.

    Args:
        parameters: As for ``weights_parameters``.
        settings: What the author declares.
    """
    if settings.trained is not None:
        return settings.trained is not False
    return settings.untrained is False or bool(weights_parameters(parameters))


def arguments_without_weights(
    parameters: Iterable[ParameterDefault], settings: CallSettings
) -> dict[str, Any] | None:
    """Keyword arguments that build a model without weights; None if it cannot do without.

    Args:
        parameters: As for ``weights_parameters``.
        settings: What the author declares.
    """
    untrained = settings.untrained
    if untrained is None:
        untrained = {one.name: one.without for one in weights_parameters(parameters)}
    return None if isinstance(untrained, bool) else {**untrained, **settings.call}


def arguments_with_weights(
    parameters: Iterable[ParameterDefault], settings: CallSettings
) -> dict[str, Any] | None:
    """Keyword arguments that build a model with weights; None when only the author knows them.

    What decides on the whole model is set; parts keep their defaults, unless there is no other
    parameter.

    Args:
        parameters: As for ``weights_parameters``.
        settings: What the author declares.
    """
    call, trained = settings.call, settings.trained
    if isinstance(trained, bool):
        return None
    if trained is None:
        found = weights_parameters(parameters)
        deciding = [one for one in found if not one.is_part] or found
        trained = {one.name: call.get(one.name, one.with_weights) for one in deciding}
        is_known = bool(deciding) or settings.untrained is False
        if not is_known or any(one is None or one is False for one in trained.values()):
            return None
    return {**call, **trained}


def weights_defaults(parameters: Iterable[Parameter]) -> tuple[ParameterDefault, ...]:
    """The parameters that choose weights, for ``weights_parameters``.

    Args:
        parameters: Parameters as they are written.
    """
    return tuple(
        ParameterDefault(one.name, _parse_default(one.default), one.annotation or "")
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


def _find(parameters: Iterable[ParameterDefault]) -> Iterator[WeightsParameter]:
    for one in parameters:
        kind = weights_kind(one.name)
        if kind is None or not _may_choose(one, kind):
            continue
        is_part = any(part in one.name.lower() for part in _PARTS)
        is_flag = isinstance(one.default, bool) or (
            kind == "flag" and isinstance(one.default, NoDefault)
        )
        yield WeightsParameter(
            one.name,
            kind,
            is_part,
            False if is_flag else None,
            True if is_flag else _with_weights(one),
        )


def _may_choose(one: ParameterDefault, kind: WeightsKind) -> bool:
    if kind == "path":
        # A required file is nothing to choose: the caller must have one.
        return not isinstance(one.default, NoDefault)
    # `pretrained_window_sizes=[0, 0]` describes weights that are chosen elsewhere, and
    # `pretrain_data: Literal["a", "b"]` says which ones, but not whether.
    describes = isinstance(one.default, list | tuple | dict | set | int | float)
    always = re.search(_LITERAL, one.annotation) and not re.search(_NOTHING, one.annotation)
    return (
        one.name in (*_FLAGS, *_NAMES) or isinstance(one.default, bool) or not (describes or always)
    )


def _with_weights(one: ParameterDefault) -> object:
    """The value that asks for weights: the default, or what the annotation offers."""
    if one.default and not isinstance(one.default, NoDefault | OtherDefault):
        return one.default
    literal = re.search(_LITERAL, one.annotation)
    if literal:
        return literal[2]
    if re.search(_ENUM, one.annotation):
        return "DEFAULT"
    is_plain = not one.annotation and one.name in _FLAGS
    return True if re.search(_BOOL, one.annotation) or (is_plain and not one.default) else None


def _rank(one: WeightsParameter) -> int:
    return _ORDER.index(one.name if one.name in _ORDER else "")
