"""Compare what a published tag gives with the commit and the weights on this machine."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit import hubdir
from hubkit._util.text import join_words
from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.errors import (
    AccessDeniedError,
    HubkitError,
    IncompleteDownloadError,
    NotThereError,
    OfflineError,
    RateLimitedError,
    RefNotFoundError,
    UnreachableError,
    UsageError,
)
from hubkit.facts import FetchPolicy
from hubkit.hubdir.archive import unpack
from hubkit.hubdir.manifest import measure_tree
from hubkit.publish.card_facts import may_match
from hubkit.publish.checklist import find_local, list_checkpoints
from hubkit.publish.release import ChecklistItem
from hubkit.source import open_commit
from hubkit.source.commit import write_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.publish.card_facts import Checkpoint
    from hubkit.publish.release import ReleaseContext, State

_DIGITS = 10
_SHOWN = 3
# What is published could not be asked for.
_NO_ANSWER = (
    AccessDeniedError,
    IncompleteDownloadError,
    OfflineError,
    RateLimitedError,
    UnreachableError,
)


def check_published(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Fetch the tag and its weights from their hosts into an empty hub dir.

    Args:
        context: The repo and the tag. If the tag does not exist here, HEAD takes its place.

    Raises:
        UsageError: The name of the repo or the tag is unknown.
        GitRepoError: The tag's commit cannot be read.
    """
    if not context.repo or not context.tag:
        raise UsageError("The published repo is unknown", hint="Pass --repo OWNER/NAME --tag TAG.")
    context = _at_tag(context)
    with _empty_hub_dir() as folder:
        try:
            yield from _check_tree(context, folder)
        except HubkitError as error:
            yield _failure("tag", error, f"git push origin {context.tag}")
            return
        for one in _downloads(context):
            yield _check_checkpoint(one, context)


def _at_tag(context: ReleaseContext) -> ReleaseContext:
    """The context with the commit of the tag instead of HEAD."""
    sha = context.tags.get(context.tag, context.sha)
    if sha == context.sha:
        return context
    facts = read_repo(open_commit(context.root, sha))
    require_hubconf(facts)
    return structs.replace(context, sha=sha, facts=facts, config=read_config(facts.files))


def _check_tree(context: ReleaseContext, folder: Path) -> Iterator[ChecklistItem]:
    """The tag gives the commit, and its archive has the commit's files."""
    repo, sha = hubdir.parse_repo(f"{context.repo}:{context.tag}"), context.sha
    found = hubdir.fetch_repo(repo, FetchPolicy())
    if found.sha != sha:
        here = "this tag" if context.tag in context.tags else "HEAD"
        message = f"{repo} is at {(found.sha or 'an unknown commit')[:_DIGITS]}, "
        message += f"but {here} is at {sha[:_DIGITS]} here"
        action = "a published tag must not move: git fetch --tags --force, and release a new tag"
        yield ChecklistItem("tag", "missing", message, action)
        return
    yield ChecklistItem("tag", "ok", f"{repo} is at {sha[:_DIGITS]}, as here")
    archive = folder / "archive.zip"
    write_archive(context.git, sha, archive, "archive")
    expected = unpack(archive, folder / "archive", sha)
    published = measure_tree(found.path)
    if published.digest == expected.digest:
        count = len(expected.entries)
        yield ChecklistItem("archive", "ok", f"its files are those of the commit, {count} in all")
        return
    changed = {*published.entries} ^ {*expected.entries}
    paths = join_words(sorted({entry.path for entry in changed}), most=_SHOWN)
    message = f"the files of the archive differ from those of the commit: {paths}"
    yield ChecklistItem(
        "archive", "missing", message, "check settings of the host, such as Git LFS"
    )


def _downloads(context: ReleaseContext) -> list[Checkpoint]:
    """What the code downloads, each URL once; the first digest and size that are known count."""
    found: dict[str, Checkpoint] = {}
    for one in list_checkpoints(context):
        before = found.get(one.url, one)
        size = one.size if before.size is None else before.size
        longest = max(before.sha256, one.sha256, key=len)
        found[one.url] = structs.replace(before, sha256=longest, size=size)
    return [one for url, one in found.items() if url]


def _check_checkpoint(one: Checkpoint, context: ReleaseContext) -> ChecklistItem:
    """The URL gives the file that is recorded, and that lies here."""
    local = find_local(context.root, one.name)
    upload = f"upload {local.relative_to(context.root).as_posix() if local else one.name}"
    try:
        path = hubdir.fetch_checkpoint(one.url, policy=FetchPolicy())
    except HubkitError as error:
        return _failure("checkpoints", error, upload)
    digest, size = hubdir.sha256_of(path), path.stat().st_size
    path.unlink()  # The next one may be as large.
    digests = [*filter(None, [one.sha256]), *([hubdir.sha256_of(local)] if local else [])]
    other = next((known for known in digests if not may_match(known, digest)), "")
    if other:
        message = f"{one.url} has the sha256 {digest[:_DIGITS]}…, not {other[:_DIGITS]}…"
        return ChecklistItem("checkpoints", "missing", message, f"{upload} again")
    if one.size not in (None, size):
        message = f"{one.url} has {size:,} bytes, not {one.size:,}"
        return ChecklistItem("checkpoints", "missing", message, f"{upload} again")
    message = f"{one.name}: {size:,} bytes, sha256 {digest[:_DIGITS]}…"
    if not digests:
        action = f"hubkit weights add FILE --entrypoint {one.entrypoint or 'NAME'}"
        return ChecklistItem("checkpoints", "note", f"{message}, and no record of it here", action)
    return ChecklistItem("checkpoints", "ok", message)


def _failure(name: str, error: HubkitError, publish: str) -> ChecklistItem:
    message = error.message.rstrip(".")
    if isinstance(error, (NotThereError, RefNotFoundError)):
        return ChecklistItem(name, "missing", message, publish)
    state: State = "unknown" if isinstance(error, _NO_ANSWER) else "missing"
    return ChecklistItem(name, state, message, error.hint)


@contextmanager
def _empty_hub_dir() -> Iterator[Path]:
    """A folder with a hub dir of its own."""
    before = hubdir.get_dir()
    with tempfile.TemporaryDirectory(prefix="hubkit-release-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        hubdir.set_dir(folder / "hub")
        try:
            yield folder
        finally:
            hubdir.set_dir(before)
