"""HUB9xx: the comments and settings that steer hubkit itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import INTERNAL_ERROR
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


@rule(INTERNAL_ERROR, "internal-error", "error")
def internal_error(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - the linter knows
    """A rule stopped, so nothing is known of what it looks for.

    This is a mistake of hubkit's and not of the repo. All other rules ran, and what they say
    holds. It is said whatever is selected or ignored, and the exit code is 2: a repo that was not
    judged has not passed.

    The finding names the rule, the exception and the line of hubkit's that was at work. Please
    report it with the code that the rule stopped at; hubkit's page on the package index leads to
    where.

    Ignoring the rule that stopped goes without it until it is mended; ignoring HUB900 itself has
    no effect:
        [tool.hubkit.ignore]
        HUB504 = "stops on our loader; reported"
    """
    yield from ()


@rule("HUB901", "unused-suppression", "warning", fixable="sometimes", applicability="safe")
def unused_suppression(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - the linter knows
    """A suppression covers nothing.

    What it was for has been fixed, or it stands on the wrong line. Left there, it would hide the
    next mistake of that kind.

    Bad:
        dependencies = ["torch"]  # hubkit: ignore[HUB501] mirrored files have other names

    Good:
        dependencies = ["torch"]

    A comment covers the statement on whose lines it stands, or, alone on a line, the next one;
    `# hubkit: file-ignore[HUB501]` covers its whole file. `ignore`, `extend-ignore` and
    `per-file-ignores` in the configuration are judged likewise. Only codes of rules that ran are
    judged, so `--select` makes no suppression unused.
    """
    yield from ()


@rule("HUB902", "unknown-code", "warning")
def unknown_code(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - the linter knows all codes
    """A suppression or setting names a code that no rule has.

    It has no effect, and the author believes that it has.

    Bad:
        url = "…"  # hubkit: ignore[HUB5O1] the mirror's names differ

    Good:
        url = "…"  # hubkit: ignore[HUB501] the mirror's names differ

    `hubkit explain` lists the codes. The first digits mean all that start so: `HUB5`.
    """
    yield from ()


@rule("HUB904", "unknown-entrypoint", "warning")
def unknown_entrypoint(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - the linter knows
    """The configuration describes an entrypoint that the repo does not have.

    It is a typo, or was left behind when the entrypoint went. What it says (its kind, its example
    input, checks that are expected to fail) has no effect on anything.

    Bad:
        [tool.hubkit.entrypoints.unett]
        kind = "model"

    Good:
        [tool.hubkit.entrypoints.unet]
        kind = "model"

    Where entrypoints are made at run time (HUB210) no name is certain to be wrong, and none is
    reported.
    """
    yield from ()


@rule("HUB903", "suppression-without-reason", "info")
def suppression_without_reason(repo: RepoFacts) -> Iterator[Finding]:
    """A suppression does not say why.

    The reason is printed with each report, so that the next reader can tell a decision from a
    leftover.

    Bad:
        state = load_state_dict_from_url(url)  # hubkit: ignore[HUB505]

    Good:
        state = load_state_dict_from_url(url)  # hubkit: ignore[HUB505] holds the optimizer too
    """
    for suppression in repo.suppressions:
        if not suppression.reason:
            yield suppression_without_reason.finding(
                f"no reason given for ignoring {', '.join(suppression.codes) or 'nothing'}",
                suppression.location,
                hint="Write it behind the bracket.",
            )
