"""``hubkit trust``: manage the list of trusted repos."""

from __future__ import annotations

import click

from hubkit._util.console import echo


@click.group()
def command() -> None:
    """Manage the list of trusted repos, which is shared with torch.hub."""


@command.command("list")
def list_() -> None:
    """List the trusted repos."""
    from hubkit.hubdir import read_trust

    for line in read_trust():
        echo(line)


@command.command()
@click.argument("repos", nargs=-1, required=True, metavar="OWNER/NAME...")
def add(repos: tuple[str, ...]) -> None:
    """Trust repos: their code may run without a prompt."""
    from hubkit.hubdir import add_trust, parse_repo

    for repo in [parse_repo(text) for text in repos]:
        add_trust(repo)
        echo(f"Trusted: {repo.full_name}", err=True)


@command.command()
@click.argument("repos", nargs=-1, required=True, metavar="OWNER/NAME...")
def remove(repos: tuple[str, ...]) -> None:
    """Stop trusting repos."""
    from hubkit.hubdir import find_legacy_folders, parse_repo, remove_trust

    for repo in [parse_repo(text) for text in repos]:
        was_there = remove_trust(repo)
        outcome = "No longer trusted" if was_there else "Not on the list"
        echo(f"{outcome}: {repo.full_name}", err=True)
        for folder in find_legacy_folders(repo):
            echo(f"torch.hub trusts the copy that it made. Remove it too: {folder}", err=True)
