"""Paths that links, pipes and other users' files lead elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit._util.paths import (
    UnsafePathError,
    is_inside,
    is_own_file,
    list_folder,
    move_inside,
    open_regular,
    own_uid,
    read_file,
    read_inside,
    remove_inside,
    resolve_inside,
    walk_files,
)
from tests._util.users import NOBODY, as_plain_user, open_way

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, beside another one with a file that nothing may touch."""
    for name in ("root/inner", "outside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    return tmp_path / "root"


@pytest.fixture
def outside(root: Path) -> Path:
    return root.parent / "outside"


def test_links_that_stay_inside_are_followed(root: Path) -> None:
    (root / "alias").symlink_to("inner")
    (root / "link").symlink_to("alias/file")
    assert read_inside(root, "link") == read_inside(root, "alias/file") == b"root/inner"
    assert read_inside(root, "link", 4) == b"root"
    assert resolve_inside(root, "new/file") == root.resolve() / "new" / "file"


def test_a_root_that_is_reached_by_a_link_is_a_root(root: Path) -> None:
    (root.parent / "alias").symlink_to(root)
    assert read_inside(root.parent / "alias", "inner/file") == b"root/inner"
    remove_inside(root.parent / "alias", root / "inner")
    assert list_folder(root) == []


@pytest.mark.parametrize("target", ["../outside/file", "/etc/passwd", "../root2/file", "link"])
def test_links_that_leave_are_not_followed(root: Path, target: str) -> None:
    (root.parent / "root2").mkdir()
    (root.parent / "root2" / "file").touch()
    (root / "link").symlink_to(target)
    with pytest.raises(OSError, match=r"points outside|symbolic link"):
        read_inside(root, "link")


def test_no_link_leads_into_git(root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("token")
    for name, target in (("a", ".git/config"), ("b", ".git"), ("c", "inner/../.GIT/config")):
        (root / name).symlink_to(target)
        with pytest.raises(UnsafePathError, match=r"points into \.git"):
            resolve_inside(root, name)


def test_paths_with_dots_and_absolute_ones_leave(root: Path, outside: Path) -> None:
    for path in ("../outside/file", str(outside / "file")):
        with pytest.raises(UnsafePathError, match="points outside"):
            resolve_inside(root, path)
    assert not is_inside(root, outside)
    assert is_inside(root, root / "not" / "there")


def test_only_plain_files_are_opened(root: Path, outside: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to(outside / "file")
    for name in ("pipe", "link", "inner", "gone"):
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_APPEND):
            with pytest.raises(OSError, match=r"regular|symbolic|directory|No such file"):
                open_regular(root / name, flags)
    with pytest.raises(UnsafePathError, match="not a regular file"):
        read_file(os.devnull, follow=True)
    assert read_file(root / "link", follow=True) == b"outside"


def test_a_file_with_two_hard_links_is_refused(root: Path, outside: Path) -> None:
    assert is_own_file(root / "inner" / "file")
    os.link(outside / "file", root / "hard")
    assert not is_own_file(root / "hard")
    with pytest.raises(UnsafePathError, match="more than one hard link"):
        open_regular(root / "hard", os.O_WRONLY, owner=own_uid())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs two users")
def test_a_file_of_another_user_is_not_ones_own(root: Path) -> None:
    open_way(root)
    theirs, mine = root / "theirs", root / "mine"
    for path in (theirs, mine):
        path.touch()
        path.chmod(0o666)
    os.chown(mine, NOBODY, NOBODY)

    def refuses() -> bool:
        try:
            open_regular(theirs, os.O_WRONLY, owner=own_uid())
        except UnsafePathError as error:
            os.close(open_regular(mine, os.O_WRONLY, owner=own_uid()))
            return "another user" in str(error) and not is_own_file(theirs)
        return False

    assert as_plain_user(refuses)
    assert not is_own_file(mine)


def test_what_is_removed_goes_whole_and_alone(root: Path, outside: Path) -> None:
    (root / "inner" / "link").symlink_to(outside)
    (root / "link").symlink_to(outside)
    for name in ("link", "inner", "gone", "gone/more"):
        remove_inside(root, root / name)
    assert list_folder(root) == []
    assert [path.name for path in list_folder(outside)] == ["file"]


def test_nothing_is_removed_or_moved_behind_a_link(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (root / "inner" / "up").symlink_to("..")
    for path in (
        root / "link" / "file",
        root / "inner" / "up" / "link" / "file",
        root / ".." / "outside" / "file",
        outside / "file",
        root,
        root / "inner" / "..",
    ):
        with pytest.raises(UnsafePathError, match=r"contains a symbolic link|is outside"):
            remove_inside(root, path)
        with pytest.raises(UnsafePathError, match=r"contains a symbolic link|is outside"):
            move_inside(root, path, root.parent / "moved")
    assert (outside / "file").read_text() == "outside"
    assert (root / "inner" / "file").read_text() == "root/inner"


def test_walks_go_as_deep_as_folders_do(root: Path) -> None:
    deep = root / "/".join("a" * 200)
    deep.mkdir(parents=True)
    (deep / "file").touch()
    code = (
        "import sys; from hubkit._util.paths import walk_files; sys.setrecursionlimit(100); "
        "raise SystemExit(not any(path.endswith('a/file') for path in walk_files(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=True)


def test_walks_do_not_follow_links(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (root / "skipped").mkdir()
    (root / "skipped" / "file").touch()
    assert sorted(walk_files(root, without="skipped")) == ["inner/file", "link"]
    assert list_folder(root / "link") == []


PLAIN = """
import os, sys
from pathlib import Path
os.supports_dir_fd.clear()
del os.O_NOFOLLOW
from hubkit._util import paths

root, outside = map(Path, sys.argv[1:])
(root / "link").symlink_to(outside)
(root / "file").symlink_to(outside / "file")
for work in (
    lambda: paths.remove_inside(root, root / "link" / "file"),
    lambda: paths.move_inside(root, root / "link" / "file", root / "moved"),
    lambda: os.close(paths.open_regular(root / "file")),
    lambda: paths.read_inside(root, "link/file"),
):
    try:
        work()
    except paths.UnsafePathError:
        continue
    sys.exit("not refused")
for name in ("link", "file", "inner"):
    paths.remove_inside(root, root / name)
"""


def test_systems_with_fewer_calls_refuse_the_same(root: Path, outside: Path) -> None:
    """Windows opens no folders, and has no flag that keeps links from being followed."""
    subprocess.run([sys.executable, "-c", PLAIN, str(root), str(outside)], check=True)
    assert list_folder(root) == []
    assert [path.name for path in list_folder(outside)] == ["file"]
