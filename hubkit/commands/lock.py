"""``hubkit lock``: pin repos and checkpoints in a lock file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from hubkit._util.colors import paint
from hubkit._util.console import echo, note
from hubkit._util.progress import show_wait
from hubkit._util.text import plural
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_cached
from hubkit.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.lockfile import Lockfile


@subcommand(answers=True)
@click.argument("repos", nargs=-1, metavar="[OWNER/NAME[:REF]]...", shell_complete=complete_cached)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hubkit.lock"),
    show_default=True,
    help="Path of the lock file.",
)
@click.option("--weights", is_flag=True, help="Download and pin all known checkpoints.")
@click.option("--checkpoint", "urls", multiple=True, metavar="URL", help="Pin a checkpoint.")
@click.option(
    "--check",
    is_flag=True,
    help="Check that the hub dir matches the lock file, without changing either.",
)
@click.option("--fetch", is_flag=True, help="Fetch everything that the lock file pins.")
def command(
    repos: tuple[str, ...],
    output: Path,
    weights: bool,
    urls: tuple[str, ...],
    *,
    check: bool,
    fetch: bool,
    as_json: bool,
) -> int:
    """Pin repos and their weights in a lock file.

    Pins the given repos at the current commit of their ref, in addition to those in the file.
    Without arguments, updates all repos in the file. Checkpoints in the hub dir are pinned too.

    To use the file, call hubkit.load(..., lockfile="hubkit.lock") or set HUBKIT_LOCKFILE.
    """
    from hubkit.errors import UsageError
    from hubkit.lockfile import Lockfile, read_lockfile, write_lockfile

    if (check or fetch) and (repos or urls or weights or (check and fetch)):
        raise UsageError("--check and --fetch take no repos and no other options.")
    if check:
        return _check(read_lockfile(output), as_json=as_json)
    if fetch:
        return _fetch(read_lockfile(output), as_json=as_json)
    lock = read_lockfile(output) if output.exists() else Lockfile(output)
    if not (repos or urls or lock.repos):
        raise UsageError(
            f"Nothing to pin: no repo was given, and {output} contains none.",
            hint="Pass a repo: hubkit lock owner/name:ref",
        )
    wanted = repos or (() if urls else tuple(lock.repos))
    with show_wait("Pinning") as part:
        lock, left = _pin(lock, wanted, urls, part, weights=weights)
    _print_unpinned(left)
    write_lockfile(lock)
    if as_json:
        print_answer({**_as_json(lock), "not_pinned": left})
    note(
        f"{output}: pinned {plural(len(lock.repos), 'repo')} and "
        f"{plural(len(lock.checkpoints), 'checkpoint')}."
    )
    return 0


def _as_json(lock: Lockfile) -> dict[str, object]:
    """The fields of a lock file."""
    return {
        "path": lock.path,
        "repos": [{"repo": name, "sha": repo.sha} for name, repo in lock.repos.items()],
        "checkpoints": [
            {"url": url, "sha256": one.sha256, "bytes": one.size}
            for url, one in lock.checkpoints.items()
        ],
    }


def _pin(
    lock: Lockfile,
    repos: tuple[str, ...],
    urls: tuple[str, ...],
    part: Callable[[str], object],
    *,
    weights: bool,
) -> tuple[Lockfile, list[str]]:
    """The new lock file, and the checkpoints that are known and not pinned in it."""
    from hubkit.hubdir import key_of, parse_repo
    from hubkit.loader import pins

    locked, checkpoints = dict(lock.repos), dict(lock.checkpoints)
    left: list[str] = []
    for repo in map(parse_repo, repos):
        part(str(repo))
        with _naming(str(repo)):
            locked[str(repo)] = pins.lock_repo(repo)
        note(f"{repo} is {locked[str(repo)].sha}")
        for url in pins.find_checkpoint_urls(repo):
            with _naming(url):
                found = pins.lock_checkpoint(url) if weights else pins.find_locked_checkpoint(url)
            if found is not None:
                checkpoints[url] = found
            elif url not in checkpoints:
                left.append(url)
    for url in urls:
        part(url)
        with _naming(url):
            checkpoints[key_of(url)] = pins.lock_checkpoint(url)
    return replace(lock, repos=locked, checkpoints=checkpoints), left


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say in an error what could not be pinned, and that the lock file is as before."""
    from hubkit._util.urls import redact

    try:
        yield
    except FetchError as error:
        shown = redact(what) if "://" in what else what
        error.message = f"Cannot pin {shown}: {error.message}"
        error.hint = f"The lock file was not written. {error.hint}".strip()
        raise


def _print_unpinned(urls: list[str]) -> None:
    if not urls:
        return
    echo(f"Not pinned: {plural(len(urls), 'checkpoint')} missing from the hub dir", err=True)
    for url in urls:
        echo(f"  {url}", err=True)
    note("To download and pin all of them, pass --weights. To pin one, pass --checkpoint URL.")


def _check(lock: Lockfile, *, as_json: bool) -> int:
    from hubkit.loader.pins import check_lockfile

    states = []
    total = len(lock.repos) + len(lock.checkpoints)
    with show_wait(f"Checking {plural(total, 'pin')}") as part:
        for state in check_lockfile(lock):
            states.append(state)
            part(f"{len(states)} done")
    if as_json:
        print_answer({"path": lock.path, "pins": states})
    else:
        for state in states:
            if state.state != "ok":
                style = "doubtful" if state.is_fine else "failed"
                echo(paint(state.state, style), f": {state.name}: {state.detail}")
    bad = sum(not state.is_fine for state in states)
    note(f"Checked {plural(len(states), 'pin')} of {lock.path}: {bad} failed.")
    return 1 if bad else 0


def _fetch(lock: Lockfile, *, as_json: bool) -> int:
    from hubkit.hubdir import parse_repo
    from hubkit.loader import pins

    with show_wait(f"Fetching the pins of {lock.path}") as part:
        for name, repo in lock.repos.items():
            part(name)
            pins.fetch_locked_repo(parse_repo(name), repo)
        for url, checkpoint in lock.checkpoints.items():
            part(url)
            pins.fetch_locked_checkpoint(url, checkpoint)
    count = len(lock.repos) + len(lock.checkpoints)
    if as_json:
        print_answer(_as_json(lock))
    note(f"{lock.path}: {plural(count, 'pin')} in the hub dir.")
    return 0
