"""``hubkit status``: compare the hub dir with the hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.colors import paint
from hubkit._util.console import echo, note
from hubkit._util.progress import show_wait
from hubkit._util.text import join_words, plural
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_cached

if TYPE_CHECKING:
    from hubkit.facts.hubdir import RefState


_STYLES = {"current": "ok", "pinned": "ok", "behind": "doubtful", "gone": "failed"}


@subcommand(answers=True)
@click.argument("repos", nargs=-1, metavar="[OWNER/NAME[:REF]]...", shell_complete=complete_cached)
@click.option("--check", is_flag=True, help="Exit with code 1 if a ref is behind or gone.")
def command(repos: tuple[str, ...], *, check: bool, as_json: bool) -> int:
    """Show which repos in the hub dir are pinned, current or behind.

    Asks each host for its branches and tags, without downloading anything. To update a repo, call
    hubkit.load(..., max_age=0). To download its weights again too, pass force_reload=True.
    """
    from hubkit.errors import UsageError
    from hubkit.hubdir import fetch_states, get_dir, parse_repo

    states = []
    with show_wait("Asking hosts for their branches and tags") as part:
        for state in fetch_states(tuple(map(parse_repo, repos))):
            states.append(state)
            part(f"{plural(len(states), 'ref')} done")
    if repos and not states:
        raise UsageError(
            f"{join_words(repos, 'or')} not found in the hub dir {get_dir()}.",
            hint="Run `hubkit cache ls` to see what is there.",
        )
    if as_json:
        rows = [_as_json(state) for state in states]
        print_answer({"version": 1, "refs": rows})
    else:
        width = max((len(state.state) for state in states), default=0)
        for state in states:
            word = paint(f"{state.state:{width}}", _STYLES.get(state.state, ""))
            echo(word, f"  {state.repo}  {_describe(state)}".rstrip())
    stale = sum(state.state in ("behind", "gone") for state in states)
    note(f"{plural(len(states), 'ref')} in {get_dir()}: {stale} behind or gone.")
    return 1 if check and stale else 0


def _describe(state: RefState) -> str:
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
