"""``hubkit explain``: why a rule or check exists."""

from __future__ import annotations

import importlib.util

import click


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Say why a rule or check exists, what is bad and what is good; list all without CODE."""
    from hubkit.errors import UsageError

    entries = _entries()
    if code is None:
        for known, (slug, summary, _) in entries.items():
            click.echo(f"{known}  {slug:28} {summary}")
        return
    found = next((k for k, (slug, _, _) in entries.items() if code in (slug, k, k.lower())), None)
    if found is None:
        raise UsageError(f"there is no rule or check {code}", hint=_advise(code, entries))
    slug, _, explanation = entries[found]
    click.echo(f"{found} {slug}\n\n{explanation}")


def _entries() -> dict[str, tuple[str, str, str]]:
    """Code to slug, summary and explanation, of the rules and, with pytest there, the checks."""
    from hubkit.rules import all_rules

    entries = {rule.code: (rule.slug, rule.summary, rule.explanation) for rule in all_rules()}
    if importlib.util.find_spec("pytest") is None:
        return entries
    return entries | _checks()


def _checks() -> dict[str, tuple[str, str, str]]:
    # By name: hubkit itself knows nothing of its pytest plugin.
    checks = importlib.import_module("pytest_hubkit.checks").all_checks()
    return {
        check.code: (check.slug, check.explanation.partition("\n")[0], check.explanation)
        for check in checks
    }


def _advise(code: str, entries: dict[str, tuple[str, str, str]]) -> str:
    import difflib

    words = {slug: known for known, (slug, _, _) in entries.items()} | {k: k for k in entries}
    close = difflib.get_close_matches(code, words, n=3)
    meant = " or ".join(words[word] for word in close)
    return f"Did you mean {meant}?" if close else "`hubkit explain` lists them all."
