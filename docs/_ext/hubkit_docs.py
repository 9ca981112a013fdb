"""Writes the reference pages from hubkit itself, and links codes such as HUB105 to their pages."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from docutils import nodes

from hubkit.audit import tables
from hubkit.cli import main
from hubkit.commands.rules import CatalogEntry, read_catalog
from hubkit.config import tool_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_CODE = re.compile(r"\b(?:HUB[0-9]{3}|C[123][0-9]{2})\b")
_NOT_LINKED = (nodes.reference, nodes.literal_block, nodes.title)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension."""
    app.connect("builder-inited", _write_pages)
    app.connect("doctree-resolved", _link_codes)
    # After the theme has made its navigation.
    app.connect("html-page-context", _make_accessible, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_pages(app: Sphinx) -> None:
    root = Path(app.srcdir)
    pages = {
        **{_page_of(one.code): _render_entry(one) for one in read_catalog()},
        **{f"commands/{name}": text for name, text in _render_commands()},
        "audit-tables": "\n".join(_render_tables()),
        "configuration": _render_settings(tool_schema()),
    }
    for folder in ("rules", "checks", "commands"):
        for path in (root / folder).glob("*.md"):
            if f"{folder}/{path.stem}" not in pages:
                path.unlink()
    for name, text in pages.items():
        path = root / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        # An unchanged page keeps its time, so Sphinx does not read it again.
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _make_accessible(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Add what Sphinx and the theme lack for keyboards and screen readers."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    scrolls = r'<pre|<div class="table-wrapper[^"]*"'
    body = re.sub(f"({scrolls})>", r'\1 tabindex="0">', context.get("body", ""))
    # A table whose columns explain themselves has empty cells in place of headings.
    context["body"] = body.replace('<th class="head"><p></p></th>', "<td></td>")


def _page_of(code: str) -> str:
    return f"{'rules' if code.startswith('HUB') else 'checks'}/{code}"


def _render_entry(one: CatalogEntry) -> str:
    summary, _, rest = one.explanation.partition("\n")
    facts = (
        [
            f"**Severity:** {one.severity}",
            f"**Runs:** {'by default' if one.is_default else 'with `--preview`, or if selected'}",
            f"**Fix:** {one.fix or 'none'}",
        ]
        if one.kind == "rule"
        else [f"**Level:** {one.code[1]}", f"**{one.severity.capitalize()}**"]
    )
    use = (
        f"""```console
$ hubkit check --select {one.code}
```

To suppress a finding, see [Suppressing findings](../checking.md#suppressing-findings): `# hubkit: ignore[{one.code}] reason`.
"""
        if one.kind == "rule"
        else f"""```console
$ hubkit conform --select={one.code}
$ pytest --hubconf --hubconf-select={one.code}
```

To expect a failure, see [Configure an entrypoint](../conformance.md#configure-an-entrypoint): `expected = {{ {one.code} = "reason" }}`.
"""
    )
    return f"""---
orphan: true
---

# {one.code}: {one.slug}

{_escape(summary)}

{" · ".join(facts)} · [all rules and checks](../rules.md)

{_render_explanation(rest)}
## Use

{use}"""


def _render_explanation(text: str) -> str:
    """Markdown of an explanation: indented examples become code blocks."""
    blocks = re.split(r"\n((?: {4}.*(?:\n|\Z)|\n(?= {4}))+)", f"{text}\n")
    prose = map(_escape, blocks[::2])
    code = map(_render_code, blocks[1::2])
    return "\n".join(part for pair in zip_longest(prose, code, fillvalue="") for part in pair)


def _render_code(block: str) -> str:
    source = textwrap.dedent(block).strip("\n")
    try:
        ast.parse(source)
    except SyntaxError:
        return f"\n```text\n{source}\n```\n"
    return f"\n```python\n{source}\n```\n"


def _escape(line: str) -> str:
    """Markdown of a line of prose, in which only code is marked."""
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(part if part.startswith("`") else _escape_prose(part) for part in parts)


def _escape_prose(text: str) -> str:
    plain = text.replace("<", r"\<").replace("*", r"\*")
    return re.sub(r"--[a-z][\w-]*", r"`\g<0>`", plain)


def _render_commands() -> Iterator[tuple[str, str]]:
    context = click.Context(main, info_name="hubkit", **main.context_settings)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        yield name, "\n".join(_render(command, name, context))


def _render(command: click.Command, name: str, above: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above)
    path = _path_of(context)  # click's has the arguments of groups in it
    usage = command.collect_usage_pieces(context)
    yield f"{'#' * path.count(' ')} {path}\n"
    yield f"```text\n{path} {' '.join(usage)}\n```\n"
    for paragraph in (command.help or "").split("\n\n"):
        # click prints what follows \b as it is.
        is_verbatim = paragraph.startswith("\b\n")
        text = textwrap.dedent(paragraph.removeprefix("\b\n"))
        yield f"```text\n{text}\n```\n" if is_verbatim else f"{_escape(text)}\n"
    yield f"```{{program}} {path}\n```\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option):
            yield _render_option(*record)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from _render(found, below, context)


def _path_of(context: click.Context) -> str:
    above = f"{_path_of(context.parent)} " if context.parent else ""
    return f"{above}{context.info_name}"


def _render_option(spelling: str, text: str) -> str:
    names = spelling.replace(" / ", ", ")
    return f"````{{option}} {names}\n{_escape(text)}\n````\n"


def _render_settings(schema: dict[str, Any]) -> str:
    definitions = schema["definitions"]
    lines = [
        "# Configuration",
        "",
        "The settings are the table `[tool.hubkit]` in `pyproject.toml`, or the same keys in",
        "`hubkit.toml`, at the root of the repo. Having both is an error, and so is an unknown key.",
        "[Checking a repo](checking.md#configuration) and",
        "[The conformance suite](conformance.md#configure-an-entrypoint) show them in use.",
        "`hubkit.config.tool_schema()` returns the JSON Schema from which this page is made.",
        "",
        "## Settings of a repo",
        "",
        *_render_keys(schema["properties"]),
    ]
    for name, definition in definitions.items():
        title = definition.get("description", name).rstrip(".")
        lines += ["", f"## {title}", "", *_render_keys(definition["properties"])]
    return "\n".join(lines) + "\n"


def _render_tables() -> Iterator[str]:
    import docstring_parser

    yield "# Tables of an audit\n"
    yield f"The database of [`hubkit audit`](auditing.md), schema {tables.SCHEMA}."
    yield "Columns are null only where this says so.\n"
    for name, table in tables.TABLES.items():
        parsed = [docstring_parser.parse(part.__doc__ or "") for part in table.parts]
        yield f"## {name}\n\n{_escape(parsed[-1].short_description or '')}\n"
        yield "| column | type | |\n| --- | --- | --- |"
        about = {one.arg_name: one.description for part in parsed for one in part.params}
        for column, kind in tables.columns_of(name).items():
            text = " ".join((about[column] or "").split())
            yield f"| `{column}` | {kind} | {_escape(text)} |"
        yield ""
    yield "## Views\n\n| view | |\n| --- | --- |"
    for name, text in tables.VIEWS.items():
        yield f"| `{name}` | {_escape(text)} |"
    yield ""


def _render_keys(properties: dict[str, Any]) -> Iterator[str]:
    yield "| key | type | default | |"
    yield "| --- | --- | --- | --- |"
    for key, value in properties.items():
        default = json.dumps(value["default"]) if value.get("default") is not None else ""
        kind = " or ".join(dict.fromkeys(_kinds(value))).replace("|", "\\|")
        text = _escape(value.get("description", ""))
        yield f"| `{key}` | {kind} | {f'`{default}`' if default else ''} | {text} |"


def _kinds(value: dict[str, Any]) -> Iterator[str]:
    if "anyOf" in value:
        for one in value["anyOf"]:
            yield from _kinds(one)
    elif "enum" in value:
        yield " or ".join(f"`{json.dumps(one)}`" for one in value["enum"])
    elif "const" in value:
        yield f"`{json.dumps(value['const'])}`"
    elif "$ref" in value:
        yield "table"
    elif value.get("type") != "null":
        names = {"object": "table", "array": "list", "boolean": "true or false"}
        yield names.get(value.get("type", ""), value.get("type", "any value"))


def _link_codes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link each code of a rule or check in prose and tables to its page."""
    codes = {one.code for one in read_catalog()}
    for text in list(doctree.findall(nodes.Text)):
        found = [one for one in _CODE.finditer(text) if one[0] in codes]
        if found and not _is_within(text, _NOT_LINKED):
            _replace(app, docname, text, found)


def _is_within(text: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    node = text.parent
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def _replace(app: Sphinx, docname: str, text: nodes.Text, found: list[re.Match[str]]) -> None:
    node: nodes.Node = text
    if isinstance(text.parent, nodes.literal):
        # Code that is more than the code of a rule stays as it is.
        if found[0][0] != str(text):
            return
        node = text.parent
    parts: list[nodes.Node] = []
    last = 0
    for one in found:
        page = _page_of(one[0])
        label = node.deepcopy() if node is not text else nodes.Text(one[0])
        parts.append(nodes.Text(text[last : one.start()]))
        if page == docname:
            parts.append(label)
        else:
            uri = app.builder.get_relative_uri(docname, page)
            parts.append(nodes.reference("", "", label, refuri=uri, internal=True))
        last = one.end()
    parts.append(nodes.Text(text[last:]))
    node.parent.replace(node, [part for part in parts if part.astext()])
