"""HUB5xx: weights: downloads, file names, pickles, and who asked for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.text import quoted
from hubkit.facts import Location
from hubkit.rules.fixes import anchor, give_argument, name_file
from hubkit.rules.registry import rule
from hubkit.torchhub import TRUSTED_OWNERS, hash_in_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CheckpointUse, Finding, RepoFacts, UnrequestedDownload


_DATE = r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
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
    return len(digits) >= _USUAL_DIGITS and not re.fullmatch(_DATE, digits)


def _with_hash(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{(stem or suffix).replace('.', '_')}-<hash>{dot}{suffix if stem else 'pth'}"


_READERS = r"open|(?:torch|numpy|torch\.jit)\.load|pathlib\.Path\.(?:open|read_text|read_bytes)"
_MOVING_REFS = ("", "main", "master")
# File names that many repos use, each for weights of its own.
_GENERIC = (
    r"(?i)(?:model|models|net|network|weights?|checkpoint|ckpt|best|last|latest|final|pretrained"
    r"|state_?dict|pytorch_model|model_best|best_model|resnet\d+|vgg\d+|vit_[bls])"
    r"\.(?:pth|pt|bin|ckpt|pkl|th|pth\.tar)"
)
_MUTABLE = (
    r"https?://(?:raw\.githubusercontent\.com/[^/]+/[^/]+/(?:refs/heads/)?(?:main|master)/"
    r"|github\.com/[^/]+/[^/]+/(?:raw|blob)/(?:main|master)/"
    r"|huggingface\.co/.+/resolve/main/|(?:www\.)?dropbox\.com/|drive\.google\.com/)"
)


@rule("HUB503", "name-collision", "error", fixable="sometimes", applicability="unsafe")
def name_collision(repo: RepoFacts) -> Iterator[Finding]:
    """Weights are cached under a name that other weights have too.

    torch.hub keeps every download of every repo in one folder, under the last part of the URL. A
    file of that name that is already there is taken for the one that was asked for: silently the
    wrong weights, or an error about keys that do not match.

    Bad:
        load_state_dict_from_url("https://example.org/small/model.pth")
        load_state_dict_from_url("https://example.org/large/model.pth")

    Good:
        load_state_dict_from_url("https://example.org/acme-small-4f1c09ab.pth")
        load_state_dict_from_url(url, file_name="acme-large-0d3e5a17.pth")

    Two URLs of one repo with the same name are an error; a name that many repos use, without a hash
    in it, is a warning.
    """
    seen: dict[str, str] = {}
    for use in loads_of(repo):
        name, url = file_name(use), _plain(use.url)
        if name is None or url is None:
            continue
        first = seen.setdefault(name, url)
        if first != url:
            yield name_collision.finding(
                f"`{name}` is the cached name of two different files: whichever is downloaded first "
                "is loaded for both",
                use.location,
                hint="Give each a name of its own, if need be with `file_name=`.",
                fix=name_file(repo, use, name),
            )
        elif re.fullmatch(_GENERIC, name) and not hash_digits(name):
            yield name_collision.finding(
                f"`{name}` is a name that other repos' weights have too, and torch.hub keeps them "
                "all in one folder",
                use.location,
                hint="Name it after the project, with the hash of the file.",
                severity="warning",
                fix=name_file(repo, use, name),
            )


@rule("HUB506", "mutable-or-insecure-url", "warning", preview=True)
def mutable_or_insecure_url(repo: RepoFacts) -> Iterator[Finding]:
    """Weights come from a URL whose contents may change, or over plain HTTP.

    A branch of a repo, and a link to somebody's drive, give other bytes tomorrow; whoever has the
    file cached keeps the old ones. Over HTTP anybody on the way can replace them.

    Bad:
        "https://huggingface.co/acme/unet/resolve/main/unet.pth"

    Good:
        "https://huggingface.co/acme/unet/resolve/4f1c09ab…/unet.pth"
        "https://github.com/acme/unet/releases/download/v1.0/unet-0d3e5a17.pth"
    """
    for use in loads_of(repo):
        if use.url and (use.url.startswith("http://") or re.match(_MUTABLE, use.url)):
            why = (
                "has no TLS" if use.url.startswith("http://") else "may give another file tomorrow"
            )
            yield mutable_or_insecure_url.finding(
                f"the URL of these weights {why}: {use.url}",
                use.location,
                hint="Publish them as a release asset, or name a commit in the URL.",
            )


@rule("HUB507", "cwd-relative-path", "error", fixable="sometimes", applicability="unsafe")
def cwd_relative_path(repo: RepoFacts) -> Iterator[Finding]:
    """A file of the repo is opened by a path that starts from the working directory.

    It works where the author sits, in the root of the repo. torch.hub unpacks the repo into its cache
    and never changes the working directory, so users get FileNotFoundError.

    Bad:
        state = torch.load("weights/unet.pth")

    Good:
        state = torch.load(Path(__file__).parent / "weights" / "unet.pth")

    Reported where the path is spelled out, the repo has the file, and importing hubconf.py or calling
    an entrypoint leads there.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.own_file and re.fullmatch(_READERS, use.name):
            yield cwd_relative_path.finding(
                f"`{use.own_file}` of this repo is looked for in the user's working directory",
                use.location,
                hint="Start from `Path(__file__).parent`.",
                fix=anchor(repo, use),
            )


@rule("HUB511", "nested-hub-load", "warning")
def nested_hub_load(repo: RepoFacts) -> Iterator[Finding]:
    """Loading a model loads from another hub repo, without a ref.

    torch.hub asks about every repo by itself. Who trusted this repo is asked again from inside it,
    which without a terminal is an EOFError. And the other repo's default branch may change, or be
    renamed, at any time.

    Bad:
        torch.hub.load("other/repo", "backbone")

    Good:
        torch.hub.load("other/repo:v1.0", "backbone", trust_repo=True)

    Of owners whom torch.hub trusts by itself (facebookresearch, facebookincubator, pytorch,
    fairinternal) only loads from a branch are reported, as an info: nobody is asked, and the branch
    changes all the same.
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
            f"loading this model loads from `{other}`, "
            + (
                "which torch.hub asks the user about"
                if is_pinned
                else "whatever its newest commit is"
            ),
            use.location,
            hint="Name a tag (`owner/name:v1.0`) and pass `trust_repo=True`, or copy what is needed.",
            severity="info" if is_trusted else None,
        )


@rule("HUB510", "lax-load", "info", preview=True)
def lax_load(repo: RepoFacts) -> Iterator[Finding]:
    """A state dict is loaded with strict=False and nobody looks at what did not fit.

    A key that was renamed leaves its layer with random values, without a word.

    Bad:
        model.load_state_dict(state, strict=False)

    Good:
        missing = model.load_state_dict(state, strict=False).missing_keys
        assert missing == ["head.weight", "head.bias"]
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.name == "load_state_dict" and use.keyword("strict") == "False":
            yield lax_load.finding(
                "keys that do not fit are passed over, and nobody looks which",
                use.location,
                hint="Load strictly, or compare what `load_state_dict` gives back.",
            )


def _plain(url: str | None) -> str | None:
    """A URL without what does not make it another file: the scheme and a query."""
    from hubkit._util.urls import try_parse

    parts = try_parse(url) if url else None
    return f"{parts.host_key}{parts.path}" if parts else url


@rule("HUB508", "unconditional-download", "error")
def unconditional_download(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint downloads weights although it is told not to.

    `pretrained=False` is how tests, converters and people behind a proxy get the bare network. A
    download that does not look at it, or looks with `is not None`, fails for them without a network.

    Bad:
        if pretrained is not None:
            state = load_state_dict_from_url(url)

    Good:
        if pretrained:
            state = load_state_dict_from_url(url)

    The entrypoint is followed from `pretrained=False` (or `weights=None`) through the repo's
    functions; only a download that is then certain to happen is reported.
    """
    for names, one in _by_place(repo, switched=True):
        downloads = "downloads" if len(names) == 1 else "download"
        yield unconditional_download.finding(
            f"{quoted(names)} {downloads} weights with `{one.switch}={one.without}` too",
            one.location,
            entrypoint=one.entrypoint,
            hint=f"Ask `if {one.switch}:` first.",
        )


@rule("HUB205", "no-pretrained-switch", "warning")
def no_pretrained_switch(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint always downloads weights, and has no parameter to say otherwise.

    The bare network is what tests, converters and people who train from scratch need. By custom a
    parameter `pretrained` asks for weights.

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
            f"{quoted(names)} cannot be had without this download",
            one.location,
            entrypoint=one.entrypoint,
            hint="Add a parameter `pretrained`.",
        )


@rule("HUB509", "inner-pretrained", "warning")
def inner_pretrained(repo: RepoFacts) -> Iterator[Finding]:
    """A part of the model is built with pretrained weights, whatever the entrypoint was asked for.

    A backbone made with a literal `pretrained=True` downloads its weights even for
    `pretrained=False`: the bare network needs the internet. With `pretrained=True` they are
    downloaded in vain, since the repo's own weights overwrite them. torchvision's detection models
    had this mistake for a year and now take `weights_backbone`.

    Bad:
        def detector(pretrained=False):
            backbone = torchvision.models.resnet50(pretrained=True)

    Good:
        def detector(pretrained=False, pretrained_backbone=True):
            backbone = torchvision.models.resnet50(
                pretrained=pretrained_backbone and not pretrained
            )

    Only entrypoints with a parameter that asks for weights are followed, and a call under a condition
    that looks at weights is fine. A download that is certain to happen is HUB508's. A backbone that
    is frozen and is never in the repo's own weights needs them: ignore the finding with that reason.
    """
    for one in repo.hubconf.hard_coded_pretrained if repo.hubconf else ():
        if not _is_certain(repo):
            yield inner_pretrained.finding(
                f"`{one.call}` downloads weights even if none are asked for",
                one.location,
                hint="Give the entrypoint a parameter for it, and skip it where the repo's own "
                "weights follow.",
            )


def _is_certain(repo: RepoFacts) -> bool:
    """Whether HUB508 tells of the same download already."""
    return any(one.switch for one in repo.hubconf.unrequested_downloads) if repo.hubconf else False


def _by_place(
    repo: RepoFacts, *, switched: bool
) -> Iterator[tuple[tuple[str, ...], UnrequestedDownload]]:
    """Downloads nobody asked for, one a place, with the entrypoints that come by there."""
    unrequested = [
        one
        for one in (repo.hubconf.unrequested_downloads if repo.hubconf else ())
        if bool(one.switch) is switched
    ]
    for place in dict.fromkeys(one.location for one in unrequested):
        here = [one for one in unrequested if one.location == place]
        yield tuple(one.entrypoint for one in here), here[0]


_CHECKPOINT = r"(?i).*\.(?:pth?|pkl|pickle|ckpt|bin)(?:\.tar)?"


@rule("HUB512", "bundled-unsafe-weights", "warning", preview=True)
def bundled_unsafe_weights(repo: RepoFacts) -> Iterator[Finding]:
    """A checkpoint in the repo needs more than tensors to load.

    `torch.load(weights_only=True)`, the default since torch 2.6, refuses it, so users must run
    whatever the file holds. Mostly a whole module was saved instead of its state dict, which also
    breaks with the next rename. A file that imports something that runs commands is an error.

    Bad:
        torch.save(model, "weights/unet.pt")

    Good:
        torch.save(model.state_dict(), "weights/unet.pt")

    The opcodes of the pickle are read and nothing is unpickled, in torch's zip format and the one
    before 1.6. A checkpoint that cannot be read to its end is reported, too: torch may run what
    comes before that. TorchScript archives are something else and are left alone. Files beyond
    64 MiB are not looked at.
    """
    import io

    from hubkit.analysis.pickles import scan_checkpoint

    total = 0
    for path in repo.files.paths():
        entry = repo.files.entry(path) if re.fullmatch(_CHECKPOINT, path) else None
        if entry is None or entry.kind != "file" or entry.size > limits.BUNDLED_BYTES.most:
            continue
        total += entry.size
        if total > limits.BUNDLED_TOTAL.most:
            return
        try:
            found = scan_checkpoint(io.BytesIO(repo.files.read(path)))
        except OSError:
            continue
        if found is None or found.is_script:
            continue
        unsafe = sorted(name for name in found.names if not is_allowed(name))
        harmful = [name for name in unsafe if is_harmful(name)]
        if unsafe:
            yield bundled_unsafe_weights.finding(
                f"loading it {'runs' if harmful else 'imports'} {quoted(harmful or unsafe)}, which "
                "weights_only=True refuses",
                Location(path),
                hint="Find out where this file comes from."
                if harmful
                else "Save the state dict: `torch.save(model.state_dict(), ...)`.",
                severity="error" if harmful else None,
            )
        elif not found.is_complete:
            yield bundled_unsafe_weights.finding(
                "it is damaged or in an old format, so what loading it runs is not known",
                Location(path),
                hint="Find out where this file comes from, or save its state dict again.",
            )


# What torch.load(weights_only=True) imports without being told to
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
    """Whether ``weights_only=True`` imports what a dotted name means."""
    return re.fullmatch(_ALLOWED, name) is not None


def is_harmful(name: str) -> bool:
    """Whether what a dotted name means runs commands or reaches beyond the process."""
    return re.fullmatch(_HARMFUL, name) is not None
