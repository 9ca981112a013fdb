"""HUB1xx: ``dependencies`` against the files that people install from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.analysis import distribution_name, find_bringers, import_name, is_stdlib
from hubkit.rules.declared import entries_of, provided_modules
from hubkit.rules.registry import rule
from hubkit.source import normalize, read_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


@rule("HUB109", "metadata-drift", "info", preview=True)
def metadata_drift(repo: RepoFacts) -> Iterator[Finding]:
    """`dependencies` names modules that no install file of the repo names.

    `dependencies` cannot say versions. Who is told that a module is missing looks into
    requirements.txt or pyproject.toml for the version that works, and finds nothing.

    Bad:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0

    Good:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0
                                              #                   timm>=0.9

    requirements*.txt, pyproject.toml, setup.cfg, setup.py, Pipfile and conda's environment.yml are
    read. Distributions that only they name are no drift: extras, tools and training need more than
    loading does. Nothing is said where setup.py computes its requirements.
    """
    entries = [entry for entry in entries_of(repo) if not is_stdlib(entry.name)]
    required = read_requirements(repo.files) if entries else None
    if required is None:
        return
    if not required:
        yield metadata_drift.finding(
            "no file of the repo says which versions of its dependencies work",
            entries[0].location,
            hint="Write a requirements.txt or pyproject.toml; `dependencies` cannot hold versions.",
        )
        return
    named = frozenset[str]().union(*required.values())
    modules = {import_name(name) or name.replace("-", "_") for name in named}
    there = modules | set(find_bringers(modules))
    missing = [
        entry
        for entry in entries
        if not provided_modules(entry.name) & there
        and normalize(distribution_name(entry.name)) not in named
    ]
    if missing:
        yield metadata_drift.finding(
            f"{quoted([entry.name for entry in missing])} of `dependencies` "
            f"{'is' if len(missing) == 1 else 'are'} not in {quoted(sorted(required))}",
            missing[0].location,
            hint="Name there which versions work.",
        )
