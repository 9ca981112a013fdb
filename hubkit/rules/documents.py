"""HUB8xx: README, other documents, license and CI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.text import did_you_mean, is_letter_off, plural, quoted
from hubkit._util.urls import github_repo
from hubkit.analysis import read_repo, read_snippets, select_own
from hubkit.errors import GitRepoError
from hubkit.rules.registry import rule
from hubkit.source import open_commit
from hubkit.source.git import git_output
from hubkit.source.project import (
    find_names,
    read_recorded_name,
    read_versions,
    select_licenses,
)
from hubkit.source.tags import bare_version
from hubkit.torchhub import HUBCONF, SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Files, Finding, Hubconf, Location, RepoFacts, Snippet

_README = r"(?i)readme(?:\..*)?"
_LOADS = r"\b(?:hub|hubkit)\.load\s*\("
_USES_HUB = r"\bhub\.(?:load|list|help)\b|\bhubkit\b|--hubconf\b|\bhubconf\b"
# Shorter names are one letter off too many others.
_SHORTEST_MISSPELLED = 6
# Names that readers replace with one of the repo's.
_PLACEHOLDER = (
    r"(?i).*[<>{}$\s\[\]].*|\.{3}|(?:your|my|some|any)[_-].*|x{2,}"
    r"|(?:the[_-])?(?:model|entry[_-]?point|function|arch)(?:[_-]?name)?"
)
_CI = (
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|\.travis\.yml"
    r"|azure-pipelines\.ya?ml|\.azure[\w-]*/[^/]+\.ya?ml|appveyor\.yml|\.appveyor\.yml|Jenkinsfile"
    r"|\.buildkite/[^/]+|\.drone\.yml|bitbucket-pipelines\.yml|\.woodpecker/[^/]+|\.cirrus\.yml"
)
_CI_FOLDERS = ("", ".github", ".github/workflows", ".circleci")
# Files that CI may run.
_RUN_BY_CI = (
    r"(?:tox|setup|pytest)\.(?:ini|cfg|toml)|noxfile\.py|Makefile|justfile|pyproject\.toml"
    r"|(?:.*/)?(?:tests?|ci|scripts)/(?:.*/)?[^/]+\.(?:py|sh)|(?:.*/)?(?:test_[^/]+|[^/]+_test)\.py"
)


@rule("HUB801", "no-license", "warning")
def no_license(repo: RepoFacts) -> Iterator[Finding]:
    """The repo has no license file.

    Without a license, nobody may use the code or the weights.

    Bad:
        hubconf.py
        README.md

    Good:
        hubconf.py
        LICENSE
        README.md

    LICENSE, LICENCE, COPYING, UNLICENSE and similar files at the root count, with any suffix, and
    so does a folder LICENSES. If the weights have a different license, add it there too.

    If git merely does not track the file yet, the severity is info.
    """
    if repo.hubconf is None or select_licenses(repo.files.names("")):
        return
    unpublished = next(iter(select_licenses(repo.files.strays(""))), "")
    if unpublished and _is_not_added(repo.files, unpublished):
        yield no_license.finding(
            f"git does not track `{unpublished}` yet, so archives lack it",
            hint=f"Run `git add {unpublished}`, and commit.",
            severity="info",
        )
        return
    yield no_license.finding(
        "the repo has no license file, so nobody may use it",
        hint=f"Commit `{unpublished}`: archives lack it." if unpublished else "Add a LICENSE file.",
    )


def _is_not_added(files: Files, path: str) -> bool:
    """Whether the next ``git add .`` adds a file that archives lack."""
    gap = files.gap(path)
    return gap is not None and gap.kind == "untracked"


@rule("HUB802", "readme-no-snippet", "info", preview=True)
def readme_no_snippet(repo: RepoFacts) -> Iterator[Finding]:
    """No document of the repo shows how to use torch.hub.load.

    Readers learn how to clone and install the repo, but not that one line loads the model.

    Bad:
        ## Usage
        git clone ... && pip install -r requirements.txt

    Good:
        ## Usage
        model = torch.hub.load("acme/unet:v1.0", "unet", pretrained=True)

    A snippet in another document of the repo counts too.
    """
    readmes = sorted(name for name in repo.files.names("") if re.fullmatch(_README, name))
    if repo.hubconf is None or not repo.hubconf.listed or read_snippets(repo.files):
        return
    if not any(re.search(_LOADS, repo.files.read_text(name)) for name in readmes):
        yield readme_no_snippet.finding(
            "no document of this repo shows how to load it with torch.hub.load",
            hint="Add an example with a tag to the README: "
            f'`torch.hub.load("owner/name:v1.0", "{repo.hubconf.names[0]}")`.',
        )


@rule(
    "HUB803",
    "stale-snippet",
    "error",
    several="{count} snippets in documents are outdated",
)
def stale_snippet(repo: RepoFacts) -> Iterator[Finding]:
    """A document shows an outdated `torch.hub.load`.

    An unknown entrypoint raises "Cannot find callable ... in hubconf". The severity is warning for
    an argument that the entrypoint does not accept, and for a branch that no longer exists.

    Bad:
        torch.hub.load("acme/unet", "unet_big")       # hubconf.py calls it unet_large

    Good:
        torch.hub.load("acme/unet:v1.0", "unet_large")

    An argument that is one letter off the name of a parameter is reported even if `**kwargs` accepts
    it. The rule reads Markdown, reStructuredText, notebooks and Python files in `examples`, but not
    changelogs. It checks snippets that load from the repo of git's `origin`, from the one that
    `hubkit init` recorded or that is called like the project, or from the one that most snippets
    with known entrypoints name. An entrypoint of a snippet with a tag is looked up at that tag, or
    here if the tag is that of the declared version and does not exist yet. Snippets with another tag
    or a commit, and placeholders such as `<model>`, are not checked. If hubconf.py creates names at
    run time, no name is unknown.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    names = _loadable(hubconf)
    own = _own_snippets(repo, names)
    moving = [one for one in own if not one.is_pinned]
    yield from _on_gone_branches(repo, moving).values()
    yield from _unknown_at_tags(repo, [one for one in own if one.is_pinned])
    for one in moving:
        if one.entrypoint is None or re.fullmatch(_PLACEHOLDER, one.entrypoint):
            continue
        if one.entrypoint not in names:
            if not hubconf.has_dynamic_names:
                yield _unknown_entrypoint(one, names)
        else:
            yield from _unknown_arguments(hubconf, one)


@rule("HUB807", "unpinned-snippet", "info", preview=True)
def unpinned_snippet(repo: RepoFacts) -> Iterator[Finding]:
    """No document shows `torch.hub.load` with a tag or a commit.

    Readers who copy the snippet get the newest commit, so the next change may break their code. It
    is reported once per repo.

    Bad:
        torch.hub.load("acme/unet", "unet_large")

    Good:
        torch.hub.load("acme/unet:v1.0", "unet_large")

    The rule is in preview because most repos of models have no tags.
    """
    own = _own_snippets(repo, _loadable(repo.hubconf)) if repo.hubconf else ()
    gone = _on_gone_branches(repo, list(own))
    left = [one for one in own if one.location not in gone]
    if left and not any(one.is_pinned for one in own):
        yield unpinned_snippet.finding(
            f"this snippet loads the newest commit{_others(len(left) - 1)}",
            left[0].location,
            hint=f'Pin a tag: `"{left[0].repo}:v1.0"`.',
        )


def _own_snippets(repo: RepoFacts, names: frozenset[str]) -> tuple[Snippet, ...]:
    """The snippets that load from this repo."""
    snippets = read_snippets(repo.files)
    if not snippets:
        return ()
    refs = repo.files.refs()
    remote = "/".join(github_repo(refs.remote) or ()) if refs else ""
    called = (f"/{name}" for name in find_names(repo.files))
    return select_own(snippets, names, (remote, read_recorded_name(repo.files), *called))


def _unknown_at_tags(repo: RepoFacts, pinned: list[Snippet]) -> Iterator[Finding]:
    """Findings for snippets with a tag that lacks the entrypoint."""
    by_ref: dict[str, list[Snippet]] = {}
    for one in pinned:
        if not re.fullmatch(_PLACEHOLDER, one.entrypoint or "..."):
            by_ref.setdefault(one.ref, []).append(one)
    for ref, snippets in by_ref.items():
        hubconf = _find_hubconf(repo, ref, {one.entrypoint or "" for one in snippets})
        if hubconf is not None and not hubconf.has_dynamic_names:
            names = _loadable(hubconf)
            yield from (_unknown_entrypoint(one, names)
                        for one in snippets if one.entrypoint not in names)  # fmt: skip


def _find_hubconf(repo: RepoFacts, tag: str, wanted: set[str]) -> Hubconf | None:
    """The hubconf of a tag, or of the next release; None if it is unknown or mentions all names."""
    refs, hubconf = repo.files.refs(), repo.hubconf
    if refs is None or tag not in refs.tags:
        is_next = bare_version(tag) in read_versions(repo.files, repo.packages).values()
        return hubconf if is_next else None
    # Reading the whole repo again takes as long as the check itself.
    text = git_output(repo.files.root, "cat-file", "blob", f"refs/tags/{tag}:./{HUBCONF}")
    if hubconf and wanted <= _loadable(hubconf) & {*re.findall(r"\w+", text)}:
        return None
    try:
        return read_repo(open_commit(repo.files.root, f"refs/tags/{tag}")).hubconf
    except GitRepoError:
        return None


@rule("HUB806", "ci-does-not-exercise-hub", "info", preview=True)
def ci_does_not_exercise_hub(repo: RepoFacts) -> Iterator[Finding]:
    """CI does not load the repo through torch.hub.

    Tests import the package from a checkout with all requirements installed. They do not find files
    that are not committed or modules that are not declared.

    Bad:
        - run: pytest

    Good:
        - run: pytest --hubconf

    The rule searches the workflows of GitHub and other CI systems, and the tests, scripts and
    Makefiles that they may run, for torch.hub, hubconf and hubkit. Files that archives leave out
    count too.
    """
    if repo.hubconf is None:
        return
    left_out = {path for folder in _CI_FOLDERS for path in _find_left_out(repo.files, folder)}
    paths = (*repo.files.paths(), *sorted(left_out))
    workflows = [path for path in paths if re.fullmatch(_CI, path)]
    called = [path for path in paths if re.fullmatch(_RUN_BY_CI, path)] if workflows else []
    if any(re.search(_USES_HUB, repo.files.read_text(path)) for path in (*workflows, *called)):
        return
    yield ci_does_not_exercise_hub.finding(
        "the repo has no CI that loads it through torch.hub"
        if not workflows
        else "CI does not load this repo through torch.hub",
        hint="Run `hubkit check` and `pytest --hubconf` in CI. `hubkit init` creates a workflow.",
    )


def _find_left_out(files: Files, folder: str) -> Iterator[str]:
    """The files that git tracks and that archives leave out, in a folder and those below it."""
    for name in sorted(files.strays(folder)):
        path = f"{folder}/{name}" if folder else name
        is_folder = files.is_folder(path)
        gap = files.gap(path)
        if is_folder and (gap is None or gap.kind == "export-ignore"):
            yield from _find_left_out(files, path)
        elif gap is not None and gap.kind == "export-ignore":
            yield path


def _loadable(hubconf: Hubconf) -> frozenset[str]:
    """All names that torch.hub.load finds, including leaked ones."""
    return frozenset([*hubconf.names, *(leak.name for leak in hubconf.leaks)])


def _others(count: int) -> str:
    if not count:
        return ""
    return f", and so {'does' if count == 1 else 'do'} {plural(count, 'other')}"


def _on_gone_branches(repo: RepoFacts, snippets: list[Snippet]) -> dict[Location, Finding]:
    """Findings for snippets with a branch that no longer exists, such as `master`, by place."""
    named = [one for one in snippets if one.ref]
    refs = repo.files.refs() if named else None
    if refs is None or not refs.lists_all:
        return {}
    return {
        one.location: stale_snippet.finding(
            f"this snippet loads the branch `{one.ref}`, which {one.repo} does not have",
            one.location,
            hint=f"Use a tag, or the default branch `{refs.default}`.",
            severity="warning",
        )
        for one in named
        if one.ref not in refs.branches and one.ref not in refs.tags
    }


def _unknown_entrypoint(snippet: Snippet, names: frozenset[str]) -> Finding:
    of = f" of {snippet.ref}" if snippet.ref else ""
    return stale_snippet.finding(
        f"this snippet loads `{snippet.entrypoint}`, which is not an entrypoint{of}",
        snippet.location,
        hint=did_you_mean(snippet.entrypoint or "", sorted(names))
        or "Fix the name, or pin a tag that has it.",
    )


def _unknown_arguments(hubconf: Hubconf, snippet: Snippet) -> Iterator[Finding]:
    entry = hubconf.entrypoint(snippet.entrypoint or "")
    parameters = entry.parameters if entry else None
    if parameters is None:
        return
    known = {one.name for one in parameters}
    unknown = [name for name in snippet.keywords if name not in known]
    problem = f"`{snippet.entrypoint}` does not accept"
    if any(one.kind == "var-keyword" for one in parameters):
        # Nothing raises, but nobody means such a name.
        unknown = [name for name in unknown if _is_misspelled(name, known)]
        problem = "is one letter off a parameter"
    if unknown:
        yield stale_snippet.finding(
            f"this snippet passes {quoted(unknown)}, which {problem}",
            snippet.location,
            entrypoint=snippet.entrypoint,
            hint="Fix the snippet.",
            severity="warning",
        )


def _is_misspelled(name: str, known: Iterable[str]) -> bool:
    return len(name) >= _SHORTEST_MISSPELLED and any(
        is_letter_off(name, one) for one in (*known, SWITCH)
    )
