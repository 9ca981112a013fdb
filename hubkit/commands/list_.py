"""``hubkit list``: list the entrypoints of a repo without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_lines
from hubkit._util.text import align_columns

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Entrypoint, Hubconf


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--static", is_flag=True, help="Never run the hubconf, even if it defines names dynamically."
)
def command(repo: str, as_json: bool, static: bool) -> None:
    """List the entrypoints of a hub repo.

    The names are read from source code. Only if a hubconf in a local folder defines names
    dynamically, it is run in a child process.
    """
    from hubkit.commands.target import locate_target
    from hubkit.hubconf import read_repo, require_hubconf

    root = locate_target(repo)
    hubconf = require_hubconf(read_repo(root))
    rows = [_row(entrypoint) for entrypoint in hubconf.entrypoints]
    if hubconf.is_open and not static:
        rows += _made_at_run_time(repo, root, hubconf)
    if as_json:
        import json

        echo_lines(json.dumps({"entrypoints": rows, "is_open": hubconf.is_open}, indent=2))
        return
    for line in align_columns([(row["name"], row["summary"]) for row in rows]):
        echo(line)
    if not rows:
        echo(f"No entrypoints found in the source of {root}.", err=True)
    if hubconf.is_open:
        echo("This hubconf defines names dynamically, so the list may be incomplete.", err=True)


def _row(entrypoint: Entrypoint) -> dict[str, str]:
    summary = (entrypoint.docstring or "").strip().partition("\n")[0]
    return {"name": entrypoint.name, "kind": entrypoint.kind, "summary": summary}


def _made_at_run_time(repo: str, root: Path, hubconf: Hubconf) -> list[dict[str, str]]:
    """Rows for names that are defined dynamically; failures are printed to stderr."""
    from pathlib import Path

    from hubkit.errors import HubkitError
    from hubkit.runtime.probe import list_names

    if not Path(repo).expanduser().exists():
        echo(
            f"Not run, because it is not a local folder: {repo}. To run it, call hubkit.list.",
            err=True,
        )
        return []
    known = {entrypoint.name for entrypoint in hubconf.entrypoints}
    known |= {leak.name for leak in hubconf.leaks}
    try:
        names = list_names(root)
    except HubkitError as error:
        echo(f"Running the hubconf failed: {error.message}", err=True)
        return []
    return [{"name": name, "kind": "value", "summary": ""} for name in names if name not in known]
