"""What a model card says, read from the repo's files alone: the same on every machine."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from hubkit import limits
from hubkit._util.paths import resolve_inside
from hubkit.analysis import distribution_name, is_stdlib, read_weights, require_hubconf
from hubkit.config import read_config
from hubkit.lockfile import read_own_pins
from hubkit.rules.card_keys import HF_LICENSES
from hubkit.rules.weights import file_name, hash_digits
from hubkit.source.git import LFS_SIGNATURE
from hubkit.source.project import read_license, read_project
from hubkit.source.tags import parse_version
from hubkit.torchhub import CHECKPOINT_ENDING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from hubkit.config import Config, WeightsConfig
    from hubkit.facts import CheckpointUse, Entrypoint, Files, Hubconf, RepoFacts
    from hubkit.lockfile import LockedCheckpoint

# What follows a summary without a blank line: parameters, in one of the usual styles.
_PARAMETER = re.compile(
    r"\s*(?:[-*+]\s+)?(?:[@:]\w+|\*{0,2}[`\"']?\w+[`\"']?\*{0,2}\s*(?:\([^)]*\))?\s*:(?:\s|$))"
)
_SHORT = 60  # characters
_CARD = re.compile(r"model[-_ ]?card\.(?:md|markdown)", re.IGNORECASE)
_SPDX_SUFFIXES = ("-only", "-or-later")
_CHECKPOINT = re.compile(rf".*(?:{CHECKPOINT_ENDING}|\.npz|\.onnx)", re.IGNORECASE)
_POINTER = re.compile(rb"oid sha256:([0-9a-f]{64})\nsize (\d+)")
_SHORTEST_HASH = 6  # digits; fewer match too many files


class Source(Struct, frozen=True):
    """What a snippet loads; each value is empty if it is unknown.

    Attributes:
        repo: "owner/name".
        ref: The tag.
        entrypoint: The entrypoint.
    """

    repo: str = ""
    ref: str = ""
    entrypoint: str = ""


def override_source(known: Source, requested: Source) -> Source:
    """What a snippet should load: what it loads, unless something else is requested."""
    return Source(
        requested.repo or known.repo,
        requested.ref or known.ref,
        requested.entrypoint or known.entrypoint,
    )


def at_tag(source: Source, tag: str, tags: Container[str] = ()) -> Source:
    """What a snippet loads once a release is tagged: the new tag, if it loads a tag now.

    Args:
        source: What it loads.
        tag: The tag of the release; "" if unknown.
        tags: Tags that exist. A ref that looks like a version counts as a tag too, so that a clone
            without tags gives the same card.
    """
    is_tag = source.ref in tags or parse_version(source.ref) is not None
    return structs.replace(source, ref=tag) if tag and is_tag else source


class License(Struct, frozen=True):
    """A license.

    Attributes:
        spdx: Its SPDX identifier.
        file: The file with its text, relative to the repo; "" if there is none.
    """

    spdx: str
    file: str

    @property
    def on_hugging_face(self) -> str:
        """Its identifier on Hugging Face; "other" if it has none there."""
        name = self.spdx.lower()
        for suffix in _SPDX_SUFFIXES:
            name = name.removesuffix(suffix)
        return name if name in HF_LICENSES else "other"


class Checkpoint(Struct, frozen=True):
    """A checkpoint of an entrypoint.

    Attributes:
        entrypoint: The entrypoint; "" if unknown.
        name: The file's name.
        url: The URL that it is downloaded from; "" for a file of the repo.
        path: The file in the repo; "" for a download.
        sha256: Its digest, or the digits in its name; "" if unknown.
        size: Its length in bytes, or None if unknown.
        params: The declared number of parameters of its model, or None.
    """

    entrypoint: str
    name: str
    url: str = ""
    path: str = ""
    sha256: str = ""
    size: int | None = None
    params: int | None = None


class CardFacts(Struct, frozen=True):
    """What a card says.

    Attributes:
        source: What its snippet loads.
        entrypoints: The entrypoints, in the order of the hubconf.
        has_dynamic_names: Whether the hubconf defines more entrypoints when it runs.
        config: The repo's configuration.
        checkpoints: The weights of the entrypoints.
        dependencies: Import names that the hubconf declares, except the standard library.
        packages: The distributions that provide them.
        license: The repo's license, or None.
        summary: What the repo contains, on one line; "" if unknown.
        authors: The authors; "" if unknown.
        keywords: The project's keywords.
    """

    source: Source
    entrypoints: tuple[Entrypoint, ...]
    has_dynamic_names: bool
    config: Config
    checkpoints: tuple[Checkpoint, ...]
    dependencies: tuple[str, ...]
    packages: tuple[str, ...]
    license: License | None
    summary: str
    authors: str
    keywords: tuple[str, ...]

    @property
    def name(self) -> str:
        """The repo's name without its owner."""
        return self.source.repo.partition("/")[2]


def gather_facts(facts: RepoFacts, source: Source) -> CardFacts:
    """Gather what a card says about a repo.

    Raises:
        HubconfError: The repo has no hubconf that can be read.
        ConfigError: Its configuration cannot be read.
    """
    hubconf = require_hubconf(facts)
    config = read_config(facts.files)
    declared = hubconf.dependencies.names if hubconf.dependencies else ()
    needed = tuple(name for name in dict.fromkeys(declared) if name and not is_stdlib(name))
    project = read_project(facts.files)
    docstrings = (one.docstring for one in hubconf.entrypoints if one.docstring)
    return CardFacts(
        source=source,
        entrypoints=hubconf.entrypoints,
        has_dynamic_names=hubconf.has_dynamic_names or bool(hubconf.unchecked),
        config=config,
        checkpoints=tuple(find_checkpoints(facts, hubconf, config)),
        dependencies=needed,
        packages=tuple(dict.fromkeys(distribution_name(name) for name in needed)),
        license=_read_license(facts.files, project.license),
        summary=project.description or summarize(next(docstrings, None)),
        authors=", ".join(project.authors),
        keywords=project.keywords,
    )


def summarize(docstring: str | None) -> str:
    """The first paragraph of a docstring up to the parameters, on one line."""
    lines: list[str] = []
    # "# This docstring shows up in hub.help()", as in torch.hub's tutorial, says nothing.
    text = re.sub(r"\A(?:\s*#.*\n)+", "", docstring or "")
    for line in text.strip().splitlines():
        # Only long lines are wrapped: after a short one, a capital starts something new.
        is_new = lines and len(lines[-1]) < _SHORT and line.strip()[:1].isupper()
        if not line.strip() or _PARAMETER.match(line) or is_new:
            break
        lines.append(line.strip())
    return " ".join(lines)


def find_card(facts: RepoFacts) -> str:
    """The file that is the model card by its name; "" if there is none."""
    for folder in ("", "docs"):
        for name in sorted(facts.files.all_names(folder)):
            if _CARD.fullmatch(name):
                return f"{folder}/{name}" if folder else name
    return ""


def find_checkpoints(facts: RepoFacts, hubconf: Hubconf, config: Config) -> Iterator[Checkpoint]:
    """The checkpoints that the entrypoints may load, as far as the source shows.

    Digests and sizes come from files of the repo, from the configuration, from the repo's lock
    file, and from hashes in names; nothing is requested over the network.
    """
    locked = read_own_pins(facts.files)
    urls: set[str] = set()
    names = [entrypoint.name for entrypoint in hubconf.entrypoints]
    weights = read_weights(facts.files, hubconf, names)
    for name in names:
        entry = config.entrypoint(name)
        records = [one.weights for one in (entry, *entry.cases.values()) if one.weights]
        found = [
            *_downloads(name, weights[name].downloads, locked),
            *_bundled(facts, name, weights[name].files),
        ]
        urls.update(one.url for one in found)
        for one in found:
            yield _with_record(one, records, is_only=len(found) == 1)
        if not found and records:
            yield _with_record(Checkpoint(name, ""), records, is_only=True)
    for one in _downloads("", hubconf.checkpoints, locked):
        if one.url not in urls and (one.url or not urls):
            yield one


def may_match(digest: str, other: str) -> bool:
    """Whether two digests, or the first digits of digests, can belong to the same file."""
    return bool(digest and other) and (digest.startswith(other) or other.startswith(digest))


def _downloads(
    name: str, uses: Iterable[CheckpointUse], locked: Mapping[str, LockedCheckpoint]
) -> Iterator[Checkpoint]:
    seen: set[str | None] = set()
    for use in uses:
        if use.url in seen:
            continue
        seen.add(use.url)
        if use.url is None:
            yield Checkpoint(name, "")
            continue
        file, pin = file_name(use) or use.url, locked.get(use.url)
        digits = hash_digits(file) or ""
        yield Checkpoint(
            name,
            file,
            url=use.url,
            sha256=pin.sha256 if pin else digits if len(digits) >= _SHORTEST_HASH else "",
            size=pin.size if pin else None,
        )


def _bundled(facts: RepoFacts, name: str, paths: Iterable[str]) -> Iterator[Checkpoint]:
    for path in paths:
        gap = facts.files.gap(path) if _CHECKPOINT.fullmatch(path) else None
        # An untracked file may be added later; an ignored one never reaches users.
        if _CHECKPOINT.fullmatch(path) and (gap is None or gap.kind == "untracked"):
            sha256, size = _measure(facts, path)
            yield Checkpoint(name, path.rpartition("/")[2], path=path, sha256=sha256, size=size)


def _measure(facts: RepoFacts, path: str) -> tuple[str, int | None]:
    """Digest and size of a file of the repo; for a Git LFS pointer, those of its target."""
    from hubkit.hubdir import sha256_of

    try:
        head = facts.files.read(path, limits.POINTER_BYTES.most)
        pointer = _POINTER.search(head) if head.startswith(LFS_SIGNATURE) else None
        if pointer:
            return pointer[1].decode(), int(pointer[2])
        if facts.files.ref:
            data = facts.files.read(path)
            return hashlib.sha256(data).hexdigest(), len(data)
        file = resolve_inside(facts.root, path)
        return sha256_of(file), file.stat().st_size
    except OSError:
        return "", None


def _with_record(one: Checkpoint, records: list[WeightsConfig], *, is_only: bool) -> Checkpoint:
    """The checkpoint with what the configuration records about it.

    The digest assigns a record to a checkpoint. If there is one of each, they belong together.
    """
    fitting = [record for record in records if may_match(one.sha256, record.sha256)]
    if not fitting and is_only and len(records) == 1 and not one.sha256:
        fitting = records
    if not fitting:
        return one
    record = fitting[0]
    return structs.replace(
        one,
        sha256=max(one.sha256, record.sha256, key=len),
        size=record.bytes if one.size is None else one.size,
        params=record.params,
    )


def _read_license(files: Files, declared: str) -> License | None:
    """The license of a repo; None if nothing names one.

    The license file decides. If its text is not well-known, the identifier in pyproject.toml does.
    """
    file, spdx = read_license(files)
    if not spdx or spdx.startswith("LicenseRef-"):
        spdx = declared or spdx
    return License(spdx, file) if spdx else None
