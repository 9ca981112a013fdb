"""``hubkit list``: list the entrypoints of a repo without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.colors import paint
from hubkit._util.console import echo, note
from hubkit._util.text import align_columns
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_repos

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Entrypoint, Hubconf


@subcommand(answers=True)
@click.argument(
    "repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]", shell_complete=complete_repos
)
@click.option(
    "--run",
    is_flag=True,
    help="Run the hubconf of a local folder to list names that it creates at run time.",
)
def command(repo: str, *, run: bool, as_json: bool) -> None:
    """List the entrypoints of a hub repo.

    The names are read from the source, without running it. If a hubconf in a local folder creates
    names at run time that the source does not show, --run lists them too by running it in a child
    process. If that fails, the exit code is 1.
    """
    from hubkit.analysis import read_repo, require_hubconf
    from hubkit.commands.target import locate_target, require_own_to_run

    if run:
        require_own_to_run(repo)
    root = locate_target(repo)
    hubconf = require_hubconf(read_repo(root))
    rows = [_row(entrypoint) for entrypoint in hubconf.listed]
    if run:
        names = find_dynamic_names(root, hubconf)
        rows += [{"name": name, "kind": "value", "summary": ""} for name in names]
    is_open = hubconf.has_dynamic_names and not run
    if as_json:
        print_answer({"entrypoints": rows, "is_open": is_open})
        return
    for line in align_columns([(paint(row["name"], "name"), row["summary"]) for row in rows]):
        echo(line)
    if is_open:
        print_incomplete(repo)
    elif not rows:
        note(f"No entrypoints found in the source of {root}.")


def _row(entrypoint: Entrypoint) -> dict[str, str]:
    return {"name": entrypoint.name, "kind": entrypoint.kind, "summary": entrypoint.summary}


def print_incomplete(repo: str) -> None:
    """Print that a hubconf may have more entrypoints than its source shows."""
    from hubkit.commands.target import is_own

    hint = " To list all of them, pass --run, which runs the hubconf." if is_own(repo) else ""
    echo(f"This hubconf creates names at run time, so the list may be incomplete.{hint}", err=True)


def find_dynamic_names(root: Path, hubconf: Hubconf) -> list[str]:
    """Names that only running a hubconf shows.

    Raises:
        ProbeError: The hubconf cannot be run.
    """
    from hubkit.runtime.probe import list_names

    if not hubconf.has_dynamic_names:
        return []
    known = {*hubconf.names, *(leak.name for leak in hubconf.leaks)}
    return [name for name in list_names(root) if name not in known]
