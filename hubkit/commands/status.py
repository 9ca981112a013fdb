"""``hubkit status``: whether what is in the hub dir is what its hosts have today."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubkit.facts.hubdir import RefState


@click.command()
@click.argument("repos", nargs=-1, metavar="[OWNER/NAME[:REF]]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--check", is_flag=True, help="Exit with 1 if anything is behind or gone.")
def command(repos: tuple[str, ...], as_json: bool, check: bool) -> int:
    """Say which repos in the hub dir are pinned, current or behind.

    Asks each host where its branches and tags lead today; nothing is fetched. To follow one:
    hubkit.load(..., max_age=0), or force_reload=True to have its weights afresh too.
    """
    from hubkit.errors import UsageError
    from hubkit.hubdir import fetch_states, get_dir, parse_repo

    states = list(fetch_states(tuple(map(parse_repo, repos))))
    if repos and not states:
        raise UsageError(
            f"None of {', '.join(repos)} is in the hub dir {get_dir()}.",
            hint="hubkit cache ls shows what is.",
        )
    if as_json:
        rows = [_as_json(state) for state in states]
        click.echo(json.dumps({"version": 1, "refs": rows}, indent=2))
    else:
        width = max((len(state.state) for state in states), default=0)
        for state in states:
            click.echo(f"{state.state:{width}}  {state.repo}  {_tell(state)}".rstrip())
    stale = sum(state.state in ("behind", "gone") for state in states)
    click.echo(f"{len(states)} refs in {get_dir()}: {stale} behind or gone.", err=True)
    return 1 if check and stale else 0


def _tell(state: RefState) -> str:
    if state.state == "behind":
        return f"{state.sha[:10]} -> {state.latest[:10]}"
    return state.detail or ("" if state.state == "pinned" else state.sha[:10])


def _as_json(state: RefState) -> dict[str, str | None]:
    return {
        "repo": state.repo.full_name,
        "ref": state.repo.ref,
        "state": state.state,
        "sha": state.sha or None,
        "latest": state.latest or None,
        "detail": state.detail or None,
    }
