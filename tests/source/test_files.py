"""The tree that is read: a folder, what git tracks in one, and a commit."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.errors import GitRepoError
from hubkit.facts import Entry, Files, Gap
from hubkit.source import Folder, open_commit, open_files
from tests.git_host import commit_files
from tests.git_host.repos import git, git_bytes

if TYPE_CHECKING:
    from pathlib import Path

NET = "def net():\n    'A net.'\n"
ATTRIBUTES = """\
docs export-ignore
docs/kept.md -export-ignore
*.ipynb export-ignore
!*.py export-ignore
/tools/ export-ignore
deep/**/skip.txt export-ignore
[attr]private export-ignore
secret.txt private
version.txt export-subst
"""
ARCHIVED = {
    ".gitattributes": ATTRIBUTES,
    "hubconf.py": NET,
    "docs/index.md": "x",
    "docs/kept.md": "x",
    "a.ipynb": "{}",
    "deep/er/skip.txt": "x",
    "deep/er/keep.txt": "x",
    "tools/run.py": "x",
    "pkg/tools/run.py": "x",
    "secret.txt": "x",
    "version.txt": "$Format:%H$",
    "pkg/.gitattributes": "local.py export-ignore\n",
    "pkg/local.py": "",
    "pkg/ä b\n.py": "x = 1",
}


def archived(repo: Path, ref: str = "HEAD", folder: str = "") -> dict[str, bytes]:
    """What `git archive` holds: every file, and every link with its target."""
    data = git_bytes("archive", "--format=tar", ref, cwd=repo / folder)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            member.name: member.linkname.encode()
            if member.issym()
            else archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile() or member.issym()
        }


def gaps(files: Files, *paths: str) -> list[str]:
    found = [files.gap(path) for path in paths]
    return [f"{gap.kind} {gap.path}" if gap else "" for gap in found]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    commit_files(tmp_path / "repo", {"hubconf.py": NET, "pkg/net.py": "x = 1\n"})
    return tmp_path / "repo"


def test_a_folder_is_taken_as_it_lies_there(tmp_path: Path) -> None:
    for name in ("hubconf.py", "pkg/net.py", ".git/config", "pkg/run.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / "pkg/run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("pkg")
    files = Folder(tmp_path)
    assert files.paths() == ("hubconf.py", "link", "pkg/net.py", "pkg/run.sh")
    assert files.names("") == {"hubconf.py", "link", "pkg"}
    assert files.entry("pkg/run.sh") == Entry("pkg/run.sh", 0o100755, 2)
    assert files.entry("link") == Entry("link", 0o120000, 3)
    assert files.entry("pkg") is None
    assert files.read("link/net.py") == b"x\n"
    assert files.read("pkg/net.py", 1) == b"x"
    assert (files.is_tracked, files.ref, files.gap("hubconf.py")) == (False, "", None)


@pytest.mark.parametrize("make", [Folder, open_files])
def test_only_regular_files_are_read(repo: Path, make: object) -> None:
    files = make(repo)  # type: ignore[operator]
    os.mkfifo(repo / "pipe")
    assert not files.is_file("pipe")
    for path in ("pipe", "pkg", "nothing", "a\0b", "pkg/../.."):
        assert files.read_text(path) == ""
        assert not files.is_file(path)


def test_a_work_tree_is_what_git_tracks_with_what_it_holds_now(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.so\n")
    for name in ("pkg/new.py", "pkg/fast.so", "data/x.txt"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("x")
    (repo / "pkg/net.py").write_text("y = 2\n")
    files = open_files(repo)
    assert files.is_tracked
    assert files.paths() == ("hubconf.py", "pkg/net.py")
    assert files.names("") == {"hubconf.py", "pkg"}
    assert files.strays("") == {"data", ".gitignore"}
    assert files.strays("pkg") == {"new.py", "fast.so"}
    assert files.read("pkg/net.py") == b"y = 2\n"
    assert files.read("pkg/new.py") == b"x"
    assert gaps(files, "pkg/net.py", "pkg/new.py", "pkg/fast.so") == [
        "",
        "untracked pkg/new.py",
        "ignored pkg/fast.so",
    ]


def test_a_deleted_file_is_not_in_the_tree(repo: Path) -> None:
    (repo / "pkg/net.py").unlink()
    files = open_files(repo)
    assert files.paths() == files.paths_ending((".py", ".md")) == ("hubconf.py",)
    assert files.paths_ending((".md",)) == ()
    assert files.names("pkg") == frozenset()
    assert files.entry("pkg/net.py") is None


@pytest.mark.parametrize(
    "part",
    ["--cone --no-sparse-index pkg", "--cone --sparse-index pkg", "--no-cone /hubconf.py /pkg/"],
)
def test_what_a_sparse_checkout_leaves_out_is_in_the_tree(repo: Path, part: str) -> None:
    left_out = {
        "big/deep/part.py": "z = 3\n",
        "big/deep/.gitattributes": "old.py export-ignore\n",
        "big/deep/old.py": "",
    }
    commit_files(repo, {**left_out, "hubconf.py": "from big.deep import part as _part\n" + NET})
    whole = read_repo(open_files(repo))
    git("sparse-checkout", "set", *part.split(), cwd=repo)
    assert not (repo / "big").exists()
    files = open_files(repo)
    assert files.paths() == open_commit(repo, "HEAD").paths()
    assert files.names("big") == {"deep"}
    assert files.names("big/deep") == {"part.py", ".gitattributes"}
    assert files.read("big/deep/part.py") == b"z = 3\n"
    assert files.entry("big/deep/part.py") == Entry("big/deep/part.py", 0o100644, 6)
    assert files.is_folder("big/deep")
    assert files.is_file("big/deep/part.py")
    assert gaps(files, "big/deep/part.py", "big/deep/old.py") == [
        "",
        "export-ignore big/deep/old.py",
    ]
    assert whole.hubconf is not None
    found = read_repo(files).hubconf
    assert found is not None
    assert found.own_imports == whole.hubconf.own_imports
    # What is checked out counts as it lies there, still.
    (repo / "pkg/net.py").unlink()
    assert "pkg/net.py" not in open_files(repo).paths()


def test_a_folder_of_which_git_tracks_nothing_is_taken_as_it_is(tmp_path: Path, repo: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git("init", "--quiet", cwd=fresh)
    (repo / "inner").mkdir()
    for folder in (fresh, repo / "inner", tmp_path):
        (folder / "hubconf.py").write_text(NET)
        assert isinstance(open_files(folder), Folder)


def test_a_folder_inside_a_repo_has_paths_of_its_own(repo: Path) -> None:
    commit_files(repo, {"pkg/.gitattributes": "old.py export-ignore\n", "pkg/old.py": ""})
    for files in (open_files(repo / "pkg"), open_commit(repo / "pkg", "HEAD")):
        assert files.paths() == (".gitattributes", "net.py")
        assert files.names("") == {".gitattributes", "net.py"}
        assert gaps(files, "old.py", "net.py") == ["export-ignore old.py", ""]
        assert files.read("net.py") == b"x = 1\n"


def test_trees_are_what_git_archive_makes_of_them(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    commit_files(repo, ARCHIVED)
    (repo / "alias.py").symlink_to("hubconf.py")
    commit_files(repo, {})
    expected = archived(repo)
    for files in (open_commit(repo, "HEAD"), open_files(repo)):
        assert set(files.paths()) == set(expected)
        for path in set(expected) - {"alias.py", "version.txt"}:
            assert files.read(path) == expected[path]
    # The commit's attributes count, and not those that lie in the work tree now.
    (repo / ".gitattributes").write_text("")
    assert set(open_commit(repo, "HEAD").paths()) == set(expected)
    assert "docs/index.md" in open_files(repo).paths()


def test_a_commit_is_read_without_a_checkout(repo: Path) -> None:
    git("tag", "v1", cwd=repo)
    commit_files(repo, {"hubconf.py": NET.replace("net", "other"), "pkg/net.py": "y = 2\n"})
    (repo / "pkg/untracked.py").write_text("")
    head = git("rev-parse", "HEAD", cwd=repo)
    files = open_commit(repo, "v1")
    assert (files.root, files.ref, files.is_tracked) == (repo, "v1", True)
    assert files.paths() == ("hubconf.py", "pkg/net.py")
    assert files.names("pkg") == {"net.py"}
    assert files.strays("pkg") == frozenset()
    assert files.entry("pkg/net.py") == Entry("pkg/net.py", 0o100644, 6)
    assert files.read("pkg/net.py") == b"x = 1\n"
    assert files.read("pkg/net.py", 2) == b"x "
    assert files.read("hubconf.py") == NET.encode()
    assert files.is_folder("pkg")
    assert not files.is_file("pkg")
    assert not files.is_file("pkg/untracked.py")
    assert [one.name for one in require_hubconf(read_repo(files)).entrypoints] == ["net"]
    assert git("status", "--porcelain", cwd=repo) == "?? pkg/untracked.py"
    assert git("rev-parse", "HEAD", cwd=repo) == head


@pytest.mark.parametrize("ref", ["main", "main~0", "v1", "HEAD", "sha", "short"])
def test_every_name_of_a_commit_will_do(repo: Path, ref: str) -> None:
    git("tag", "-a", "-m", "One", "v1", cwd=repo)
    sha = git("rev-parse", "HEAD", cwd=repo)
    name = {"sha": sha, "short": sha[:8]}.get(ref, ref)
    assert open_commit(repo, name).is_file("hubconf.py")


def test_a_bare_repo_has_commits_and_no_files(tmp_path: Path, repo: Path) -> None:
    bare = tmp_path / "bare.git"
    commit_files(repo, ARCHIVED)
    git("clone", "--quiet", "--bare", str(repo), str(bare))
    assert set(open_commit(bare, "main").paths()) == set(archived(bare))
    with pytest.raises(GitRepoError, match="is a bare repo"):
        open_files(bare)


def test_links_lead_through_the_tree(repo: Path) -> None:
    (repo / "deep").mkdir()
    (repo / "deep/alias").symlink_to("../pkg")
    (repo / "alias.py").symlink_to("deep/alias/net.py")
    (repo / "out").symlink_to("../../elsewhere")
    (repo / "loop").symlink_to("loop")
    commit_files(repo, {})
    for files in (open_files(repo), open_commit(repo, "HEAD")):
        assert files.names("deep/alias") | files.strays("deep/alias") == {"net.py"}
        assert files.read("deep/alias/net.py") == b"x = 1\n"
        assert files.read("alias.py") == b"x = 1\n"
        assert files.read_text("loop") == files.read_text("out") == ""
        entry = files.entry("alias.py")
        assert entry
        assert (entry.kind, entry.size) == ("link", len("deep/alias/net.py"))
        assert gaps(files, "deep/alias/net.py", "alias.py") == ["link deep/alias", "link alias.py"]


def test_a_submodule_is_an_empty_folder(tmp_path: Path, repo: Path) -> None:
    commit_files(tmp_path / "other", {"net.py": "x = 1\n"})
    allow = ("-c", "protocol.file.allow=always")
    git(*allow, "submodule", "--quiet", "add", str(tmp_path / "other"), "third/other", cwd=repo)
    commit_files(repo, {})
    work, commit = open_files(repo), open_commit(repo, "HEAD")
    for files in (work, commit):
        entry = files.entry("third/other")
        assert entry
        assert entry.kind == "submodule"
        assert files.names("third") == {"other"}
        assert files.names("third/other") == frozenset()
        assert files.gap("third/other/net.py") == Gap("submodule", "third/other")
    assert work.strays("third/other") == {"net.py"}
    assert work.read("third/other/net.py") == b"x = 1\n"
    assert commit.strays("third/other") == frozenset()
    assert commit.is_folder("third/other")
    assert not commit.is_file("third/other/net.py")
