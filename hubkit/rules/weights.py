"""HUB5xx and HUB205: weights: downloads, file names, pickles, and who asked for them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.text import quoted
from hubkit.facts import Location
from hubkit.rules.fixes import add_argument, anchor, name_file
from hubkit.rules.registry import rule
from hubkit.torchhub import PICKLE_ENDING, STATE_DICT_KEYS, TRUSTED_OWNERS, hash_in_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.pickles import PickleScan
    from hubkit.facts import CheckpointUse, Finding, Load, RepoFacts, UnrequestedDownload, Use


_DATE = r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
# torch's documentation requires eight digits or more; six may still be a shorter prefix.
_USUAL_DIGITS = 8
_FEWEST_DIGITS = 6


@rule(
    "HUB501",
    "no-check-hash",
    "warning",
    fixable="sometimes",
    applicability="safe",
    several="{count} downloads do not check the hash in the file name",
)
def no_check_hash(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are downloaded without checking the hash in the file name.

    A truncated or replaced file stays in the cache. Users get a pickle error, or a wrong model
    without an error. `check_hash=True` compares the file with the hash in its name.

    Bad:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth")

    Good:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth", check_hash=True)

    Reported only if the URL is known from the source and its file name contains eight or more
    hexadecimal digits where torch.hub expects the hash.
    """
    reported: set[Location] = set()
    for use in loads_of(repo):
        name, digits = file_name(use), hash_digits(file_name(use))
        is_off = use.check_hash is False or not _may_receive(use, "check_hash")
        if is_off and digits is not None and _is_hash(digits) and use.location not in reported:
            reported.add(use.location)
            yield no_check_hash.finding(
                f"the hash in the file name `{name}` is not checked",
                use.location,
                hint="Pass `check_hash=True`.",
                fix=partial(add_argument, repo, use, "check_hash", "True", "safe")
                if all(_is_hash(hash_digits(file_name(one)) or "") for one in _same_call(repo, use))
                else None,
            )


@rule(
    "HUB502",
    "hash-not-usable",
    "error",
    several="`check_hash=True` does not work in {count} downloads: their file names contain no usable hash",
)
def hash_not_usable(repo: RepoFacts) -> Iterator[Finding]:
    """`check_hash=True` does not work with the file name.

    torch.hub takes the hexadecimal digits between the first matching `-` and `.` as the hash. If
    there are none, it checks nothing. If they are something else, such as the `1` of
    `unet-1.0.pth`, the download always fails.

    Bad:
        load_state_dict_from_url("https://…/unet.pth", check_hash=True)         # checks nothing
        load_state_dict_from_url("https://…/unet-1.0.pth", check_hash=True)     # always fails

    Good:
        load_state_dict_from_url("https://…/unet-4f1c09ab.pth", check_hash=True)

    The file name is the last part of the URL, or `file_name=`. The hash is the first eight or more
    digits of the file's SHA-256: `sha256sum unet.pth`. The severity is warning if nothing is checked,
    and error if the download fails.
    """
    reported: set[Location] = set()
    for use in loads_of(repo):
        name = file_name(use)
        if use.check_hash is not True or name is None or use.location in reported:
            continue
        digits = hash_digits(name)
        if not digits:
            message = f"`check_hash=True` has no effect: the file name `{name}` contains no hash"
        elif len(digits) < _FEWEST_DIGITS:
            message = (
                f"`check_hash=True` takes `{digits}` in `{name}` as the hash, so every download "
                "fails with RuntimeError: invalid hash value"
            )
        else:
            continue
        reported.add(use.location)
        yield hash_not_usable.finding(
            message,
            use.location,
            hint="Add the first eight digits of the file's SHA-256 to its name, such as "
            f"`{_with_hash(name)}`.",
            severity="error" if digits else "warning",
        )


@rule(
    "HUB504",
    "no-map-location",
    "warning",
    fixable="sometimes",
    applicability="safe",
    several="{count} calls load weights without `map_location`: if they were saved on a GPU, loading fails without one",
)
def no_map_location(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are loaded onto the device that they were saved from.

    A state dict that was saved on a GPU cannot be loaded on a machine without one: "Attempting to
    deserialize object on a CUDA device but torch.cuda.is_available() is False". With several GPUs,
    it is loaded onto the one that the author used.

    Bad:
        load_state_dict_from_url(url)

    Good:
        load_state_dict_from_url(url, map_location="cpu")

    `torch.load` is reported too, if importing hubconf.py or calling an entrypoint reaches it.
    `model.load_state_dict` copies the values to the device of the model.
    """
    for use in _calls_of(repo):
        if not _may_receive(use, "map_location"):
            yield no_map_location.finding(
                "weights are loaded without `map_location`: if they were saved on a GPU, loading "
                "fails without one",
                use.location,
                hint='Pass `map_location="cpu"`.',
                fix=partial(add_argument, repo, use, "map_location", '"cpu"', "safe"),
            )
    for load in _file_loads(repo):
        if len(load.arguments) < 2 and not (load.keyword("map_location") or load.keyword("**")):
            yield no_map_location.finding(
                "a file is loaded without `map_location`: if it was saved on a GPU, loading fails "
                "without one",
                load.location,
                hint='Pass `map_location="cpu"`.',
                fix=partial(add_argument, repo, load, "map_location", '"cpu"', "safe"),
            )


@rule(
    "HUB505",
    "weights-only-off",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="{count} calls load weights with `weights_only=False`, so the files can run any code",
)
def weights_only_off(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are loaded with `weights_only=False`, so the file can run any code.

    A checkpoint is a pickle, and a pickle can run any code. `torch.load` refuses that by default
    since torch 2.6, but the default of `torch.hub.load_state_dict_from_url` is still
    `weights_only=False`. Anyone who can replace the file at the URL can run code on the machines of
    users.

    Bad:
        load_state_dict_from_url(url)

    Good:
        load_state_dict_from_url(url, weights_only=True)     # since torch 2.1

    If the file contains more than tensors, this fails, and the state dict in it has to be published
    instead. `hubkit weights add FILE --state-dict` converts a saved model, and `--key model` selects
    the state dict in a training state. The hint says so if a copy of the file is in the repo or in
    `dist`, or if the code uses the result as a model.

    `torch.load` is reported too: with `weights_only=False`, and without the argument if the file
    contains more than tensors, which the default refuses since torch 2.6.
    """
    for use in _calls_of(repo):
        if use.function.startswith("hubkit.") and use.weights_only is not False:
            continue  # its default is True
        if use.weights_only is False or not _may_receive(use, "weights_only"):
            command = _convert_command(repo, use.location, file_name(use) or "FILE")
            yield weights_only_off.finding(
                "weights are loaded with `weights_only=False`, so the file can run any code",
                use.location,
                hint=_convert_hint(command)
                or "Pass `weights_only=True`. The default of torch.hub is False.",
                fix=None
                if command
                else partial(add_argument, repo, use, "weights_only", "True", "unsafe"),
            )
    for load in _file_loads(repo):
        value = load.keyword("weights_only") or load.keyword("**")
        command = _convert_command(repo, load.location, "FILE") if value in (None, "False") else ""
        if command or value == "False":
            yield weights_only_off.finding(
                "the file is loaded with `weights_only=False`, so it can run any code"
                if value
                else "the file contains more than tensors, which `torch.load` rejects since torch 2.6",
                load.location,
                hint=_convert_hint(command) or "Pass `weights_only=True`, which torch 1.13 added.",
            )


def _convert_hint(command: str) -> str:
    if not command:
        return ""
    return f"`weights_only=True` rejects the file. Publish its state dict: `{command}`."


def _convert_command(repo: RepoFacts, location: Location, name: str) -> str:
    """The command that makes a state dict of a file with more than tensors; "" for other files.

    Args:
        repo: The repo.
        location: The call that loads the file.
        name: The name of the file.
    """
    from shlex import quote

    load = next((one for one in _loads(repo) if one.location == location), None)
    path = load.path if load and load.path else _find_copy(repo, name)
    option = _convert_option(repo, path) if path else ""
    if not option and load and load.is_model:
        option = "--state-dict"
    return f"hubkit weights add {quote(path or name)} {option}" if option else ""


def _loads(repo: RepoFacts) -> tuple[Load, ...]:
    return repo.hubconf.loads if repo.hubconf else ()


def _find_copy(repo: RepoFacts, name: str) -> str:
    """The file of a name in the repo, or in `dist`, which git usually ignores; "" if none."""
    if repo.files.is_file(f"dist/{name}"):
        return f"dist/{name}"
    if not re.fullmatch(_CHECKPOINT, name):
        return ""
    return next((one for one in repo.files.paths() if one.rpartition("/")[2] == name), "")


def _convert_option(repo: RepoFacts, path: str) -> str:
    """How to convert a file of the repo; "" if it holds only tensors or cannot be read."""
    found = _scan(repo, path)
    if found is None or all(map(is_allowed, found.names)):
        return ""
    if any(one.startswith("torch.nn.modules.") for one in found.names):
        return "--state-dict"
    keys = [key for key in STATE_DICT_KEYS if key in found.texts]
    return f"--key {keys[0]}" if keys else "--state-dict"


def _scan(repo: RepoFacts, path: str) -> PickleScan | None:
    """What a checkpoint of the repo holds; None if it is too large or something else."""
    import io

    from hubkit.analysis.pickles import scan_checkpoint

    entry = repo.files.entry(path)
    if entry is None or entry.kind != "file" or entry.size > limits.BUNDLED_BYTES.most:
        return None
    try:
        found = scan_checkpoint(io.BytesIO(repo.files.read(path)))
    except OSError:
        return None
    return None if found is None or found.is_script else found


def _same_call(repo: RepoFacts, use: CheckpointUse) -> list[CheckpointUse]:
    return [one for one in loads_of(repo) if one.location == use.location]


def _calls_of(repo: RepoFacts) -> Iterable[CheckpointUse]:
    """The calls that download and load a state dict, each with one of its URLs."""
    return {use.location: use for use in loads_of(repo)}.values()


def loads_of(repo: RepoFacts) -> Iterator[CheckpointUse]:
    """Yield the calls that download and load a state dict, once for each possible URL."""
    for use in repo.hubconf.checkpoints if repo.hubconf else ():
        if use.function.rpartition(".")[2] in ("load_state_dict_from_url", "load_url"):
            yield use


def _file_loads(repo: RepoFacts) -> Iterator[Use]:
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.name == "torch.load":
            yield use


def _may_receive(use: CheckpointUse, argument: str) -> bool:
    return argument in use.arguments or use.forwards_keywords


def file_name(use: CheckpointUse) -> str | None:
    """The file name in the cache; None if it is unknown."""
    from hubkit._util.urls import try_parse

    if "file_name" in use.arguments:
        return use.file_name
    if use.url is None:
        return None
    url = try_parse(use.url)
    return url.file_name or None if url else None


def hash_digits(name: str | None) -> str | None:
    """The digits that torch.hub takes as the hash in a file name, or None."""
    return hash_in_name(name or "")


def _is_hash(digits: str) -> bool:
    return len(digits) >= _USUAL_DIGITS and not re.fullmatch(_DATE, digits)


def _with_hash(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{(stem or suffix).replace('.', '_')}-<hash>{dot}{suffix if stem else 'pth'}"


_READERS = r"open|(?:torch|numpy|torch\.jit)\.load|pathlib\.Path\.(?:open|read_text|read_bytes)"
_MOVING_REFS = ("", "main", "master")
# File names that many repos use.
_GENERIC = (
    r"(?i)(?:model|models|net|network|weights?|checkpoint|ckpt|best|last|latest|final|pretrained"
    r"|state_?dict|pytorch_model|model_best|best_model|resnet\d+|vgg\d+|vit_[bls])"
    rf"{PICKLE_ENDING}"
)
_MUTABLE = (
    r"https?://(?:raw\.githubusercontent\.com/[^/]+/[^/]+/(?:refs/heads/)?(?:main|master)/"
    r"|github\.com/[^/]+/[^/]+/(?:raw|blob)/(?:main|master)/"
    r"|huggingface\.co/.+/resolve/main/|(?:www\.)?dropbox\.com/|drive\.google\.com/)"
)


@rule("HUB503", "name-collision", "error", fixable="sometimes", applicability="unsafe")
def name_collision(repo: RepoFacts) -> Iterator[Finding]:
    """The cached file name of weights is not unique.

    torch.hub keeps the downloads of all repos in one folder, under the last part of the URL. If
    a file of that name exists, torch.hub loads it instead: the wrong weights without an error, or
    an error about keys that do not match.

    Bad:
        load_state_dict_from_url("https://example.org/small/model.pth")
        load_state_dict_from_url("https://example.org/large/model.pth")

    Good:
        load_state_dict_from_url("https://example.org/acme-small-4f1c09ab.pth")
        load_state_dict_from_url(url, file_name="acme-large-0d3e5a17.pth")

    The severity is error for two URLs of one repo with the same file name, and warning for a common
    file name without a hash.
    """
    seen: dict[str, str] = {}
    for use in loads_of(repo):
        name, url = file_name(use), _plain(use.url)
        if name is None or url is None:
            continue
        fix = partial(name_file, repo, use, name) if len(_same_call(repo, use)) == 1 else None
        first = seen.setdefault(name, url)
        if first != url:
            yield name_collision.finding(
                f"two different files are cached as `{name}`, so the first one is loaded for both",
                use.location,
                hint="Give each a unique name, for example with `file_name=`.",
                fix=fix,
            )
        elif re.fullmatch(_GENERIC, name) and not hash_digits(name):
            yield name_collision.finding(
                f"the file name `{name}` is generic, and torch.hub caches the weights of all repos in "
                "one folder",
                use.location,
                hint="Use a name with the name of the project and the hash of the file.",
                severity="warning",
                fix=fix,
            )


@rule("HUB506", "mutable-or-insecure-url", "warning", preview=True)
def mutable_or_insecure_url(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are downloaded from a URL that may change, or over plain HTTP.

    The file on a branch of a repo, or behind a link to a shared drive, may change, while users with
    a cached file keep the old one. Over HTTP, the file can be replaced in transit.

    Bad:
        "https://huggingface.co/acme/unet/resolve/main/unet.pth"

    Good:
        "https://huggingface.co/acme/unet/resolve/4f1c09ab…/unet.pth"
        "https://github.com/acme/unet/releases/download/v1.0/unet-0d3e5a17.pth"
    """
    reported: set[Location] = set()
    for use in loads_of(repo):
        if not use.url or use.location in reported:
            continue
        if use.url.startswith("http://") or re.match(_MUTABLE, use.url):
            reported.add(use.location)
            why = "uses plain HTTP" if use.url.startswith("http://") else "is not pinned"
            yield mutable_or_insecure_url.finding(
                f"the URL of the weights {why}: {use.url}",
                use.location,
                hint="Publish them as a release asset, or use a URL with a commit.",
            )


@rule("HUB507", "cwd-relative-path", "error", fixable="sometimes", applicability="unsafe")
def cwd_relative_path(repo: RepoFacts) -> Iterator[Finding]:
    """A file of the repo is opened relative to the working directory.

    This works only in the root of the repo. torch.hub unpacks the repo into its cache and does not
    change the working directory, so users get FileNotFoundError.

    Bad:
        state = torch.load("weights/unet.pth")

    Good:
        state = torch.load(Path(__file__).parent / "weights" / "unet.pth")

    Reported if the source shows the path, the repo contains the file, and importing hubconf.py or
    calling an entrypoint reaches the code.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.own_file and re.fullmatch(_READERS, use.name):
            yield cwd_relative_path.finding(
                f"`{use.own_file}` of this repo is opened relative to the working directory",
                use.location,
                hint="Use `Path(__file__).parent`.",
                fix=partial(anchor, repo, use),
            )


@rule(
    "HUB511",
    "nested-hub-load",
    "warning",
    several="{count} nested loads from other hub repos are not pinned or not trusted",
)
def nested_hub_load(repo: RepoFacts) -> Iterator[Finding]:
    """The repo loads from another hub repo without a pinned ref or `trust_repo`.

    torch.hub asks the user to trust each repo. For the nested repo it asks again, which raises
    EOFError without a terminal. And the default branch of the other repo may change, or be renamed,
    at any time.

    Bad:
        torch.hub.load("other/repo", "backbone")

    Good:
        torch.hub.load("other/repo:v1.0", "backbone", trust_repo=True)

    torch.hub always trusts the owners facebookresearch, facebookincubator, pytorch and
    fairinternal. For their repos, only an unpinned ref is reported, as an info.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.name != "torch.hub.load" or use.keyword("source") not in (None, "'github'"):
            continue
        other = use.arguments[0] if use.arguments else None
        if other is None or "/" not in other:
            continue
        is_trusted = other.partition("/")[0] in TRUSTED_OWNERS
        is_pinned = other.partition(":")[2] not in _MOVING_REFS
        if is_pinned and (is_trusted or use.keyword("trust_repo")):
            continue
        yield nested_hub_load.finding(
            f"nested load of `{other}` "
            + ("prompts the user for trust" if is_pinned else "uses its newest commit"),
            use.location,
            hint="Pin a tag (`owner/name:v1.0`) and pass `trust_repo=True`, or copy the code.",
            severity="info" if is_trusted else None,
        )


@rule("HUB510", "lax-load", "info", preview=True)
def lax_load(repo: RepoFacts) -> Iterator[Finding]:
    """A state dict is loaded with `strict=False`, and the result is ignored.

    If a key was renamed, its layer keeps random values without an error.

    Bad:
        model.load_state_dict(state, strict=False)

    Good:
        missing = model.load_state_dict(state, strict=False).missing_keys
        assert missing == ["head.weight", "head.bias"]
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.name == "load_state_dict" and use.keyword("strict") == "False":
            yield lax_load.finding(
                "`load_state_dict` ignores missing and unexpected keys, and its result is not checked",
                use.location,
                hint="Remove `strict=False`, or check `missing_keys` and `unexpected_keys` of the result.",
            )


def _plain(url: str | None) -> str | None:
    """A URL without scheme and query, which do not identify the file."""
    from hubkit._util.urls import try_parse

    parts = try_parse(url) if url else None
    return f"{parts.host_key}{parts.path}" if parts else url


@rule("HUB508", "unconditional-download", "error")
def unconditional_download(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint downloads weights with `pretrained=False`.

    Tests, converters and users without network access load the untrained model with
    `pretrained=False`. A download that ignores the parameter, or checks it with `is not None`,
    fails for them.

    Bad:
        if pretrained is not None:
            state = load_state_dict_from_url(url)

    Good:
        if pretrained:
            state = load_state_dict_from_url(url)

    The rule follows the entrypoint through the repo's functions with `pretrained=False` or
    `weights=None`. It reports only downloads that are certain to happen.
    """
    for names, one in _by_place(repo, switched=True):
        downloads = "downloads" if len(names) == 1 else "download"
        yield unconditional_download.finding(
            f"{quoted(names)} {downloads} weights even with `{one.switch}={one.without}`",
            one.location,
            entrypoint=one.entrypoint,
            hint=f"Download only `if {one.switch}:`.",
        )


@rule("HUB205", "no-pretrained-switch", "warning")
def no_pretrained_switch(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint always downloads weights.

    Tests, converters and users who train from scratch need the untrained model. By convention,
    a parameter `pretrained` selects weights.

    Bad:
        def unet():
            model.load_state_dict(load_state_dict_from_url(url))

    Good:
        def unet(pretrained=True):
            if pretrained:
                model.load_state_dict(load_state_dict_from_url(url))
    """
    for names, one in _by_place(repo, switched=False):
        yield no_pretrained_switch.finding(
            f"{quoted(names)} always {'downloads' if len(names) == 1 else 'download'} weights",
            one.location,
            entrypoint=one.entrypoint,
            hint="Add a parameter `pretrained`.",
        )


@rule("HUB509", "hard-coded-pretrained", "warning")
def hard_coded_pretrained(repo: RepoFacts) -> Iterator[Finding]:
    """A part of the model is always built with pretrained weights.

    A backbone with a literal `pretrained=True` downloads its weights even if the entrypoint is
    called with `pretrained=False`. With `pretrained=True`, the repo's own weights overwrite them,
    so the download is useless. torchvision's detection models had this bug for a year and now have
    a parameter `weights_backbone`.

    Bad:
        def detector(pretrained=False):
            backbone = torchvision.models.resnet50(pretrained=True)

    Good:
        def detector(pretrained=False, pretrained_backbone=True):
            backbone = torchvision.models.resnet50(
                pretrained=pretrained_backbone and not pretrained
            )

    The rule follows entrypoints with a parameter that selects weights. It does not report calls
    under a condition on that parameter, and leaves downloads that are certain to happen to HUB508.
    If the backbone is frozen and not part of the repo's own weights, suppress the finding.
    """
    for one in repo.hubconf.hard_coded_pretrained if repo.hubconf else ():
        if not _is_certain(repo):
            yield hard_coded_pretrained.finding(
                f"`{one.call}` always downloads pretrained weights",
                one.location,
                hint="Add a parameter for it, and skip the download if the repo's own weights are loaded.",
            )


def _is_certain(repo: RepoFacts) -> bool:
    """Whether HUB508 reports the same download."""
    return any(one.switch for one in repo.hubconf.unrequested_downloads) if repo.hubconf else False


def _by_place(
    repo: RepoFacts, *, switched: bool
) -> Iterator[tuple[tuple[str, ...], UnrequestedDownload]]:
    """Yield each unrequested download once, with the entrypoints that reach it."""
    by_place: dict[Location, list[UnrequestedDownload]] = {}
    for one in repo.hubconf.unrequested_downloads if repo.hubconf else ():
        if bool(one.switch) is switched:
            by_place.setdefault(one.location, []).append(one)
    for downloads in by_place.values():
        yield tuple(one.entrypoint for one in downloads), downloads[0]


_CHECKPOINT = rf"(?i).*{PICKLE_ENDING}"


@rule("HUB512", "bundled-unsafe-weights", "warning", preview=True)
def bundled_unsafe_weights(repo: RepoFacts) -> Iterator[Finding]:
    """A checkpoint in the repo contains more than tensors.

    `torch.load(weights_only=True)`, the default since torch 2.6, rejects it, so users have to let
    the file run any code. Usually a whole module was saved instead of its state dict, which also
    breaks if a class is renamed. The severity is error if the file imports functions that run
    commands.

    Bad:
        torch.save(model, "weights/unet.pt")

    Good:
        torch.save(model.state_dict(), "weights/unet.pt")

    The rule reads the opcodes of the pickle, in torch's zip format and the one before 1.6. It does
    not unpickle anything, and skips TorchScript archives and files larger than 64 MiB. It also
    reports a checkpoint that cannot be read to its end, because torch may run the code before that.
    """
    total = 0
    for path in repo.files.paths():
        entry = repo.files.entry(path) if re.fullmatch(_CHECKPOINT, path) else None
        if entry is None or entry.kind != "file" or entry.size > limits.BUNDLED_BYTES.most:
            continue
        total += entry.size
        if total > limits.BUNDLED_TOTAL.most:
            return
        found = _scan(repo, path)
        if found is None:
            continue
        unsafe = sorted(name for name in found.names if not is_allowed(name))
        harmful = [name for name in unsafe if is_harmful(name)]
        if unsafe:
            yield bundled_unsafe_weights.finding(
                f"the checkpoint {'runs' if harmful else 'imports'} {quoted(harmful or unsafe)}, which "
                "`weights_only=True` rejects",
                Location(path),
                hint="Do not load the file, and find out where it comes from."
                if harmful
                else "Save the state dict: `torch.save(model.state_dict(), ...)`.",
                severity="error" if harmful else None,
            )
        elif not found.is_complete:
            yield bundled_unsafe_weights.finding(
                "the checkpoint is damaged or in an old format, so the code that it runs is unknown",
                Location(path),
                hint="Find out where the file comes from, or save its state dict again.",
            )


# What torch.load(weights_only=True) allows by default
# (torch/_weights_only_unpickler.py, _get_allowed_globals).
_ALLOWED = (
    r"collections\.(?:OrderedDict|Counter|defaultdict)|_codecs\.encode|builtins\.(?:bytearray|set)"
    r"|__builtin__\.set"
    r"|torch\.(?:\w+Storage|Size|Tensor|device|dtype|\w*(?:float|int|complex)\d+\w*|bool|half|double"
    r"|float|int|long|short|quint\w+|qint\w+|strided|sparse_\w+|jagged|per_\w+|\w+Tensor)"
    r"|torch\._utils\._rebuild_\w+|torch\._tensor\._rebuild_\w+|torch\.serialization\._get_layout"
    r"|torch\.storage\._?(?:Typed|Untyped|Legacy)Storage|torch\.nn\.parameter\.[A-Z]\w+"
    r"|torch\.cuda\.\w+(?:Storage|Tensor)|torch\.distributed\.tensor(?:\._api)?\.DTensor"
    r"|torch\.distributed\.tensor\._dtensor_spec\.(?:DTensorSpec|TensorMeta)"
    r"|torch\.distributed\.tensor\.placement_types\.(?:Partial|Replicate|Shard)"
    r"|numpy(?:\._core|\.core)\.multiarray\.(?:_reconstruct|scalar)|numpy\.(?:dtype|ndarray)"
)
_HARMFUL = (
    r"(?:builtins|__builtin__)\.(?:exec|eval|execfile|compile|open|getattr|setattr|__import__|apply"
    r"|breakpoint)|(?:os|posix|nt|subprocess|sys|runpy|shutil|socket|importlib|pty|ctypes|pip|code"
    r"|webbrowser|commands|platform|asyncio|requests|httplib)(?:\.\w+)+|torch\.(?:load|hub\.load|storage\._load_from_bytes)"
)


def is_allowed(name: str) -> bool:
    """Whether ``weights_only=True`` allows a dotted name."""
    return re.fullmatch(_ALLOWED, name) is not None


def is_harmful(name: str) -> bool:
    """Whether a dotted name can run commands or affect more than the process."""
    return re.fullmatch(_HARMFUL, name) is not None
