"""Values that a repo gives to the parameters of its models, read as data: nothing runs.

They come from configuration files (YAML, JSON, TOML), from defaults of argparse, and from constants,
as in ``config.py``.
"""

from __future__ import annotations

import ast
import re
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit._util.parse import parse_json
from hubkit._util.toml import parse_toml
from hubkit.analysis.documents import parse_yaml
from hubkit.analysis.syntax import statements
from hubkit.analysis.values import write_expression, write_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hubkit.facts import Files
    from hubkit.scaffold.model_sources import Block

# Names that mean the same in most repos, with a value that works for all of them.
_USUAL = {
    "3": "in_channels n_channels input_channels in_ch in_chans img_ch channels in_nc input_nc in_dim",
    "10": "num_classes n_classes n_class num_class class_num class_nums classes nclass nclasses",
    "1": "out_channels out_ch output_ch output_nc output_channels",
}
GUESSES = {name: value for value, names in _USUAL.items() for name in names.split()}
_PARSERS: dict[str, Callable[[str], object]] = {
    "yaml": parse_yaml,
    "yml": parse_yaml,
    "json": parse_json,
    "toml": parse_toml,
}
# They describe packages, editors and data.
_OTHER_FILES = re.compile(
    r"(?:^|/)(?:\.[^/]*/|package(?:-lock)?\.json|pyproject\.toml|hubkit\.toml|mkdocs\.ya?ml"
    r"|environment\.ya?ml|docker-compose\.ya?ml|_config\.yml|composer\.json|tsconfig\.json)"
)
_CONFIG_MODULE = re.compile(
    r"(?:^|[/_])(?:configs?|configuration|cfgs?|conf|settings?|const(?:ant)?s?|opt(?:ion)?s?"
    r"|h?params?|parameters|hyper\w*|arg(?:ument)?s?|defaults?)(?:[/_]|\.py$)",
    re.IGNORECASE,
)
_LONGEST = 32  # parts of a list that may be an argument


class Values(Struct, frozen=True):
    """What configuration files say, each with its values by normalized name."""

    files: tuple[tuple[str, Mapping[str, str]], ...] = ()

    def find(self, name: str) -> str:
        """The source of the first value with a name; "" if there is none."""
        key = _normalize(name)
        return next((values[key] for _, values in self.files if key in values), "")

    def select(self, names: Iterable[str]) -> tuple[dict[str, str], ...]:
        """The values of each file for parameters, by their names or usual synonyms of them."""
        names = tuple(names)
        found = []
        for _, values in self.files:
            chosen = {name: text for name in names if (text := _look_up(values, name))}
            if chosen and chosen not in found:
                found.append(chosen)
        return tuple(found)


def _look_up(values: Mapping[str, str], name: str) -> str:
    if _normalize(name) in values:
        return values[_normalize(name)]
    usual = GUESSES.get(name, "")
    synonyms = _USUAL[usual].split() if usual else ()
    return next((values[_normalize(one)] for one in synonyms if _normalize(one) in values), "")


def _normalize(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def read_values(files: Files, blocks: Iterable[Block]) -> Values:
    """Read the values of a repo's configuration.

    Args:
        files: The repo's files.
        blocks: Its code.
    """
    found: dict[str, dict[str, str]] = {}
    for path, items in (*_read_files(files), *_read_blocks(blocks)):
        values = found.setdefault(path, {})
        for name, source in items:
            values.setdefault(_normalize(name), source)
    kept = ((path, values) for path, values in found.items() if values)
    return Values(tuple(sorted(kept, key=lambda one: (one[0].count("/"), one[0]))))


def _read_files(files: Files) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    paths = files.paths_ending(tuple(f".{ending}" for ending in _PARSERS))
    chosen = sorted(
        (path for path in paths if not _OTHER_FILES.search(path)),
        key=lambda path: (path.count("/"), path),
    )
    left = limits.CONFIG_TOTAL.most
    for path in chosen[: limits.CONFIG_FILES.most]:
        entry = files.entry(path)
        if entry is None or entry.kind != "file" or entry.size > limits.CONFIG_BYTES.most:
            continue
        left -= entry.size
        if left < 0:
            return
        try:
            value = _PARSERS[path.rpartition(".")[2].lower()](files.read_text(path))
        except ValueError:
            continue
        yield path, tuple(islice(_flatten(value), limits.CONFIG_VALUES.most))


def _flatten(root: object) -> Iterator[tuple[str, str]]:
    """The names and values at any depth; a list is a value if all its parts are."""
    pending, steps = [root], 0
    while pending and steps < limits.CONFIG_VALUES.most:
        value = pending.pop(0)
        steps += 1
        if isinstance(value, list):
            pending += [one for one in value if isinstance(one, dict | list)]
            continue
        for name, part in value.items() if isinstance(value, dict) else ():
            if isinstance(part, dict) and set(part) <= {"value", "desc"}:  # as W&B writes them
                part = part.get("value")  # noqa: PLW2901
            source = _write(part)
            if source:
                yield str(name), source
            elif isinstance(part, dict | list):
                pending.append(part)


def _write(value: object) -> str:
    if isinstance(value, list) and (
        not 0 < len(value) <= _LONGEST or any(isinstance(one, dict | list) for one in value)
    ):
        return ""
    return "" if value is None or isinstance(value, dict) else write_literal(repr(value))


def _read_blocks(blocks: Iterable[Block]) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    for block in blocks:
        if block.path.endswith(".py"):
            yield block.path, _read_options(block)
            yield block.path, _read_constants(block)


def _read_options(block: Block) -> Iterator[tuple[str, str]]:
    """The defaults of command line options."""
    for name in ("add_argument", "option"):
        for call in block.calls.get(name, ()):
            texts = [a.value for a in call.args if isinstance(a, ast.Constant)]
            named = {one.arg: one.value for one in call.keywords}
            source = write_expression(named["default"]) if "default" in named else None
            if source and source != "None":
                targets = [*texts, getattr(named.get("dest"), "value", None)]
                yield from ((text, source) for text in targets if isinstance(text, str))


def _read_constants(block: Block) -> Iterator[tuple[str, str]]:
    """Values that are assigned to names: all of them in a configuration, else constants."""
    takes_all = block.is_config or bool(_CONFIG_MODULE.search(block.path))
    for statement in statements(list(block.body), nested=False):
        match statement:
            case ast.Assign(targets=[target], value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pass
            case _:
                continue
        name = last_name(target)
        if name and (takes_all or name.isupper()):
            source = write_expression(value)
            if source and source != "None":
                yield name, source
        if takes_all or name.isupper():
            yield from _read_mapping(value)


def _read_mapping(node: ast.expr) -> Iterator[tuple[str, str]]:
    """The items of a dictionary, and of those in it."""
    match node:
        case ast.Dict(keys=keys, values=values):
            items = [(getattr(k, "value", None), v) for k, v in zip(keys, values, strict=True)]
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            items = [(one.arg, one.value) for one in keywords]
        case _:
            return
    for name, value in items:
        source = write_expression(value)
        if isinstance(name, str) and source and source != "None":
            yield name, source
        yield from _read_mapping(value)


def last_name(node: ast.AST | None) -> str:
    """The last name of an expression such as ``args.width`` or ``config["width"]``; else ""."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""
