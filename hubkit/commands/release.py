"""``hubkit release``: what stands between HEAD and a published tag."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_lines

if TYPE_CHECKING:
    from hubkit.publish.release import Point, ReleaseRequest, Situation

_COLORS = {"ok": "green", "note": "cyan", "missing": "red"}


@click.command(short_help="List what a release still lacks, and make its tag.")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--tag", metavar="TAG", help="The tag.  [default: v and the version in the repo]")
@click.option("--dry-run", is_flag=True, help="Say what is missing, and make no tag.")
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Where it is published on GitHub.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What pytest --hubconf --hubconf-report wrote for this commit.",
)
@click.option("--conform", is_flag=True, help="Run the conformance suite now.")
@click.option(
    "--level",
    type=click.IntRange(0, 3),
    default=1,
    show_default=True,
    help="The least level of conformance; 0 asks for none.",
)
@click.option(
    "--verify", "verifying", is_flag=True, help="Load the commit from git, in a clean process."
)
def command(
    path: Path,
    tag: str | None,
    slug: str | None,
    report: Path | None,
    level: int,
    *,
    dry_run: bool,
    conform: bool,
    verifying: bool,
) -> int:
    """Say what stands between HEAD and a published tag, and make the tag when nothing does.

    Nothing is pushed and no host is asked. --conform and --verify run the repo's code. Exit codes:
    0 nothing is missing, 1 something is, 2 there is nothing to release.
    """
    from hubkit.errors import UsageError
    from hubkit.publish.release import ReleaseRequest, find_points, read_situation, verify

    if not path.is_dir():
        raise UsageError(f"{path} is no folder", hint="Give the folder of a hub repo.")
    if conform and (report or not level):
        raise UsageError("--conform makes a report: --report and --level 0 do not go with it")
    request = ReleaseRequest(path, tag, slug, report, level)
    now = read_situation(request)
    points: list[Point] = []
    with ExitStack() as stack:
        if conform:
            now = dataclasses.replace(now, request=_run_suite(request, stack))
        points += map(_say, find_points(now))
    if verifying:
        points += map(_say, verify(now))
    missing = sum(point.state == "missing" for point in points)
    if now.tag:
        _say_snippets(now)
    return _finish(now, missing, dry_run=dry_run)


def _run_suite(request: ReleaseRequest, stack: ExitStack) -> ReleaseRequest:
    """The request with a report that was made just now."""
    from hubkit.errors import UsageError

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hubkit-release-"))
    report = Path(folder) / "conformance.json"
    command = [sys.executable, "-m", "hubkit", "conform", str(request.root)]
    command += [f"--level={request.level}", f"--report=json={report}"]
    done = subprocess.run(command, stdout=sys.stderr, check=False)  # noqa: S603 - our own
    if not report.is_file():
        raise UsageError(
            f"the conformance suite made no report: it ended with {done.returncode}",
            hint="Run it by itself: hubkit conform",
        )
    return dataclasses.replace(request, report=report)


def _say(point: Point) -> Point:
    echo(f" {point.name}: {point.why}", label=f"{point.state:7}", label_color=_COLORS[point.state])
    if point.todo and point.state != "ok":
        echo(f"         -> {point.todo}")
    return point


def _say_snippets(now: Situation) -> None:
    """The lines that consumers will write."""
    from hubkit.publish.card import Source, gather_facts, render_arguments

    repo = now.repo or "OWNER/NAME"
    facts = gather_facts(now.facts, Source(repo, now.tag))
    by_tag, by_sha = (render_arguments(facts, f"{repo}:{ref}") for ref in (now.tag, now.sha))
    lines = [
        f"torch.hub.load({by_tag})",
        f"hubkit.load({by_tag})",
        f"hubkit.load({by_sha})  # this very commit, whatever becomes of the tag",
    ]
    echo_lines("\nOnce it is pushed, people load it by:\n\n")
    for line in lines:
        echo(f"  {line}")
    echo()


def _finish(now: Situation, missing: int, *, dry_run: bool) -> int:
    from hubkit.publish.release import write_tag

    if missing:
        echo(f"{missing} missing: no tag is made.", err=True)
        return 1
    if dry_run:
        echo("Nothing is missing. Without --dry-run the tag is made.", err=True)
        return 0
    is_new = write_tag(now)
    echo(f"{'Made the tag' if is_new else 'There already:'} {now.tag}, at {now.sha[:10]}.")
    echo("Publish it:")
    for line in _next(now):
        echo(f"  {line}")
    return 0


def _next(now: Situation) -> list[str]:
    from hubkit.publish.release import assets

    tag, branch = shlex.quote(now.tag), shlex.quote(now.branch)
    found = assets(now)
    files = " ".join(shlex.quote(one.path or one.name) for one in found)
    push = f"git push origin {branch} {tag}" if now.branch else f"git push origin {tag}"
    return [push, *([f"gh release create {tag} {files}"] if found else [])]
