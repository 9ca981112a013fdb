"""``hubkit help``: all that source tells about one entrypoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CheckpointUse, Entrypoint, Hubconf


@click.command()
@click.argument("repo", metavar="PATH|OWNER/NAME[:REF]", default=".")
@click.argument("entrypoint", metavar="ENTRYPOINT", default="")
def command(repo: str, entrypoint: str) -> None:
    """Show what source tells about an entrypoint.

    Its signature, its help text, what it gives back, what it needs and the weights that it
    downloads. Nothing of the repo is imported or run.
    """
    from hubkit.analysis import (
        read_repo,
        read_weights,
        render_docstring,
        render_signature,
        require_hubconf,
    )
    from hubkit.commands.target import locate_target
    from hubkit.errors import UsageError, entrypoint_not_found
    from hubkit.reporters.wording import to_printable

    if not entrypoint:
        is_repo = "/" in repo or Path(repo).is_dir()
        example = f"{repo} unet" if is_repo else f". {repo}"
        raise UsageError(
            "help takes a repo and one of its entrypoints",
            hint=f"Such as `hubkit help {example}`; `hubkit list` names them, and"
            " `hubkit COMMAND --help` is about a command.",
        )
    facts = read_repo(locate_target(repo))
    hubconf = require_hubconf(facts)
    found = hubconf.entrypoint(entrypoint)
    if found is None:
        names = tuple(known.name for known in hubconf.entrypoints)
        raise entrypoint_not_found(entrypoint, names, "is not in the hubconf")
    text = render_docstring(found.docstring) if found.docstring else "(no help text)"
    click.echo(click.style(to_printable(render_signature(found)), bold=True))
    click.echo()
    for line in text.splitlines():
        click.echo(f"  {to_printable(line)}".rstrip())
    click.echo()
    weights = read_weights(facts.files, hubconf, [found.name])[found.name]
    for name, value in _rows(found, hubconf, weights.downloads):
        click.echo(f"{click.style(f'{name:10}', bold=True)}  {to_printable(value)}".rstrip())


def _rows(
    entrypoint: Entrypoint, hubconf: Hubconf, downloads: tuple[CheckpointUse, ...]
) -> Iterator[tuple[str, str]]:
    """What is known besides, a name and a value a line; a name is said once."""
    yield "Gives back", _gives(entrypoint)
    yield "Defined in", f"{entrypoint.definition.path}, line {entrypoint.definition.line}"
    names = hubconf.dependencies.names if hubconf.dependencies else ()
    if names:
        from hubkit.analysis import distribution_name

        distributions = " ".join(distribution_name(name) for name in names)
        yield "Needs", ", ".join(names)
        yield "Install", f"pip install {distributions}"
    heading = "Weights"
    for line in dict.fromkeys(map(_weights, downloads)):
        yield heading, line
        heading = ""
    if not downloads and hubconf.checkpoints:
        yield heading, "none that source tells; other entrypoints of this hubconf download some"


def _gives(entrypoint: Entrypoint) -> str:
    returns = entrypoint.returns
    if returns.shape == "unknown":
        return "source does not tell what"
    described = returns.description or "something"
    return f"an nn.Module: {described}" if returns.shape == "module" else described


def _weights(use: CheckpointUse) -> str:
    if use.url is None:
        return (
            f"from a URL that is made at run time ({use.location.path}, line {use.location.line})"
        )
    from hubkit.torchhub import SHORTEST_HASH, hash_in_name

    name = use.file_name or use.url.rpartition("/")[2]
    digits = hash_in_name(name) or ""
    if len(digits) < SHORTEST_HASH:  # it is a word
        return f"{use.url} (no hash in its name)"
    checked = "checked" if use.check_hash else "not checked"
    return f"{use.url} (sha256 {digits}…, {checked})"
