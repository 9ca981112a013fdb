"""HUB8xx: what the repo's documents say about loading from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.text import did_you_mean, plural, quoted
from hubkit.analysis import read_snippets, select_own
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Hubconf, RepoFacts, Snippet

_LICENCE = r"(?i)(?:licen[cs]es?|copying|unlicen[cs]e|copyright|legal)(?:[-_.].*)?|.*[-_.]licen[cs]e(?:\.\w+)?"
_README = r"(?i)readme(?:\..*)?"
_LOADS = r"\b(?:hub|hubkit)\.load\s*\("
_TRIES_HUB = r"\bhub\.(?:load|list|help)\b|\bhubkit\b|--hubconf\b|\bhubconf\b"
_CI = (
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|\.travis\.yml"
    r"|azure-pipelines\.ya?ml|\.azure[\w-]*/[^/]+\.ya?ml|appveyor\.yml|\.appveyor\.yml|Jenkinsfile"
    r"|\.buildkite/[^/]+|\.drone\.yml|bitbucket-pipelines\.yml|\.woodpecker/[^/]+|\.cirrus\.yml"
)
# What CI runs in turn.
_CALLED = (
    r"(?:tox|setup|pytest)\.(?:ini|cfg|toml)|noxfile\.py|Makefile|justfile|pyproject\.toml"
    r"|(?:.*/)?(?:tests?|ci|scripts)/(?:.*/)?[^/]+\.(?:py|sh)|(?:.*/)?(?:test_[^/]+|[^/]+_test)\.py"
)


@rule("HUB801", "no-licence", "warning", preview=True)
def no_licence(repo: RepoFacts) -> Iterator[Finding]:
    """The repo has no licence file.

    Without one nobody may use the code or the weights, whatever the author meant: companies and
    careful people stop here.

    Bad:
        hubconf.py
        README.md

    Good:
        hubconf.py
        LICENSE
        README.md

    LICENSE, LICENCE, COPYING, UNLICENSE and the like at the root count, with any ending, and so does
    a folder LICENSES. Weights may need a licence of their own: say so next to it.
    """
    names = repo.files.names("")
    if repo.hubconf is not None and not any(re.fullmatch(_LICENCE, name) for name in names):
        yield no_licence.finding(
            "there is no licence file, so nobody may use this repo",
            hint="Add a file LICENSE.",
        )


@rule("HUB802", "readme-no-snippet", "info", preview=True)
def readme_no_snippet(repo: RepoFacts) -> Iterator[Finding]:
    """Nothing that the repo tells its readers shows torch.hub.load.

    Whoever finds the repo learns to clone and install it, and never that one line loads the model.

    Bad:
        ## Usage
        git clone ... && pip install -r requirements.txt

    Good:
        ## Usage
        model = torch.hub.load("acme/unet:v1.0", "unet", pretrained=True)

    A snippet in any other document of the repo counts too.
    """
    readmes = sorted(name for name in repo.files.names("") if re.fullmatch(_README, name))
    if repo.hubconf is None or not repo.hubconf.entrypoints or read_snippets(repo.files):
        return
    if not any(re.search(_LOADS, repo.files.read_text(name)) for name in readmes):
        yield readme_no_snippet.finding(
            "no document of this repo shows how to load from it with torch.hub.load",
            hint="Show it in the README, with a tag: "
            f'`torch.hub.load("owner/name:v1.0", "{repo.hubconf.entrypoints[0].name}")`.',
        )


@rule("HUB803", "stale-snippet", "error")
def stale_snippet(repo: RepoFacts) -> Iterator[Finding]:
    """A document shows how to load something that the repo does not have.

    Who copies the line gets "Cannot find callable ... in hubconf". An argument that the entrypoint
    does not take ends in TypeError: a warning. Snippets that load from whatever the newest commit is
    are an info, once for the repo: they break with the next change. One that names `master` where
    the clone knows that its origin has no such branch any more is a warning.

    Bad:
        torch.hub.load("acme/unet", "unet_big")       # hubconf.py calls it unet_large

    Good:
        torch.hub.load("acme/unet:v1.0", "unet_large")

    Markdown, reStructuredText and notebooks are read, changelogs are not. A snippet that names a tag
    or a commit is about what the repo had then, and is not held against what it has now. Where
    hubconf.py makes names at run time, none is called unknown.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    names = _loadable(hubconf)
    own = select_own(read_snippets(repo.files), names)
    moving = [one for one in own if not one.is_pinned]
    gone = _on_gone_branches(repo, moving)
    yield from gone.values()
    for one in moving:
        if one.entrypoint is None:
            continue
        if one.entrypoint not in names:
            if not hubconf.has_dynamic_names:
                yield _unknown_entrypoint(one, names)
        else:
            yield from _unknown_arguments(hubconf, one)
    left = [one for one in moving if one not in gone]
    if left and len(moving) == len(own):
        yield stale_snippet.finding(
            f"this snippet loads whatever the newest commit is{_others(len(left) - 1)}",
            left[0].location,
            hint=f'Name a tag: `"{left[0].repo}:v1.0"`.',
            severity="info",
        )


@rule("HUB806", "ci-does-not-exercise-hub", "info", preview=True)
def ci_does_not_exercise_hub(repo: RepoFacts) -> Iterator[Finding]:
    """Nothing that runs by itself loads the repo the way its users do.

    Tests import the package from a checkout with everything installed. What breaks hub users (a file
    that is not committed, a module that is not declared) shows up only when somebody complains.

    Bad:
        - run: pytest

    Good:
        - run: pytest --hubconf

    Workflows of GitHub and of other CI systems are searched for torch.hub, hubconf or hubkit, and so
    are the tests, scripts and Makefiles that they may call.
    """
    if repo.hubconf is None:
        return
    paths = repo.files.paths()
    workflows = [path for path in paths if re.fullmatch(_CI, path)]
    called = [path for path in paths if re.fullmatch(_CALLED, path)] if workflows else []
    if any(re.search(_TRIES_HUB, repo.files.read_text(path)) for path in (*workflows, *called)):
        return
    yield ci_does_not_exercise_hub.finding(
        "no CI runs here at all, so nothing tries what users of torch.hub do"
        if not workflows
        else "CI never loads this repo through torch.hub",
        hint="Let it run `hubkit check` and `pytest --hubconf`; `hubkit init` writes a workflow.",
    )


def _loadable(hubconf: Hubconf) -> frozenset[str]:
    """What torch.hub.load finds, meant or not."""
    return frozenset(
        [*(entry.name for entry in hubconf.entrypoints), *(leak.name for leak in hubconf.leaks)]
    )


def _others(count: int) -> str:
    if not count:
        return ""
    return f", and so {'does' if count == 1 else 'do'} {plural(count, 'other')} in the documents"


def _on_gone_branches(repo: RepoFacts, snippets: list[Snippet]) -> dict[Snippet, Finding]:
    """Snippets that name `main` where only `master` is left, or the other way round."""
    named = [one for one in snippets if one.ref]
    refs = repo.files.refs() if named else None
    if refs is None or not refs.lists_all:
        return {}
    return {
        one: stale_snippet.finding(
            f"{one.repo} has no branch `{one.ref}`, which this snippet loads from",
            one.location,
            hint=f"Its default branch is `{refs.default}`; better, name a tag.",
            severity="warning",
        )
        for one in named
        if one.ref not in refs.branches and one.ref not in refs.tags
    }


def _unknown_entrypoint(snippet: Snippet, names: frozenset[str]) -> Finding:
    return stale_snippet.finding(
        f"hubconf.py has no `{snippet.entrypoint}`, which this snippet loads",
        snippet.location,
        hint=did_you_mean(snippet.entrypoint or "", sorted(names))
        or "Correct it, or name the tag that had it.",
    )


def _unknown_arguments(hubconf: Hubconf, snippet: Snippet) -> Iterator[Finding]:
    entry = hubconf.entrypoint(snippet.entrypoint or "")
    parameters = entry.parameters if entry else None
    if parameters is None or any(one.kind == "var-keyword" for one in parameters):
        return
    known = {one.name for one in parameters}
    unknown = [name for name in snippet.keywords if name not in known]
    if unknown:
        yield stale_snippet.finding(
            f"`{snippet.entrypoint}` takes no {quoted(unknown)}, which this snippet gives it",
            snippet.location,
            entrypoint=snippet.entrypoint,
            hint="Correct the snippet.",
            severity="warning",
        )
