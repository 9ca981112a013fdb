"""Where a checkpoint is published, in the repo or in a release, and the code that loads it there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit._util.paths import is_inside
from hubkit.errors import UsageError
from hubkit.limits import MIB
from hubkit.rules.published import HOST_FILE_BYTES
from hubkit.source.git import find_git, why_left_out

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts

UPLOADS = "dist"  # the folder of files that wait to be attached to a release
_DOWNLOAD = """\
state = torch.hub.load_state_dict_from_url(
    "{url}",
    map_location="cpu",
    check_hash=True,
    weights_only=True,
)"""
# load_state_dict_from_url only reads what torch.load can, so other files take two steps.
_TWO_STEPS = """\
path = Path(torch.hub.get_dir(), "checkpoints", "{name}")
if not path.exists():
    path.parent.mkdir(parents=True, exist_ok=True)
    url = "{url}"
    torch.hub.download_url_to_file(url, path, hash_prefix="{sha256}")
"""
_IN_REPO = "path = Path(__file__).parent / {path}\n"
_OPEN = {
    "pickle": 'state = torch.load(path, map_location="cpu", weights_only=True)',
    "safetensors": "state = safetensors.torch.load_file(path)"
    '  # `dependencies` needs "safetensors"',
    "script": 'model = torch.jit.load(path, map_location="cpu")',
}
_PATH = "from pathlib import Path"
_SAFETENSORS = "import safetensors.torch\n"

Format = Literal["pickle", "safetensors", "script"]


class Published(Struct, frozen=True):
    """A checkpoint to publish, and the code that loads it.

    Attributes:
        kind: What it contains.
        path: The file in the repo, relative to its root; "" for a file of a release.
        url: The file in the release; "" for a file of the repo.
        imports: The imports that the code needs.
        code: Statements that assign ``state``, or ``model`` for TorchScript.
    """

    kind: Format
    path: str
    url: str
    imports: str
    code: str

    @property
    def text(self) -> str:
        """The imports and the code."""
        return f"{self.imports}\n\n{self.code}\n"


def publish_in_repo(path: str, kind: Format) -> Published:
    """The code that opens a file of the repo beside hubconf.py.

    Args:
        path: The file, relative to the root.
        kind: What it contains.
    """
    more = _SAFETENSORS if kind == "safetensors" else ""
    torch = "" if kind == "safetensors" else "import torch"
    imports = f"{_PATH}\n\n{more}{torch}".rstrip()
    return Published(
        kind, path, "", imports, f"{_IN_REPO.format(path=json.dumps(path))}{_OPEN[kind]}"
    )


def publish_at(url: str, name: str, sha256: str, kind: Format) -> Published:
    """The code that downloads a file.

    Args:
        url: Where it will be.
        name: Its name.
        sha256: Its digest.
        kind: What it contains.
    """
    if kind == "pickle":
        return Published(kind, "", url, "import torch", _DOWNLOAD.format(url=url))
    more = _SAFETENSORS if kind == "safetensors" else ""
    code = f"{_TWO_STEPS.format(url=url, name=name, sha256=sha256)}{_OPEN[kind]}"
    return Published(kind, "", url, f"{_PATH}\n\n{more}import torch", code)


def choose_folder(facts: RepoFacts | None, file: Path) -> Path:
    """Where the file to publish goes by default: beside a file that is published, else to ``dist``.

    Args:
        facts: The repo; None outside of one.
        file: The checkpoint.
    """
    if facts is None:
        return file.parent
    inside = _relative(facts.root, file)
    if inside and facts.files.is_tracked and facts.files.gap(inside) is None:
        return file.parent
    return Path(os.path.relpath(facts.root / UPLOADS))


def require_folder(facts: RepoFacts | None, folder: Path) -> None:
    """Reject a place that is no folder, and one in the repo that a link leads out of it.

    Folders that do not exist yet are fine, and so are those outside of the repo.

    Raises:
        UsageError: A file is in its place, or it is a link, or behind one, that leads out of the repo.
    """
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not existing.is_dir():
        raise UsageError(
            f"The file cannot be copied into {folder}: {existing} is no folder",
            hint="Choose another folder: --to DIR",
        )
    if facts is None:
        return
    named = Path(os.path.abspath(folder))  # noqa: PTH100 - links are what this is about
    tops = (Path(os.path.abspath(facts.root)), facts.root.resolve())  # noqa: PTH100
    if any(named.is_relative_to(top) for top in tops) and not is_inside(facts.root, folder):
        raise UsageError(
            f"{folder} is a link that points outside the repo, to {folder.resolve()}",
            hint="To write there anyway, pass that folder: --to DIR",
        )


class Place(Struct, frozen=True):
    """Where a file will lie.

    Attributes:
        path: Its path in the repo, if commits will contain it; "" if it is for a release.
        note: What its publisher may not expect of this place; "" if there is nothing.
    """

    path: str = ""
    note: str = ""


def find_place(facts: RepoFacts | None, file: Path, size: int) -> Place:
    """Whether a file will be part of the repo.

    Args:
        facts: The repo; None outside of one.
        file: The file, which need not exist.
        size: Its length in bytes.
    """
    inside = _relative(facts.root, file) if facts else ""
    if facts is None or not inside:
        return Place()
    git = find_git(facts.root)
    reason = why_left_out(git, inside) if git else ""
    if inside.startswith(f"{UPLOADS}/"):
        note = f"git does not ignore {UPLOADS}: add /{UPLOADS}/ to .gitignore"
        return Place(note=note if git and not reason else "")
    if reason:
        return Place(note=f"{inside} is for a release, because {reason}")
    if size > HOST_FILE_BYTES:
        most = f"{HOST_FILE_BYTES // MIB} MiB"
        return Place(inside, f"GitHub rejects pushes of files above {most}: pass --to {UPLOADS}")
    return Place(inside)


def _relative(root: Path, file: Path) -> str:
    """The path of a file in the repo; "" if it is outside."""
    top, path = root.resolve(), file.parent.resolve() / file.name
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else ""
