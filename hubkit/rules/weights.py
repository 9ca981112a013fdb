"""HUB5xx: what loading a model reaches for, where it is kept, and who asked for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.rules.call_fixes import anchor, name_file
from hubkit.rules.downloads import file_name, hash_digits, loads_of
from hubkit.rules.registry import rule
from hubkit.torchhub import TRUSTED_OWNERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts

_READERS = re.compile(
    r"open|(?:torch|numpy|torch\.jit)\.load|pathlib\.Path\.(?:open|read_text|read_bytes)"
)
_BRANCHES = ("", "main", "master")
# File names that many repos use, each for weights of its own.
_GENERIC = re.compile(
    r"(?:model|models|net|network|weights?|checkpoint|ckpt|best|last|latest|final|pretrained"
    r"|state_?dict|pytorch_model|model_best|best_model|resnet\d+|vgg\d+|vit_[bls])"
    r"\.(?:pth|pt|bin|ckpt|pkl|th|pth\.tar)",
    re.IGNORECASE,
)
_MUTABLE = re.compile(
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
        elif _GENERIC.fullmatch(name) and not hash_digits(name):
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
        if use.url and (use.url.startswith("http://") or _MUTABLE.match(use.url)):
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
        if use.own_file and _READERS.fullmatch(use.name):
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
        is_pinned = other.partition(":")[2] not in _BRANCHES
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
