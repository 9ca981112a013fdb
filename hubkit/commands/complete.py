"""What shells complete in arguments: cached repos, entrypoints, codes. Nothing is run or fetched."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import click
    from click.shell_completion import CompletionItem

# Shells put a completed word into the command line as it is: one with other characters, such as
# `$(...)` in the name of a branch, would run when the line is entered.
_SAFE = re.compile(r"[\w.:/@+-]+")


def complete_repos(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Repos in the hub dir, with their refs after a colon, and folders."""
    from click.shell_completion import CompletionItem

    from hubkit.errors import HubkitError
    from hubkit.hubdir.inventory import read_recorded_refs

    folders = CompletionItem(incomplete, type="dir")
    if incomplete.startswith((".", "/", "~")):
        return [folders]
    with suppress(HubkitError, OSError):
        repos = [repo for repo, _ in read_recorded_refs()]
        if ":" in incomplete:
            return _matching(incomplete, map(str, repos))
        names = (repo.full_name for repo in repos)
        return [folders, *_matching(incomplete, names)]
    return [folders]


def complete_cached(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The same without folders, for what can be on a git host only."""
    return [one for one in complete_repos(ctx, param, incomplete) if one.type == "plain"]


def complete_entrypoints(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Names of the entrypoints in the source of the repo that the command line names."""
    from hubkit.analysis import read_repo
    from hubkit.errors import HubkitError

    text = str(ctx.params.get("repo") or ctx.params.get("path") or ".")
    with suppress(HubkitError, OSError):
        root = _find_folder(text)
        hubconf = read_repo(root).hubconf if root else None
        return _matching(incomplete, [one.name for one in hubconf.entrypoints] if hubconf else [])
    return []


def complete_codes(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Codes of rules and checks, with their summaries."""
    from hubkit.commands.rules import read_catalog

    texts = {one.code: one.summary for one in read_catalog()}
    return _matching(incomplete.upper(), texts, texts)


def _matching(
    start: str, words: Iterable[str], texts: dict[str, str] | None = None
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(word, help=(texts or {}).get(word))
        for word in sorted({*words})
        if word.startswith(start) and _SAFE.fullmatch(word)
    ]


def _find_folder(text: str) -> Path | None:
    """The folder of a repo on this machine; without a ref, any that is there."""
    from hubkit.commands.target import find_folder
    from hubkit.hubdir import find_cached, parse_repo
    from hubkit.hubdir.inventory import read_recorded_refs

    folder = find_folder(text)
    if folder is not None:
        return folder
    wanted = parse_repo(text)
    others = [one for one, _ in read_recorded_refs() if one.full_name == wanted.full_name]
    for repo in (wanted, *(others if wanted.ref is None else ())):
        cached = find_cached(repo)
        if cached is not None:
            return cached.path
    return None
