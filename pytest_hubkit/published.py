"""The archive of the commit, as users get it, and how the work tree differs."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.errors import GitRepoError
from hubkit.source.git import Git
from pytest_hubkit.checks.registry import UndeclaredError

if TYPE_CHECKING:
    from collections.abc import Iterator
_CACHES = {"__pycache__", ".pytest_cache"}
_POINTER_SIZE = 1024
_OWNER_AND_NAME = re.compile(r"[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$")


@dataclass(frozen=True)
class Published:
    """A commit of the repo, unpacked.

    Attributes:
        root: The work tree.
        sha: The commit.
        tree: Where it was unpacked.
        digest: "sha256:" and the digest of its files, as ``hubkit lock`` writes it.
    """

    root: Path
    sha: str
    tree: Path
    digest: str

    @cached_property
    def changes(self) -> tuple[str, ...]:
        """Paths that differ between the work tree and the commit, untracked ones included."""
        return find_changes(self.root)

    def why_missing(self, path: str) -> str:
        """Why a file of the work tree is not in the archive; "" if it is, or does not exist.

        Args:
            path: Relative to the repo's root.
        """
        if not (self.root / path).exists() or (self.tree / path).exists():
            return ""
        if self._is_in_submodule(path):
            return "it is in a git submodule, which archives do not include"
        ignored = _ask_git(self.root, "check-ignore", "--verbose", "--no-index", path)
        if not _ask_git(self.root, "ls-files", "--", path):
            rule = ignored.partition("\t")[0]
            return f"git ignores it ({rule})" if ignored else "it is not added to git"
        if not _ask_git(self.root, "ls-tree", "-r", "--name-only", "HEAD", "--", path):
            return "it is added to git, but not committed"
        return self._why_left_out(path)

    def _why_left_out(self, path: str) -> str:
        parents = [path, *(parent.as_posix() for parent in Path(path).parents)][:-1]
        attributes = _ask_git(self.root, "check-attr", "export-ignore", "--", *parents)
        if any(line.endswith(": set") for line in attributes.splitlines()):
            return "`export-ignore` in .gitattributes excludes it from archives"
        return "git archive excludes it"

    def _is_in_submodule(self, path: str) -> bool:
        parents = [parent.as_posix() for parent in Path(path).parents][:-1]
        entries = _ask_git(self.root, "ls-tree", "HEAD", "--", *parents) if parents else ""
        return any(line.startswith("160000 ") for line in entries.splitlines())

    def find_missing(self, wanted: str) -> Iterator[tuple[str, str]]:
        """Files of the work tree that are not in the archive, with the reason.

        Args:
            wanted: A path in the tree, or a dotted module.
        """
        for path in self._candidates(wanted):
            reason = self.why_missing(path)
            if reason:
                yield path, reason

    def find_altered(self, path: str) -> Iterator[tuple[str, str]]:
        """Files whose contents in the archive differ from the work tree, with the reason.

        Args:
            path: The file of the repo that failed, or "".
        """
        if path and (self.root / path).is_symlink():
            yield path, "it is a symbolic link, which torch.hub unpacks as a text file"
            return
        for file in sorted(self.tree.rglob("*")):
            if file.is_file() and file.stat().st_size < _POINTER_SIZE and _is_pointer(file):
                inside = file.relative_to(self.tree).as_posix()
                yield inside, "it is stored in Git LFS, so archives contain only a pointer"

    def _candidates(self, wanted: str) -> Iterator[str]:
        tree = str(self.tree.resolve())
        if wanted.startswith(tree):
            yield Path(wanted).relative_to(tree).as_posix()
        elif "/" in wanted:
            yield wanted
        else:
            module = wanted.replace(".", "/")
            yield from (wanted, f"{module}.py", f"{module}/__init__.py", module)


def _is_pointer(file: Path) -> bool:
    return file.read_bytes().startswith(b"version https://git-lfs.github.com/spec/")


def publish(root: Path, folder: Path) -> Published:
    """Unpack the archive of the current commit.

    Raises:
        UndeclaredError: It is not a git repo, has no commit, or git cannot pack it.
        UnsafeArchiveError: Its archive is not safe to unpack.
    """
    from hubkit.hubdir.archive import unpack
    from hubkit.source.commit import write_archive

    sha = require_commit(root)
    archive, tree = folder / f"{sha}.zip", folder / f"{root.name}-{sha[:12]}"
    try:
        write_archive(Git(root), sha, archive, tree.name)
    except GitRepoError as error:
        raise UndeclaredError(error.message) from error
    manifest = unpack(archive, tree, sha)
    _spell_out_links(tree)
    return Published(root, sha, tree, manifest.digest)


def find_changes(root: Path) -> tuple[str, ...]:
    """Paths that differ between a work tree and its commit, untracked ones included.

    Caches of Python and pytest do not count.
    """
    from hubkit.source.worktree import read_changes

    changes = read_changes(Git(root))
    paths = (*changes.tracked, *changes.untracked)
    return tuple(path for path in paths if _CACHES.isdisjoint(path.split("/")))


def _spell_out_links(tree: Path) -> None:
    """Replace symbolic links by text files, as torch.hub does."""
    for path in [*tree.rglob("*")]:
        if path.is_symlink():
            target = path.readlink().as_posix()
            path.unlink()
            path.write_text(target, "utf-8")


def require_commit(root: Path) -> str:
    """The commit that is checked out.

    Raises:
        UndeclaredError: It is not a git repo, has no commit, or git cannot pack it.
    """
    try:
        top = _ask_git(root, "rev-parse", "--show-toplevel")
        sha = _ask_git(root, "rev-parse", "--verify", "HEAD^{commit}")
    except GitRepoError:
        raise UndeclaredError("git is not installed") from None
    if not top or not sha:
        what = "has no commit yet" if top else "is not a git repo"
        raise UndeclaredError(f"{root} {what}")
    if not Path(top).samefile(root):
        raise UndeclaredError(f"{root} is not the root of its git repo, {top}")
    return sha


def name_repo(root: Path) -> str:
    """The name of a repo: "owner/name" from its git remote, else its folder's name."""
    found = None
    with contextlib.suppress(GitRepoError):
        found = _OWNER_AND_NAME.search(_ask_git(root, "config", "--get", "remote.origin.url"))
    return f"{found[1]}/{found[2]}" if found else root.resolve().name


def _ask_git(root: Path, *arguments: str) -> str:
    """What git prints; "" if it fails."""
    done = Git(root).try_to(*arguments)
    return "" if done.returncode else done.text.strip()
