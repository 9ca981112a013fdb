"""Commands and options that pages show exist, and examples parse."""

from __future__ import annotations

import ast
import json
import re
import shlex
import textwrap
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from hubkit._util.toml import parse_toml
from hubkit.cli import main
from hubkit.commands.doctor import _INTERNAL
from tests.doc_pages import DOCS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINES = {
    "console": r"^\$ (hubkit [^#\n]*)",
    "sh": r"^(hubkit [^#\n]*)",
    "yaml": r"- (hubkit [^#\n]*)",
}
PARSERS: dict[str, Callable[[str], object]] = {
    "python": ast.parse,
    "toml": parse_toml,
    "yaml": yaml.safe_load,
    "json": json.loads,
}
PLUGIN = (DOCS.parent / "pytest_hubkit" / "plugin.py").read_text("utf-8")


def find_fault(line: str) -> str:
    """What is wrong with a command: it does not exist, or one of its options."""
    # Where another program follows, the command ends.
    words = shlex.split(re.split(r" (?:&&|\|\|?|>+) ", line)[0])[1:]
    command: click.Command = main
    context = click.Context(main, info_name="hubkit", **main.context_settings)
    while isinstance(command, click.Group) and words and re.match("[a-z]", words[0]):
        name = words.pop(0)
        found = command.get_command(context, name)
        if found is None and any(isinstance(one, click.Argument) for one in command.params):
            break  # `audit` takes repos, or the name of a command
        if found is None:
            return f"{line}: no command {name!r}"
        context = click.Context(found, info_name=name, parent=context)
        command = found
    try:
        command.make_parser(context).parse_args(words)
    except click.NoSuchOption as error:
        return f"{line}: {error}"
    except click.BadOptionUsage:
        pass  # prose names an option without its value
    return ""


def commands_of(text: str) -> Iterator[str]:
    for language, block in FENCE.findall(text):
        yield from re.findall(LINES.get(language, r"(?!)"), block, re.MULTILINE)
    yield from re.findall(r"`(hubkit [^`]+)`", FENCE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_on_the_page_exists(page: Path) -> None:
    faults = map(find_fault, commands_of(page.read_text("utf-8")))
    assert not [fault for fault in faults if fault]


@pytest.mark.parametrize("line", ["hubkit chekc", "hubkit check --fixx", "hubkit cache lsx"])
def test_a_stale_command_is_noticed(line: str) -> None:
    assert find_fault(line).startswith(f"{line}: ")


def test_every_option_of_the_suite_on_a_page_exists() -> None:
    known = set(re.findall(r"--hubconf(?:-[a-z]+)*", PLUGIN))
    for page in PAGES:
        shown = re.findall(r"--hubconf(?:-[a-z]+)*", page.read_text("utf-8"))
        assert not set(shown) - known, page.name


def test_every_environment_variable_is_on_its_page() -> None:
    page = (DOCS / "environment.md").read_text("utf-8")
    source = "".join(path.read_text("utf-8") for path in (DOCS.parent / "hubkit").rglob("*.py"))
    names = set(re.findall(r'"(HUBKIT_[A-Z_]+)"', source))
    constants = set(re.findall(r"^(HUBKIT_[A-Z_]+)\b.* = ", source, re.MULTILINE))
    assert "HUBKIT_OFFLINE" in names
    assert not [name for name in names - constants - {*_INTERNAL} if f"`{name}" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_parses(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text("utf-8")):
        PARSERS.get(language, str)(textwrap.dedent(block))
