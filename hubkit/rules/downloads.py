"""HUB5xx: where weights come from, and whether they are what was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.rules.call_fixes import give_argument
from hubkit.rules.registry import rule
from hubkit.torchhub import hash_in_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CheckpointUse, Finding, RepoFacts

_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")
# torch's documentation asks for eight digits or more; six could still be somebody's prefix.
_USUAL_DIGITS = 8
_FEWEST_DIGITS = 6


@rule("HUB501", "no-check-hash", "warning", fixable="sometimes", applicability="safe")
def no_check_hash(repo: RepoFacts) -> Iterator[Finding]:
    """Weights whose file name carries a hash are downloaded without checking it.

    A download that was cut short, or a file that was replaced, is kept in the cache and loaded from
    then on; users see a pickle error, or a model that is silently wrong. The name holds the hash
    already, and `check_hash=True` compares it.

    Bad:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth")

    Good:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth", check_hash=True)

    Reported only where the URL can be told from the source and its name holds eight or more
    hexadecimal digits where torch.hub looks for them.
    """
    for use in loads_of(repo):
        name, digits = file_name(use), hash_digits(file_name(use))
        is_off = use.check_hash is False or not _may_get(use, "check_hash")
        if is_off and digits is not None and _is_hash(digits):
            yield no_check_hash.finding(
                f"`{name}` is loaded without comparing the hash in its name: a cut or replaced "
                "file is kept in the cache and used",
                use.location,
                hint="Pass `check_hash=True`.",
                fix=give_argument(repo, use, "check_hash", "True", "safe"),
            )


@rule("HUB502", "hash-not-usable", "error")
def hash_not_usable(repo: RepoFacts) -> Iterator[Finding]:
    """check_hash=True does not do what it says, because of the file's name.

    torch.hub takes the digits between the first `-` and `.` that have only hexadecimal digits
    between them. Without such a part nothing is compared, silently. When the part is something else,
    such as the `1` of `unet-1.0.pth`, it is compared with the hash and the download fails for
    everybody.

    Bad:
        load_state_dict_from_url("https://…/unet.pth", check_hash=True)         # checks nothing
        load_state_dict_from_url("https://…/unet-1.0.pth", check_hash=True)     # always fails

    Good:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth", check_hash=True)

    The name is the last part of the URL's path, or `file_name=` when that is given. The digits are
    the first eight or more of the file's SHA-256: `sha256sum unet.pth`.
    """
    for use in loads_of(repo):
        name = file_name(use)
        if use.check_hash is not True or name is None:
            continue
        digits = hash_digits(name)
        if not digits:
            said = f"`check_hash=True` compares nothing: the name `{name}` holds no hash"
        elif len(digits) < _FEWEST_DIGITS:
            said = (
                f"`check_hash=True` takes the `{digits}` in `{name}` for the hash of the file, so "
                "the download fails with RuntimeError: invalid hash value"
            )
        else:
            continue
        yield hash_not_usable.finding(
            said,
            use.location,
            hint="Publish the file with the first eight digits of its SHA-256 in the name, such as "
            f"`{_with_hash(name)}`.",
        )


@rule("HUB504", "no-map-location", "warning", fixable="sometimes", applicability="safe")
def no_map_location(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are loaded onto the device that they were saved from.

    A state dict saved on a GPU cannot be loaded on a machine without one: "Attempting to deserialize
    object on a CUDA device but torch.cuda.is_available() is False". With several GPUs it lands on
    the one that the author happened to use.

    Bad:
        load_state_dict_from_url(url)

    Good:
        load_state_dict_from_url(url, map_location="cpu")

    `model.load_state_dict` copies the values to wherever the model is.
    """
    for use in loads_of(repo):
        if not _may_get(use, "map_location"):
            yield no_map_location.finding(
                "weights are loaded onto the device that they were saved from: without that GPU, "
                "loading fails",
                use.location,
                hint='Pass `map_location="cpu"`.',
                fix=give_argument(repo, use, "map_location", '"cpu"', "safe"),
            )


@rule("HUB505", "weights-only-off", "warning", fixable="sometimes", applicability="unsafe")
def weights_only_off(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are loaded in a way that runs whatever code the file holds.

    A checkpoint is a pickle, and a pickle can run anything. `torch.load` has refused that by default
    since torch 2.6, but `torch.hub.load_state_dict_from_url` still has `weights_only=False`: whoever
    can replace the file at the URL runs code on the machine of each user.

    Bad:
        load_state_dict_from_url(url)

    Good:
        load_state_dict_from_url(url, weights_only=True)     # since torch 2.1

    A file that holds more than tensors fails then: load it once, save its state dict
    (`torch.save(model.state_dict(), ...)`), and publish that.

    `torch.load` on the way to a model is reported too: with `weights_only=False` as a warning, without
    the argument as an info, since what it does depends on the torch that users have.
    """
    for use in loads_of(repo):
        if use.function.startswith("hubkit.") and use.weights_only is not False:
            continue  # hubkit's own function has it on by default
        if use.weights_only is False or not _may_get(use, "weights_only"):
            yield weights_only_off.finding(
                "loading these weights runs whatever code the file holds: weights_only is off",
                use.location,
                hint="Pass `weights_only=True`; torch.hub's default is False.",
                fix=give_argument(repo, use, "weights_only", "True", "unsafe"),
            )
    for load in repo.hubconf.uses if repo.hubconf else ():
        given = load.keyword("weights_only") or load.keyword("**")
        if load.name == "torch.load" and given in (None, "False"):
            yield weights_only_off.finding(
                "this file is loaded in a way that runs whatever code it holds"
                if given
                else "before torch 2.6 this runs whatever code the file holds, and since then it "
                "refuses all but tensors",
                load.location,
                hint="Pass `weights_only=True`; it exists since torch 1.13.",
                severity="warning" if given else "info",
            )


def loads_of(repo: RepoFacts) -> Iterator[CheckpointUse]:
    """The calls that download a state dict and load it."""
    for use in repo.hubconf.checkpoints if repo.hubconf else ():
        if use.function.rpartition(".")[2] in ("load_state_dict_from_url", "load_url"):
            yield use


def _may_get(use: CheckpointUse, argument: str) -> bool:
    return argument in use.arguments or use.forwards_keywords


def file_name(use: CheckpointUse) -> str | None:
    """The name under which the file is cached; None when source does not tell it."""
    from hubkit._util.urls import try_parse

    if "file_name" in use.arguments:
        return use.file_name
    if use.url is None:
        return None
    url = try_parse(use.url)
    return url.file_name or None if url else None


def hash_digits(name: str | None) -> str | None:
    """What torch.hub takes for the hash in a name, or None when it finds none."""
    return hash_in_name(name or "")


def _is_hash(digits: str) -> bool:
    return len(digits) >= _USUAL_DIGITS and not _DATE.fullmatch(digits)


def _with_hash(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{(stem or suffix).replace('.', '_')}-<hash>{dot}{suffix if stem else 'pth'}"
