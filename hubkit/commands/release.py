"""``hubkit release``: check that HEAD can be released, and tag it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from hubkit._util.colors import paint
from hubkit._util.console import echo, echo_lines, note
from hubkit._util.progress import show_wait
from hubkit._util.text import plural
from hubkit.commands.base import print_answer, subcommand

if TYPE_CHECKING:
    from hubkit.publish.release import ChecklistItem, ReleaseContext, ReleaseRequest

_STDERR = 2
_STYLES = {"ok": "ok", "note": "name", "missing": "error", "unknown": "doubtful"}


@subcommand(answers=True, short_help="Check that HEAD is ready for release, and tag it.")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--tag",
    metavar="TAG",
    help="Name of the tag.  [default: v followed by the version in the repo]",
)
@click.option("--dry-run", is_flag=True, help="Run the checks without creating the tag.")
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Name of the repo on GitHub.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Conformance report (JSON) of this commit.",
)
@click.option("--conform", is_flag=True, help="Run the conformance suite.")
@click.option(
    "--level",
    type=click.IntRange(0, 3),
    default=1,
    show_default=True,
    help="Conformance level to require. 0 requires none.",
)
@click.option(
    "--verify",
    "verifying",
    is_flag=True,
    help="Load every entrypoint from the commit, with torch.hub and hubkit, and print the lines "
    "that load the release.",
)
@click.option(
    "--published",
    is_flag=True,
    help="Compare a pushed tag and its uploaded weights with those here, and do nothing else.",
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
    published: bool,
    as_json: bool,
) -> int:
    """Check that HEAD is ready for release, and tag it.

    Does not push. --conform and --verify run the repo's code; only --published uses the network.

    Exit codes: 0 all checks passed, 1 something is missing, 2 the checks could not run.
    """
    from hubkit.commands.target import require_folder
    from hubkit.errors import UsageError
    from hubkit.publish.checklist import run_checks
    from hubkit.publish.release import ReleaseRequest, read_context

    require_folder(path)
    if conform and (report or not level):
        raise UsageError("--conform cannot be combined with --report or --level 0")
    if published and (conform or report or verifying):
        raise UsageError("--published cannot be combined with --conform, --report or --verify")
    request = ReleaseRequest(path, tag, slug, report, level)
    context = read_context(request)
    if published:
        return _compare_published(context, as_json=as_json)
    items: list[ChecklistItem] = []
    with ExitStack() as stack:
        if conform:
            context = structs.replace(context, request=_run_suite(request, stack))
        items += map(_print_item, run_checks(context))
    snippets: list[str] = []
    if verifying:
        from hubkit.publish.verify import verify

        lines = _snippets(context)
        with show_wait("Loading the entrypoints"):
            verified = verify(context, lines)
        items += map(_print_item, verified.items)
        snippets = [line for line in lines if line in verified.lines]
        _print_snippets(context, snippets)
    else:
        hint = "To run and print the lines that load this release: hubkit release --verify"
        for line in ("", hint, ""):
            note(line, err=False)
    missing = sum(item.state == "missing" for item in items)
    is_tagged = _finish(context, missing, dry_run=dry_run)
    if as_json:
        answer = {"snippets": snippets, "tagged": is_tagged, "next": _next_steps(context)}
        print_answer({**_as_json(context, items), **answer})
    return 1 if missing else 0


def _compare_published(context: ReleaseContext, *, as_json: bool) -> int:
    from hubkit.publish.published import check_published

    with show_wait("Fetching what is published"):
        items = [_print_item(item) for item in check_published(context)]
    if as_json:
        print_answer(_as_json(context, items))
    missing = sum(item.state == "missing" for item in items)
    unknown = sum(item.state == "unknown" for item in items)
    failed = f"{plural(missing, 'check')} failed." if missing else ""
    left = "Not all could be compared." if unknown else ""
    note(" ".join(filter(None, (failed, left))) or "All checks passed.")
    return 1 if missing or unknown else 0


def _as_json(context: ReleaseContext, items: list[ChecklistItem]) -> dict[str, object]:
    return {"repo": context.repo, "commit": context.sha, "tag": context.tag, "checks": items}


def _run_suite(request: ReleaseRequest, stack: ExitStack) -> ReleaseRequest:
    """The request with a new report."""
    from hubkit.errors import UsageError
    from hubkit.facts import WEIGHTS_CHECKS

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hubkit-release-"))
    report = Path(folder) / "conformance.json"
    command = [sys.executable, "-m", "hubkit", "conform", str(request.root)]
    # Weights belong to level 3, but a release calls them at every level.
    levels = (f"C{level}" for level in range(1, request.level + 1))
    command += [f"--select={','.join((*levels, *WEIGHTS_CHECKS))}", f"--report=json={report}"]
    # Of this process, whatever sys.stderr is: it may have been replaced by an object without a file.
    done = subprocess.run(command, stdout=_STDERR, check=False)  # noqa: S603 - our own
    if not report.is_file():
        raise UsageError(
            f"The conformance suite wrote no report: exit code {done.returncode}",
            hint="Run `hubkit conform` to see why.",
        )
    return structs.replace(request, report=report)


def _print_item(item: ChecklistItem) -> ChecklistItem:
    echo(paint(f"{item.state:7}", _STYLES[item.state]), f"  {item.name}: {item.message}")
    if item.action and item.state != "ok":
        echo(f"         -> {item.action}")
    return item


def _snippets(context: ReleaseContext) -> tuple[str, ...]:
    """The code that loads the release: by its tag, with each loader, and by its commit."""
    from hubkit.publish.card_facts import Source, gather_facts
    from hubkit.publish.card_sections import render_arguments

    if not context.tag:
        return ()
    repo = context.repo or "OWNER/NAME"
    facts = gather_facts(context.facts, Source(repo, context.tag))
    by_tag, by_sha = (
        render_arguments(facts, f"{repo}:{ref}") for ref in (context.tag, context.sha)
    )
    return (f"torch.hub.load({by_tag})", f"hubkit.load({by_tag})", f"hubkit.load({by_sha})")


def _print_snippets(context: ReleaseContext, lines: list[str]) -> None:
    if not lines:
        return
    echo_lines("\nOnce the tag is pushed, users load it with:\n\n")
    for line in lines:
        is_exact = f":{context.sha}" in line
        echo(f"  {line}{'  # exactly this commit' if is_exact else ''}")
    echo()


def _finish(context: ReleaseContext, missing: int, *, dry_run: bool) -> bool:
    """Create the tag if nothing is missing; returns whether it is there."""
    from hubkit.publish.release import write_tag

    if missing:
        note(f"{plural(missing, 'check')} failed. No tag was created.")
        return False
    if dry_run:
        note("All checks passed. Run without --dry-run to create the tag.")
        return False
    is_new = write_tag(context)
    done = "Created tag" if is_new else "Tag exists:"
    note(f"{done} {context.tag} at {context.sha[:10]}.", err=False)
    note("To publish it:", err=False)
    for line in _next_steps(context):
        note(f"  {line}", err=False)
    return True


def _next_steps(context: ReleaseContext) -> list[str]:
    from hubkit.publish.checklist import find_assets

    tag, branch = shlex.quote(context.tag), shlex.quote(context.branch)
    found = find_assets(context)
    files = " ".join(shlex.quote(one.path or one.name) for one in found)
    push = f"git push origin {branch} {tag}" if context.branch else f"git push origin {tag}"
    create = [f"gh release create {tag} {files}"] if found else []
    return [*_add_remote(context), push, *create]


def _add_remote(context: ReleaseContext) -> list[str]:
    """The command that names the repo on GitHub, if git knows no ``origin`` yet."""
    from hubkit.source.git import git_output

    if git_output(context.root, "config", "--get", "remote.origin.url"):
        return []
    repo = context.repo or "OWNER/NAME"
    return [f"git remote add origin https://github.com/{repo}.git"]
