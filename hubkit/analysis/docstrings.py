"""Read the parameters in a docstring of any style.

The only home of docstring_parser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hubkit import limits
from hubkit.facts import DocstringFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docstring_parser import Docstring

# The style of torch.hub's tutorial: "pretrained (bool): load weights", without a section header.
_TUTORIAL = re.compile(
    r"^(?:[-*]\s+)?[`*]*(\*{0,2}[A-Za-z_]\w*)[`*]*\s*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*)?:\s+(\S.*)$"
)
# A line of its own such as "Returns:"; what follows "Shape:" or "Example:" names no parameters.
_HEADER = re.compile(r"^#*\s*([A-Za-z]+)\s*:?$")
_PARAMETER_SECTIONS = frozenset(
    {"arg", "args", "argument", "arguments", "kwargs", "param", "params", "parameter", "parameters"}
)
_REMARKS = frozenset(
    {"returns", "return", "usage", "example", "examples", "note", "raises", "see", "url", "paper"}
)
_HEADERS = _PARAMETER_SECTIONS | {"return", "returns", "raise", "raises", "type", "rtype", "yields"}
_WIDEST_HEAD = 28
_WORD = re.compile(r"[A-Za-z_]\w*")


def read_docstring(text: str) -> DocstringFacts:
    """Read a docstring: Google, NumPy, Sphinx and Epydoc style, and the hub tutorial's.

    Args:
        text: The docstring, cleaned or not.

    Returns:
        What it says; ``mentions`` holds every word of it, for texts in no known style.
    """
    text = text[: limits.DOCSTRING.most]
    parsed = _parse(text)
    described = {**_tutorial_parameters(text), **_parsed_parameters(parsed)}
    returned = parsed.returns if parsed else None
    return DocstringFacts(
        summary=_summary(text),
        parameters=tuple((name, one.text) for name, one in described.items()),
        mentions=frozenset(_WORD.findall(text)),
        types={name: one.kind for name, one in described.items() if one.kind},
        returns=(returned.type_name if returned else None) or "",
    )


def render_docstring(text: str) -> str:
    """A docstring with its sections tidied; as it is where that would lose a word."""
    parsed = _parse(text)
    if parsed is None:
        return text
    blocks = [parsed.short_description or "", parsed.long_description or ""]
    parameters = [(one.arg_name, one.type_name, one.description) for one in parsed.params]
    blocks.append(_render_section("Parameters", parameters))
    returned = [
        (one.return_name or "", one.type_name, one.description) for one in parsed.many_returns
    ]
    blocks.append(_render_section("Returns", returned))
    raised = [(one.type_name or "", None, one.description) for one in parsed.raises]
    blocks.append(_render_section("Raises", raised))
    rendered = "\n\n".join(block for block in blocks if block.strip())
    lost = set(_WORD.findall(text)) - set(_WORD.findall(rendered))
    tidied = bool(parameters or returned or raised)
    return rendered if tidied and {word.lower() for word in lost} <= _HEADERS else text


def _render_section(title: str, entries: Sequence[tuple[str, str | None, str | None]]) -> str:
    """A heading, and below it each name with its type and description."""
    if not entries:
        return ""
    heads = [
        f"{name} ({kind})" if name and kind else name or kind or "" for name, kind, _ in entries
    ]
    width = min(max(len(head) for head in heads), _WIDEST_HEAD)
    lines = [f"{title}:"]
    for head, (_, _, description) in zip(heads, entries, strict=True):
        described = (description or "").strip().splitlines() or [""]
        gap = "  " if width else ""  # no entry has a name or a type
        lines.append(f"  {head:{width}}{gap}{described[0].strip()}".rstrip())
        lines += [f"  {'':{width}}{gap}{line.strip()}".rstrip() for line in described[1:]]
    return "\n".join(lines)


def _summary(text: str) -> str:
    paragraph: list[str] = []
    for line in text.strip().splitlines():
        if not line.strip():
            break
        paragraph.append(line.strip())
    return " ".join(paragraph)


class _Described(NamedTuple):
    """What a docstring says about a parameter: its description, and its type or ""."""

    text: str
    kind: str


def _parse(text: str) -> Docstring | None:
    import docstring_parser

    try:
        return docstring_parser.parse(text)
    except Exception:  # noqa: BLE001 - foreign text, and the parser's own slips
        return None


def _parsed_parameters(parsed: Docstring | None) -> dict[str, _Described]:
    found: dict[str, _Described] = {}
    for parameter in parsed.params if parsed else ():
        description = " ".join((parameter.description or "").split())
        # NumPy style allows "x1, x2 : Tensor" for several at once.
        for name in parameter.arg_name.split(","):
            if stripped := name.strip("*` "):
                found[stripped] = _Described(description, parameter.type_name or "")
    return found


def _tutorial_parameters(text: str) -> dict[str, _Described]:
    found: dict[str, _Described] = {}
    is_about_parameters = True
    # Stripped, so that no pattern tries all ways to share out a long run of blanks.
    for line in map(str.strip, text.splitlines()):
        if header := _HEADER.match(line):
            is_about_parameters = header[1].lower() in _PARAMETER_SECTIONS
            continue
        match = _TUTORIAL.match(line) if is_about_parameters else None
        if match and (match[2] is not None or _is_parameter_like(match[1])):
            described = _Described(match[3].strip(), match[2] or "")
            found.setdefault(match[1].lstrip("*"), described)
    return found


def _is_parameter_like(name: str) -> bool:
    """Whether "name: text" without a type is about a parameter rather than a remark."""
    return name.islower() and name not in _REMARKS
