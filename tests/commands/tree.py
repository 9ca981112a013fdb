"""All commands of hubkit, found by walking the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk(command: click.Command = main, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command that is no group, with its name as users type it."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command, **main.context_settings)
    for below in command.list_commands(context):
        found = command.get_command(context, below)
        assert found is not None
        yield from walk(found, f"{name} {below}".strip())


COMMANDS = dict(walk())
