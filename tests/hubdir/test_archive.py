"""Archives are judged before anything is written, and what may not be unpacked leaves nothing."""

from __future__ import annotations

import io
import os
import stat
import warnings
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit import limits
from hubkit.errors import HashMismatchError, UnsafeArchiveError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import archive, fetch_repo, find_cached, parse_repo
from hubkit.limits import Limit
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

SHA = "0123456789" * 4
REPO = parse_repo("acme/shapes")


@dataclass(frozen=True)
class Entry:
    """A member of an archive in the making; the name goes in as it is."""

    name: str
    data: bytes = b"x"
    mode: int = stat.S_IFREG | 0o644


def link(name: str, target: str) -> Entry:
    return Entry(name, target.encode(), stat.S_IFLNK | 0o777)


def make_zip(*entries: Entry, comment: str = SHA, top: str = "top/") -> bytes:
    body = io.BytesIO()
    usual = (Entry(top, b"", stat.S_IFDIR | 0o755), Entry(f"{top}hubconf.py")) if top else ()
    with warnings.catch_warnings(), zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as made:
        warnings.simplefilter("ignore")  # names that are there twice
        for entry in (*usual, *entries):
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = entry.name
            info.external_attr = entry.mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            made.writestr(info, entry.data)
        made.comment = comment.encode()
    return body.getvalue()


def unpack(tmp_path: Path, body: bytes) -> dict[str, str]:
    """Unpack into a folder; gives its files and links with what they hold or lead to."""
    (tmp_path / "a.zip").write_bytes(body)
    folder = tmp_path / "in" / "tree"
    folder.parent.mkdir(exist_ok=True)
    archive.unpack(tmp_path / "a.zip", folder, SHA)
    found = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text()
        for path in found
    }


UNSAFE = {
    "a name that leads up": [Entry("top/../../escaped")],
    "a name that leads up and comes back": [Entry("top/a/../b")],
    "a name that leads up, of a folder": [Entry("top/../victim/", b"", stat.S_IFDIR | 0o755)],
    "an absolute name": [Entry("/etc/passwd")],
    "a drive letter": [Entry("C:/windows")],
    "a drive letter below the top": [Entry("top/C:evil")],
    "backslashes": [Entry("top\\..\\..\\escaped")],
    "a backslash below the top": [Entry("top/a\\b")],
    "a NUL": [Entry("top/a.py\0.txt")],
    "a line break": [Entry("top/a\nb")],
    "an empty part": [Entry("top//a")],
    "a dot": [Entry("top/./a")],
    "a second top folder": [Entry("acme_other_main/hubconf.py")],
    "a file beside the top folder": [Entry("loose")],
    "a file named like the top folder": [Entry("top")],
    "one name twice": [Entry("top/a"), Entry("top/a")],
    "names that differ in case": [Entry("top/a"), Entry("top/A")],
    "names that differ in Unicode form": [Entry("top/\u00e9"), Entry("top/e\u0301")],
    "folders that differ in case": [Entry("top/a/x"), Entry("top/A/y")],
    "a file that is a folder too": [Entry("top/a"), Entry("top/a/b")],
    "a file that is another's folder in other case": [Entry("top/A"), Entry("top/a/b")],
    "a special file": [Entry("top/null", b"", stat.S_IFCHR | 0o666)],
    "a pipe": [Entry("top/pipe", b"", stat.S_IFIFO | 0o666)],
    "a socket": [Entry("top/socket", b"", stat.S_IFSOCK | 0o666)],
    "a folder by mode only": [Entry("top/folder", b"", stat.S_IFDIR | 0o755)],
    "a link out": [link("top/out", "../outside")],
    "an absolute link": [link("top/out", "/etc")],
    "a link to a drive": [link("top/out", "C:/windows")],
    "a link with backslashes": [link("top/out", "..\\..\\outside")],
    "a link to nothing": [link("top/out", "")],
    "a link out through another link": [
        Entry("top/d/e/file"),
        link("top/d/e/up", "../.."),
        link("top/out", "d/e/up/../outside"),
    ],
    "a link out where case is ignored": [link("top/D", "."), link("top/out", "d/d/../../outside")],
    "links in a circle": [link("top/a", "b"), link("top/b", "a")],
    "a link to itself": [link("top/a", "a")],
    "a file below a link": [link("top/out", "d"), Entry("top/out/file")],
    "a link that is a whole file": [link("top/a", "x" * 5000)],
    "git's folder": [Entry("top/.git/config")],
    "git's own folder, far below": [Entry("top/a/b/.git/hooks/post-checkout")],
    "git's own folder as a file": [Entry("top/.git", b"gitdir: /elsewhere")],
    "git's own folder as a link": [Entry("top/d/x"), link("top/.git", "d")],
    "git's own folder in capitals": [Entry("top/.GIT/config")],
    "git's own folder as a stream of Windows": [Entry("top/.git::$INDEX_ALLOCATION/config")],
    "git's own folder by its short name": [Entry("top/GIT~1/config")],
    "git's own folder with an invisible letter": [Entry("top/.g\u200cit/config")],
}


@pytest.mark.parametrize("entries", UNSAFE.values(), ids=UNSAFE)
def test_a_refused_archive_leaves_nothing(tmp_path: Path, entries: list[Entry]) -> None:
    before = {tmp_path / "in", tmp_path / "a.zip"}
    with pytest.raises(UnsafeArchiveError, match="cannot be unpacked safely"):
        unpack(tmp_path, make_zip(*entries))
    assert set(tmp_path.rglob("*")) == before


ODD_ON_WINDOWS = ["a.py.", "a /b.py", ".../b.py", "NUL", "lib/aux.py", "com1/a.py", "con .txt"]


@pytest.mark.parametrize("name", ODD_ON_WINDOWS)
def test_names_that_windows_takes_for_something_else_are_refused_there(name: str) -> None:
    assert archive.find_bad_name(name, windows=True)
    assert not archive.find_bad_name(name, windows=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot write these names")
def test_names_that_only_windows_objects_to_are_unpacked_elsewhere(tmp_path: Path) -> None:
    found = unpack(tmp_path, make_zip(*(Entry(f"top/{name}") for name in ODD_ON_WINDOWS)))
    assert found.keys() == {"hubconf.py", *ODD_ON_WINDOWS}


def test_names_that_only_look_odd_are_unpacked(tmp_path: Path) -> None:
    names = [".gitignore", ".github/x", "git", "auxiliary.py", "com10", "console.py", "a..b", ".a"]
    found = unpack(tmp_path, make_zip(*(Entry(f"top/{name}") for name in names)))
    assert found.keys() == {"hubconf.py", *names}


def test_bytecode_is_left_out(tmp_path: Path) -> None:
    names = ["__pycache__/a.cpython-311.pyc", "p/__pycache__/b.pyc", "a.pyc", "p/b.PYC", "c.pyo"]
    entries = [*(Entry(f"top/{name}") for name in names), link("top/d.pyc", "p/a.py")]
    body = make_zip(*entries, Entry("top/p/a.py"), Entry("top/q/__pycache__/kept.bin"))
    kept = {"hubconf.py", "p/a.py", "q/__pycache__/kept.bin"}
    assert unpack(tmp_path, body).keys() == kept
    assert archive.is_same(tmp_path / "a.zip", tmp_path / "in" / "tree")


def test_a_first_member_that_leads_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError, match="points outside the archive"):
        unpack(tmp_path, make_zip(Entry("../victim/", b""), Entry("../victim/a"), top=""))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_MEMBERS", Limit(10, "members", ""))
    with pytest.raises(UnsafeArchiveError, match="more than 10 members"):
        unpack(tmp_path, make_zip(*(Entry(f"top/{number}") for number in range(10))))


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError, match="would unpack to 100 MiB"):
        unpack(tmp_path, make_zip(Entry("top/zeros", bytes(100 << 20))))


def test_a_member_that_holds_more_than_it_says_is_refused(tmp_path: Path) -> None:
    body = bytearray(make_zip(Entry("top/zeros", bytes(1 << 20))))
    at = body.rindex(b"PK\x01\x02")
    body[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(UnsafeArchiveError, match="damaged"):
        unpack(tmp_path, bytes(body))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    body = bytearray(make_zip(Entry("top/secret")))
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnsafeArchiveError, match="encrypted"):
        unpack(tmp_path, bytes(body))


@pytest.mark.parametrize("body", [b"", b"PK", b"<html>", make_zip()[:-60], make_zip(top="")])
def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, body)
    assert not (tmp_path / "in" / "tree").exists()


@pytest.mark.parametrize("position", [0, 10, 100])
def test_a_damaged_archive_is_refused(tmp_path: Path, position: int) -> None:
    body = bytearray(make_zip(Entry("top/net.py", bytes(range(256)))))
    body[body.index(b"net.py") + len("net.py") + position] ^= 0xFF
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, bytes(body))


def test_the_archive_of_another_commit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HashMismatchError) as wrong:
        unpack(tmp_path, make_zip(comment="f" * 40))
    assert (wrong.value.expected, wrong.value.actual) == (SHA, "f" * 40)


def test_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    entries = [
        Entry("top/real/net.py", b"N = 1"),
        link("top/alias", "real"),
        link("top/real/again", "../alias/net.py"),
        link("top/real/root", ".."),
        link("top/dangling", "not/there"),
    ]
    files = unpack(tmp_path, make_zip(*entries))
    assert files == {
        "hubconf.py": "x",
        "real/net.py": "N = 1",
        "alias": "-> real",
        "real/again": "-> ../alias/net.py",
        "real/root": "-> ..",
        "dangling": "-> not/there",
    }
    assert (tmp_path / "in/tree/alias/net.py").read_text() == "N = 1"


def test_gits_own_archive_comes_out_as_it_went_in(host: GitHost, worktree: Path) -> None:
    (worktree / "alias").symlink_to("net")
    script = worktree / "run me.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    commit_files(
        worktree, {"n\u00e4tive/\u6a21\u578b.py": "", "empty": "", "big.bin": bytes(20 << 20)}
    )
    host.add_repo("acme", "shapes", worktree)
    tree = fetch_repo(REPO, FetchPolicy()).path
    assert (tree / "alias").readlink().name == "net"
    assert (tree / "run me.sh").stat().st_mode & 0o111
    assert not (tree / "hubconf.py").stat().st_mode & 0o111
    git("--work-tree", str(tree), "diff", "--exit-code", "HEAD", cwd=worktree)


def test_a_refused_archive_leaves_no_trace_in_the_hub_dir(
    host: GitHost, worktree: Path, hub_dir: Path
) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    host.add_archive(sha, make_zip(Entry("acme_other_main/hubconf.py"), comment=sha))
    with pytest.raises(UnsafeArchiveError):
        fetch_repo(REPO, FetchPolicy())
    assert [path for path in hub_dir.rglob("*") if path.is_file()] == []
    assert find_cached(REPO) is None


NAME = st.text(st.sampled_from("ab./\\:C\0~\u00e9\n"), max_size=12)


def test_an_index_that_leads_before_the_file_is_damage(tmp_path: Path) -> None:
    whole = make_zip(link("top/link", "hubconf.py"))
    with pytest.raises(UnsafeArchiveError, match=r"damaged: .* outside the file"):
        unpack(tmp_path, whole[40:])


@given(st.lists(st.tuples(NAME, st.sampled_from([stat.S_IFREG, stat.S_IFLNK])), max_size=4))
def test_whatever_the_names_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, int]]
) -> None:
    root = tmp_path_factory.mktemp("random")
    entries = [Entry(f"top/{name}", name.encode(), kind | 0o644) for name, kind in names]
    try:
        unpack(root, make_zip(*entries))
    except UnsafeArchiveError:
        assert not (root / "in" / "tree").exists()
    assert {path.name for path in root.iterdir()} == {"in", "a.zip"}
    inside = root / "in" / "tree"
    assert {path.name for path in inside.parent.iterdir()} <= {"tree"}
    for path in inside.rglob("*") if inside.exists() else ():
        assert path.resolve().is_relative_to(inside.resolve())
