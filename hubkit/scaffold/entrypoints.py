"""The selected entrypoints, written as Python in the layout of the usual formatters."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.text import printable
from hubkit.analysis import distribution_name, is_stdlib, read_repo
from hubkit.scaffold.proposals import ALL, Leftover, sort_by_place
from hubkit.source import Overlay
from hubkit.torchhub import TORCH_MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Files, RepoFacts
    from hubkit.scaffold.discovery import Discovery
    from hubkit.scaffold.proposals import Argument, Proposal

_WIDTH = 88


def select_entrypoints(found: Discovery, files: Files, answer: str) -> Discovery:
    """Write the selected entrypoints, and find their dependencies.

    Those whose imports must fail become leftovers.

    Args:
        found: The target.
        files: Its files.
        answer: The entrypoints to publish, as `require_names` returns them.
    """
    names = answer.split(", ")
    chosen = [one for one in found.proposals if answer == ALL or one.name in names]
    failing = _find_failing(chosen, files) if chosen else {}
    kept = sort_by_place(one for one in chosen if one.model.module not in failing)
    facts = _read(write_code(kept).imports, files)
    modules = _find_dependencies(facts, (name for one in kept for name in one.model.late))
    left = [
        Leftover(one.name, one.model.module, failing[one.model.module])
        for one in chosen
        if one.model.module in failing
    ]
    return replace(
        found,
        entrypoints=kept,
        leftovers=(*found.leftovers, *left),
        code=write_code(kept, modules) if kept else None,
        dependencies=modules,
        install=tuple(distribution_name(one) for one in modules if one != "torch"),
    )


def _find_failing(chosen: Iterable[Proposal], files: Files) -> dict[str, str]:
    """Modules that cannot be imported, with the reasons."""
    failing: dict[str, str] = {}
    chosen = tuple(chosen)
    for module in dict.fromkeys(one.model.module for one in chosen):
        mine = [one for one in chosen if one.model.module == module]
        facts = _read(write_code(mine).imports, files)
        for one in facts.hubconf.own_imports if facts.hubconf else ():
            if one.missing and not one.guarded and not one.in_function:
                place = f"{one.location.path}, line {one.location.line}"
                failing.setdefault(module, f"{one.missing} ({place})")
    return failing


def _read(imports: str, files: Files) -> RepoFacts:
    text = f"{imports}\n"
    return read_repo(Overlay(files, {"hubconf.py": text.encode()}))


def _find_dependencies(facts: RepoFacts, late: Iterable[str]) -> tuple[str, ...]:
    """Modules from outside the repo that its models need, torch first."""
    imports = facts.hubconf.imports if facts.hubconf else ()
    names = {one.top for one in imports if not one.guarded} | set(late)
    needed = {
        name
        for name in names
        if name not in TORCH_MODULES and name not in facts.packages and not is_stdlib(name)
    }
    return ("torch", *sorted(needed))


class Code(Struct, frozen=True):
    """The parts of a hubconf, which templates combine.

    Attributes:
        imports: Its imports, with changes of the path for them.
        dependencies: The assignment of ``dependencies``.
        constants: Assignments that the functions use; "" if there are none.
        functions: The entrypoints.
    """

    imports: str
    dependencies: str
    constants: str
    functions: tuple[str, ...]


def write_code(proposals: Iterable[Proposal], dependencies: tuple[str, ...] = ("torch",)) -> Code:
    """Write entrypoints.

    Args:
        proposals: The entrypoints, in order.
        dependencies: The modules that they need.
    """
    proposals = tuple(proposals)
    aliases = _aliases(proposals)
    return Code(
        imports="\n".join(_import_block(proposals, aliases)),
        dependencies=_dependencies(dependencies),
        constants="\n".join(_constants(proposals)),
        functions=tuple(_function(one, aliases) for one in proposals),
    )


def write_builder(one: Proposal) -> tuple[str, str, str]:
    """The import block of a hubconf with one entrypoint, and the names in it that build the model.

    Args:
        one: The entrypoint.

    Returns:
        The block, the name of the function or class, and that of its configuration or "".
    """
    aliases = _aliases((one,))
    model = one.model
    config = aliases[model.module, model.config] if model.config else ""
    block = "\n".join(_import_block((replace(one, checkpoint=None),), aliases))
    return block, aliases[model.module, model.name], config


def _import_block(
    proposals: tuple[Proposal, ...], aliases: dict[tuple[str, str], str]
) -> Iterator[str]:
    roots = sorted({one.model.root for one in proposals if one.model.root})
    if roots:
        yield "import sys as _sys"
    if roots or any(one.checkpoint and one.checkpoint.path for one in proposals):
        yield from ("from pathlib import Path as _Path", "")
    yield "import torch as _torch"
    if any(one.checkpoint and one.checkpoint.is_safetensors for one in proposals):
        yield "from safetensors.torch import load_file as _load_file"
    yield ""
    if not roots:
        yield from _imports(aliases)
        return
    yield "# torch.hub puts the root of the repo on the path, and the modules lie below it."
    yield "_ROOT = _Path(__file__).parent"
    for index, root in enumerate(roots):
        yield _path_text(f"_PATH{index or ''}", _string(root))
        yield f"_sys.path.insert(0, _PATH{index or ''})"
    yield "try:"
    yield from (textwrap.indent(line, "    ") for line in _imports(aliases))
    yield "finally:"
    yield from (f"    _sys.path.remove(_PATH{index or ''})" for index in range(len(roots)))


def _aliases(proposals: Iterable[Proposal]) -> dict[tuple[str, str], str]:
    """The alias of each imported name in the hubconf, with a leading underscore."""
    wanted: dict[tuple[str, str], str] = {}
    taken = {"_torch", "_sys", "_Path", "_ROOT", "_load_file"}
    for one in proposals:
        for name in (one.model.name, one.model.config):
            key = (one.model.module, name)
            if not name or key in wanted:
                continue
            alias = f"_{name}"
            if alias in taken:
                alias = f"_{one.model.module.rpartition('.')[2]}_{name}"
            while alias in taken:
                alias += "_"
            taken.add(alias)
            wanted[key] = alias
    return wanted


def _imports(aliases: dict[tuple[str, str], str]) -> Iterator[str]:
    def order(item: tuple[tuple[str, str], str]) -> tuple[str, int, str]:
        (module, name), _ = item
        kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
        return module, kind, name

    for (module, name), alias in sorted(aliases.items(), key=order):
        line = f"from {module} import {name} as {alias}"
        if len(line) > _WIDTH:
            line = f"from {module} import (\n    {name} as {alias},\n)"
        yield line


def _constants(proposals: Iterable[Proposal]) -> Iterator[str]:
    proposals = tuple(proposals)
    has_root = any(one.model.root for one in proposals)
    if not has_root and any(one.checkpoint and one.checkpoint.path for one in proposals):
        yield "_ROOT = _Path(__file__).parent"
    for one in proposals:
        if one.checkpoint and one.checkpoint.url:
            yield _assignment(_url_name(one), _string(one.checkpoint.url))


def _dependencies(names: tuple[str, ...]) -> str:
    line = "dependencies = [" + ", ".join(_string(name) for name in names) + "]"
    if len(line) <= _WIDTH:
        return line
    return "dependencies = [\n" + "".join(f"    {_string(name)},\n" for name in names) + "]"


def _string(text: str) -> str:
    """A string literal, quoted as formatters do: files may have any name."""
    source = repr(text)
    plain = source.startswith("'") and '"' not in source and "\\'" not in source
    return f'"{source[1:-1]}"' if plain else source


def _path_text(name: str, folder: str) -> str:
    line = f"{name} = str(_ROOT / {folder})"
    if len(line) <= _WIDTH:
        return line
    inner = f"    _ROOT / {folder}"
    inner = inner if len(inner) <= _WIDTH else f"    _ROOT\n    / {folder}"
    return f"{name} = str(\n{inner}\n)"


def _assignment(name: str, value: str) -> str:
    line = f"{name} = {value}"
    if len(line) > _WIDTH >= len(value) + 4:
        return f"{name} = (\n    {value}\n)"
    return line


def _url_name(one: Proposal) -> str:
    return f"_{one.name.upper()}_URL"


def _function(one: Proposal, aliases: dict[tuple[str, str], str]) -> str:
    body = "\n".join(["", *_docstring(one), *_body(one, aliases)])
    return f"{_doubt(one)}{_signature(one)}{textwrap.indent(body, '    ', lambda line: bool(line.strip()))}\n"


def _doubt(one: Proposal) -> str:
    """A comment that says why an entrypoint is not verified; "" if it is."""
    if one.check.is_verified or not one.check.reason:
        return ""
    text = printable(f"Not verified: {one.check.reason}.")
    lines = textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "".join(f"{line}\n" for line in lines)


def _signature(one: Proposal) -> str:
    parts = [_parameter(argument) for argument in one.arguments]
    if one.checkpoint:
        first = next((i for i, a in enumerate(one.arguments) if a.default), len(parts))
        switches = ["pretrained: bool = False"]
        if one.checkpoint.url and not any(a.name == "progress" for a in one.arguments):
            switches.append("progress: bool = True")
        parts[first:first] = switches
    if one.extra:
        parts.append(f"**{one.extra}: object")
    flat = f"def {one.name}({', '.join(parts)}) -> _torch.nn.Module:"
    if len(flat) <= _WIDTH:
        return flat
    # A comma after **kwargs is fine since Python 3.6.
    lines = "".join(f"    {part},\n" for part in parts)
    return f"def {one.name}(\n{lines}) -> _torch.nn.Module:"


def _parameter(argument: Argument) -> str:
    name = f"{argument.name}: {argument.annotation}" if argument.annotation else argument.name
    if not argument.default:
        return name
    return f"{name} = {argument.default}" if argument.annotation else f"{name}={argument.default}"


def _docstring(one: Proposal) -> Iterator[str]:
    model = one.model
    summary, rest = _summary(one)
    yield f'"""{summary}'
    for paragraph in rest:
        yield ""
        yield from textwrap.wrap(paragraph, _WIDTH - 4)
    described = [(argument.name, argument.text) for argument in one.arguments]
    if one.checkpoint:
        where = "are in the repo" if one.checkpoint.path else "are downloaded"
        described.append(("pretrained", f"Load the trained weights, which {where}."))
        if one.checkpoint.url and not any(a.name == "progress" for a in one.arguments):
            described.append(("progress", "Show a progress bar."))
    if one.extra:
        described.append((f"**{one.extra}", f"Passed to ``{model.name}``."))
    if described:
        yield ""
        yield "Args:"
        for name, text in described:
            yield from textwrap.wrap(
                f"{name}: {text}", _WIDTH - 8, initial_indent="    ", subsequent_indent="        "
            )
    yield ""
    yield "Returns:"
    gives = model.gives if model.kind == "function" else f"{model.module}.{model.name}"
    yield f"    A ``{gives}`` in training mode."
    yield '"""'


def _summary(one: Proposal) -> tuple[str, tuple[str, ...]]:
    """A docstring's first line, and the paragraphs after it."""
    text = (one.model.docstring or "").partition("\n\n")[0]
    line = " ".join(text.split())
    usable = line.isprintable() and "\\" not in line and '"' not in line
    usable = usable and bool(line) and not re.match(r"[\W_]|\w+:\s", line)
    plain = f"Build ``{one.model.name}`` of ``{one.model.module}``."
    if not usable:
        return plain, ()
    line = line[0].upper() + line[1:]
    line = line if line[-1] in ".!?" else f"{line}."
    if len(line) <= _WIDTH - 8:
        return line, ()
    return plain, (line,) if len(line) <= 400 else ()


def _body(one: Proposal, aliases: dict[tuple[str, str], str]) -> Iterator[str]:
    model = one.model
    call = _call(one, aliases)
    if model.config:
        inner = call
        call = _wrapped(aliases[model.module, model.name], [inner])
    if one.checkpoint is None:
        yield f"return {call}"
        return
    yield f"model = {call}"
    yield "if pretrained:"
    yield from (textwrap.indent(line, "    ") for line in _load(one))
    yield "    model.load_state_dict(state)"
    yield "return model"


def _call(one: Proposal, aliases: dict[tuple[str, str], str]) -> str:
    model = one.model
    builder = aliases[model.module, model.config or model.name]
    parts = [a.name if a.by_position else f"{a.name}={a.name}" for a in one.arguments]
    parts.sort(key=lambda part: "=" in part)
    if one.extra:
        parts.append(f"**{one.extra}")
    return _wrapped(builder, parts)


def _wrapped(function: str, parts: list[str]) -> str:
    flat = f"{function}({', '.join(parts)})"
    if "\n" not in flat and len(f"    return {flat}") <= _WIDTH:
        return flat
    lines = "".join(f"{textwrap.indent(part, '    ')},\n" for part in parts)
    return f"{function}(\n{lines})"


def _load(one: Proposal) -> Iterator[str]:
    checkpoint = one.checkpoint
    assert checkpoint is not None  # noqa: S101 - called only with a checkpoint
    if checkpoint.url:
        yield "state = _torch.hub.load_state_dict_from_url("
        yield f"    {_url_name(one)},"
        yield '    map_location="cpu",'
        yield "    progress=progress,"
        yield f"    check_hash={checkpoint.has_hash},"
        yield "    weights_only=True,"
        yield ")"
        return
    place = _string(checkpoint.path)
    path = f"path = _ROOT.joinpath({place})"
    fits = len(path) <= _WIDTH - 8
    yield path if fits else f"path = _ROOT.joinpath(\n    {place},\n)"
    if checkpoint.is_safetensors:
        yield "state = _load_file(path)"
    else:
        yield 'state = _torch.load(path, map_location="cpu", weights_only=True)'
    if checkpoint.key:
        yield f"state = state[{_string(checkpoint.key)}]"
    if checkpoint.prefix:
        yield f"prefix = {_string(checkpoint.prefix)}"
        yield "state = {"
        yield "    name.removeprefix(prefix): value"
        yield "    for name, value in state.items()"
        yield "    if name.startswith(prefix)"
        yield "}"
