from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import TemplateError
from hubkit.scaffold import RenderedFile, compare_files, write_files
from tests.scaffold.conftest import read_tree, write_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = (
    RenderedFile("README.md", b"# Shapes\n"),
    RenderedFile("shapes/net.py", b"import torch\n"),
    RenderedFile("shapes/deep/er.py", b""),
)


def states(target: Path, files: tuple[RenderedFile, ...] = FILES) -> list[str]:
    return [outcome.state for outcome in compare_files(target, files)]


def test_everything_is_written_into_a_new_folder(tmp_path: Path) -> None:
    target = tmp_path / "made" / "on the way"
    assert states(target) == ["created"] * 3
    assert not target.exists()
    assert [outcome.state for outcome in write_files(target, FILES)] == ["created"] * 3
    assert read_tree(tmp_path) == {f"made/on the way/{f.path}": f.content for f in FILES}
    assert states(target) == ["kept"] * 3


def test_files_get_the_modes_that_an_editor_would_give_them(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    usual = tmp_path / "usual"
    usual.touch()
    assert stat.S_IMODE((tmp_path / "README.md").stat().st_mode) == stat.S_IMODE(
        usual.stat().st_mode
    )


def test_existing_files_are_kept_and_missing_ones_added(tmp_path: Path) -> None:
    write_tree(tmp_path, {"README.md": "mine", "shapes/net.py": "import torch\n", "other": "x"})
    outcomes = write_files(tmp_path, FILES)
    assert [outcome.state for outcome in outcomes] == ["differs", "kept", "created"]
    assert read_tree(tmp_path) == {
        "README.md": b"mine",
        "other": b"x",
        "shapes/net.py": b"import torch\n",
        "shapes/deep/er.py": b"",
    }


def test_a_link_in_the_way_is_kept_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "README.md").symlink_to(tmp_path / "elsewhere.md")
    assert write_files(target, FILES)[0].state == "differs"
    assert not (tmp_path / "elsewhere.md").exists()


def test_overwriting_replaces_what_differs_and_is_not_its_authors(tmp_path: Path) -> None:
    files = (*FILES, RenderedFile("hubconf.py", b"theirs", is_yours=True))
    write_tree(tmp_path, {"README.md": "mine", "hubconf.py": "mine"})
    (tmp_path / "README.md").chmod(0o755)
    outcomes = write_files(tmp_path, files, overwrite=True)
    assert [one.state for one in outcomes] == ["overwritten", "created", "created", "differs"]
    assert (tmp_path / "README.md").read_bytes() == FILES[0].content
    assert stat.S_IMODE((tmp_path / "README.md").stat().st_mode) == 0o755
    assert (tmp_path / "hubconf.py").read_text() == "mine"
    assert states(tmp_path) == ["kept"] * 3
    assert [one.has_drifted for one in outcomes] == [False, True, True, False]


def test_overwriting_leaves_links_and_what_they_lead_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_tree(tmp_path, {"elsewhere.md": "mine", "target/x": ""})
    (target / "README.md").symlink_to("../elsewhere.md")
    assert write_files(target, FILES, overwrite=True)[0].state == "differs"
    assert (target / "README.md").is_symlink()
    assert (tmp_path / "elsewhere.md").read_text() == "mine"


def test_a_folder_that_links_outside_is_refused(tmp_path: Path) -> None:
    target, outside = tmp_path / "target", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (target / "shapes").symlink_to(outside)
    with pytest.raises(TemplateError, match="contains a symbolic link"):
        write_files(target, FILES)
    assert not list(outside.iterdir())
    assert [path.name for path in target.iterdir()] == ["shapes"]


def test_a_folder_that_links_inside_is_used(tmp_path: Path) -> None:
    write_tree(tmp_path, {"real/x": ""})
    (tmp_path / "shapes").symlink_to("real")
    write_files(tmp_path, FILES)
    assert (tmp_path / "real" / "net.py").is_file()


@pytest.mark.parametrize("path", ["/x", "../x", ".git/config"])
def test_paths_are_checked_again_before_writing(path: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(TemplateError, match="cannot write to"):
        write_files(target, [RenderedFile("fine", b""), RenderedFile(path, b"")])
    assert not target.exists()


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ({"shapes": "a file"}, "is not a folder, but shapes/net.py needs one"),
        ({"README.md/x": ""}, "README.md is a folder, but must be a file"),
    ],
)
def test_a_file_where_a_folder_belongs_stops_before_anything_is_written(
    tree: dict[str, str], why: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, tree)
    before = read_tree(tmp_path)
    with pytest.raises(TemplateError, match=why):
        write_files(tmp_path, FILES)
    assert read_tree(tmp_path) == before


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"target": "a file"})
    with pytest.raises(TemplateError, match="is not a folder"):
        write_files(tmp_path / "target", FILES)
    with pytest.raises(TemplateError):
        write_files(tmp_path / "target" / "below", FILES)
    assert read_tree(tmp_path) == {"target": b"a file"}


# The last one cannot be made: its name is longer than file systems take.
TOO_LONG = (*FILES, RenderedFile(f"shapes/{'x' * 300}", b""))


def test_a_failure_midway_leaves_no_new_folder(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with pytest.raises(TemplateError, match=r"Cannot write .*xxx"):
        write_files(target, TOO_LONG)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_midway_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    write_tree(tmp_path, {"README.md": "mine", "shapes/own.py": "x"})
    (tmp_path / "empty").mkdir()
    before = read_tree(tmp_path)
    # The folders and first files are in place when the last one fails.
    with pytest.raises(TemplateError, match="Cannot write"):
        write_files(tmp_path, TOO_LONG)
    assert read_tree(tmp_path) == before


def test_a_failure_midway_brings_back_what_was_overwritten(tmp_path: Path) -> None:
    write_tree(tmp_path, {"README.md": "mine", "shapes/net.py": "x"})
    before = read_tree(tmp_path)
    with pytest.raises(TemplateError, match="Cannot write"):
        write_files(tmp_path, TOO_LONG, overwrite=True)
    assert read_tree(tmp_path) == before


def test_an_interruption_midway_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = os.link, []

    def link(*arguments: str | Path) -> None:
        seen.append(arguments)
        if len(seen) == len(FILES):
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path / "target", FILES)
    assert list(tmp_path.iterdir()) == []


def test_it_works_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*arguments: str | Path) -> None:
        raise PermissionError(1, "Operation not permitted", *arguments)

    monkeypatch.setattr(os, "link", link)
    write_files(tmp_path / "target", FILES)
    assert len(read_tree(tmp_path / "target")) == len(FILES)


def test_a_move_that_is_cut_short_leaves_no_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: str | Path) -> None:
        raise PermissionError(1, "Operation not permitted", *arguments)

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(TemplateError, match="Cannot write"):
        write_files(tmp_path / "target", FILES)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that we may read but not write, even when the tests run as root."""
    folder = tmp_path / "locked"
    write_tree(folder, {"README.md": "mine"})
    folder.chmod(0o555)
    for parent in (*tmp_path.parents[:3], tmp_path):
        parent.chmod(parent.stat().st_mode | 0o055)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # nobody
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)


def test_a_read_only_folder_is_said_so(read_only: Path) -> None:
    with pytest.raises(
        TemplateError, match=r"Cannot write .*locked.*: Permission denied"
    ) as caught:
        write_files(read_only, FILES)
    assert "Nothing was written" in caught.value.hint
    assert [path.name for path in read_only.iterdir()] == ["README.md"]
    with pytest.raises(TemplateError, match="Permission denied"):
        write_files(read_only / "new", FILES)
