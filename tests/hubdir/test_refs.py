"""Which commit a ref is: in one request, or by asking for what is wanted where the list is long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit import limits
from hubkit.errors import HashMismatchError, RefNotFoundError, UnsafeArchiveError
from hubkit.facts import FetchPolicy, RepoRef
from hubkit.hubdir import fetch_repo, find_cached, parse_repo, refs
from hubkit.hubdir.http import Client
from hubkit.hubdir.refs import fetch_refs, find_ref
from hubkit.loader.pins import lock_repo
from tests.git_host import commit_files, git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubkit.facts import ResolvedRef
    from tests.git_host import GitHost

ASK = FetchPolicy()
PULLS = 10_000
ADVERTISED = "/acme/shapes.git/info/refs"
ASKED = "/acme/shapes.git/git-upload-pack"


@pytest.fixture
def busy(host: GitHost, worktree: Path) -> str:
    """``acme/shapes`` with branches, tags and thousands of pull requests; gives the first commit."""
    first = git("rev-parse", "HEAD", cwd=worktree)
    git("tag", "-a", "v1", "-m", "annotated", cwd=worktree)
    git("branch", "feature/x", cwd=worktree)
    git("branch", "mainly", cwd=worktree)
    second = commit_files(worktree, {"net/a.py": "A = 2\n"})
    git("tag", "v2", cwd=worktree)
    bare = host.add_repo("acme", "shapes", worktree)
    git("pack-refs", "--all", cwd=bare)
    packed = bare / "packed-refs"
    before, mark, tags = packed.read_text().partition(
        f"{git('rev-parse', 'v1', cwd=bare)} refs/tags"
    )
    pulls = sorted(f"refs/pull/{n}/head" for n in range(PULLS))
    lines = [f"{(first, second)[n % 2]} {name}\n" for n, name in enumerate(pulls)]
    packed.write_text("".join([before, *lines, mark, tags]))
    host.forget_requests()
    return first


def resolve(text: str) -> ResolvedRef | None:
    repo = parse_repo(text)
    with Client(FetchPolicy()) as client:
        return find_ref(fetch_refs(client, repo), repo)


def test_an_ordinary_list_is_one_request(host: GitHost) -> None:
    assert resolve("acme/shapes:main")
    assert host.paths() == [ADVERTISED]


@pytest.mark.parametrize(
    "ref", ["", ":main", ":feature/x", ":v1", ":v2", ":refs/tags/v1", ":refs/heads/main"]
)
def test_a_long_list_is_left_for_the_refs_that_are_wanted(
    host: GitHost, busy: str, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    short = resolve(f"acme/shapes{ref}")
    assert host.paths() == [ADVERTISED, ADVERTISED, ASKED]
    assert sum(entry.sent for entry in host.requests[1:]) < 2000
    monkeypatch.setattr(refs, "LONG", limits.REFS_BYTES.most)
    host.forget_requests()
    assert resolve(f"acme/shapes{ref}") == short
    assert host.paths() == [ADVERTISED]
    assert host.sent > PULLS * 60
    assert busy


def test_a_commit_is_looked_for_among_all_branches_and_tags(host: GitHost, busy: str) -> None:
    found = resolve(f"acme/shapes:{busy[:8]}")
    assert found
    assert (found.sha, found.full_name) == (busy, "")
    assert host.paths() == [ADVERTISED, ADVERTISED, ASKED]
    assert resolve("acme/shapes:" + "0123456789" * 4) is None


def test_close_names_are_suggested_from_a_long_list_too(host: GitHost, busy: str) -> None:
    with pytest.raises(RefNotFoundError) as missing:
        resolve("acme/shapes:mian")
    assert "main" in missing.value.hint
    assert host.paths() == [ADVERTISED, ADVERTISED, ASKED, ASKED]
    assert busy


def test_both_versions_tell_the_same(
    host: GitHost, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anything = RepoRef("acme", "shapes", "0123456789" * 4)
    with Client(FetchPolicy()) as client:
        wanted = fetch_refs(client, anything)
        monkeypatch.setattr(refs, "LONG", limits.REFS_BYTES.most)
        assert fetch_refs(client, anything) == wanted
    assert set(wanted.commits) == {
        "refs/heads/feature/x",
        "refs/heads/main",
        "refs/heads/mainly",
        "refs/tags/v1",
        "refs/tags/v2",
    }
    assert wanted.commits["refs/tags/v1"] == busy
    assert host.paths(ASKED)


@pytest.mark.parametrize("detached", [False, True])
def test_a_default_branch_of_any_name_is_found_in_a_long_list(
    host: GitHost, busy: str, worktree: Path, detached: bool
) -> None:
    bare = host.bare("acme", "shapes")
    git("symbolic-ref", "HEAD", "refs/heads/feature/x", cwd=bare)
    if detached:
        git("update-ref", "--no-deref", "HEAD", busy, cwd=bare)
        git("update-ref", "-d", "refs/heads/mainly", cwd=bare)
    found = resolve("acme/shapes")
    assert found
    assert (found.full_name, found.sha) == ("refs/heads/feature/x", busy)
    assert worktree.exists()


def test_a_host_of_version_0_alone_is_heard_out(host: GitHost, busy: str) -> None:
    host.speaks_version_2 = False
    found = resolve("acme/shapes:v1")
    assert found
    assert found.sha == busy
    assert host.paths() == [ADVERTISED, ADVERTISED]


def test_a_branch_wins_over_a_tag_of_its_name_in_a_long_list(host: GitHost, busy: str) -> None:
    git("update-ref", "refs/tags/mainly", "main", cwd=host.bare("acme", "shapes"))
    with pytest.warns(UserWarning, match="both a branch and a tag"):
        found = resolve("acme/shapes:mainly")
    assert found
    assert found.sha == busy


def test_a_short_hash_that_several_commits_share_is_refused() -> None:
    both = {"refs/heads/a": "0123456a" + "0" * 32, "refs/heads/b": "0123456b" + "0" * 32}
    offered = refs.RefList(both, "refs/heads/a")
    with pytest.raises(RefNotFoundError, match="several commits"):
        find_ref(offered, parse_repo("acme/shapes:0123456"))
    found = find_ref(offered, parse_repo("acme/shapes:0123456B"))
    assert found
    assert found.sha == both["refs/heads/b"]


@pytest.fixture
def impostor(host: GitHost, worktree: Path) -> tuple[str, str]:
    """A commit whose hash is the name of a branch that leads elsewhere; gives both commits."""
    pinned = git("rev-parse", "HEAD", cwd=worktree)
    other = commit_files(worktree, {"hubconf.py": "dependencies = ['evil']\n"})
    bare = host.add_repo("acme", "shapes", worktree)
    git("update-ref", f"refs/heads/{pinned}", other, cwd=bare)
    return pinned, other


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_full_hash_is_a_commit_whatever_refs_are_called(
    host: GitHost, impostor: tuple[str, str], spell: Callable[[str], str]
) -> None:
    pinned, other = impostor
    git("update-ref", f"refs/tags/{pinned}", other, cwd=host.bare("acme", "shapes"))
    # It is the tip of nothing: the history decides whether it belongs to the repo.
    assert resolve(f"acme/shapes:{spell(pinned)}") is None
    named = resolve(f"acme/shapes:refs/heads/{pinned}")
    assert named is not None
    assert (named.sha, named.full_name) == (other, f"refs/heads/{pinned}")
    assert named.short_name == f"refs/heads/{pinned}"
    tag = resolve(f"acme/shapes:refs/tags/{pinned}")
    assert tag is not None
    assert tag.sha == other


@pytest.mark.parametrize("way", ["", "git+"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_pinned_commit_is_never_what_bears_its_name(
    host: GitHost, impostor: tuple[str, str], way: str, skip: bool
) -> None:
    pinned, other = impostor
    repo = parse_repo(f"{way}https://github.com/acme/shapes@{pinned}")
    policy = FetchPolicy(skip_validation=skip)
    if way:
        cached = fetch_repo(repo, policy)
        assert cached.sha == pinned
        assert "evil" not in (cached.path / "hubconf.py").read_text()
    else:
        # The host makes the archive of the branch, as git does: it is not put in place.
        with pytest.raises(HashMismatchError, match=other):
            fetch_repo(repo, policy)
        assert find_cached(repo) is None
    full = fetch_repo(parse_repo(f"{way}https://github.com/acme/shapes@refs/heads/{pinned}"), ASK)
    assert full.sha == other
    assert "evil" in (full.path / "hubconf.py").read_text()
    assert find_cached(repo) is None or way
    assert host.requests


def test_a_lock_file_pins_the_commit_and_not_its_namesake(impostor: tuple[str, str]) -> None:
    pinned, _ = impostor
    locked = lock_repo(parse_repo(f"git+https://github.com/acme/shapes@{pinned}"))
    assert locked.sha == pinned


def test_an_archive_that_names_no_commit_is_refused(
    host: GitHost, impostor: tuple[str, str], worktree: Path
) -> None:
    pinned, _ = impostor
    tree = git_bytes("archive", "--format=zip", "--prefix=x/", "HEAD^{tree}", cwd=worktree)
    host.add_archive(git("rev-parse", "HEAD", cwd=worktree), tree)
    host.add_archive(pinned, tree)
    repo = parse_repo(f"acme/shapes:{pinned}")
    with pytest.raises(UnsafeArchiveError, match="does not name its commit"):
        fetch_repo(repo, FetchPolicy(skip_validation=True))
    assert find_cached(repo) is None


def test_a_default_branch_that_is_called_like_a_commit_is_not_that_commit(
    host: GitHost, impostor: tuple[str, str]
) -> None:
    pinned, other = impostor
    git("symbolic-ref", "HEAD", f"refs/heads/{pinned}", cwd=host.bare("acme", "shapes"))
    repo = parse_repo("acme/shapes")
    assert fetch_repo(repo, ASK).sha == other
    host.forget_requests()
    cached = find_cached(repo)
    assert cached is not None
    assert cached.sha == other
    assert find_cached(parse_repo(f"acme/shapes:{pinned}")) is None
