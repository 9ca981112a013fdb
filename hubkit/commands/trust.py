"""``hubkit trust``: whose code may run without being asked about."""

from __future__ import annotations

import click

from hubkit._util.console import echo


@click.group()
def command() -> None:
    """Say whose code may run on this machine; shares torch.hub's list."""


@command.command("list")
def list_() -> None:
    """Show the repos on the list, one a line."""
    from hubkit.hubdir import read_trust

    for line in read_trust():
        echo(line)


@command.command()
@click.argument("repos", nargs=-1, required=True, metavar="OWNER/NAME...")
def add(repos: tuple[str, ...]) -> None:
    """Put repos on the list."""
    from hubkit.hubdir import add_trust, parse_repo

    for repo in [parse_repo(text) for text in repos]:
        add_trust(repo)
        echo(f"Trusted: {repo.full_name}", err=True)


@command.command()
@click.argument("repos", nargs=-1, required=True, metavar="OWNER/NAME...")
def remove(repos: tuple[str, ...]) -> None:
    """Take repos off the list."""
    from hubkit.hubdir import parse_repo, remove_trust

    for repo in [parse_repo(text) for text in repos]:
        was_there = remove_trust(repo)
        said = "No longer trusted" if was_there else "Was not on the list"
        echo(f"{said}: {repo.full_name}", err=True)
