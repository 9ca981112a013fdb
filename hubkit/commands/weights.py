"""``hubkit weights``: prepare checkpoints for publishing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from hubkit._util.colors import paint
from hubkit._util.console import echo, echo_data, echo_lines, note
from hubkit._util.progress import show_wait
from hubkit.commands.base import print_answer, subgroup
from hubkit.commands.complete import complete_entrypoints

if TYPE_CHECKING:
    from hubkit.facts import Entrypoint, RepoFacts
    from hubkit.lint import FileChange
    from hubkit.publish.checkpoint import Weights
    from hubkit.publish.loading import Published

_NOTE = paint("note:", "hint")
_NO_HUBCONF = "no hubconf.py found"
_WHICH = "pass --entrypoint NAME, or --wire NAME to put the code into it too"


class _Options(Struct, frozen=True):
    """The options of ``weights add``."""

    key: str | None
    prefix: str
    digits: int
    state_dict: bool
    yes: bool
    safetensors: bool


@subgroup()
def command() -> None:
    """Prepare checkpoints for publishing."""


@command.command(
    answers=True, short_help="Add its hash to the name of a checkpoint, and record it."
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--entrypoint",
    metavar="NAME",
    help="Entrypoint that loads it.  [default: the only one]",
    shell_complete=complete_entrypoints,
)
@click.option(
    "--wire",
    metavar="NAME",
    help="Put the code that loads it into this entrypoint.",
    shell_complete=complete_entrypoints,
)
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to copy it to. Code opens it there if commits will contain it, or else downloads it "
    "from a release.  [default: dist; the folder of FILE if git tracks it]",
)
@click.option(
    "--name",
    "stem",
    metavar="TEXT",
    default="",
    help="Its name before the hash.  [default: that of FILE]",
)
@click.option("--key", metavar="KEY", help="Key of the state dict in a training state.")
@click.option(
    "--strip",
    "prefix",
    metavar="PREFIX",
    default="",
    help='Text to remove from the start of all names, such as "module.".',
)
@click.option(
    "--state-dict",
    is_flag=True,
    help="Convert a pickled model. Runs code of the classes in it.",
)
@click.option("--yes", is_flag=True, help="With --state-dict: run that code without a prompt.")
@click.option("--safetensors", is_flag=True, help="Convert to safetensors.")
@click.option(
    "--digits",
    type=click.IntRange(8, 64),
    default=8,
    show_default=True,
    help="Number of digits of the hash in the file name.",
)
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Name of the repo on GitHub.")
@click.option(
    "--tag",
    metavar="TAG",
    help="Tag of the release to attach it to.  [default: as for hubkit release]",
)
def add(
    file: Path,
    entrypoint: str | None,
    wire: str | None,
    folder: Path | None,
    stem: str,
    key: str | None,
    prefix: str,
    digits: int,
    slug: str | None,
    tag: str | None,
    *,
    state_dict: bool,
    yes: bool,
    safetensors: bool,
    as_json: bool,
) -> int:
    """Add its hash to the name of a checkpoint, and record it.

    Writes the state dict in FILE to NAME-<start of its sha256>.EXT, the name that check_hash=True of
    torch.hub expects. Records its hash and size in the configuration of the current repo, and prints
    code that loads it, which has run. Requires torch. Runs no code in the file without --state-dict.
    """
    from hubkit.config import read_config
    from hubkit.hubdir import sha256_of
    from hubkit.publish.card_facts import find_card
    from hubkit.publish.loading import (
        choose_folder,
        find_place,
        publish_at,
        publish_in_repo,
        require_folder,
    )
    from hubkit.publish.trial import Trial, require_loads
    from hubkit.publish.weights import copy_checkpoint, hash_name

    facts = _read_repo()
    entry = _find_entrypoint(facts, wire or entrypoint)
    folder = folder or choose_folder(facts, file)
    require_folder(facts, folder)
    if facts is not None:
        read_config(facts.root)  # report its errors before writing anything
    options = _Options(key, prefix, digits, state_dict, yes, safetensors)
    with tempfile.TemporaryDirectory(prefix="hubkit-") as scratch:
        source, weights = _prepare(file, Path(scratch), options)
        digest = sha256_of(source)
        name = hash_name(source.name, digest, digits, stem)
        place = find_place(facts, folder / name, source.stat().st_size)
        notes = [place.note]
        if place.path:
            published = publish_in_repo(place.path, weights.format)
        else:
            address, more = _release_url(facts, slug, tag)
            notes += more
            published = publish_at(f"{address}/{name}", name, digest, weights.format)
        change = _plan_change(facts, entry, published) if wire else None
        built = None if isinstance(entry, str) else entry
        with show_wait("Loading the weights"):
            require_loads(Trial(facts, change, built, source, weights, published))
        added = copy_checkpoint(source, folder, digits=digits, stem=stem)
    echo(f"{'created' if added.is_new else 'exists'}: {added.path}")
    echo(f"sha256: {added.sha256}")
    echo(f"size: {added.size:,} bytes")
    _print_contents(weights)
    recorded = _record(facts, entry, added.sha256, added.size)
    for text in filter(None, notes):
        echo(_NOTE, f" {text}", err=True)
    if change and facts:
        _write_change(facts, change, published)
    else:
        done = "Commit the file" if published.path else "Attach the file to the release"
        echo_lines(f"\n{done}, and load it in hubconf.py:\n\n")
        echo_lines(f"{published.imports}\n\n{published.code}")
    if facts and find_card(facts):
        note("To update the model card, run `hubkit card`.", err=False)
    if as_json:
        print_answer(
            {
                "path": added.path,
                "created": added.is_new,
                "sha256": added.sha256,
                "bytes": added.size,
                "format": weights.format,
                "url": published.url or None,
                "code": published.text,
                "recorded": recorded,
                "wired": change is not None,
            }
        )
    return 0


def _prepare(file: Path, scratch: Path, options: _Options) -> tuple[Path, Weights]:
    """The file to publish, converted if necessary, and what it contains."""
    from hubkit.publish.checkpoint import read_weights, write_state

    suffix = ".safetensors" if options.safetensors else ".pth"
    target = scratch / f"{_stem(file)}{suffix}"
    if options.state_dict:
        from hubkit.publish.checkpoint import ConvertRequest, convert_in_child

        _confirm_code(file, yes=options.yes)
        texts = (str(file.resolve()), str(target), str(Path.cwd()))
        done = convert_in_child(ConvertRequest(*texts, options.key, options.prefix))
        return target, _with_origin(read_weights(target), done.key, done.others)
    weights = read_weights(file, options.key)
    is_plain = not (weights.key or options.prefix) and (
        not options.safetensors or weights.format == "safetensors"
    )
    if weights.format == "script" or is_plain:
        return file, weights
    write_state(weights.state, target, options.prefix)
    return target, _with_origin(read_weights(target), weights.key, weights.others)


def _with_origin(weights: Weights, key: str, others: tuple[str, ...]) -> Weights:
    from msgspec import structs

    return structs.replace(weights, key=key, others=others)


def _stem(file: Path) -> str:
    """The file's name without its suffix and without a hash, which is that of other contents."""
    import re

    stem = file.name.removesuffix(".tar").rpartition(".")[0] or file.name
    return re.sub(r"-[0-9a-fA-F]{8,64}$", "", stem)


def _confirm_code(file: Path, *, yes: bool) -> None:
    """Ask before code of a checkpoint runs.

    Raises:
        UsageError: It was not allowed.
    """
    import sys

    from hubkit._util.console import confirm
    from hubkit._util.text import quoted
    from hubkit.errors import UsageError
    from hubkit.publish.checkpoint import find_classes
    from hubkit.publish.weights import require_file

    require_file(file)
    classes = find_classes(file)
    if yes or not classes:
        return
    message = f"Loading {file} runs the code of {quoted(classes)}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(message, hint="If you trust the file, pass --yes.")
    if not confirm(f"{message}. Continue?"):
        raise UsageError(f"{file} was not converted", hint="Nothing was written.")


def _read_repo() -> RepoFacts | None:
    """The hub repo around the working directory."""
    from hubkit.analysis import read_repo
    from hubkit.source import open_files

    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / "hubconf.py").is_file()), None)
    return read_repo(open_files(root)) if root else None


def _find_entrypoint(facts: RepoFacts | None, requested: str | None) -> Entrypoint | str:
    """The entrypoint that loads the weights, or its name if only running code defines it.

    It is "" if there are several and none was chosen.
    """
    from hubkit.analysis import require_hubconf
    from hubkit.errors import UsageError, entrypoint_not_found

    if facts is None:
        if requested is not None:
            raise UsageError(
                "There is no hubconf.py in this folder or its parents",
                hint="Run this command in the folder of the repo.",
            )
        return ""
    hubconf = require_hubconf(facts) if requested is not None else facts.hubconf
    entries = hubconf.listed if hubconf else ()
    if requested is None:
        return entries[0] if len(entries) == 1 else ""
    found = hubconf.entrypoint(requested) if hubconf else None
    if found is None and hubconf and not hubconf.has_dynamic_names:
        names = tuple(one.name for one in entries)
        raise entrypoint_not_found(requested, names, "is not in the hubconf")
    return found or requested


def _release_url(
    facts: RepoFacts | None, slug: str | None, tag: str | None
) -> tuple[str, list[str]]:
    """The URL of the files of the release, and notes about it.

    Raises:
        UsageError: The release exists, so users of its tag would not get the file.
    """
    from hubkit._util.text import join_words
    from hubkit.errors import UsageError
    from hubkit.publish.release import find_previous_tag, find_tag, read_refs
    from hubkit.publish.repo_name import find_name, require_name
    from hubkit.source.git import find_git
    from hubkit.source.project import read_versions
    from hubkit.source.tags import following_tag

    notes = []
    repo = find_name(facts, slug) if facts else require_name(slug) if slug else ""
    if facts and not tag:
        git = find_git(facts.root)
        previous = find_previous_tag(git, None) if git else ""
        tags = read_refs(git)[0] if git else {}
        tag = find_tag(facts, tags, previous)
        if tag in tags:
            declaring = join_words(read_versions(facts.files, facts.packages))
            raise UsageError(
                f"The tag {tag} exists, so the file needs another release",
                hint=f"First raise the version in {declaring}. Or pass --tag TAG. Nothing was "
                "written.",
            )
        if not tag:
            tag = following_tag(previous)
            message = f"the URL below is of release {tag}, because no file declares a version. "
            notes.append(f"{message}To change it, pass --tag TAG")
    for text, option in ((repo, "--repo OWNER/NAME"), (tag, "--tag TAG")):
        if not text:
            notes.append(f"the URL below is incomplete: pass {option}")
    return f"https://github.com/{repo or 'OWNER/NAME'}/releases/download/{tag or 'TAG'}", notes


def _plan_change(
    facts: RepoFacts | None, entry: Entrypoint | str, published: Published
) -> FileChange:
    """The contents of hubconf.py with the code in an entrypoint.

    Raises:
        UsageError: It cannot be edited.
    """
    from hubkit.errors import UsageError
    from hubkit.publish.wiring import wire

    if facts is None or isinstance(entry, str):
        raise UsageError(f"{entry} is not a function of hubconf.py", hint="Remove --wire.")
    if published.kind != "pickle":
        raise UsageError("--wire supports state dicts of torch.save only", hint="Remove --wire.")
    return wire(facts, entry, published)


def _print_contents(weights: Weights) -> None:
    from hubkit._util.text import join_words, plural

    if weights.format == "script":
        echo("contents: TorchScript")
        return
    without = f", without {join_words(weights.others, most=4)}" if weights.others else ""
    origin = f", from {weights.key!r}{without}" if weights.key else ""
    count = plural(len(weights.state), "tensor")
    echo(f"contents: {count}, {weights.elements:,} values in total{origin}")
    if all(name.startswith("module.") for name in weights.state):
        text = (
            "All names start with `module.`, which DataParallel adds. --strip module. removes it."
        )
        echo(_NOTE, f" {text}", err=True)


def _record(facts: RepoFacts | None, entry: Entrypoint | str, sha256: str, size: int) -> str | None:
    """Record the file in the settings of the repo; returns where, if it was."""
    from hubkit.publish.weights import record_weights

    if facts is None or not entry:
        why = _NO_HUBCONF if facts is None else _WHICH
        echo(f"Not recorded: {why}.", err=True)
        return None
    name = entry if isinstance(entry, str) else entry.name
    done, path = record_weights(facts.root, name, sha256, size)
    echo(f"{done}: {path}, {name}.weights")
    return path


def _write_change(facts: RepoFacts, change: FileChange, published: Published) -> None:
    from hubkit.lint import render_diff, write_changes
    from hubkit.torchhub import HUBCONF

    changes = {HUBCONF: change}
    echo()
    echo_data(render_diff(changes))
    write_changes(facts.root, changes)
    done = "Commit it with the file." if published.path else "Attach the file to the release."
    echo(f"wrote: hubconf.py. {done}")
