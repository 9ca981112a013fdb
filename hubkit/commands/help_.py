"""``hubkit help``: all that source tells about one entrypoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubkit.facts import Entrypoint, Parameter

_STARS = {"var-positional": "*", "var-keyword": "**"}


@click.command()
@click.argument("repo", metavar="PATH|OWNER/NAME[:REF]")
@click.argument("entrypoint")
def command(repo: str, entrypoint: str) -> None:
    """Show an entrypoint's signature, help text and what it needs; nothing runs."""
    from hubkit.commands.target import locate_target
    from hubkit.errors import entrypoint_not_found
    from hubkit.hubconf import read_repo, require_hubconf

    hubconf = require_hubconf(read_repo(locate_target(repo)))
    found = hubconf.entrypoint(entrypoint)
    if found is None:
        names = tuple(known.name for known in hubconf.entrypoints)
        raise entrypoint_not_found(entrypoint, names, "is not in the hubconf")
    click.echo(_signature(found))
    click.echo(f"\n{found.docstring or '(no help text)'}")
    click.echo(f"\nDefined in {found.definition.path}, line {found.definition.line}.")
    if hubconf.dependencies and hubconf.dependencies.names:
        click.echo(_needs(hubconf.dependencies.names))
    for url in sorted({use.url for use in hubconf.checkpoints if use.url}):
        click.echo(f"The hubconf downloads weights from {url}")


def _needs(names: tuple[str, ...]) -> str:
    from hubkit.hubconf import distribution_name

    distributions = " ".join(distribution_name(name) for name in names)
    return f"Needs {', '.join(names)}: pip install {distributions}"


def _signature(entrypoint: Entrypoint) -> str:
    if entrypoint.parameters is None:
        return f"{entrypoint.name}(...)"
    parts: list[str] = []
    kinds = [parameter.kind for parameter in entrypoint.parameters]
    for at, parameter in enumerate(entrypoint.parameters):
        if parameter.kind == "keyword-only" and not {"keyword-only", "var-positional"} & {
            *kinds[:at]
        }:
            parts.append("*")
        parts.append(_parameter(parameter))
        if parameter.kind == "positional-only" and "positional-only" not in kinds[at + 1 :]:
            parts.append("/")
    return f"{entrypoint.name}({', '.join(parts)})"


def _parameter(parameter: Parameter) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    if parameter.annotation:
        text += f": {parameter.annotation}"
    if parameter.default is not None:
        text += f" = {parameter.default}" if parameter.annotation else f"={parameter.default}"
    return text
