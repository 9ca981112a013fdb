"""Level 3: pretrained weights."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hubkit._util.text import join_words, plural
from hubkit.errors import HubkitError
from hubkit.hubdir import key_of
from hubkit.lockfile import NAME as LOCKFILE
from hubkit.torchhub import SHORTEST_HASH, hash_in_name
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    UndeclaredError,
    check,
)
from pytest_hubkit.stored import digest_of
from pytest_hubkit.weights import find_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hubkit.lockfile import LockedCheckpoint
    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.fit import Fit
    from pytest_hubkit.weights import Pretrained

_LOADS = ("C101", "C106")
_SHOWN = 4


@check("C305", "pretrained-loads", level=3, requires=_LOADS)
def pretrained_loads(context: CaseContext) -> Iterator[Failure]:
    """The model can be loaded with its weights.

    This is the call that users make: ``torch.hub.load(repo, entrypoint, pretrained=True)``. It runs
    in another current folder. Without a network, a request for a file is answered from this
    machine: with a file of the repo, of ``dist/``, of ``--hubconf-weights`` or of the hub dir. If
    none of them has it, the check is skipped, and level 3 is not reached. With
    ``--hubconf-network=allow``, weights are downloaded.

    Fix the URL, the path, or the names in the state dict. If the arguments are others, declare
    ``trained``; if there are no weights, declare ``trained = false``.
    """
    loaded = _require(context)
    if loaded.outside:
        yield Failure(
            f"{loaded.call} reads a file that is not part of the repo.",
            loaded.outside[:4],
            "Publish the file, or open it relative to Path(__file__).parent and commit it.",
        )


@check("C306", "offline-reload", level=3, requires=(*_LOADS, "C305"))
def offline_reload(context: CaseContext) -> Iterator[Failure]:
    """Loading the weights again needs no network.

    Cluster nodes often share the cache and have no network access. Code that looks for a newer
    version each time, or does not cache, fails there.

    Download with ``load_state_dict_from_url``, which looks in the hub dir first.
    """
    again = _require(context).again
    if again is not None:
        yield again


@check("C307", "weights-identity", level=3, requires=(*_LOADS, "C305"))
def weights_identity(context: CaseContext) -> Iterator[Failure]:
    """The weights are the published ones, and safe to load.

    The file's sha256 and size must match the configuration, the repo's ``hubkit.lock`` and the hash
    in the file name. The file must load with ``weights_only=True``, and must not be that of another entrypoint. The model must
    have the same parameters with and without weights.

    Fix ``weights`` in the configuration, or publish the right file.
    """
    loaded, declared = _require(context), context.case.config.weights
    for path in loaded.files:
        yield from _check_file(context, path)
        yield from _check_pin(context, path, loaded.urls.get(path, ""))
        yield from _check_owner(context, path)
        yield from _check_globals(context, path)
    if declared and declared.params is not None and loaded.params != declared.params:
        yield Failure(
            f"{context.label} has {loaded.params} parameters, but {declared.params} are declared.",
            fix=f"Fix `weights` in {context.case.place}.",
        )
    here, untrained = loaded.shapes, find_shapes(context.module.state_dict())
    pairs = [(key, here.get(key, "absent"), untrained.get(key, "absent"))
             for key in dict.fromkeys((*here, *untrained))]  # fmt: skip
    changed = [(key, one, other) for key, one, other in pairs
               if one != other and None not in (one, other)]  # fmt: skip
    if changed and not context.case.needs_weights:
        key, one, other = changed[0]
        yield Failure(
            f"{context.label} has different parameters with and without its weights.",
            ((f"{len(changed)} entries of the state dict differ, such as {key}: "
             f"{one} with weights, {other} without"),),
            "Build the same modules in both cases.",
        )  # fmt: skip


@check("C316", "weights-fit", level=3, requires=(*_LOADS, "C305"))
def weights_fit(context: CaseContext) -> Iterator[Failure]:
    """The weights fill the whole model, and stay in it.

    ``load_state_dict(..., strict=False)`` ignores names that do not match, such as those with the
    prefix ``module.``, and an initialization after it replaces what was loaded. The model then
    loads and runs, with random numbers in it. Its parameters must come from the weights, be finite,
    be the same each time, and not be those of the model without weights; its output must differ too.

    Fix the names, or load last. Declare parameters that the file lacks on purpose:
    ``weights = { missing = ["head.*"] }``.
    """
    loaded = _require(context)
    fit = loaded.fit
    if loaded.is_ignored:
        yield Failure(
            f"{loaded.call} returns the same model as without weights.",
            tuple(one.path for one in loaded.files.values()),
            "Load the weights, or declare `trained = false` if there are none.",
        )
    elif fit is not None:
        yield from _check_fit(context, loaded, fit)
    if loaded.output and not loaded.is_ignored:
        yield Failure(f"{loaded.call} loads, but {loaded.output}.")


def _check_fit(context: CaseContext, loaded: Pretrained, fit: Fit) -> Iterator[Failure]:
    declared = context.case.config.weights
    optional = declared.missing if declared else ()

    def is_required(name: str) -> bool:
        return not any(fnmatchcase(name, one) for one in optional)

    missing = tuple(filter(is_required, fit.missing))
    if missing:
        yield Failure(
            f"{loaded.call} leaves {plural(len(missing), 'parameter')} without weights.",
            (f"not in the file: {_some(missing)}", f"filled: {fit.filled} of {fit.size} numbers"),
            "Load with strict=True and fix the names, or declare `weights.missing` in "
            f"{context.case.place}.",
        )
    if fit.overwritten:
        yield Failure(
            f"{loaded.call} changes {plural(len(fit.overwritten), 'parameter')} after loading.",
            (_some(fit.overwritten),),
            "Initialize first, and load the weights last.",
        )
    if fit.infinite:
        yield Failure(
            f"The weights of {context.label} have NaN or infinity.", (_some(fit.infinite),)
        )
    changed = [key for key in loaded.changed(_in_archive(context)) if is_required(key)]
    if changed and not missing:
        yield Failure(f"{loaded.call} returns other weights each time.", (_some(changed),))


def _in_archive(context: CaseContext) -> dict[str, int]:
    """Fingerprints of the model that a process loaded from the archive, if one did."""
    reply = context.children.archive_so_far
    trained = reply.case(context.label).trained if reply else None
    return trained.digests if trained else {}


def _some(names: Iterable[str]) -> str:
    return join_words([*names], most=_SHOWN)


def _require(context: CaseContext) -> Pretrained:
    """The model with its weights, if it is known how to load them."""
    if context.trained_call is None:
        raise NotApplicableError("it has no weights")
    if not context.trained_call:
        raise UndeclaredError(
            "not tried: only the author knows how to load it with weights: declare `trained`, or "
            f"`trained = false` if it has none, in {context.case.place}"
        )
    return context.pretrained


def _check_owner(context: CaseContext, path: Path) -> Iterator[Failure]:
    """A file with the name of another entrypoint, although one with its own name is there."""
    names = context.session.store.names()
    own, stem = context.case.entrypoint, _stem(path.name)
    others = {one.case.entrypoint for one in context.session.plan.cases} - {own}
    if stem in others and any(_stem(name) == own for name in names):
        yield Failure(
            f"{context.label} loads the weights of {stem}.",
            (f"{path.name} is loaded, and there is a file for {own} too",),
            "Load the file of the entrypoint, or rename the file.",
        )


def _stem(name: str) -> str:
    """A file's name without its hash and extension."""
    digits = hash_in_name(name)
    stem = name.partition(f"-{digits}.")[0] if digits else name.partition(".")[0]
    return stem.replace("-", "_")


def _check_file(context: CaseContext, path: Path) -> Iterator[Failure]:
    digest = digest_of(path)
    declared = context.case.config.weights
    named = hash_in_name(path.name) or ""
    wanted = [
        (declared.sha256 if declared else "", f"`weights.sha256` in {context.case.place}"),
        (named if len(named) >= SHORTEST_HASH else "", "the file name"),
    ]
    for prefix, where in wanted:
        if prefix and not digest.startswith(prefix.lower()):
            yield Failure(
                f"The weights of {context.label} do not match their hash.",
                (f"{path.name} has sha256 {digest}", f"{where} has {prefix}"),
                "Delete the cached file if it is outdated; otherwise fix the declaration, or upload the "
                "file again.",
                context.location,
            )
    size = path.stat().st_size
    if declared and declared.bytes is not None and size != declared.bytes:
        yield Failure(
            f"The weights of {context.label} do not have the declared size.",
            (f"{path.name} has {size} bytes, not {declared.bytes}",),
            f"Fix `weights.bytes` in {context.case.place}.",
            context.location,
        )


def _check_pin(context: CaseContext, path: Path, url: str) -> Iterator[Failure]:
    """A file that is not the one that the repo's lock file has for the URL."""
    pins: Mapping[str, LockedCheckpoint] = {}
    key = ""
    try:
        pins = context.session.pins
        key = key_of(url) if url and pins else ""
    except HubkitError as error:
        yield Failure(error.message, fix=error.hint)
        return
    pin, size, digest = pins.get(key), path.stat().st_size, digest_of(path)
    if pin and (pin.sha256, pin.size) != (digest, size):
        yield Failure(
            f"The weights of {context.label} are not those in {LOCKFILE}.",
            (
                f"{path.name} has sha256 {digest} and {size} bytes",
                f"{LOCKFILE} has sha256 {pin.sha256} and {pin.size} bytes for {key}",
            ),
            f"Use the file of the lock file, or update it: hubkit lock --checkpoint {key}",
            context.location,
        )


def _check_globals(context: CaseContext, path: Path) -> Iterator[Failure]:
    import torch

    declared = context.case.config.weights
    finder = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    if finder is None:
        return
    try:
        found = set(finder(path)) - set(declared.unsafe if declared else ())
    except Exception:  # noqa: BLE001 - safetensors, TorchScript, and files from before torch 1.6
        return
    if found:
        yield Failure(
            f"Loading the weights of {context.label} can run code, so torch.load refuses them.",
            (f"{path.name} needs {', '.join(sorted(found)[:4])}",),
            "Save a state dict of tensors, or declare `weights.unsafe`.",
            context.location,
        )
