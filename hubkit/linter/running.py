"""Run rules; one that stops on an exception is told of, and stops no other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.errors import WHERE_TO_REPORT, HubkitError, missing_requirement
from hubkit.rules.meta import internal_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Finding, RepoFacts
    from hubkit.rules import Rule

_HERE = Path(__file__).parent.parent
_LONGEST = 200  # characters of an exception's text; a repo's source may be in it


class Ran(Struct, frozen=True):
    """A rule that ran to its end, or did not.

    Attributes:
        rule: The rule.
        findings: What it found, suppressed or not; nothing when it stopped.
        stopped: What is said about a rule that stopped; else None.
    """

    rule: Rule
    findings: tuple[Finding, ...] = ()
    stopped: Finding | None = None


def run_rules(rules: Iterable[Rule], repo: RepoFacts) -> tuple[Ran, ...]:
    """Run rules one after the other.

    Raises:
        HubkitError: What is to be judged cannot be read.
    """
    return tuple(_run(rule, repo) for rule in rules)


def _run(rule: Rule, repo: RepoFacts) -> Ran:
    try:
        return Ran(rule, tuple(rule.function(repo)))
    except HubkitError:  # such as git that fails: said on purpose, and no mistake of the rule's
        raise
    except Exception as error:
        missing = missing_requirement(error)
        if missing is not None:
            raise missing from error
        return Ran(rule, stopped=_tell(rule, error))


def _tell(rule: Rule, error: Exception) -> Finding:
    if isinstance(error, RecursionError):
        return internal_error.finding(
            f"the rule {rule.code} ({rule.slug}) was skipped: the repo's code is nested too deeply",
            hint="Split its longest expressions into several statements, or skip the rule: "
            f"`--extend-ignore {rule.code}`.",
        )
    text = str(error)
    said = f": {text[:_LONGEST]}{'…' * (len(text) > _LONGEST)}" if text else ""
    return internal_error.finding(
        f"the rule {rule.code} ({rule.slug}) stopped with {type(error).__name__}{said}"
        f" ({_find_place(error)})",
        hint=f"This is a mistake of hubkit's: please report it at {WHERE_TO_REPORT}, with the"
        f" code that it stopped at if you can. `--extend-ignore {rule.code}` goes without the rule"
        " meanwhile.",
    )


def _find_place(error: Exception) -> str:
    """The line of hubkit's that was at work, as far as a stack tells."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    frame = own[-1] if len(own) > 1 else frames[-1]  # the first is that of this module
    path = Path(frame.filename)
    inside = path.is_relative_to(_HERE)
    shown = path.relative_to(_HERE.parent).as_posix() if inside else path.name
    return f"{shown}, line {frame.lineno}"
