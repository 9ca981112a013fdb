"""Errors are sentences: a capital letter and a period, wherever they are raised."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest
from click.testing import CliRunner

import hubkit.errors
from hubkit._util.text import end_sentence, suggest
from hubkit.cli import main
from hubkit.commands.base import Choice
from hubkit.errors import HubkitError
from tests.commands.tree import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ERRORS = {name for name in dir(hubkit.errors) if name.endswith("Error")} | {"BadParameter"}
# Names, which are written as they are, and what is code.
NAMES = re.compile(r"(?:git|hubkit|torch|trust_repo|check_hash)\b")
VALUE = "\0"


class Raised(NamedTuple):
    """A call that makes an error, and the texts that it is made of; a value is a NUL."""

    place: str
    message: str
    hint: str


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may have."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(one.value) if isinstance(one, ast.Constant) else VALUE for one in parts
            )
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)


@cache
def raised() -> tuple[Raised, ...]:
    return tuple(_find_raised())


def _find_raised() -> Iterator[Raised]:
    for package in ("hubkit", "pytest_hubkit"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                if _name(node.func) not in ERRORS:
                    continue
                hints = [
                    text for one in node.keywords if one.arg == "hint" for text in texts(one.value)
                ]
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                for message in texts(node.args[0]):
                    yield Raised(place, message, next(iter(hints), ""))


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_errors_are_found() -> None:
    assert len(raised()) > 200


@pytest.mark.parametrize("part", ["message", "hint"])
def test_errors_start_with_a_capital_letter(part: str) -> None:
    found = [(one.place, getattr(one, part)) for one in raised()]
    assert not [
        (place, text) for place, text in found if text[:1].islower() and not NAMES.match(text)
    ]


def test_hints_are_sentences_or_end_with_something_to_copy() -> None:
    """A period behind a command would be copied with it."""
    assert not [
        (one.place, one.hint)
        for one in raised()
        if one.hint and not re.search(r"[.?!:`\0\n]\Z|: .*\Z|=\S*\Z", one.hint)
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Cannot read x", "Cannot read x."),
        ("It is there.", "It is there."),
        ("Is it there?", "Is it there?"),
        ("See https://a.example/b", "See https://a.example/b"),
        ("It said:\n  no", "It said:\n  no"),
        ("", ""),
    ],
)
def test_a_missing_period_is_added(text: str, sentence: str) -> None:
    assert end_sentence(text) == sentence
    assert HubkitError(text).message == sentence
    assert end_sentence(sentence) == sentence


def test_a_similar_option_is_suggested_and_few_others_are_listed() -> None:
    assert suggest("sarfi", ("json", "sarif")) == "Did you mean `sarif`?"
    assert suggest("xyz", ("json", "sarif")) == "Choose one of json or sarif."


def test_every_choice_of_every_command_suggests_a_similar_one() -> None:
    choices = [
        (name, one)
        for name, command in COMMANDS.items()
        for one in command.params
        if isinstance(one.type, click.Choice)
    ]
    assert choices
    for name, one in choices:
        assert isinstance(one.type, Choice), f"use Choice of hubkit/commands/base.py in {name}"
        value = f"{one.type.choices[0]}x"
        option = [one.opts[0]] if isinstance(one, click.Option) else []
        done = CliRunner().invoke(main, [*name.split(), *option, value])
        assert f"Did you mean `{one.type.choices[0]}`?" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("check --bog", "No such option: --bog.", "hint: "),
        ("check --selct x", "No such option: --selct.", "hint: Did you mean `--select`?"),
        ("-q list", "No such option: -q.", "hint: Write it after the command: main COMMAND -q"),
        ("chek", "No such command: 'chek'.", "hint: Did you mean `check`?"),
        ("cache lss", "No such command: 'lss'.", "hint: Did you mean `ls`?"),
        ("cache rm", "Missing argument 'TARGET...'.", "hint: For its options, run: "),
        ("release --level 9", "Invalid value for '--level': 9 is not in", "hint: For its options"),
        ("check --fail-on eror", "'eror' is unknown. Did you mean `error`?", "hint: "),
        ("check --select HUBX1", "Unknown rule: HUBX1.", "hint: Did you mean `HUB"),
        ("check --config preveiw=true", "unknown key 'preveiw'.", "hint: Did you mean `preview`?"),
        ("explain undeclared-imprt", "Unknown rule or check: ", "hint: Did you mean `HUB105`"),
        ("init --template minmal", "Template not found: 'minmal'.", "hint: Did you mean `minimal`?"),
        ("init --defaults --tempate x", "No such option: --tempate.", "hint: Did you mean `--template`?"),
        ("init x --defaults -a licens=MIT", "does not use `licens`.", "hint: Did you mean `license`?"),
        ("init x --defaults --weights bot", "'bot' is not one of both, in-repo", "hint: Did you mean `both`?"),
        ("help . nett", "'nett' is not in the hubconf.", "hint: Did you mean `net`?"),
        pytest.param(
            "conform . nett", "'nett' is not in the hubconf.", "hint: Did you mean `net`?",
            marks=pytest.mark.torch,
        ),
        ("card --entrypoint nett", "'nett' is not in the hubconf.", "hint: Did you mean `net`?"),
        ("card --repo a/b --add usge", "Unknown part of a card: 'usge'.", "hint: Did you mean `usage`?"),
    ],
)  # fmt: skip
def test_a_misspelled_name_is_an_error_with_a_suggestion(
    line: str, error: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hubconf.py").write_text('def net():\n    """A net."""\n    return 1\n')
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, line.split())
    assert done.exit_code in (1, 2)
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert first.endswith((".", "?"))
    assert second.startswith(hint)


def test_a_group_alone_prints_its_help() -> None:
    done = CliRunner().invoke(main, ["cache"])
    assert "Commands:" in done.output
    assert "error:" not in done.output
