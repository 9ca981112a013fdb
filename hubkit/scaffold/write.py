"""Write rendered files: all of them or none, and over no file unless asked."""

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
    """What becomes of one rendered file.

    Attributes:
        path: POSIX path relative to the target.
        state: "created", "kept" when it is there just so, "differs" when another text is there and
            stays, "overwritten" when it was there and is the template's now.
        is_yours: Whether it is its author's to change once it is made.
    """

    path: str
    state: State
    is_yours: bool = False

    @property
    def has_drifted(self) -> bool:
        """Whether it is not as the template has it, and should be."""
        return self.state == "created" or (self.state == "differs" and not self.is_yours)


def compare_files(
    target: Path, files: Iterable[RenderedFile], *, overwrite: bool = False
) -> tuple[Outcome, ...]:
    """What writing the files would do, from reading the target alone.

    Args:
        target: The folder, which need not exist.
        files: What is to be written.
        overwrite: Whether what differs is to be as the template has it, unless it is its author's.

    Raises:
        TemplateError: A file would land outside the target, or something else is in its way.
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
    """Write those of the files that are not there yet; all of them, or none on failure.

    Args:
        target: The folder, made when it does not exist.
        files: What is to be written.
        overwrite: Whether to replace what differs, unless it is its author's.

    Raises:
        TemplateError: A file would land outside the target, something is in its way, or the
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
    """Put a file in another's place; the other comes back when something fails later."""
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
    # Somebody else may have put a file there meanwhile; then the folder is no longer ours.
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
    if path.is_file() and is_inside(target, path) and path.read_bytes() == file.content:
        return "kept"
    # What a link leads to is somebody else's, and may lie anywhere.
    may = overwrite and not file.is_yours and path.is_file() and not path.is_symlink()
    return "overwritten" if may else "differs"


def _cannot(target: Path, error: OSError) -> TemplateError:
    place = error.filename2 or error.filename or target
    return TemplateError(
        f"cannot write {place}: {error.strerror or error}",
        hint=f"Nothing was left behind in {target}. Check that the folder can be written.",
    )


def read_work_tree(folder: Path) -> Path | None:
    """The root of the git work tree that the folder lies in, or would lie in; None when in none."""
    top = git_output(folder, "rev-parse", "--show-toplevel")
    return Path(top).resolve() if top else None


def write_git_repo(folder: Path) -> bool:
    """Make the folder a git repo whose branch is ``main``; False when git is missing or fails.

    Nothing is committed.
    """
    # `git init -b` is younger (2.28) than the git of some long-lived systems.
    try:
        steps = (("init", "--quiet"), ("symbolic-ref", "HEAD", "refs/heads/main"))
        return not any(write(folder, *step).returncode for step in steps)
    except GitError:
        return False
