"""Points about the commit, the tag and what came before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit._util.text import join_words, plural
from hubkit.analysis import read_repo
from hubkit.lint import lint_repo
from hubkit.publish.identity import is_writable
from hubkit.publish.release.points import Point, some
from hubkit.publish.release.versions import bare_version, parse_version
from hubkit.source import open_commit
from hubkit.source.worktree import read_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding
    from hubkit.publish.release.situation import Situation
    from hubkit.publish.release.versions import Version

# What torch.hub, and people, take for a commit.
_LIKE_A_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_CHANGELOG = re.compile(
    r"(?:change(?:s|log)|history|news|releases?)(?:\.(?:md|rst|txt))?", re.IGNORECASE
)


def work_tree(now: Situation) -> Iterator[Point]:
    """What is published is what is committed."""
    changes = read_changes(now.git)
    changed, strays = changes.tracked, changes.untracked
    where = f"on {now.branch}" if now.branch else "HEAD is detached: only the tag will keep it"
    if changed:
        yield Point(
            "work tree",
            "missing",
            f"{plural(len(changed), 'file')} {'differs' if len(changed) == 1 else 'differ'} from the commit: "
            f"{some(changed)}",
            "git commit -a, or git stash; where filters rewrite files, git status first",
        )
    elif strays:
        yield Point(
            "work tree",
            "note",
            f"{now.sha[:10]}, {where}; not in git: {some(strays)}",
            "git add what belongs in the release, and ignore the rest",
        )
    else:
        yield Point("work tree", "ok", f"clean, {now.sha[:10]}, {where}")


def tag(now: Situation) -> Iterator[Point]:
    """The tag can be made, and means one commit to everybody."""
    if not now.tag:
        last = parse_version(now.earlier)
        following = f"v{last.next(breaking=False)}" if last else "v0.1.0"
        yield Point("tag", "missing", "nothing tells its name", f"--tag {following}")
        return
    problem = _wrong_with(now)
    if problem:
        yield Point("tag", "missing", problem, "choose another: --tag vX.Y.Z")
    elif now.tag in now.tags:
        yield Point("tag", "ok", f"{now.tag} is at this commit already")
    else:
        yield Point("tag", "ok", f"{now.tag} is free here")


def _wrong_with(now: Situation) -> str:
    """Why a tag of that name cannot be made, or would mean more than one thing; "" when it may."""
    name = now.tag
    if now.git.try_to("check-ref-format", f"refs/tags/{name}").returncode or name.startswith("-"):
        return f"{name!r} is no name that git takes for a tag"
    if not is_writable(name):
        return f"nobody can write {name!r} behind owner/name:"
    if _LIKE_A_COMMIT.fullmatch(name):
        return f"{name!r} reads like a commit"
    if name in now.branches:
        return f"a branch is called {name} too, so nobody can tell which torch.hub loads"
    taken = now.tags.get(name)
    if taken and taken != now.sha:
        return f"{name} is taken: it is at {taken[:10]}, and who has it keeps that"
    return ""


def breaking(now: Situation) -> Iterator[Point]:
    """Calls that worked with the last tag still do, or the version says that they do not."""
    if not now.earlier:
        is_shallow = now.git.ask("rev-parse", "--is-shallow-repository").strip() == b"true"
        if is_shallow:
            why = "this clone is shallow, so the last tag is not known"
            yield Point("breaking changes", "note", why, "git fetch --unshallow --tags")
        else:
            yield Point("breaking changes", "ok", "there is no earlier tag")
        return
    before = read_repo(open_commit(now.root, now.earlier))
    facts = structs.replace(now.facts, before=before)
    config = structs.replace(now.config, select=("HUB209",), extend_select=())
    errors = [one for one in lint_repo(facts, config).findings if one.severity == "error"]
    old, new = parse_version(now.earlier), now.version
    if old is None or new is None:
        yield _uncompared(now, errors)
    elif new < old or (new == old and now.tag not in now.tags):
        yield Point(
            "breaking changes",
            "missing",
            f"{now.tag} does not come after {now.earlier}",
            f"--tag {_like(now.earlier, old.next(breaking=bool(errors)))}",
        )
    elif errors and not new.allows_breaking(old):
        yield Point(
            "breaking changes",
            "missing",
            f"{some(one.message for one in errors)}; {now.tag} after {now.earlier} says that "
            "nothing breaks",
            f"--tag {_like(now.earlier, old.next(breaking=True))}, or keep what was there: "
            f"hubkit check --against {now.earlier}",
        )
    elif errors:
        why = f"{plural(len(errors), 'change')} since {now.earlier}, and {now.tag} says so"
        yield Point("breaking changes", "ok", why, "say in the changelog what to write instead")
    else:
        yield Point("breaking changes", "ok", f"none since {now.earlier}")


def _uncompared(now: Situation, errors: list[Finding]) -> Point:
    names = some(name for name in (now.earlier, now.tag) if parse_version(name) is None)
    if not errors:
        return Point("breaking changes", "ok", f"none since {now.earlier}")
    return Point(
        "breaking changes",
        "note",
        f"{some(one.message for one in errors)}; {names or 'the tag'} is no version that says so",
        f"hubkit check --against {now.earlier} lists them",
    )


def _like(earlier: str, version: Version) -> str:
    return f"{'v' if not earlier[:1].isdigit() else ''}{version}"


def versions(now: Situation) -> Iterator[Point]:
    """Files that say a version say the tag's."""
    wanted = bare_version(now.tag)
    others = {place: said for place, said in now.versions.items() if said != wanted}
    if not now.versions:
        yield Point("versions", "ok", "no file declares one")
    elif not now.tag or not others:
        yield Point("versions", "ok", f"{wanted} in {some(now.versions)}")
    else:
        listed = [f"{place} says {version}" for place, version in others.items()]
        why = join_words([*listed, f"the tag is {now.tag}"])
        yield Point("versions", "missing", why, "make them agree")


def changelog(now: Situation) -> Iterator[Point]:
    """A changelog tells of the version."""
    names = sorted(now.facts.files.names("") | now.facts.files.names("docs"))
    name = next((name for name in names if _CHANGELOG.fullmatch(name)), None)
    if name is None:
        yield Point("changelog", "ok", "there is none")
        return
    path = name if name in now.facts.files.names("") else f"docs/{name}"
    version = bare_version(now.tag)
    text = now.facts.files.read_text(path)
    if not version:
        return
    if re.search(
        rf"(?<![\w.]){re.escape(version)}(?![\w]|\.\d)", text.replace(f"v{version}", version)
    ):
        yield Point("changelog", "ok", f"{path} tells of {version}")
    else:
        yield Point(
            "changelog", "missing", f"{path} says nothing of {version}", "write what has changed"
        )
