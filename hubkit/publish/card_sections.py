"""The parts of a model card that hubkit generates, as Markdown with line feeds only."""

from __future__ import annotations

import keyword
import math
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from hubkit._util.text import code_span, format_size, join_words, printable, table_row
from hubkit.analysis import read_docstring, render_signature
from hubkit.errors import UsageError
from hubkit.publish.card_facts import summarize
from hubkit.torchhub import arguments_with_weights, has_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hubkit.config import EntrypointConfig
    from hubkit.facts import Entrypoint
    from hubkit.publish.card_facts import CardFacts, Checkpoint

# What Markdown takes for HTML, or for an automatic link.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NAMES_SHOWN = 6
_SHA256_DIGITS = 64
_TENSOR = re.compile(r"f(?:16|32|64)\[([\w, ]+)\](?: in \[0, ?1\])?")
_MULTIPLE = re.compile(r"(\d+)n")
_IMAGE_SIZE = 224  # pixels
_WIDTH = 88  # the line length of common formatters
_MOST_ELEMENTS = 50_000_000  # so that the snippet runs on any machine
CONFORMANCE = "conformance"
TITLES = {
    "usage": "Usage",
    "entrypoints": "Entrypoints",
    "weights": "Weights",
    "dependencies": "Dependencies",
    CONFORMANCE: "Conformance",
}


def render_usage(facts: CardFacts) -> str:
    """Python that loads one entrypoint, and runs it if its input is declared.

    The entrypoint is that of the current snippet, else the first one with pretrained weights, else
    the first one that can be called. Unknown details are left out.

    Raises:
        UsageError: The name of the repo is unknown.
    """
    source = facts.source
    if not source.repo:
        raise UsageError(
            "The name of this repo on GitHub is unknown",
            hint="Pass --repo OWNER/NAME, or add a git remote: git remote add origin URL",
        )
    at = f"{source.repo}:{source.ref}" if source.ref else source.repo
    entry = _select(facts)
    code = write_usage(facts, entry, Loading("torch.hub", at)) if entry else ""
    code = code or f'import torch\n\nprint(torch.hub.list("{at}"))'
    return f"```python\n{code}\n```\n"


class Loading(Struct, frozen=True):
    """How a snippet loads a repo.

    Attributes:
        module: The module with ``load``: "torch.hub" or "hubkit".
        repo: What it loads, such as "owner/name:v1.0".
        options: Arguments of ``load`` itself.
        width: The length from which on lines are broken.
    """

    module: str
    repo: str
    options: dict[str, object] = {}
    width: int = _WIDTH


def write_usage(facts: CardFacts, entry: Entrypoint, loading: Loading) -> str:
    """Python that loads an entrypoint, and runs it if its input is declared.

    Returns:
        The code; "" if only the author knows its arguments.
    """
    arguments = arguments_of(facts, entry)
    if arguments is None:
        return ""
    imports = [f"import {loading.module.partition('.')[0]}"]
    config = facts.config.entrypoint(entry.name)
    lines = _load_lines(loading, entry, {**arguments, **loading.options}, config)
    if "import torch" not in imports and any("torch." in line for line in lines):
        imports.append("import torch")
    return "\n".join([*imports, "", *lines])


def render_arguments(facts: CardFacts, source: str) -> str:
    """The arguments with which ``load`` loads the entrypoint of the snippet."""
    entry = _select(facts)
    if entry is None:
        return f'"{source}", "{facts.entrypoints[0].name if facts.entrypoints else "ENTRYPOINT"}"'
    return render_call(source, entry, arguments_of(facts, entry) or {})


def render_call(source: str, entry: Entrypoint, arguments: Mapping[str, object]) -> str:
    """The arguments with which ``load`` calls an entrypoint."""
    return ", ".join(_load_arguments(source, entry, arguments))


def arguments_of(facts: CardFacts, entry: Entrypoint) -> Mapping[str, object] | None:
    """The arguments that build an entrypoint with its weights; None if some are unknown."""
    config = facts.config.entrypoint(entry.name)
    if entry.parameters is None:
        return None
    arguments = arguments_with_weights(weights_defaults(entry.parameters), config)
    if arguments is None:
        arguments = dict(config.call)
    missing = any(one.required and one.name not in arguments for one in entry.parameters)
    # What the default asks for need not be spelled out.
    defaults = {one.name: one.default for one in entry.parameters}
    shown = {
        name: value
        for name, value in arguments.items()
        if name in config.call or defaults.get(name) != repr(value)
    }
    return None if missing else shown


def render_entrypoints(facts: CardFacts) -> str:
    """Each entrypoint with its signature, its summary and the meaning of its parameters."""
    lines = [line for entry in facts.entrypoints for line in _entrypoint_lines(entry)]
    if facts.has_dynamic_names:
        more = "more names" if lines else "its names"
        lines += [
            *([""] if lines else []),
            f"`hubconf.py` creates {more} at run time. `torch.hub.list` lists them.",
        ]
    return "\n".join(lines or ["None."]) + "\n"


def render_dependencies(facts: CardFacts) -> str:
    """What must be installed, and the command that does it."""
    if not facts.dependencies:
        return "`hubconf.py` declares no dependencies.\n"
    listed = join_words(map(code_span, facts.dependencies))
    packages = printable(shlex.join(facts.packages))
    return f"Loading imports {listed}.\n\n```sh\npip install {packages}\n```\n"


def render_weights(facts: CardFacts) -> str:
    """A table of the checkpoints that entrypoints load."""
    if not facts.checkpoints:
        return "No weights were found in the source.\n"
    known = [one for one in facts.checkpoints if one.url or one.path or one.sha256]
    lines = _weights_table(known) if known else []
    unknown = [one.entrypoint for one in facts.checkpoints if one not in known]
    if unknown:
        weights = "More weights" if known else "Weights"
        named = [code_span(name) for name in unknown if name]
        entrypoints = f" for {join_words(named, most=_NAMES_SHOWN)}" if named else ""
        lines += [
            *([""] if lines else []),
            f"{weights} are downloaded{entrypoints} from URLs that the code computes.",
        ]
    return "\n".join(lines) + "\n"


def escape_html(text: str) -> str:
    """The text on one line. Markdown keeps its meaning, but HTML and comments are escaped."""
    words = printable(" ".join(text.split()))
    return _TAG.sub("&lt;", words).replace("-->", "--&gt;")


def _select(facts: CardFacts) -> Entrypoint | None:
    """The entrypoint to show; None if none can be called with known arguments."""
    usable = [entry for entry in facts.entrypoints if arguments_of(facts, entry) is not None]
    named = (entry for entry in usable if entry.name == facts.source.entrypoint)
    pretrained = (
        entry
        for entry in usable
        if has_weights(
            weights_defaults(entry.parameters or ()), facts.config.entrypoint(entry.name)
        )
    )
    return next(named, None) or next(pretrained, None) or next(iter(usable), None)


def _load_lines(
    loading: Loading, entry: Entrypoint, arguments: Mapping[str, object], config: EntrypointConfig
) -> list[str]:
    parts = _load_arguments(loading.repo, entry, arguments)
    is_model = config.kind in (None, "model") and entry.returns.shape != "other"
    line = f"model = {loading.module}.load({', '.join(parts)})"
    lines = [line]
    if len(line) > loading.width:
        lines = [f"model = {loading.module}.load(", *(f"    {one}," for one in parts), ")"]
    if not is_model:
        return [lines[0].replace("model =", "loaded =", 1), *lines[1:]]
    if config.kind or config.input or entry.returns.shape == "module":
        lines.append("model.eval()")
    inputs = _input_lines(config)
    if inputs:
        lines += ["", *inputs, "with torch.inference_mode():", "    output = model(inputs)"]
    return lines


def _load_arguments(source: str, entry: Entrypoint, arguments: Mapping[str, object]) -> list[str]:
    # The configuration may contain any key; one that is not an identifier needs a mapping.
    named = (
        f"{key}={value!r}"
        if key.isidentifier() and not keyword.iskeyword(key)
        else f"**{{{key!r}: {value!r}}}"
        for key, value in arguments.items()
    )
    return [f'"{source}"', f'"{entry.name}"', *named]


def _input_lines(config: EntrypointConfig) -> list[str]:
    """The line that creates an input such as the declared one; empty if that takes more."""
    if not isinstance(config.input, str):
        return []
    found = _TENSOR.fullmatch(config.input.strip())
    sizes = [_axis_size(one.strip(), config) for one in found[1].split(",")] if found else []
    known = [size for size in sizes if size]
    if not sizes or len(known) < len(sizes) or math.prod(known) > _MOST_ELEMENTS:
        return []
    function = "rand" if " in " in config.input else "randn"
    return [f"inputs = torch.{function}({', '.join(map(str, known))})  # {config.input.strip()}"]


def _axis_size(axis: str, config: EntrypointConfig) -> int | None:
    if axis.isdecimal():
        return int(axis)
    if axis == "B":
        return 1
    declared = config.dims.get(axis)
    if isinstance(declared, int):
        return declared
    multiple = _MULTIPLE.fullmatch(declared or "")
    return int(multiple[1]) * max(1, _IMAGE_SIZE // int(multiple[1])) if multiple else None


def _entrypoint_lines(entry: Entrypoint) -> Iterator[str]:
    summary = escape_html(summarize(entry.docstring))
    yield f"- {code_span(render_signature(entry))}{': ' if summary else ''}{summary}"
    described = dict(read_docstring(entry.docstring).parameters) if entry.docstring else {}
    for parameter in entry.parameters or ():
        if described.get(parameter.name):
            yield f"  - {code_span(parameter.name)}: {escape_html(described[parameter.name])}"


def _weights_table(checkpoints: list[Checkpoint]) -> list[str]:
    has_params = any(one.params is not None for one in checkpoints)
    heads = ["entrypoint", *(["parameters"] if has_params else []), "file", "size", "sha256"]
    lines = [table_row(heads), table_row(["---"] * len(heads))]
    for one in checkpoints:
        params = [f"{one.params:,}" if one.params is not None else ""] if has_params else []
        size = format_size(one.size) if one.size is not None else ""
        entrypoint = code_span(one.entrypoint) if one.entrypoint else ""
        lines.append(table_row([entrypoint, *params, _file_cell(one), size, _digest(one.sha256)]))
    return lines


def _file_cell(one: Checkpoint) -> str:
    if one.path:
        return f"{code_span(one.path)}, in the repo"
    if not one.url:
        return ""
    # All characters with a meaning in Markdown are quoted.
    target = quote(one.url, safe="/:?#@!$&+,;=%~")
    return f"[{code_span(one.name)}]({target})"


def _digest(sha256: str) -> str:
    if len(sha256) < _SHA256_DIGITS:
        return code_span(f"{sha256}…") if sha256 else ""
    return code_span(sha256)


# In the order of a new card. The part that needs a conformance report is not among them.
SECTIONS: dict[str, Callable[[CardFacts], str]] = {
    "usage": render_usage,
    "entrypoints": render_entrypoints,
    "weights": render_weights,
    "dependencies": render_dependencies,
}
