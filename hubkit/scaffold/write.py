"""Rendered files put in place: all of them or none, and never over a file that is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hubkit.errors import TemplateError
from hubkit.records import dataclass
from hubkit.scaffold.render import require_safe_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.scaffold.render import RenderedFile


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one rendered file.

    Attributes:
        path: POSIX path relative to the target.
        state: "created", "same" when it is there just so, "kept" when another text is there.
    """

    path: str
    state: Literal["created", "same", "kept"]


def compare_files(target: Path, files: Iterable[RenderedFile]) -> tuple[Outcome, ...]:
    """What writing the files would do, from reading the target alone.

    Args:
        target: The folder, which need not exist.
        files: What is to be written.

    Raises:
        TemplateError: A file would land outside the target, or something else is in its way.
    """
    try:
        return tuple(Outcome(file.path, _state(target, file)) for file in files)
    except OSError as error:
        raise _cannot(target, error) from error


def write_files(target: Path, files: Iterable[RenderedFile]) -> tuple[Outcome, ...]:
    """Write those of the files that are not there yet; all of them, or none on failure.

    Args:
        target: The folder, made when it does not exist.
        files: What is to be written.

    Raises:
        TemplateError: A file would land outside the target, something is in its way, or the
            folder cannot be written.
    """
    files = tuple(files)
    outcomes = compare_files(target, files)
    missing = [
        file for file, outcome in zip(files, outcomes, strict=True) if outcome.state == "created"
    ]
    if missing:
        try:
            _write_all(target, missing)
        except OSError as error:
            raise _cannot(target, error) from error
    return outcomes


def _write_all(target: Path, files: list[RenderedFile]) -> None:
    with ExitStack() as undo:
        _make_folder(target, undo)
        stage = Path(tempfile.mkdtemp(prefix=".hubkit-init-", dir=target))
        undo.callback(shutil.rmtree, stage, ignore_errors=True)
        staged = [_stage(stage / str(index), file) for index, file in enumerate(files)]
        for source, file in zip(staged, files, strict=True):
            path = target / file.path
            _make_folder(path.parent, undo)
            _move(source, path)
            undo.callback(path.unlink, missing_ok=True)
        undo.pop_all()
        shutil.rmtree(stage, ignore_errors=True)


def _make_folder(path: Path, undo: ExitStack) -> None:
    if not path.is_dir():
        _make_folder(path.parent, undo)
        path.mkdir()
        undo.callback(_remove_empty, path)


def _remove_empty(path: Path) -> None:
    # Somebody else may have put a file there meanwhile; then the folder is no longer ours.
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()


def _stage(path: Path, file: RenderedFile) -> Path:
    path.write_bytes(file.content)
    return path


def _move(source: Path, path: Path) -> None:
    """Move without ever replacing: a link refuses what is there, a rename would not."""
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        source.rename(path)


def _state(target: Path, file: RenderedFile) -> Literal["created", "same", "kept"]:
    path = target / require_safe_path(file.path)
    root = target.resolve()
    if not path.parent.resolve().is_relative_to(root):
        raise TemplateError(
            f"{file.path} would land outside {target}: a folder on the way is a link that leaves it"
        )
    for parent in path.relative_to(target).parents:
        if os.path.lexists(target / parent) and not (target / parent).is_dir():
            raise TemplateError(
                f"{target / parent} is in the way of {file.path}: it is not a folder",
                hint="Move it, or choose another template or module name.",
            )
    if not os.path.lexists(path):
        return "created"
    if path.is_dir() and not path.is_symlink():
        raise TemplateError(
            f"{path} is in the way: it is a folder, and a file belongs there", hint="Move it."
        )
    return "same" if path.is_file() and path.read_bytes() == file.content else "kept"


def _cannot(target: Path, error: OSError) -> TemplateError:
    place = error.filename2 or error.filename or target
    return TemplateError(
        f"cannot write {place}: {error.strerror or error}",
        hint=f"Nothing was left behind in {target}. Check that the folder can be written.",
    )
