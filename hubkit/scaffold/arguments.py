"""What a proposed entrypoint takes: what its model takes, as far as that can be written down."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis import read_docstring, write_literal
from hubkit.torchhub import LOAD_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Parameter
    from hubkit.scaffold.model_sources import Model

# ``github`` is what older versions of torch.hub.load called their first parameter.
_RESERVED = LOAD_PARAMETERS | {"github"}
# Names that mean the same in most repos, and a value that any of them takes.
_USUAL = {
    "3": "in_channels n_channels input_channels in_ch in_chans img_ch channels in_nc input_nc in_dim",
    "10": "num_classes n_classes n_class num_class class_num class_nums classes nclass nclasses",
    "1": "out_channels out_ch output_ch output_nc output_channels",
}
_USUAL_TEXTS = {
    "pretrained": "Load the trained weights.",
    "progress": "Show a bar while downloading.",
    "in_channels": "Channels of the input.",
    "num_classes": "How many classes there are.",
    "n_classes": "How many classes there are.",
}
_GUESSES = {name: value for value, names in _USUAL.items() for name in names.split()}
_PLAIN = re.compile(r"(?:int|float|str|bool)(?: \| None)?|None")


class Argument(Struct, frozen=True):
    """One parameter of a proposed entrypoint.

    Attributes:
        name: Its name.
        annotation: Its type; "" when that is not known.
        default: Source of its default; "" when it must be given.
        text: What its docstring says, in one line.
        by_position: Whether the model takes it by position only.
        trial: A value to try the model with, for one that must be given; else "".
    """

    name: str
    annotation: str
    default: str
    text: str
    by_position: bool = False
    trial: str = ""


def find_arguments(model: Model) -> tuple[Argument, ...] | str:
    """What an entrypoint for the model takes, or why there can be none.

    Args:
        model: What it builds.
    """
    if model.parameters is None:
        return "what it takes is not told by its source"
    texts = dict(read_docstring(model.docstring).parameters) if model.docstring else {}
    given = dict(model.example.arguments) if model.example else {}
    found: list[Argument] = []
    for parameter in model.parameters:
        if parameter.kind in ("var-positional", "var-keyword"):
            continue
        argument = _argument(parameter, texts.get(parameter.name, ""), given, model.name)
        if argument is None and parameter.required:
            return f"it must be given `{parameter.name}`"
        if argument is not None:
            found.append(argument)
    if find_extra(model):
        found += _extras(given, {one.name for one in model.parameters}, model.name)
    return tuple(sorted(found, key=lambda one: bool(one.default)))


def _extras(given: dict[str, str], known: set[str], builder: str) -> Iterator[Argument]:
    """What an example gives to a model's ``**`` parameter, without which it may not be built."""
    for name, default in given.items():
        if name not in known and name not in _RESERVED:
            text = f"Passed on to ``{builder}``."
            yield Argument(name, _annotation(None, default), default, text)


def _argument(
    parameter: Parameter, text: str, given: dict[str, str], builder: str
) -> Argument | None:
    """The entrypoint's parameter; None for one that cannot be written down, or must not be."""
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
    elif name in _GUESSES:
        trial = _GUESSES[name]
    else:
        return None
    if name == "pretrained" and default == "True":
        default = "False"  # as everybody who loads from the hub expects
    return Argument(
        name=name,
        annotation=_annotation(parameter.annotation, default or trial),
        default=default,
        text=_one_line(text) or _USUAL_TEXTS.get(name) or f"Passed on to ``{builder}``.",
        by_position=parameter.kind == "positional-only",
        trial=trial,
    )


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
    """Name of the ``**`` parameter that an entrypoint hands on; "" for none."""
    if model.config:
        return ""
    kinds = {one.kind: one for one in model.parameters or ()}
    extra = kinds.get("var-keyword")
    return "" if extra is None or extra.ignored else extra.name
