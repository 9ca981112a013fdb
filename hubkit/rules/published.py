"""HUB6xx: what consumers do not get, although the author has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import plural, quoted
from hubkit.rules.needed import find_gaps, find_needed
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Gap, RepoFacts
    from hubkit.rules.needed import Needed

_WHY = {
    "untracked": "is not tracked by git",
    "ignored": "is ignored by git",
    "export-ignore": "is marked export-ignore in .gitattributes",
}
_HINTS = {
    "untracked": "Run `git add {path}` and commit it.",
    "ignored": "Run `git add --force {path}`, and take it out of .gitignore.",
    "export-ignore": "Take the attribute away from it.",
}
_BUILT = "If a build makes it, no archive can hold it: import something else in its absence."


@rule("HUB601", "not-published", "error")
def not_published(repo: RepoFacts) -> Iterator[Finding]:
    """A file that hubconf.py needs is on disk and not in the archive.

    torch.hub downloads an archive of a commit. A module that was never committed, that .gitignore
    hides or that .gitattributes keeps out of archives works for its author and for nobody else.

    Bad:
        # .gitignore
        models/

        # hubconf.py
        from models.unet import unet

    Good:
        # .gitignore
        /checkpoints/

    A module that only functions import, and a file that the code finds by way of `__file__`, are
    warnings. A file that a build generates is no exception: nothing builds what torch.hub loads. An
    import in `try: ... except ImportError:` is fine, and so is a data file whose existence the code
    asks for. Outside git there is nothing to compare with.
    """
    for needed, gap, count in find_gaps(repo, *_WHY):
        if needed.optional and count == 1:
            continue
        mild = _is_empty_package(repo, needed)
        also = (
            f" (and {plural(count - 1, 'more file')} below it)"
            if count > 1 and "/" in gap.path
            else ""
        )
        yield not_published.finding(
            f"`{gap.path}` {_WHY[gap.kind]}, so archives lack it{also} and {needed.failure}",
            needed.location,
            hint=_HINTS[gap.kind].format(path=gap.path)
            + (f" {_BUILT}" if gap.kind == "ignored" else ""),
            severity="warning" if mild else needed.severity,
        )


def _is_empty_package(repo: RepoFacts, needed: Needed) -> bool:
    """Whether it is an ``__init__.py`` that says nothing, so that most imports do without."""
    is_init = needed.path.endswith("__init__.py")
    return is_init and not repo.files.read_text(needed.path).strip()


@rule("HUB602", "submodule-needed", "error")
def submodule_needed(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file of a git submodule.

    Archives hold an empty folder in a submodule's place. What is imported from there fails for
    everybody who loads the repo through torch.hub.

    Bad:
        from third_party.ops import fast_nms      # third_party is a submodule

    Good:
        from acme_unet.ops import fast_nms        # a copy in the repo

    A package that can be installed, named in `dependencies`, does as well. Submodules that
    hubconf.py does not reach are a note.
    """
    reached = set()
    for needed, gap, _ in find_gaps(repo, "submodule"):
        reached.add(gap.path)
        yield submodule_needed.finding(
            f"`{gap.path}` is a submodule, an empty folder in archives, so {needed.failure}",
            needed.location,
            hint="Copy what is needed into the repo, or depend on a package that can be installed.",
            severity=needed.severity,
        )
    others = [path for path in repo.files.of_kind("submodule") if path not in reached]
    if others:
        yield submodule_needed.finding(
            f"archives hold empty folders for the submodules {quoted(others)}",
            hint="hubconf.py does not seem to need them.",
            severity="info",
        )


@rule("HUB603", "lfs-pointer", "error")
def lfs_pointer(repo: RepoFacts) -> Iterator[Finding]:
    """A file is kept in Git LFS, of which archives hold a pointer of three lines.

    GitHub leaves LFS objects out of archives unless the repo's owner switches that on. Whoever loads
    weights from the repo gets `invalid load key, 'v'`.

    Bad:
        # .gitattributes
        *.pth filter=lfs diff=lfs merge=lfs -text

        # hubconf.py
        torch.load(Path(__file__).parent / "unet.pth")

    Good:
        load_state_dict_from_url("https://.../unet-0a1b2c3d.pth", check_hash=True)

    The setting of the host cannot be seen from here: where it is on, say `lfs-in-archives = true`. A
    file that hubconf.py does not reach is a warning.
    """
    if repo.limits.lfs_in_archives:
        return
    pointers, reached = repo.files.pointers(), set()
    for needed in find_needed(repo):
        if needed.path in pointers and needed.path not in reached:
            reached.add(needed.path)
            yield lfs_pointer.finding(
                f"`{needed.path}` is kept in Git LFS, so archives hold a pointer in its place, "
                "unless their host is told to include LFS objects",
                needed.location,
                hint=_LFS_HINT,
            )
    others = sorted(pointers - reached)
    if others:
        yield lfs_pointer.finding(
            f"archives hold pointers in place of {quoted(others)}, kept in Git LFS, unless "
            "their host is told to include LFS objects",
            hint=_LFS_HINT,
            severity="warning",
        )


_LFS_HINT = (
    "Publish weights by URL, or keep the file in git; say `lfs-in-archives = true` if the host "
    "includes them."
)


@rule("HUB604", "symlink", "error")
def symlink(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file behind a symbolic link.

    torch.hub unpacks archives with Python's zipfile, which makes of a link a file that holds the
    name of its target. Importing a linked module ends in NameError or SyntaxError, and a linked
    folder is no folder.

    Bad:
        models -> src/acme_unet/models

        # hubconf.py
        from models.unet import unet

    Good:
        from src.acme_unet.models.unet import unet

    Links that hubconf.py does not reach are a note; those among documents are none.
    """
    reached = set()
    for needed, gap, _ in find_gaps(repo, "link"):
        reached.add(gap.path)
        yield symlink.finding(
            f"`{gap.path}` is a symbolic link, which torch.hub unpacks as a text file, so "
            f"{needed.failure}",
            needed.location,
            hint=_link_hint(repo, gap),
            severity=needed.severity,
        )
    others = [path for path in repo.files.of_kind("link") if path not in reached]
    code = [path for path in others if not _is_document(path)]
    if code:
        yield symlink.finding(
            f"torch.hub unpacks symbolic links as text files: {quoted(code)}",
            hint="hubconf.py does not seem to need them.",
            severity="info",
        )


def _is_document(path: str) -> bool:
    return path.startswith(("docs/", "doc/")) or path.endswith((".md", ".rst", ".txt"))


def _link_hint(repo: RepoFacts, gap: Gap) -> str:
    is_folder = repo.files.is_folder(gap.path)
    what = "the folder" if is_folder else "the file"
    return f"Put {what} itself there, or import it from where it is."
