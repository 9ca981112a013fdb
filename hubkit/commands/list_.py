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
@click.option("--static", is_flag=True, help="Run nothing, even if names are made at run time.")
def command(repo: str, as_json: bool, static: bool) -> None:
    """List the entrypoints of a hub repo.

    Source tells, and nothing runs. Only where a hubconf makes names at run time, and lies in a
    folder of yours, a child process is asked for them.
    """
    from hubkit.analysis import read_repo, require_hubconf
    from hubkit.commands.target import locate_target

    root = locate_target(repo)
    hubconf = require_hubconf(read_repo(root))
    rows = [_row(entrypoint) for entrypoint in hubconf.entrypoints]
    if hubconf.has_dynamic_names and not static:
        rows += _made_at_run_time(repo, root, hubconf)
    if as_json:
        import json

        click.echo(
            json.dumps({"entrypoints": rows, "is_open": hubconf.has_dynamic_names}, indent=2)
        )
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:{width}}  {row['summary']}".rstrip())
    if not rows:
        click.echo(f"{root} has no entrypoints that source tells.", err=True)
    if hubconf.has_dynamic_names:
        click.echo("This hubconf makes names at run time: source does not tell them all.", err=True)


def _row(entrypoint: Entrypoint) -> dict[str, str]:
    summary = (entrypoint.docstring or "").strip().partition("\n")[0]
    return {"name": entrypoint.name, "kind": entrypoint.kind, "summary": summary}


def _made_at_run_time(repo: str, root: Path, hubconf: Hubconf) -> list[dict[str, str]]:
    """Rows for names that only running tells; what the repo cannot say is said on stderr."""
    from pathlib import Path

    from hubkit.errors import HubkitError
    from hubkit.runtime.probe import list_names

    if not Path(repo).expanduser().exists():
        click.echo(f"Not run, as a repo of somebody else: {repo}. hubkit.list runs it.", err=True)
        return []
    known = {entrypoint.name for entrypoint in hubconf.entrypoints}
    known |= {leak.name for leak in hubconf.leaks}
    try:
        names = list_names(root)
    except HubkitError as error:
        click.echo(f"Running it did not work: {error.message}", err=True)
        return []
    return [{"name": name, "kind": "value", "summary": ""} for name in names if name not in known]
