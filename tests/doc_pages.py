"""Commands on pages of the docs, run as a reader types them, and the output that the page shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

from click.testing import CliRunner

from hubkit.cli import main
from tests.warm import run_python

DOCS = Path(__file__).parent.parent / "docs"
# What differs from one repo to another: hashes, numbers, and what the page leaves out.
VARIABLE = re.compile(r"(…)|([0-9a-f]{8,40})|(\d[\d,]*(?![\d.]))")
ELISION = "…\n"


def expected(lines: list[str]) -> str:
    """A regular expression for the output that the page shows."""
    return "".join(r"(?:.*\n)*?" if line == ELISION else _pattern(line) for line in lines)


def _pattern(line: str) -> str:
    parts, last = [], 0
    for found in VARIABLE.finditer(line):
        parts += [re.escape(line[last : found.start()])]
        parts += [".*" if found[1] else "[0-9a-f]+" if found[2] else r"[\d,]+"]
        last = found.end()
    return "".join([*parts, re.escape(line[last:])])


def read_commands(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a text, each with the lines that it shows below.

    Args:
        text: Console blocks; lines before the first command are not read.
    """
    commands: list[tuple[str, list[str]]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            commands.append((line.removeprefix("$ ").strip(), []))
        elif commands:
            commands[-1][1].append(line)
    return commands


def run(command: str, *, check: bool = True) -> str:
    """What a command prints, in the working directory.

    Args:
        command: The command, as typed.
        check: Whether a program other than hubkit must exit with 0.
    """
    program, *arguments = shlex.split(command, comments=True)
    if program == "hubkit" and arguments[0] == "conform":
        return run_python("-m", "hubkit", *arguments, check=check, warm_children=True).stdout
    if program == "hubkit":
        return CliRunner().invoke(main, arguments).output
    if program == "pytest":
        env = {**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
        arguments = ["-m", "pytest", *arguments]
        return run_python(*arguments, env=env, check=True, warm_children=True).stdout
    done = subprocess.run(
        ["bash", "-c", command],
        check=check,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout
