"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hubkit._util.atomic import (
    create_exclusive,
    create_file,
    creating,
    place_new,
    replacing,
    temporary_beside,
    write_file,
    write_output,
)
from tests._util.users import as_plain_user, open_way

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and modes of POSIX")


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, "ä\r\n\n")
    assert path.read_bytes() == b"\xc3\xa4\r\n\n"
    write_file(path, b"\xff", durable=True)
    assert path.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_the_mode_stays_and_a_new_file_has_the_umasks(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        write_file(old, "")
        write_file(new, "")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o640, 0o640]


@posix
def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    canary, link = tmp_path / "canary", tmp_path / "link"
    canary.write_text("mine")
    for write in (write_file, write_output):
        link.unlink(missing_ok=True)
        link.symlink_to(canary)
        write(link, "new")
        assert (link.is_symlink(), link.read_text(), canary.read_text()) == (False, "new", "mine")


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_temporary_name_that_is_taken_is_not_used(tmp_path: Path) -> None:
    canary, link = tmp_path / "canary", tmp_path / "temporary"
    canary.write_text("mine")
    link.symlink_to(canary)
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "file", "new", temporary=link)
    assert canary.read_text() == "mine"
    assert link.is_symlink()


def test_temporary_names_differ_and_fit(tmp_path: Path) -> None:
    long = tmp_path / ("n" * 250)
    names = {temporary_beside(long).name for _ in range(100)}
    assert len(names) == 100
    write_file(long, "")


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_never_replaces_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(source: Path, target: Path) -> None:
            raise PermissionError(1, "no hard links here", str(source), None, str(target))

        monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "file"
    create_file(path, "first")
    with pytest.raises(FileExistsError):
        create_file(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_new_file_is_not_made_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "link", "")
    with pytest.raises(FileExistsError):
        create_exclusive(tmp_path / "link")
    with creating(tmp_path / "staged") as (_, staged), pytest.raises(FileExistsError):
        place_new(staged, tmp_path / "link")
    assert not (tmp_path / "gone").exists()


@posix
def test_output_goes_into_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, "text")
    reader.join()
    assert found == [b"text"]
    assert not pipe.is_file()


@posix
def test_output_is_written_where_only_the_file_may_be(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    path = folder / "file"
    path.write_text("something long")
    path.chmod(0o666)
    open_way(folder)
    folder.chmod(0o555)

    def writes() -> bool:
        write_output(path, "new")
        return path.read_text() == "new"

    try:
        assert as_plain_user(writes)
    finally:
        folder.chmod(0o755)


@posix
def test_open_files_of_the_process_are_not_files_to_replace(tmp_path: Path) -> None:
    code = "from pathlib import Path\nfrom hubkit._util.atomic import write_output\n"
    code += "write_output(Path('/dev/stdout'), 'text')"
    with (tmp_path / "out").open("wb") as stream:
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert (tmp_path / "out").read_text() == "text"
    assert Path("/dev/stdout").is_symlink()
