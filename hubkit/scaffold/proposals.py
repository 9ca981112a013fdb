"""Which of a repo's models to publish, under which names, with which parameters."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from hubkit.analysis import write_literal
from hubkit.scaffold.model_weights import Checkpoint, find_checkpoint, stem_of
from hubkit.scaffold.names import MAX_LENGTH, snake_case
from hubkit.scaffold.values import GUESSES
from hubkit.torchhub import LOAD_PARAMETERS, weights_defaults, weights_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Parameter
    from hubkit.scaffold.model_discovery import ModelDiscovery
    from hubkit.scaffold.model_sources import Model

_Draft: TypeAlias = "tuple[Model, tuple[Argument, ...]]"
# A longer torch.hub.list is hard to read. The others are printed and can be selected.
LIMIT = 16
# Answers that select all proposals, or none.
ALL, NONE = "all", "none"

_PARTS = re.compile(
    r"(?:Block|Layer|Attention|FeedForward|Encoder|Decoder|MLP|Norm|Embed(?:ding)?s?|Conv(?:\d\w*|BN\w*|Norm\w*|Act\w*|ReLU\w*)?|Head|Residual|Dropout"
    r"|Activation|GELU_?|Swish|Wrapper|Bottleneck|Critic|_?[Bb]lock|_?[Cc]onv|Pool(?:ing)?)(?:\d+[dD]?)?$"
    r"|^(?:Abstract|Base)[A-Z]"
)
_LOSS = re.compile(
    r"Loss(?![a-z])|Losses|(?:^|_)loss(?![a-z])|loss$|Criterion|Metrics?$|CrossEntropy"
    r"|(?:Accuracy|Error|Perplexity|IoU|IOU|PSNR|SSIM|Dice|MSE|MAE)$"
)
_LOSS_FILE = re.compile(r"(?i)(?:loss(?:es)?|metrics?|criteri(?:on|ons|a))(?:/|\.py$)")
# What a loss or a metric compares.
_TRUTH = re.compile(r"targets?|labels?|gts?|(?:ground_?)?truth|y_true|true_labels")
_PREDICTION = re.compile(
    r"pred\w*|outputs?|out|inputs?|inp|logits?|scores?|probs?|y_pred|y_hat|x|hypothesis"
)
# Parameters that take an object, whatever a configuration contains by that name.
_OBJECTS = re.compile(
    r"args|cfg|conf|configs?|configuration|hparams|opts?|options|params"
    r"|model|net|backbone|encoder|decoder|block|device"
)
# Older versions of torch.hub.load called their first parameter ``github``.
_RESERVED = LOAD_PARAMETERS | {"github"}
_USUAL_TEXTS = {
    "pretrained": "Load the trained weights.",
    "progress": "Show a progress bar.",
    "in_channels": "Channels of the input.",
    "num_classes": "Number of classes.",
    "n_classes": "Number of classes.",
}
_LIST = re.compile(r"(?:typing\.)?(?:list|tuple|sequence|iterable)\b", re.IGNORECASE)
# Sizes for arguments without a value, so that shapes can show what depends on them.
_SIZES = ("64", "32", "16", "8", "128")
_PLAIN = re.compile(r"(?:int|float|str|bool)(?: \| None)?|None")


class Check(Struct, frozen=True):
    """Whether an entrypoint works.

    Attributes:
        state: "loads" if it loads weights strictly, "builds" if it can be built and there are no
            weights for it, "fails" if its own code fails, else "unknown".
        reason: Why it is not verified.
        path: The file in the working tree whose weights it loads.
    """

    state: Literal["loads", "builds", "fails", "unknown"] = "unknown"
    reason: str = ""
    path: str = ""

    @property
    def rank(self) -> int:
        """The smaller, the better."""
        return ("loads", "builds", "unknown", "fails").index(self.state)

    @property
    def is_verified(self) -> bool:
        """Whether it was built, and loads the weights that the repo has for it."""
        return self.state in ("loads", "builds")


class Proposal(Struct, frozen=True):
    """A proposed entrypoint.

    Attributes:
        name: Its name for ``torch.hub.load``.
        model: The model that it builds.
        arguments: Its parameters, except ``pretrained``.
        extra: Name of the ``**`` parameter that it passes on; "" if there is none.
        checkpoint: Weights with its name, or those that it loads; None if there are none.
        check: Whether it works.
    """

    name: str
    model: Model
    arguments: tuple[Argument, ...]
    extra: str = ""
    checkpoint: Checkpoint | None = None
    check: Check = Check()

    @property
    def starts(self) -> tuple[dict[str, str], ...]:
        """Arguments that the repo shows, as source: its own, and those of calls and configuration."""
        guesses = iter(_SIZES)
        base = {
            one.name: one.default or one.trial or next(guesses, _SIZES[-1])
            for one in self.arguments
        }
        calls = (dict(one.arguments) for one in self.model.examples)
        found = [base]
        for shown in (*calls, *self.model.values, self.model.fallbacks):
            start = base | {name: text for name, text in shown.items() if name in base}
            if start not in found:
                found.append(start)
        return tuple(found)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Its example inputs in the notation of the configuration, with an axis for the batch."""
        example = self.model.example
        return _with_batch(example.inputs) if example else ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The lines of its table in the configuration."""
        lines = []
        trials = [(one.name, one.trial) for one in self.arguments if one.trial]
        if trials:
            given = ", ".join(f"{name} = {value}" for name, value in trials)
            lines.append(f"call = {{ {given} }}")
        if len(self.inputs) == 1:
            lines.append(f'input = "{self.inputs[0]}"')
        elif self.inputs:
            listed = ", ".join(f'"{one}"' for one in self.inputs)
            lines.append(f"input = [{listed}]")
        return tuple(lines)


_PART = "a part, judging by its name"


class Leftover(Struct, frozen=True):
    """A model that is not proposed, and the reason; without a module, all models of a file.

    If only numbers are missing, ``draft`` is its proposal without them: weights may show them.
    """

    name: str
    module: str
    reason: str
    draft: Proposal | None = None


def propose(discovery: ModelDiscovery) -> tuple[tuple[Proposal, ...], tuple[Leftover, ...]]:
    """Propose every model that can be an entrypoint, the best first, and list the others.

    Args:
        discovery: The models and weights of the repo.
    """
    drafts: list[_Draft] = []
    leftovers: list[Leftover] = []
    models = [one for one in discovery.models if not one.is_part or _is_published(one)]
    has_whole = any(not _why_not(one) for one in models)
    for model in models:
        reason = _why_not(model)
        if reason == _PART and not has_whole:
            reason = ""  # what looks like a part is all that the repo has
        arguments = reason or find_arguments(model)
        if isinstance(arguments, str):
            leftovers.append(Leftover(model.name, model.module, arguments))
        else:
            drafts.append((model, arguments))
    built = {one.gives for one, needs in drafts if one.kind == "function" and not _lacking(needs)}
    kept = [d for d in drafts if d[0].kind == "function" or d[0].gives not in built]
    ready = [draft for draft in kept if not _lacking(draft[1])]
    rest = [draft for draft in kept if _lacking(draft[1])]
    proposals: list[Proposal] = []
    incomplete: list[Proposal] = []
    spellings = _find_spellings(discovery)
    for name, model, arguments in _name([*_spread(ready), *rest], spellings):
        into = incomplete if _lacking(arguments) else proposals
        into.append(Proposal(name, model, arguments, find_extra(model)))
    for one in incomplete:
        reason = f"it requires `{_lacking(one.arguments)}`, and the repo shows no value for it"
        leftovers.append(Leftover(one.model.name, one.model.module, reason, one))
    # A class that functions build needs no entrypoint of its own.
    left = (one for one in leftovers if f"{one.module}.{one.name}" not in built)
    unread = (Leftover(path, "", reason) for path, reason in discovery.unread)
    return _with_weights(tuple(proposals), discovery), (*left, *unread)


def _lacking(arguments: Iterable[Argument]) -> str:
    """The first argument without a value; "" if all have one."""
    return next((one.name for one in arguments if not (one.default or one.trial)), "")


def suggest_names(proposals: tuple[Proposal, ...]) -> str:
    """The names of the best proposals that work as an answer, sorted by place."""
    working = [one for one in proposals if one.check.state != "fails"]
    return ", ".join(one.name for one in sort_by_place(working[:LIMIT])) or NONE


def sort_by_place(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Sort proposals by the file and the line of their models."""
    return tuple(
        sorted(proposals, key=lambda one: (one.model.location.path, one.model.location.line))
    )


def _is_published(model: Model) -> bool:
    """Whether a package exports it, and the repo shows how to build it."""
    offered = model.is_exported and model.example is not None
    return offered and not _PARTS.search(model.name)


def _why_not(model: Model) -> str:
    """Why a model is not for publishing, judged by its name; "" if it may be."""
    if _LOSS.search(model.name):
        return "a loss or a metric, judging by its name"
    if _LOSS_FILE.search(model.location.path):
        return "a loss or a metric, judging by its file"
    if all(any(map(kind.fullmatch, model.takes)) for kind in (_TRUTH, _PREDICTION)):
        return "a loss or a metric, judging by what it compares"
    if model.name.startswith("_"):
        return "its name starts with an underscore"
    if _PARTS.search(model.name) and not model.example:
        return _PART
    return ""


def _spread(
    drafts: Iterable[_Draft],
) -> Iterator[_Draft]:
    """The best of each file, then the second best of each, and so on."""
    shelves: dict[str, list[_Draft]] = {}
    for draft in sorted(drafts, key=_merit):
        shelves.setdefault(draft[0].location.path, []).append(draft)
    level = 0
    while any(len(shelf) > level for shelf in shelves.values()):
        yield from (shelf[level] for shelf in shelves.values() if len(shelf) > level)
        level += 1


def _merit(draft: _Draft) -> tuple[object, ...]:
    """The smaller, the better."""
    model, arguments = draft
    return (
        bool(_PARTS.search(model.name)),
        any(not one.default for one in arguments),
        not model.is_exported,
        model.example is None or not model.example.inputs,
        model.kind == "class",
        model.location.path.count("/"),
        model.location.path,
        model.location.line,
    )


def _find_spellings(discovery: ModelDiscovery) -> dict[str, str]:
    """How the repo spells names in lower case, without underscores: modules, functions, weights."""
    models = discovery.models
    paths = [one.location.path.removesuffix(".py") for one in models]
    texts = [
        *(part for path in paths for part in reversed(path.split("/"))),
        *(one.name for one in models if one.kind == "function"),
        *(stem_of(one.path) for one in discovery.weights),
        *(stem_of(url) for url, _ in discovery.urls),
    ]
    found: dict[str, str] = {}
    for text in texts:
        parts = re.split(r"[_-]+", text)
        for end in range(len(parts), 0, -1):
            spelling = "_".join(parts[:end])
            if spelling.isidentifier() and spelling.islower():
                found.setdefault(spelling.replace("_", ""), spelling)
    return found


def _name(
    drafts: Iterable[_Draft], spellings: dict[str, str]
) -> Iterator[tuple[str, Model, tuple[Argument, ...]]]:
    taken: set[str] = set()
    for model, arguments in drafts:
        for name in _names_for(model, spellings):
            usable = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
            if usable and name not in taken and len(name) <= MAX_LENGTH and name != "dependencies":
                taken.add(name)
                yield name, model, arguments
                break


def _names_for(model: Model, spellings: dict[str, str]) -> tuple[str, str]:
    """Possible names of a model: its own name, or one with the name of its file."""
    stem = model.location.path.removesuffix(".py").rpartition("/")[2].lower()
    own = model.name.strip("_")
    squashed = own.lower().replace("_", "")
    name = own.lower() if own.islower() else spellings.get(squashed) or snake_case(own)
    says_it = name.replace("_", "") in stem.replace("_", "")
    return name, (stem if says_it else f"{stem}_{name}").strip("_")


def _with_weights(
    proposals: tuple[Proposal, ...], discovery: ModelDiscovery
) -> tuple[Proposal, ...]:
    names = tuple(one.name for one in proposals)
    found = []
    for one in proposals:
        defaults = weights_defaults(one.model.parameters or ())
        has_switch = any(not part.is_part for part in weights_parameters(defaults))
        checkpoint = None if has_switch else find_checkpoint(one.name, names, discovery)
        found.append(replace(one, checkpoint=checkpoint))
    return tuple(found)


def _with_batch(inputs: tuple[str, ...]) -> tuple[str, ...]:
    sizes = {re.sub(r".*\[(\d+),.*", r"\1", one) for one in inputs}
    if len(sizes) == 1 and next(iter(sizes)).isdigit():
        return tuple(re.sub(r"\[\d+,", "[B,", one, count=1) for one in inputs)
    return inputs


class Argument(Struct, frozen=True):
    """One parameter of a proposed entrypoint.

    Attributes:
        name: Its name.
        annotation: Its type; "" if unknown.
        default: Source of its default; "" if it is required.
        text: Its description, in one line.
        by_position: Whether it is a positional-only parameter of the model.
        trial: A value for the conformance suite if it is required, else "".
    """

    name: str
    annotation: str
    default: str
    text: str
    by_position: bool = False
    trial: str = ""


def find_arguments(model: Model) -> tuple[Argument, ...] | str:
    """The parameters of an entrypoint for a model, or the reason why there can be none.

    Numbers for which the repo shows no value have neither a default nor a trial.

    Args:
        model: The model.
    """
    if model.parameters is None:
        return "its parameters are not known from the source"
    shown = dict(model.example.arguments) if model.example else {}
    given = _find_values(model) | shown
    found: list[Argument] = []
    for parameter in model.parameters:
        if parameter.kind in ("var-positional", "var-keyword"):
            continue
        argument = _argument(parameter, model.texts.get(parameter.name, ""), given, model.name)
        if argument is None and parameter.required:
            if _OBJECTS.fullmatch(parameter.name):
                return f"it requires `{parameter.name}`, an object: a hubconf needs plain arguments"
            return f"it requires `{parameter.name}`, and the repo shows no value for it"
        if argument is not None:
            found.append(argument)
    if find_extra(model):
        found += _extras(shown, {one.name for one in model.parameters}, model.name)
    return tuple(sorted(found, key=lambda one: bool(one.default)))


def _find_values(model: Model) -> dict[str, str]:
    """Values of plain parameters: from calls, from configuration, from the class that is built."""
    plain = [
        one.name
        for one in model.parameters or ()
        if not _OBJECTS.fullmatch(one.name)
        and (not one.annotation or _PLAIN.fullmatch(one.annotation) or _LIST.match(one.annotation))
    ]
    found: dict[str, str] = {}
    calls = (dict(one.arguments) for one in model.examples)
    for values in (*calls, *model.values, model.fallbacks):
        for name in plain:
            if name in values:
                found.setdefault(name, values[name])
    return found


def _extras(given: dict[str, str], known: set[str], builder: str) -> Iterator[Argument]:
    """Arguments that an example passes to a model's ``**`` parameter, which it may need."""
    for name, default in given.items():
        if name not in known and name not in _RESERVED:
            text = f"Passed to ``{builder}``."
            yield Argument(name, _annotation(None, default), default, text)


def _argument(
    parameter: Parameter, text: str, given: dict[str, str], builder: str
) -> Argument | None:
    """The parameter of the entrypoint; None if it cannot be written, or must not be."""
    name = parameter.name
    if name in _RESERVED or keyword.iskeyword(name) or name.startswith("_"):
        return None
    default, trial = "", ""
    if not parameter.required:
        default = write_literal(parameter.default or "")
        if not default:
            return None
    elif name in given:
        default = given[name]
    elif name in GUESSES:
        trial = GUESSES[name]
    elif _OBJECTS.fullmatch(name) or parameter.annotation not in (None, "int"):
        return None
    if name == "pretrained" and default == "True":
        default = "False"  # as in torch.hub's own models
    return Argument(
        name=name,
        annotation=_annotation(parameter.annotation, default or trial),
        default=default,
        text=_one_line(text) or _USUAL_TEXTS.get(name) or f"Passed to ``{builder}``.",
        by_position=parameter.kind == "positional-only",
        trial=trial,
    )


def set_default(argument: Argument, default: str) -> Argument:
    """The argument with another default, as source."""
    annotation = argument.annotation
    if not annotation or argument.default == "None":
        annotation = _annotation(annotation or None, default)
    return replace(argument, default=default, trial="", annotation=annotation)


def _annotation(annotation: str | None, default: str) -> str:
    if annotation and _PLAIN.fullmatch(annotation):
        fits = default != "None" or "None" in annotation
        return annotation if fits else f"{annotation} | None"
    if default in ("True", "False"):
        return "bool"
    if re.fullmatch(r"-?\d+", default):
        return "int"
    if re.fullmatch(r"-?[\d.]+(?:e-?\d+)?", default):
        return "float"
    return "str" if default[:1] in "\"'" and default else ""


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line or "\\" in line or '"' in line or not line.isprintable():
        return ""
    line = line[0].upper() + line[1:]
    return line if line[-1] in ".!?" else f"{line}."


def find_extra(model: Model) -> str:
    """Name of the ``**`` parameter that an entrypoint passes on; "" if there is none."""
    if model.config:
        return ""
    kinds = {one.kind: one for one in model.parameters or ()}
    extra = kinds.get("var-keyword")
    return "" if extra is None or extra.ignored else extra.name
