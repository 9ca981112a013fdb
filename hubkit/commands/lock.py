"""``hubkit lock``: pin repos and checkpoints in a lock file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from hubkit._util.console import echo
from hubkit._util.text import plural

if TYPE_CHECKING:
    from hubkit.lockfile import Lockfile


@click.command()
@click.argument("repos", nargs=-1, metavar="[OWNER/NAME[:REF]]...")
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
    check: bool,
    fetch: bool,
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
        return _check(read_lockfile(output))
    if fetch:
        return _fetch(read_lockfile(output))
    lock = read_lockfile(output) if output.exists() else Lockfile(output)
    if not (repos or urls or lock.repos):
        raise UsageError(
            f"Nothing to pin: no repo was given, and {output} contains none.",
            hint="Pass a repo: hubkit lock owner/name:ref",
        )
    lock = _pin(lock, repos or (() if urls else tuple(lock.repos)), urls, weights=weights)
    write_lockfile(lock)
    echo(
        f"{output}: pinned {plural(len(lock.repos), 'repo')} and "
        f"{plural(len(lock.checkpoints), 'checkpoint')}.",
        err=True,
    )
    return 0


def _pin(
    lock: Lockfile, repos: tuple[str, ...], urls: tuple[str, ...], *, weights: bool
) -> Lockfile:
    from hubkit.hubdir import key_of, parse_repo
    from hubkit.loader import pins

    locked, checkpoints = dict(lock.repos), dict(lock.checkpoints)
    left: list[str] = []
    for repo in map(parse_repo, repos):
        locked[str(repo)] = pins.lock_repo(repo)
        echo(f"{repo} is {locked[str(repo)].sha}", err=True)
        for url in pins.find_checkpoint_urls(repo):
            found = pins.lock_checkpoint(url) if weights else pins.find_locked_checkpoint(url)
            if found is not None:
                checkpoints[url] = found
            elif url not in checkpoints:
                left.append(url)
    for url in urls:
        checkpoints[key_of(url)] = pins.lock_checkpoint(url)
    if left:
        echo(f"Not pinned: {plural(len(left), 'checkpoint')} missing from the hub dir", err=True)
        for url in left:
            echo(f"  {url}", err=True)
        echo(
            "To download and pin all of them, pass --weights. To pin one, pass --checkpoint URL.",
            err=True,
        )
    return replace(lock, repos=locked, checkpoints=checkpoints)


def _check(lock: Lockfile) -> int:
    from hubkit.loader.pins import check_lockfile

    states = list(check_lockfile(lock))
    for state in states:
        if state.state != "ok":
            echo(f"{state.state}: {state.name}: {state.detail}")
    bad = sum(not state.is_fine for state in states)
    echo(f"Checked {plural(len(states), 'pin')} of {lock.path}: {bad} failed.", err=True)
    return 1 if bad else 0


def _fetch(lock: Lockfile) -> int:
    from hubkit.hubdir import parse_repo
    from hubkit.loader import pins

    for name, repo in lock.repos.items():
        pins.fetch_locked_repo(parse_repo(name), repo)
    for url, checkpoint in lock.checkpoints.items():
        pins.fetch_locked_checkpoint(url, checkpoint)
    count = len(lock.repos) + len(lock.checkpoints)
    echo(f"{lock.path}: {plural(count, 'pin')} in the hub dir.", err=True)
    return 0
