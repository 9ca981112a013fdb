"""Write rendered files: all of them or none. Existing files are kept unless requested otherwise."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit._util.atomic import create_exclusive, place, place_new
from hubkit._util.git import GitError, write
from hubkit._util.paths import is_inside
from hubkit.errors import TemplateError
from hubkit.scaffold.render import require_safe_path
from hubkit.source.git import git_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.scaffold.render import RenderedFile

State = Literal["created", "kept", "differs", "overwritten"]


class Outcome(Struct, frozen=True):
    """The outcome for one rendered file.

    Attributes:
        path: POSIX path relative to the target.
        state: "created", "kept" if the same file exists, "differs" if another one exists and stays,
            "overwritten" if this run replaces it.
        is_yours: Whether it belongs to the repo's author once it is created.
    """

    path: str
    state: State
    is_yours: bool = False

    @property
    def has_drifted(self) -> bool:
        """Whether it should match the template, but does not."""
        return self.state == "created" or (self.state == "differs" and not self.is_yours)


def compare_files(
    target: Path, files: Iterable[RenderedFile], *, overwrite: bool = False
) -> tuple[Outcome, ...]:
    """Compare rendered files with the target; nothing is written.

    Args:
        target: The folder, which need not exist.
        files: The files to write.
        overwrite: Whether to replace files that differ, unless they belong to the author.

    Raises:
        TemplateError: A file would be outside the target, or something else is in its place.
    """
    try:
        return tuple(
            Outcome(file.path, _state(target, file, overwrite=overwrite), file.is_yours)
            for file in files
        )
    except OSError as error:
        raise _cannot(target, error) from error


def write_files(
    target: Path, files: Iterable[RenderedFile], *, overwrite: bool = False
) -> tuple[Outcome, ...]:
    """Write the files that do not exist: all of them, or none on failure.

    Args:
        target: The folder, which is created if it does not exist.
        files: The files to write.
        overwrite: Whether to replace files that differ, unless they belong to the author.

    Raises:
        TemplateError: A file would be outside the target, something else is in its place, or the
            folder cannot be written.
    """
    files = tuple(files)
    outcomes = compare_files(target, files, overwrite=overwrite)
    states = {outcome.path: outcome.state for outcome in outcomes}
    wanted = [file for file in files if states[file.path] in ("created", "overwritten")]
    if wanted:
        try:
            _write_all(target, wanted, states)
        except OSError as error:
            raise _cannot(target, error) from error
    return outcomes


def _write_all(target: Path, files: list[RenderedFile], states: dict[str, State]) -> None:
    with ExitStack() as undo:
        _make_folder(target, undo)
        stage = Path(tempfile.mkdtemp(prefix=".hubkit-init-", dir=target))
        undo.callback(shutil.rmtree, stage, ignore_errors=True)
        staged = [_stage(stage / str(index), file) for index, file in enumerate(files)]
        for source, file in zip(staged, files, strict=True):
            path = target / file.path
            if states[file.path] == "overwritten":
                _replace(source, path, undo)
                continue
            _make_folder(path.parent, undo)
            place_new(source, path)
            undo.callback(path.unlink, missing_ok=True)
        undo.pop_all()
        shutil.rmtree(stage, ignore_errors=True)


def _replace(source: Path, path: Path, undo: ExitStack) -> None:
    """Replace a file; the old one is restored if something fails later."""
    kept = source.with_suffix(".kept")
    shutil.copy2(path, kept)
    source.chmod(stat.S_IMODE(path.stat().st_mode))
    undo.callback(place, kept, path)
    place(source, path)


def _make_folder(path: Path, undo: ExitStack) -> None:
    if not path.is_dir():
        _make_folder(path.parent, undo)
        path.mkdir()
        undo.callback(_remove_empty, path)


def _remove_empty(path: Path) -> None:
    # Another process may have created a file there meanwhile.
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()


def _stage(path: Path, file: RenderedFile) -> Path:
    with create_exclusive(path) as stream:
        stream.write(file.content)
    return path


def _state(target: Path, file: RenderedFile, *, overwrite: bool) -> State:
    path = target / require_safe_path(file.path)
    if not is_inside(target, path.parent):
        raise TemplateError(
            f"{file.path} would be outside {target}, because its path contains a symbolic link"
        )
    for parent in path.relative_to(target).parents:
        if os.path.lexists(target / parent) and not (target / parent).is_dir():
            raise TemplateError(
                f"{target / parent} is not a folder, but {file.path} needs one",
                hint="Move it, or choose another template or module name.",
            )
    if not os.path.lexists(path):
        return "created"
    if path.is_dir() and not path.is_symlink():
        raise TemplateError(f"{path} is a folder, but must be a file", hint="Move or rename it.")
    current = path.read_bytes() if path.is_file() and is_inside(target, path) else None
    if current == file.content:
        return "kept"
    may = (overwrite and not file.is_yours) or (current is not None and current == file.before)
    # The target of a link may be anywhere.
    return "overwritten" if may and path.is_file() and not path.is_symlink() else "differs"


def _cannot(target: Path, error: OSError) -> TemplateError:
    place = error.filename2 or error.filename or target
    return TemplateError(
        f"Cannot write {place}: {error.strerror or error}",
        hint=f"Nothing was written to {target}. Check that the folder is writable.",
    )


def read_work_tree(folder: Path) -> Path | None:
    """The root of the git working tree around a folder, which need not exist; None if there is none."""
    top = git_output(folder, "rev-parse", "--show-toplevel")
    return Path(top).resolve() if top else None


def write_git_repo(folder: Path) -> bool:
    """Create a git repo with the branch ``main``; False if git is missing or fails.

    Nothing is committed.
    """
    # `git init -b` needs git 2.28.
    try:
        steps = (("init", "--quiet"), ("symbolic-ref", "HEAD", "refs/heads/main"))
        return not any(write(folder, *step).returncode for step in steps)
    except GitError:
        return False
