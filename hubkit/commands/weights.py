"""``hubkit weights``: prepare checkpoints for publishing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_lines

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts
    from hubkit.publish.checkpoint_contents import Contents
    from hubkit.publish.weights import CheckpointCopy

_LINE = """\
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
_SAFETENSORS = (
    f'{_TWO_STEPS}state = safetensors.torch.load_file(path)  # `dependencies` needs "safetensors"'
)
_SCRIPT = f'{_TWO_STEPS}model = torch.jit.load(path, map_location="cpu")'


@click.group()
def command() -> None:
    """Prepare checkpoints for publishing."""


@command.command(short_help="Add its hash to the name of a checkpoint, and record it.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--entrypoint", metavar="NAME", help="Entrypoint that loads it.  [default: the only one]"
)
@click.option(
    "--to", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Folder to copy it to."
)
@click.option("--safetensors", is_flag=True, help="Convert to safetensors. Requires torch.")
@click.option(
    "--digits",
    type=click.IntRange(8, 64),
    default=8,
    show_default=True,
    help="Number of digits of the hash in the file name.",
)
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Name of the repo on GitHub.")
@click.option("--tag", metavar="TAG", help="Tag of the release to attach it to.")
def add(
    file: Path,
    entrypoint: str | None,
    folder: Path | None,
    *,
    safetensors: bool,
    digits: int,
    slug: str | None,
    tag: str | None,
) -> int:
    """Add its hash to the name of a checkpoint, and record it.

    Copies it to NAME-<start of its sha256>.EXT, the name that check_hash=True of torch.hub expects.
    Records its hash and size in the configuration of the current repo. Inspects the file without
    running any code in it.
    """
    from hubkit.config import read_config
    from hubkit.publish.checkpoint_contents import convert_to_safetensors, read_contents
    from hubkit.publish.weights import copy_checkpoint

    facts = _read_repo()
    name = _entrypoint(facts, entrypoint)
    folder = folder or file.parent
    _require_inside(facts, folder)
    if facts is not None:
        read_config(facts.root)  # report its errors before writing anything
    contents = _require_readable(file)
    if safetensors:
        added = convert_to_safetensors(file, folder, digits=digits)
        contents = read_contents(added.path)
    else:
        added = copy_checkpoint(file, folder, digits=digits)
    echo(f"{'created' if added.is_new else 'exists'}: {added.path}")
    echo(f"sha256: {added.sha256}")
    echo(f"size: {added.size:,} bytes")
    _print_contents(contents)
    _record(facts, name, added)
    _print_snippet(facts, added, contents, slug, tag)
    return 0


def _require_inside(facts: RepoFacts | None, folder: Path) -> None:
    """Reject a folder in the repo that a link leads out of it. Folders outside of the repo are fine.

    Raises:
        UsageError: The folder is a link, or behind a link, that leads out of the repo.
    """
    from hubkit._util.paths import is_inside
    from hubkit.errors import UsageError

    if facts is None:
        return
    named = Path(os.path.abspath(folder))  # noqa: PTH100 - links are what this is about
    tops = (Path(os.path.abspath(facts.root)), facts.root.resolve())  # noqa: PTH100
    if any(named.is_relative_to(top) for top in tops) and not is_inside(facts.root, folder):
        raise UsageError(
            f"{folder} is a link that points outside the repo, to {folder.resolve()}",
            hint="To write there anyway, pass that folder: --to DIR",
        )


def _read_repo() -> RepoFacts | None:
    """The hub repo around the working directory."""
    from hubkit.analysis import read_repo
    from hubkit.source import open_files

    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / "hubconf.py").is_file()), None)
    return read_repo(open_files(root)) if root else None


def _entrypoint(facts: RepoFacts | None, requested: str | None) -> str:
    """The entrypoint that loads the weights; "" if there are several and none was chosen."""
    from hubkit.analysis import require_hubconf
    from hubkit.errors import UsageError, entrypoint_not_found

    if facts is None:
        if requested is not None:
            raise UsageError(
                "there is no hubconf.py in this folder or its parents",
                hint="Run this command in the folder of the repo.",
            )
        return ""
    hubconf = require_hubconf(facts) if requested is not None else facts.hubconf
    names = tuple(one.name for one in hubconf.entrypoints) if hubconf else ()
    if (
        requested is not None
        and requested not in names
        and hubconf
        and not hubconf.has_dynamic_names
    ):
        raise entrypoint_not_found(requested, names, "is not in the hubconf")
    return requested or (names[0] if len(names) == 1 else "")


def _require_readable(file: Path) -> Contents:
    """The contents of a file, if it can be a checkpoint."""
    from hubkit.errors import CheckpointError
    from hubkit.publish.checkpoint_contents import read_contents
    from hubkit.publish.weights import require_file

    require_file(file)
    contents = read_contents(file)
    if contents.kind == "damaged":
        raise CheckpointError(
            f"{file} is a damaged checkpoint",
            hint="Check that it was saved and copied completely.",
        )
    return contents


def _print_contents(contents: Contents) -> None:
    from hubkit.publish.checkpoint_contents import find_notes

    if contents.tensors:
        noun = "tensor" if contents.tensors == 1 else "tensors"
        echo(f"contents: {contents.tensors:,} {noun}, {contents.elements:,} values in total")
    for note in find_notes(contents):
        echo(note, label="note:", label_color="yellow", err=True)


def _record(facts: RepoFacts | None, name: str, added: CheckpointCopy) -> None:
    from hubkit.publish.weights import record_weights

    if facts is None or not name:
        why = "no hubconf.py found" if facts is None else "pass --entrypoint NAME"
        echo(f"Not recorded: {why}.", err=True)
        return
    path, is_changed = record_weights(facts.root, name, added.sha256, added.size)
    echo(f"{'recorded' if is_changed else 'already recorded'}: {path}, {name}.weights")


def _print_snippet(
    facts: RepoFacts | None,
    added: CheckpointCopy,
    contents: Contents,
    slug: str | None,
    tag: str | None,
) -> None:
    from hubkit.publish.repo_name import find_name, require_name

    repo = find_name(facts, slug) if facts else require_name(slug) if slug else ""
    place = f"https://github.com/{repo or 'OWNER/NAME'}/releases/download/{tag or 'TAG'}"
    name = added.path.name
    line = _SAFETENSORS if contents.is_safetensors else _LINE
    line = _SCRIPT if contents.kind == "script" else line
    echo_lines("\nAttach the file to the release, and load it in hubconf.py:\n\n")
    echo_lines(line.format(url=f"{place}/{name}", name=name, sha256=added.sha256))
