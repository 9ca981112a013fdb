"""``hubkit list``: list the entrypoints of a repo without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_lines
from hubkit._util.text import align_columns

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.errors import HubkitError
    from hubkit.facts import Entrypoint, Hubconf


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--run",
    is_flag=True,
    help="Run the hubconf of a local folder to list names that it creates at run time.",
)
def command(repo: str, as_json: bool, run: bool) -> int:
    """List the entrypoints of a hub repo.

    The names are read from the source, without running it. If a hubconf in a local folder creates
    names at run time that the source does not show, --run lists them too by running it in a child
    process. If that fails, the exit code is 1.
    """
    from hubkit.analysis import read_repo, require_hubconf
    from hubkit.commands.target import is_own, locate_target
    from hubkit.errors import HubkitError, UsageError

    if run and not is_own(repo):
        raise UsageError(
            f"--run requires a folder, but {repo} is a repo on a git host",
            hint="In Python, hubkit.list(...) runs the hubconf of a trusted repo.",
        )
    root = locate_target(repo)
    hubconf = require_hubconf(read_repo(root))
    rows = [_row(entrypoint) for entrypoint in hubconf.listed]
    failure: HubkitError | None = None
    is_open = hubconf.has_dynamic_names
    if is_open and run:
        try:
            rows += _dynamic_rows(root, hubconf)
            is_open = False
        except HubkitError as error:
            failure = error
    if as_json:
        _write_json(rows, is_open=is_open, failure=failure)
    else:
        for line in align_columns([(row["name"], row["summary"]) for row in rows]):
            echo(line)
    _write_notes(rows, root, failure=failure, advise_run=is_own(repo) and not run, is_open=is_open)
    return 1 if failure else 0


def _row(entrypoint: Entrypoint) -> dict[str, str]:
    summary = (entrypoint.docstring or "").strip().partition("\n")[0]
    return {"name": entrypoint.name, "kind": entrypoint.kind, "summary": summary}


def _dynamic_rows(root: Path, hubconf: Hubconf) -> list[dict[str, str]]:
    """Rows for the names that only running the hubconf shows."""
    from hubkit.runtime.probe import list_names

    known = {*hubconf.names, *(leak.name for leak in hubconf.leaks)}
    names = [name for name in list_names(root) if name not in known]
    return [{"name": name, "kind": "value", "summary": ""} for name in names]


def _write_json(rows: list[dict[str, str]], *, is_open: bool, failure: HubkitError | None) -> None:
    import json

    document: dict[str, object] = {"entrypoints": rows, "is_open": is_open}
    if failure is not None:
        missing = [*getattr(failure, "missing", ())]
        document["error"] = {"message": failure.message, "missing": missing}
    echo_lines(json.dumps(document, indent=2))


def _write_notes(
    rows: list[dict[str, str]],
    root: Path,
    *,
    failure: HubkitError | None,
    advise_run: bool,
    is_open: bool,
) -> None:
    if failure is not None:
        echo(f"error: The hubconf could not be run: {failure.message}", err=True)
        if failure.hint:
            echo(f"hint: {failure.hint}", err=True)
    if is_open:
        advice = " To list all of them, pass --run, which runs the hubconf." if advise_run else ""
        short = "the list may be incomplete" if rows else "its source shows none"
        echo(f"This hubconf creates names at run time, so {short}.{advice}", err=True)
    elif not rows:
        echo(f"No entrypoints found in the source of {root}.", err=True)
