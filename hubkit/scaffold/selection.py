"""The entrypoints that are chosen, written and looked at before anything is put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit._util.text import did_you_mean
from hubkit.analysis import distribution_name, is_stdlib, read_repo
from hubkit.errors import TemplateError
from hubkit.scaffold.code import write_code
from hubkit.scaffold.proposals import LIMIT, Leftover
from hubkit.source import Overlay
from hubkit.torchhub import TORCH_MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Files, RepoFacts
    from hubkit.scaffold.discover import Discovery
    from hubkit.scaffold.proposals import Proposal

ALL, NONE = "all", "none"


def suggest_names(proposals: tuple[Proposal, ...]) -> str:
    """The entrypoints to propose, as an answer: the best ones, in the order of their places."""
    return ", ".join(one.name for one in _in_order(proposals[:LIMIT])) or NONE


def require_names(text: str, found: Discovery) -> str:
    """The answer, when it names models that were found.

    Args:
        text: "all", "none", or names with commas between them.
        found: What the target tells.

    Raises:
        TemplateError: There is no such model.
    """
    if text.strip().lower() in (ALL, NONE):
        return text.strip().lower()
    known = [one.name for one in found.proposals]
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise TemplateError(
                f"no model {name!r} was found here",
                hint=f"{did_you_mean(name, known)} Found: {', '.join(known) or 'none'}. "
                "Use `all` to publish all of them.".strip(),
            )
    return ", ".join(names) or NONE


def select_entrypoints(found: Discovery, files: Files, answer: str) -> Discovery:
    """Write the chosen entrypoints, and find what they depend on.

    Those whose imports must fail are left out, and said to be.

    Args:
        found: What the target tells.
        files: Its files.
        answer: Which to publish, as `require_names` gives it.
    """
    names = answer.split(", ")
    chosen = [one for one in found.proposals if answer == ALL or one.name in names]
    failing = _find_failing(chosen, files) if chosen else {}
    kept = _in_order(one for one in chosen if one.model.module not in failing)
    facts = _read(write_code(kept).imports, files)
    modules = _find_dependencies(facts, (name for one in kept for name in one.model.late))
    left = [
        Leftover(one.name, one.model.module, failing[one.model.module])
        for one in chosen
        if one.model.module in failing
    ]
    return replace(
        found,
        entrypoints=kept,
        leftovers=(*found.leftovers, *left),
        code=write_code(kept, modules) if kept else None,
        dependencies=modules,
        install=tuple(distribution_name(one) for one in modules if one != "torch"),
    )


def _in_order(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    return tuple(
        sorted(proposals, key=lambda one: (one.model.location.path, one.model.location.line))
    )


def _find_failing(chosen: Iterable[Proposal], files: Files) -> dict[str, str]:
    """Modules that cannot be imported, each with the reason."""
    failing: dict[str, str] = {}
    chosen = tuple(chosen)
    for module in dict.fromkeys(one.model.module for one in chosen):
        mine = [one for one in chosen if one.model.module == module]
        facts = _read(write_code(mine).imports, files)
        for one in facts.hubconf.own_imports if facts.hubconf else ():
            if one.missing and not one.guarded and not one.in_function:
                place = f"{one.location.path}, line {one.location.line}"
                failing.setdefault(module, f"{one.missing} ({place})")
    return failing


def _read(imports: str, files: Files) -> RepoFacts:
    text = f"{imports}\n"
    return read_repo(Overlay(files, {"hubconf.py": text.encode()}))


def _find_dependencies(facts: RepoFacts, late: Iterable[str]) -> tuple[str, ...]:
    """Modules from outside the repo that must be there for its models to be built, torch first."""
    imports = facts.hubconf.imports if facts.hubconf else ()
    names = {one.top for one in imports if not one.guarded} | set(late)
    needed = {
        name
        for name in names
        if name not in TORCH_MODULES and name not in facts.packages and not is_stdlib(name)
    }
    return ("torch", *sorted(needed))
