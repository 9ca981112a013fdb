"""What the pages say about a repo and its models, read from one commit and a conformance report."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, structs

from hubkit._util.urls import expand_scp, try_parse
from hubkit.analysis import (
    distribution_name,
    read_card,
    read_docstring,
    read_needs,
    read_repo,
    read_types,
    render_signature,
    require_hubconf,
)
from hubkit.conformance import read_report
from hubkit.errors import RepoSpecError, UsageError
from hubkit.hubdir import parse_repo
from hubkit.publish.card_facts import CardFacts, Source, find_card, gather_facts, summarize
from hubkit.publish.release import read_refs
from hubkit.publish.repo_name import find_name, is_usable_ref
from hubkit.source import Folder, open_commit
from hubkit.source.git import find_git, git_output
from hubkit.source.project import find_descriptions
from hubkit.source.tags import parse_version
from hubkit.source.worktree import read_changes
from hubkit.torchhub import has_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hubkit.facts import (
        CaseResult,
        ConformanceReport,
        Entrypoint,
        EntrypointTypes,
        Files,
        RepoFacts,
        RepoRef,
    )
    from hubkit.publish.card_facts import Checkpoint
    from hubkit.source.git import Git

REPORT = "conformance.json"  # as the documentation calls the report
_GITHUB = "github.com"
_Number = TypeVar("_Number", int, float)


class CatalogRequest(Struct, frozen=True):
    """The options of a site.

    Attributes:
        root: The repo's folder.
        repo: The repo on its host, such as "owner/name"; "" takes it from the repo.
        report: The conformance report; None takes `REPORT` in the folder if it exists.
    """

    root: Path
    repo: str = ""
    report: Path | None = None


class Place(Struct, frozen=True):
    """Where others find the repo.

    Attributes:
        repo: The repo on its host.
        sha: The commit; "" if unknown.
        tag: The tag of the commit; "" if it has none.
    """

    repo: RepoRef
    sha: str
    tag: str

    @property
    def is_on_github(self) -> bool:
        """Whether torch.hub can load it, too."""
        return self.repo.host == _GITHUB and not self.repo.uses_git

    @property
    def name(self) -> str:
        """The repo's name, such as "owner/name"."""
        return self.repo.full_name

    @property
    def pinned(self) -> str:
        """What ``hubkit.load`` loads: the tag, or else the commit."""
        return str(structs.replace(self.repo, ref=self.tag or self.sha or None))

    @property
    def url(self) -> str:
        """The page of the repo on its host; "" if it has none."""
        return (
            f"https://{self.repo.host}/{self.repo.owner}/{self.repo.name}" if self.repo.host else ""
        )

    def url_of(self, path: str, line: int = 0) -> str:
        """The page of a file of the commit; "" if the host's addresses are not known."""
        from urllib.parse import quote

        between = "" if self.repo.host == _GITHUB else "/-" if "gitlab" in self.repo.host else None
        if between is None or not self.sha:
            return ""
        anchor = f"#L{line}" if line else ""
        return f"{self.url}{between}/blob/{self.sha}/{quote(path)}{anchor}"


class ParameterRow(Struct, frozen=True):
    """A parameter of an entrypoint: how it is passed, its type, its default and its description."""

    name: str
    type: str
    default: str
    text: str


class Model(Struct, frozen=True):
    """One entrypoint.

    Attributes:
        entry: The entrypoint.
        summary: What it is, on one line.
        signature: Its signature.
        parameters: Its parameters.
        returns: The type of what it returns; "" if unknown.
        checkpoints: The weights that it may load.
        offers_weights: Whether it can be called with weights.
        needs: Distributions from outside the repo that loading it needs.
        cases: The results of its cases in the conformance report.
        kind: What it returns, such as "model", as declared or found by the suite.
        input: The declared example input; "" for none.
    """

    entry: Entrypoint
    summary: str
    signature: str
    parameters: tuple[ParameterRow, ...]
    returns: str
    checkpoints: tuple[Checkpoint, ...]
    offers_weights: bool
    needs: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    kind: str
    input: str

    @property
    def name(self) -> str:
        """The name that ``load`` takes."""
        return self.entry.name

    @property
    def has_weights(self) -> bool:
        """Whether it comes with weights."""
        return (
            bool(self.checkpoints) or self.offers_weights or any(one.weights for one in self.cases)
        )

    @property
    def count(self) -> int | None:
        """The number of parameters of the model; None if unknown."""
        measured = (one.measured.parameters for one in self.cases)
        declared = (one.params for one in self.checkpoints)
        return _first([*measured, *declared])

    @property
    def weights_bytes(self) -> int | None:
        """The size of its largest checkpoint; None if unknown."""
        read = (one.bytes for case in self.cases if case.weights for one in case.weights.files)
        sizes = [one.size for one in self.checkpoints if one.size is not None]
        return max([*sizes, *read], default=None)

    @property
    def seconds(self) -> float | None:
        """How long a run on the example input takes; None if unknown."""
        return _first(one.measured.forward_seconds for one in self.cases)

    @property
    def memory(self) -> int | None:
        """The most memory that building and running it takes; None if unknown."""
        return max((one.measured.memory_bytes or 0 for one in self.cases), default=0) or None

    @property
    def level(self) -> int | None:
        """The highest level that all its cases reach; None if it is in no report."""
        return min((one.level for one in self.cases), default=None)


class Catalog(Struct, frozen=True):
    """All that the pages say.

    Attributes:
        place: Where others find the repo.
        about: What the repo is, in a sentence; "" if it does not say so.
        facts: What its model card says.
        models: Its entrypoints, in the order of the hubconf.
        card: The path of its model card; "" without one.
        card_text: The text of the card, without its front matter.
        report: The conformance report, or None.
        uncommitted: The number of tracked files that differ from the commit.
    """

    place: Place
    about: str
    facts: CardFacts
    models: tuple[Model, ...]
    card: str
    card_text: str
    report: ConformanceReport | None
    uncommitted: int = 0

    @property
    def is_of_report(self) -> bool:
        """Whether the report is about the commit of the pages."""
        return self.report is not None and self.report.commit in ("", self.place.sha)


def read_catalog(request: CatalogRequest) -> Catalog:
    """Read the commit that is checked out, or all files of a folder that git does not track.

    Raises:
        HubkitError: The hubconf, the configuration or the report cannot be read, or the name of the
            repo is unknown.
    """
    git = find_git(request.root)
    sha = git_output(request.root, "rev-parse", "--verify", "HEAD") if git else ""
    files: Files = open_commit(request.root, sha) if sha else Folder(request.root)
    facts = read_repo(files)
    require_hubconf(facts)
    place = Place(_find_repo(facts, request), sha, _find_tag(git, sha))
    report = _read_report(request)
    gathered = gather_facts(facts, Source(place.name, place.tag))
    card = find_card(facts)
    return Catalog(
        place=place,
        about=next(filter(None, find_descriptions(files)), ""),
        facts=gathered,
        models=_read_models(facts, gathered, report),
        card=card,
        card_text=_read_card(facts, card),
        report=report,
        uncommitted=len(read_changes(git).tracked) if git and sha and not git.is_bare else 0,
    )


def _find_repo(facts: RepoFacts, request: CatalogRequest) -> RepoRef:
    """The repo on its host: the one that is requested, git's remote, or the name in documents."""
    if request.repo:
        return structs.replace(parse_repo(request.repo), ref=None)
    remote = try_parse(expand_scp(git_output(request.root, "config", "--get", "remote.origin.url")))
    if remote is not None and remote.host and remote.host != _GITHUB:
        try:
            return parse_repo(f"https://{remote.host_key}{remote.path}")
        except RepoSpecError:
            pass
    name = find_name(facts)
    if not name:
        raise UsageError(
            "The name of this repo is unknown",
            hint="Pass --repo OWNER/NAME, or add a git remote: git remote add origin URL",
        )
    return parse_repo(name)


def _find_tag(git: Git | None, sha: str) -> str:
    """The tag of a commit with the highest version, or any tag; "" for none."""
    tags = read_refs(git)[0] if git and sha else {}
    usable = [tag for tag, commit in tags.items() if commit == sha and is_usable_ref(tag)]
    versions = {tag: version for tag in usable if (version := parse_version(tag))}
    return max(versions, key=versions.__getitem__, default=min(usable, default=""))


def _read_report(request: CatalogRequest) -> ConformanceReport | None:
    found = request.root / REPORT
    path = request.report or (found if found.is_file() else None)
    return read_report(path) if path else None


def _read_card(facts: RepoFacts, path: str) -> str:
    if not path:
        return ""
    text = facts.files.read_text(path)
    card = read_card(text, path)
    return card.body if card else text


def _read_models(
    facts: RepoFacts, gathered: CardFacts, report: ConformanceReport | None
) -> tuple[Model, ...]:
    hubconf = require_hubconf(facts)
    types = read_types(facts.files, hubconf)
    needs = {
        name: [one for one in modules if one not in facts.packages]
        for name, modules in read_needs(facts.files, hubconf).items()
    }
    return tuple(
        _read_model(
            one,
            gathered,
            types[one.name],
            needs.get(one.name, ()),
            [case for case in report.cases if case.entrypoint == one.name] if report else (),
        )
        for one in gathered.entrypoints
    )


def _read_model(
    entry: Entrypoint,
    facts: CardFacts,
    types: EntrypointTypes,
    needs: Iterable[str],
    cases: Iterable[CaseResult],
) -> Model:
    defaults = weights_defaults(entry.parameters or ())
    config, found = facts.config.entrypoint(entry.name), tuple(cases)
    packages = dict.fromkeys(distribution_name(name) for name in needs)
    return Model(
        entry=entry,
        summary=summarize(entry.docstring),
        signature=render_signature(entry),
        parameters=_read_parameters(entry, types.parameters),
        returns="" if types.returns == "Any" else types.returns,
        checkpoints=tuple(one for one in facts.checkpoints if one.entrypoint == entry.name),
        offers_weights=has_weights(defaults, config),
        needs=tuple(packages),
        cases=found,
        kind=config.kind or (found[0].kind if found else "model"),
        input=config.input if isinstance(config.input, str) else "",
    )


def _read_parameters(entry: Entrypoint, types: Mapping[str, str]) -> tuple[ParameterRow, ...]:
    described = dict(read_docstring(entry.docstring).parameters) if entry.docstring else {}
    stars = {"var-positional": "*", "var-keyword": "**"}
    return tuple(
        ParameterRow(
            stars.get(one.kind, "") + one.name,
            one.annotation or types.get(one.name, "Any").replace("Any", ""),
            one.default or "",
            described.get(one.name, ""),
        )
        for one in entry.parameters or ()
    )


def _first(values: Iterable[_Number | None]) -> _Number | None:
    return next((one for one in values if one is not None), None)
