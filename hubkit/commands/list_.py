"""``hubkit list``: the entrypoints of a repo, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Entrypoint, Hubconf


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--run", is_flag=True, help="Run the hubconf of a folder for names made at run time.")
def command(repo: str, as_json: bool, run: bool) -> None:
    """List the entrypoints of a hub repo.

    Reads source and runs nothing. If a hubconf in a folder makes names at run time, --run runs it
    in a child process to list them too.
    """
    from hubkit.commands.target import is_own, locate_target
    from hubkit.errors import UsageError
    from hubkit.hubconf import read_repo, require_hubconf

    if run and not is_own(repo):
        raise UsageError(
            f"--run takes a folder, and {repo} is a repo on a git host",
            hint="hubkit.list(...) runs it in Python, once the repo is trusted.",
        )
    root = locate_target(repo)
    hubconf = require_hubconf(read_repo(root))
    rows = [_row(entrypoint) for entrypoint in hubconf.entrypoints]
    if hubconf.is_open and run:
        rows += _made_at_run_time(root, hubconf)
    if as_json:
        import json

        click.echo(json.dumps({"entrypoints": rows, "is_open": hubconf.is_open}, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:{width}}  {row['summary']}".rstrip())
    if not rows:
        click.echo(f"No entrypoints found in the source of {root}.", err=True)
    if hubconf.is_open and not run:
        hint = " --run lists them too, by running it." if is_own(repo) else ""
        click.echo(f"This hubconf also makes names at run time.{hint}", err=True)


def _row(entrypoint: Entrypoint) -> dict[str, str]:
    summary = (entrypoint.docstring or "").strip().partition("\n")[0]
    return {"name": entrypoint.name, "kind": entrypoint.kind, "summary": summary}


def _made_at_run_time(root: Path, hubconf: Hubconf) -> list[dict[str, str]]:
    """Rows for the names that are not in the source; why there are none goes to stderr."""
    from hubkit.errors import HubkitError
    from hubkit.runtime.probe import list_names

    known = {entrypoint.name for entrypoint in hubconf.entrypoints}
    known |= {leak.name for leak in hubconf.leaks}
    try:
        names = list_names(root)
    except HubkitError as error:
        click.echo(f"Running the hubconf failed: {error.message}", err=True)
        return []
    return [{"name": name, "kind": "value", "summary": ""} for name in names if name not in known]
