"""``hubkit stubs``: write typed functions for the entrypoints of a repo."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_data, note
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_repos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Hubconf
    from hubkit.loader.stubs import StubSource


@subcommand(answers=True)
@click.argument("repo", metavar="OWNER/NAME[:REF]|PATH", shell_complete=complete_repos)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the module to this file instead of standard output.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Exit with code 1 if the file is out of date, without writing it. Needs --output.",
)
@click.option(
    "--run",
    is_flag=True,
    help="Run the hubconf of a local folder to include names that it creates at run time.",
)
def command(repo: str, output: Path | None, *, check: bool, run: bool, as_json: bool) -> int:
    """Write a typed Python module for the entrypoints of a repo.

    The module has a function for each entrypoint, such as load_unet(pretrained=True), with the
    signature and docstring of the source. It loads the current commit of the ref with hubkit.load.
    No code of the repo is run.
    """
    from hubkit.analysis import read_repo, read_types, require_hubconf
    from hubkit.errors import UsageError
    from hubkit.loader.stubs import render_stubs

    if check and output is None:
        raise UsageError("--check needs the file to check", hint="Pass it: -o FILE --check")
    root, source = _locate(repo, output, run=run)
    facts = read_repo(root)
    hubconf = require_hubconf(facts)
    entrypoints = (*hubconf.listed, *_dynamic_entrypoints(repo, root, hubconf, run=run))
    text = render_stubs(source, entrypoints, read_types(facts.files, hubconf))
    state = _compare(output, text)
    if as_json:
        fields = {"repo": source.title, "path": output, "state": state, "module": text}
        print_answer({**fields, "entrypoints": [one.name for one in entrypoints]})
    if output is None:
        echo_data(text)
    elif check:
        return _report(output, state, source.command)
    else:
        _write(output, text)
    return 0


def _locate(repo: str, output: Path | None, *, run: bool) -> tuple[Path, StubSource]:
    """The folder to read, and the repo as the module names it."""
    from msgspec.structs import replace

    from hubkit.analysis import write_literal
    from hubkit.commands.target import is_own, locate_target, require_own_to_run
    from hubkit.hubdir import parse_repo
    from hubkit.loader.pins import fetch_current
    from hubkit.loader.stubs import StubSource

    if run:
        require_own_to_run(repo)
    if not is_own(repo):
        wanted = parse_repo(repo)
        cached = fetch_current(wanted)
        pinned = str(replace(wanted, ref=cached.sha))
        return cached.path, StubSource(
            pinned, f'"{pinned}"', f"hubkit stubs {shlex.quote(str(wanted))}"
        )
    root = locate_target(repo)
    folder = _relative(root, output.parent if output else Path())
    address = f"pathlib.Path(__file__).parent / {write_literal(repr(folder)) or repr(folder)}"
    options = " --run" if run else ""
    return root, StubSource(folder, address, f"hubkit stubs {shlex.quote(folder)}{options}")


def _relative(root: Path, start: Path) -> str:
    """The folder of a repo as seen from another folder, the same on every system."""
    try:
        path = Path(os.path.relpath(root.resolve(), start.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return root.resolve().as_posix()
    return path if path.startswith("..") else f"./{path}"


def _dynamic_entrypoints(
    repo: str, root: Path, hubconf: Hubconf, *, run: bool
) -> Iterator[Entrypoint]:
    """Entrypoints without a known signature, for names that are created at run time."""
    from hubkit.commands.list_ import find_dynamic_names, print_incomplete
    from hubkit.facts import Entrypoint, Location, Returns

    if hubconf.has_dynamic_names and not run:
        print_incomplete(repo)
    for name in find_dynamic_names(root, hubconf) if run else ():
        place = Location(hubconf.path)
        yield Entrypoint(name, "value", (), None, None, Returns("unknown"), place, place)


def _compare(output: Path | None, text: str) -> str:
    """Whether a file is what would be written: "current", "stale" or "missing"."""
    try:
        current = output.read_bytes() if output else None
    except OSError:
        current = None
    if current is None:
        return "missing"
    return "current" if current.replace(b"\r\n", b"\n") == text.encode() else "stale"


def _report(output: Path, state: str, command_line: str) -> int:
    """Print whether a file is up to date; returns the exit code."""
    if state == "current":
        note(f"{output} is up to date.")
        return 0
    what = "is missing" if state == "missing" else "is out of date"
    update = f"{command_line} -o {shlex.quote(output.name)}"
    echo(f"{output} {what}. To update it, run `{update}`.", err=True)
    return 1


def _write(output: Path, text: str) -> None:
    from hubkit._util.atomic import write_output
    from hubkit.errors import UsageError

    try:
        write_output(output, text)
    except OSError as error:
        raise UsageError(
            f"Cannot write {output}: {error.strerror}",
            hint="Choose a file in an existing, writable folder.",
        ) from None
    note(f"Wrote {output}.", err=False)
