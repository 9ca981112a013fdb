"""``hubkit weights``: prepare checkpoints for publishing."""

from __future__ import annotations

import contextlib
import json
import os
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
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, RepoFacts
    from hubkit.lint import FileChange
    from hubkit.publish.checkpoint import Weights
    from hubkit.publish.stand_in import Hosted

_NOTE = paint("note:", "hint")
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
_CODE = {
    "pickle": ("import torch", _LINE),
    "safetensors": (
        "from pathlib import Path\n\nimport safetensors.torch\nimport torch",
        f'{_TWO_STEPS}state = safetensors.torch.load_file(path)  # `dependencies` needs "safetensors"',
    ),
    "script": (
        "from pathlib import Path\n\nimport torch",
        f'{_TWO_STEPS}model = torch.jit.load(path, map_location="cpu")',
    ),
}


_OPENING_IMPORTS = "import pathlib\n\nimport torch"
_WRAPPED = "All names start with `module.`, which DataParallel adds"


# For a file of the repo; PLACE is an expression for its path.
_OPEN = """\
state = torch.load(
    PLACE,
    map_location="cpu",
    weights_only=True,
)"""


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
    help="Folder to write it to: dist for a release, or one that git tracks, for small weights that "
    "the repo contains.  [default: that of FILE]",
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
    from hubkit.publish.stand_in import Hosted
    from hubkit.publish.weights import copy_checkpoint, hash_name

    facts = _read_repo()
    entry = _find_entrypoint(facts, wire or entrypoint)
    to, folder = folder, folder or file.parent
    _require_inside(facts, folder)
    if facts is not None:
        read_config(facts.root)  # report its errors before writing anything
    options = _Options(key, prefix, digits, state_dict, yes, safetensors)
    with tempfile.TemporaryDirectory(prefix="hubkit-") as scratch:
        source, weights = _prepare(file, Path(scratch), options)
        digest = sha256_of(source)
        name = hash_name(source.name, digest, digits)
        place = _place_in_repo(facts, to, name) if weights.format == "pickle" else ""
        url = "" if place else f"{_release_url(facts, slug, tag)}/{name}"
        imports, code = _CODE[weights.format]
        code = trial = code.format(url=url, name=name, sha256=digest)
        if place:
            imports, (code, trial) = _OPENING_IMPORTS, _open_code(place, source)
        change, tried = (
            _plan_change(facts, entry, one, url) if wire else None for one in (code, trial)
        )
        with show_wait("Loading the weights"), _suggesting_to_strip(weights):
            _try(
                facts, entry, tried, f"{imports}\n\n{trial}\n", Hosted({url: str(source.resolve())})
            )
        added = copy_checkpoint(source, folder, digits=digits)
    echo(f"{'created' if added.is_new else 'exists'}: {added.path}")
    echo(f"sha256: {added.sha256}")
    echo(f"size: {added.size:,} bytes")
    _print_contents(weights)
    recorded = _record(facts, entry, added.sha256, added.size)
    publish = "Commit the file" if place else "Attach the file to the release"
    if change and facts:
        _write_change(facts, change, publish)
    else:
        echo_lines(f"\n{publish}, and load it in hubconf.py:\n\n")
        echo_lines(f"{imports}\n\n{code}")
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
                "url": url,
                "code": f"{imports}\n\n{code}\n",
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


def _release_url(facts: RepoFacts | None, slug: str | None, tag: str | None) -> str:
    """The URL of the files of the release.

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
            echo(_NOTE, f" {message}To change it, pass --tag TAG", err=True)
    for text, option in ((repo, "--repo OWNER/NAME"), (tag, "--tag TAG")):
        if not text:
            echo(_NOTE, f" the URL below is incomplete: pass {option}", err=True)
    return f"https://github.com/{repo or 'OWNER/NAME'}/releases/download/{tag or 'TAG'}"


def _place_in_repo(facts: RepoFacts | None, folder: Path | None, name: str) -> str:
    """Where the repo will contain the file, relative to its root; "" if it is for a release.

    Args:
        facts: The repo.
        folder: The folder that was asked for.
        name: The name of the file.
    """
    from hubkit.source.git import find_git

    if facts is None or folder is None:
        return ""
    root, path = facts.root.resolve(), folder.resolve()
    git = find_git(facts.root)
    if git is None or path == root or not path.is_relative_to(root):
        return ""
    place = f"{path.relative_to(root).as_posix()}/{name}"
    is_ignored = not git.try_to("check-ignore", "--quiet", "--", place).returncode
    return "" if is_ignored or place.startswith("dist/") else place


def _open_code(place: str, source: Path) -> tuple[str, str]:
    """Code that opens a file of the repo, and the same for the file where it lies now."""
    parts = ", ".join(json.dumps(part, ensure_ascii=False) for part in place.split("/"))
    there = f"pathlib.Path(__file__).parent.joinpath({parts})"
    return _OPEN.replace("PLACE", there), _OPEN.replace("PLACE", repr(str(source.resolve())))


def _plan_change(
    facts: RepoFacts | None, entry: Entrypoint | str, code: str, url: str
) -> FileChange:
    """The contents of hubconf.py with the code in an entrypoint.

    Raises:
        UsageError: It cannot be edited.
    """
    from hubkit.errors import UsageError
    from hubkit.publish.wiring import wire

    if facts is None or isinstance(entry, str):
        raise UsageError(f"{entry} is not a function of hubconf.py", hint="Remove --wire.")
    if not code.startswith("state = torch."):
        raise UsageError("--wire supports state dicts of torch.save only", hint="Remove --wire.")
    return wire(facts, entry, code, url)


def _try(
    facts: RepoFacts | None,
    entry: Entrypoint | str,
    change: FileChange | None,
    code: str,
    hosted: Hosted,
) -> None:
    """Run the code, or load the entrypoint of the changed hubconf.py.

    Raises:
        CheckpointError: It fails.
    """
    from hubkit.errors import CheckpointError
    from hubkit.lint import render_diff
    from hubkit.publish.stand_in import run_codes
    from hubkit.publish.wiring import stage
    from hubkit.torchhub import HUBCONF

    with tempfile.TemporaryDirectory(prefix="hubkit-run-") as staged:
        if facts and change and not isinstance(entry, str):
            code = stage(facts, entry, change, Path(staged))
        (outcome,) = run_codes(facts.root if facts else Path.cwd(), (code,), hosted)
    if outcome.error:
        shown = render_diff({HUBCONF: change}).decode(errors="replace") if change else code
        raise CheckpointError(
            f"The weights do not load: {outcome.error}",
            hint=f"Nothing was written. The code was:\n\n{shown}",
        )


@contextlib.contextmanager
def _suggesting_to_strip(weights: Weights) -> Iterator[None]:
    """Say why weights do not load, where their names show it."""
    from hubkit.errors import CheckpointError

    try:
        yield
    except CheckpointError as error:
        if _is_wrapped(weights):
            error.hint = f"{_WRAPPED}: pass --strip module. Nothing was written."
        raise


def _is_wrapped(weights: Weights) -> bool:
    return bool(weights.state) and all(name.startswith("module.") for name in weights.state)


def _print_contents(weights: Weights) -> None:
    from hubkit._util.text import join_words, plural

    if weights.format == "script":
        echo("contents: TorchScript")
        return
    without = f", without {join_words(weights.others, most=4)}" if weights.others else ""
    origin = f", from {weights.key!r}{without}" if weights.key else ""
    count = plural(len(weights.state), "tensor")
    echo(f"contents: {count}, {weights.elements:,} values in total{origin}")
    if _is_wrapped(weights):
        echo(_NOTE, f" {_WRAPPED}. --strip module. removes it.", err=True)


def _record(facts: RepoFacts | None, entry: Entrypoint | str, sha256: str, size: int) -> str | None:
    """Record the file in the settings of the repo; returns where, if it was."""
    from hubkit.publish.weights import record_weights

    if facts is None or not entry:
        why = "no hubconf.py found" if facts is None else "pass --entrypoint NAME, or --wire NAME"
        echo(f"Not recorded: {why}.", err=True)
        return None
    name = entry if isinstance(entry, str) else entry.name
    done, path = record_weights(facts.root, name, sha256, size)
    echo(f"{done}: {path}, {name}.weights")
    return path


def _write_change(facts: RepoFacts, change: FileChange, publish: str) -> None:
    from hubkit.lint import render_diff, write_changes
    from hubkit.torchhub import HUBCONF

    changes = {HUBCONF: change}
    echo()
    echo_data(render_diff(changes))
    write_changes(facts.root, changes)
    echo(f"wrote: hubconf.py. {publish}.")
