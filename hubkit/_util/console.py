"""Printing. All output of hubkit is escaped here: it may quote repos, hosts and files."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from hubkit._util.colors import color_setting, join_painted
from hubkit._util.text import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    import click

# Commands of CI services in logs: `::name::` at the start of a line on GitHub, `##[name]` and
# `##vso[name]` anywhere in a line on GitHub and Azure.
_AT_START = re.compile(r"^(\s*):(?=:)")
_ANYWHERE = re.compile(r"##(?=\w*\[)")
_CI = ("GITHUB_ACTIONS", "TF_BUILD")
VERBOSITY = "hubkit.verbosity"
"""Where the running command keeps how much it prints: -1 with -q, 1 with -v, 2 with -vv."""
AS_JSON = "hubkit.as_json"
"""Where it keeps whether standard output belongs to one JSON object."""


_erase_status: Callable[[], object] | None = None


def set_status(erase: Callable[[], object] | None) -> None:
    """Set what removes a text that a terminal shows while something runs, before a line is printed."""
    global _erase_status  # noqa: PLW0603 - there is one terminal
    _erase_status = erase


class InvalidAnswerError(Exception):
    """An answer is not valid."""


def echo(*parts: object, err: bool = False) -> None:
    """Print one line; control characters are escaped, but for colors of painted parts.

    With ``--json``, standard output belongs to ``echo_json``: lines for people are notes then.

    Args:
        *parts: The line, in parts; see ``paint``.
        err: Whether to print to standard error.
    """
    import click

    if not err and _answers_json():
        if is_quiet():
            return
        err = True
    if _erase_status is not None:
        _erase_status()
    line = without_commands(join_painted(*parts))
    click.echo(line, err=err, color=color_setting())


def echo_json(document: Mapping[str, object]) -> None:
    """Print one JSON object in ASCII. Structs and paths are converted."""
    import json

    import click
    from msgspec import to_builtins

    data = to_builtins(document, str_keys=True, enc_hook=str)
    click.echo(without_commands(json.dumps(data, indent=2)))


def note(*parts: object, err: bool = True) -> None:
    """Print a line that is no result, warning or error: with ``-q`` it is not printed.

    Args:
        *parts: The line, in parts.
        err: Whether to print to standard error; commands that only do something say there what
            they did on standard output.
    """
    if not is_quiet():
        echo(*parts, err=err)


def detail(text: object, *, degree: int = 1) -> None:
    """Print a line on standard error only with ``-v``, or with ``-vv`` if the degree is 2."""
    if verbosity() >= degree:
        echo(text, err=True)


def is_quiet() -> bool:
    """Whether the running command prints only results, warnings and errors."""
    return verbosity() < 0


def verbosity() -> int:
    """-1 if the running command has ``-q``, 1 with ``-v``, 2 with ``-vv``; otherwise 0."""
    context = running_command()
    return context.meta.get(VERBOSITY, 0) if context else 0


def _answers_json() -> bool:
    context = running_command()
    return context is not None and context.meta.get(AS_JSON, False)


def running_command() -> click.Context | None:
    """The command that is running; None in a program that uses hubkit."""
    if "click" not in sys.modules:  # which takes longer to import than hubkit
        return None
    import click

    return click.get_current_context(silent=True)


def echo_lines(text: str, *, err: bool = False) -> None:
    """Print several lines. A final line feed does not add an empty line."""
    for line in text.removesuffix("\n").split("\n"):
        echo(line, err=err)


def echo_data(data: str | bytes) -> None:
    """Print the content of a file, or a patch: unchanged to a pipe or file, escaped on a terminal."""
    import click

    if _answers_json():
        return
    if sys.stdout.isatty():
        text = data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")
        data = printable_lines(text.replace("\r\n", "\n"))
    click.echo(data, nl=False)


def confirm(question: str) -> bool:
    """Ask on standard error whether to go on; by default not."""
    import click

    return click.confirm(printable(question), err=True)


def ask(question: str, default: str, check: Callable[[str], str]) -> str:
    """Ask on standard error until there is a valid answer.

    Args:
        question: The question.
        default: The answer to an empty line; "" requires one.
        check: Returns the answer, or raises ``InvalidAnswerError``.
    """
    import click

    def convert(text: str) -> str:
        try:
            return check(default if text == shown else text)
        except InvalidAnswerError as error:
            raise click.UsageError(printable(str(error))) from None

    shown = printable(default)
    answer: str = click.prompt(
        printable(question), default=shown or None, value_proc=convert, err=True
    )
    return answer


def write_line(stream: TextIO, line: str) -> None:
    """Write a line of a report. Its text must be escaped already, and may be colored."""
    stream.write(f"{without_commands(line)}\n")


def without_commands(line: str, *, always: bool = False) -> str:
    """The line, changed so that CI services do not run commands in it.

    Args:
        line: The line.
        always: Whether to change it outside of CI too.
    """
    if not always and not any(os.environ.get(name) for name in _CI):
        return line
    line = _AT_START.sub("\\1:\u200b", line)
    return _ANYWHERE.sub("##\u200b", line)
