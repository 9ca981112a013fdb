"""``hubkit trust``: manage the list of trusted repos."""

from __future__ import annotations

import click

from hubkit._util.console import echo, note
from hubkit._util.text import did_you_mean
from hubkit.commands.base import print_answer, subgroup
from hubkit.commands.complete import complete_cached


@subgroup()
def command() -> None:
    """Manage the list of trusted repos, which is shared with torch.hub."""


@command.command("list", answers=True)
def list_(*, as_json: bool) -> None:
    """List the trusted repos."""
    from hubkit.hubdir import read_trust

    lines = read_trust()
    if as_json:
        print_answer({"repos": lines})
        return
    for line in lines:
        echo(line)


@command.command()
@click.argument(
    "repos", nargs=-1, required=True, metavar="OWNER/NAME...", shell_complete=complete_cached
)
def add(repos: tuple[str, ...]) -> None:
    """Trust repos: their code may run without a prompt."""
    from hubkit.hubdir import add_trust, parse_repo

    for repo in [parse_repo(text) for text in repos]:
        add_trust(repo)
        note(f"Trusted: {repo.full_name}")


@command.command()
@click.argument(
    "repos", nargs=-1, required=True, metavar="OWNER/NAME...", shell_complete=complete_cached
)
def remove(repos: tuple[str, ...]) -> None:
    """Stop trusting repos."""
    from hubkit.hubdir import find_legacy_folders, parse_repo, read_trust, remove_trust

    for repo in [parse_repo(text) for text in repos]:
        was_there = remove_trust(repo)
        if was_there:
            note(f"No longer trusted: {repo.full_name}")
        else:
            meant = did_you_mean(repo.full_name, read_trust())
            echo(f"Not on the list: {repo.full_name}. {meant}".rstrip(), err=True)
        for folder in find_legacy_folders(repo):
            echo(f"torch.hub trusts the copy that it made. Remove it too: {folder}", err=True)
