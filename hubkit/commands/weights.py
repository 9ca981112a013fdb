"""``hubkit weights``: checkpoints made ready to be published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts
    from hubkit.publish.weights import Added, Contents

_LINE = """\
state = torch.hub.load_state_dict_from_url(
    "{url}",
    map_location="cpu",
    check_hash=True,
    weights_only=True,
)"""
# load_state_dict_from_url reads what torch.load does, so these are fetched and read in two steps.
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
    """Make checkpoints ready to be published."""


@command.command(short_help="Name a checkpoint by its hash, and record what it is.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--entrypoint", metavar="NAME", help="Whose weights it holds.  [default: the only one]"
)
@click.option(
    "--to", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Where to put the copy."
)
@click.option("--safetensors", is_flag=True, help="Write it as safetensors; needs torch.")
@click.option(
    "--digits",
    type=click.IntRange(8, 64),
    default=8,
    show_default=True,
    help="How many digits of the hash the name holds.",
)
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Where it will be published on GitHub.")
@click.option("--tag", metavar="TAG", help="The release that it will be attached to.")
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
    """Give a checkpoint the name that its hash gives it, and record what it is.

    The copy is called NAME-<start of its sha256>.EXT, where torch.hub's check_hash=True looks for
    the hash. Digest and size go into the configuration of the repo around the working directory.
    What the file holds is looked into, and nothing of it runs.
    """
    from hubkit.config import read_config
    from hubkit.publish.weights import convert_to_safetensors, copy_checkpoint, read_contents

    facts = _read_repo()
    name = _entrypoint(facts, entrypoint)
    folder = folder or file.parent
    if facts is not None:
        read_config(facts.root)  # what is wrong there is said before anything is made
    contents = _require_sound(file)
    if safetensors:
        added = convert_to_safetensors(file, folder, digits=digits)
        contents = read_contents(added.path)
    else:
        added = copy_checkpoint(file, folder, digits=digits)
    click.echo(f"{'made' if added.is_new else 'there already'}: {added.path}")
    click.echo(f"sha256: {added.sha256}\nsize: {added.size:,} bytes")
    _tell(contents)
    _record(facts, name, added)
    _show_line(facts, added, contents, slug, tag)
    return 0


def _read_repo() -> RepoFacts | None:
    """The hub repo around the working directory."""
    from hubkit.analysis import read_repo
    from hubkit.source import open_files

    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / "hubconf.py").is_file()), None)
    return read_repo(open_files(root)) if root else None


def _entrypoint(facts: RepoFacts | None, given: str | None) -> str:
    """Whose weights they are; "" when that is not said and there are several."""
    from hubkit.analysis import require_hubconf
    from hubkit.errors import UsageError, entrypoint_not_found

    if facts is None:
        if given is not None:
            raise UsageError(
                "there is no hubconf.py here, or in a folder above",
                hint="Run it in the repo whose entrypoint is meant.",
            )
        return ""
    hubconf = require_hubconf(facts) if given is not None else facts.hubconf
    names = tuple(one.name for one in hubconf.entrypoints) if hubconf else ()
    if given is not None and given not in names and hubconf and not hubconf.has_dynamic_names:
        raise entrypoint_not_found(given, names, "is not in the hubconf")
    return given or (names[0] if len(names) == 1 else "")


def _require_sound(file: Path) -> Contents:
    """What a file holds, if it may be a checkpoint at all."""
    from hubkit.errors import CheckpointError
    from hubkit.publish.weights import read_contents, require_file

    require_file(file)
    contents = read_contents(file)
    if contents.kind == "damaged":
        raise CheckpointError(
            f"{file} begins as a checkpoint does, and cannot be read as one.",
            hint="Was saving or copying it cut short?",
        )
    return contents


def _tell(contents: Contents) -> None:
    from hubkit.publish.weights import find_notes

    if contents.tensors:
        click.echo(f"holds: {contents.tensors:,} tensors of {contents.elements:,} numbers in all")
    for note in find_notes(contents):
        click.echo(f"{click.style('note:', fg='yellow')} {note}", err=True)


def _record(facts: RepoFacts | None, name: str, added: Added) -> None:
    from hubkit.publish.weights import record_weights

    if facts is None or not name:
        why = "no hubconf.py is here, or above" if facts is None else "say whose: --entrypoint NAME"
        click.echo(f"Not recorded: {why}.", err=True)
        return
    path, is_changed = record_weights(facts.root, name, added.sha256, added.size)
    click.echo(f"{'recorded' if is_changed else 'recorded already'}: {path}, {name}.weights")


def _show_line(
    facts: RepoFacts | None, added: Added, contents: Contents, slug: str | None, tag: str | None
) -> None:
    from hubkit.publish.identity import find_name, require_name

    repo = find_name(facts, slug) if facts else require_name(slug) if slug else ""
    place = f"https://github.com/{repo or 'OWNER/NAME'}/releases/download/{tag or 'TAG'}"
    name = added.path.name
    line = _SAFETENSORS if contents.is_safetensors else _LINE
    line = _SCRIPT if contents.kind == "script" else line
    click.echo("\nFor hubconf.py, once it is attached to that release:\n")
    click.echo(line.format(url=f"{place}/{name}", name=name, sha256=added.sha256))
