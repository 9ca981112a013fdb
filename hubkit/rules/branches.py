"""HUB6xx: the branch that torch.hub takes when none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Refs, RepoFacts

# torch/hub.py, _parse_repo_info.
_GUESSES = ("main", "master")


@rule("HUB607", "default-branch", "warning")
def default_branch(repo: RepoFacts) -> Iterator[Finding]:
    """torch.hub does not take the repo's default branch.

    Asked for `owner/name`, it does not ask GitHub which branch is the default: it takes `main`, and
    if there is none `master`. With any other default branch loading fails, or takes what an old
    branch holds. A branch and a tag of one name are as bad: nobody can tell which is meant.

    Bad:
        * develop        the default branch
          master         last touched in 2019

    Good:
        * main

    Told by the branches of `origin` as they were last fetched: its default branch by `origin/HEAD`,
    which `git remote set-head origin --auto` asks for anew. Where that is not known, as in most CI
    checkouts, and outside git nothing is said.
    """
    refs = repo.files.refs()
    if refs is None:
        return
    taken = next((name for name in _GUESSES if name in refs.branches), None)
    if refs.default and not _is_taken(refs, taken):
        what = (
            f"loads the branch `{taken}`, which is at another commit"
            if taken
            else "fails, as it looks for `main` and `master` only"
        )
        yield default_branch.finding(
            f"the default branch is `{refs.default}`, and torch.hub without a ref {what}",
            hint=_advise(taken),
        )
    doubles = sorted(refs.branches.keys() & refs.tags.keys())
    if doubles:
        yield default_branch.finding(
            f"{quoted(doubles)} {'is' if len(doubles) == 1 else 'are'} both a branch and a tag, "
            "so nobody can tell which torch.hub loads",
            hint="Rename the branch, or delete it.",
        )


def _is_taken(refs: Refs, taken: str | None) -> bool:
    if taken is None:
        return False
    return taken == refs.default or refs.branches[taken] == refs.branches.get(refs.default)


def _advise(taken: str | None) -> str:
    if taken is None:
        return "Rename it to `main`; the host redirects the old name."
    return f"Delete `{taken}`, or make it the default branch."
