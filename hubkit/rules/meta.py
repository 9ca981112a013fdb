"""HUB9xx: suppressions, settings and crashes of hubkit itself. See ``hubkit.lint.suppression``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import INTERNAL_ERROR
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


@rule(INTERNAL_ERROR, "internal-error", "error")
def internal_error(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - see lint.suppression
    """A rule crashed.

    This is a bug in hubkit, not in the repo. All other rules ran. The finding is reported even if
    HUB900 is not selected or is ignored, and the exit code is 2, because the repo was not fully
    checked.

    The finding contains the rule, the exception and the line of hubkit that raised it. Please
    report it with the code that was checked.

    To skip the rule until the bug is fixed, ignore that rule, not HUB900:
        [tool.hubkit.ignore]
        HUB504 = "crashes on our loader; reported"
    """
    yield from ()


@rule("HUB901", "unused-suppression", "warning", fixable="sometimes", applicability="safe")
def unused_suppression(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - see lint.suppression
    """A suppression has no effect.

    The problem has been fixed, or the comment is on the wrong line. An unused suppression hides the
    next problem of that kind.

    Bad:
        dependencies = ["torch"]  # hubkit: ignore[HUB501] mirrored files have other names

    Good:
        dependencies = ["torch"]

    A comment covers the statement on its line, or the next statement if it is alone on its line;
    `# hubkit: file-ignore[HUB501]` covers its whole file. `ignore`, `extend-ignore` and
    `per-file-ignores` in the configuration are checked too. Codes of rules that did not run, for
    example because of `--select`, are not reported.
    """
    yield from ()


@rule("HUB902", "unknown-code", "warning")
def unknown_code(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - see lint.suppression
    """A suppression or setting contains an unknown code.

    It has no effect.

    Bad:
        url = "…"  # hubkit: ignore[HUB5O1] the mirror's names differ

    Good:
        url = "…"  # hubkit: ignore[HUB501] the mirror's names differ

    To list the codes, run `hubkit explain`. A prefix such as `HUB5` covers all codes that start
    with it.
    """
    yield from ()


@rule("HUB904", "unknown-entrypoint", "warning")
def unknown_entrypoint(repo: RepoFacts) -> Iterator[Finding]:  # noqa: ARG001 - see lint.suppression
    """The configuration has settings for an unknown entrypoint.

    The name is misspelled, or the entrypoint was removed. The settings have no effect.

    Bad:
        [tool.hubkit.entrypoints.unett]
        kind = "model"

    Good:
        [tool.hubkit.entrypoints.unet]
        kind = "model"

    Nothing is reported if hubconf.py creates names at run time (HUB210).
    """
    yield from ()


@rule("HUB903", "suppression-without-reason", "info")
def suppression_without_reason(repo: RepoFacts) -> Iterator[Finding]:
    """A suppression has no reason.

    Reports show the reason, so that readers can distinguish a decision from a leftover.

    Bad:
        state = load_state_dict_from_url(url)  # hubkit: ignore[HUB505]

    Good:
        state = load_state_dict_from_url(url)  # hubkit: ignore[HUB505] holds the optimizer too
    """
    for suppression in repo.suppressions:
        if not suppression.reason:
            yield suppression_without_reason.finding(
                f"suppression of {', '.join(suppression.codes) or 'no code'} without a reason",
                suppression.location,
                hint="Add the reason after the bracket.",
            )
