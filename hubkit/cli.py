"""The command line: ``hubkit``.

Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 findings or a failed job,
2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hubkit import __version__
from hubkit.commands import COMMANDS
from hubkit.errors import HubkitError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130  # what a shell reports after Ctrl-C: 128 + SIGINT
PIPE_CLOSED = 141  # what a shell reports for a closed pipe: 128 + SIGPIPE


class HubkitGroup(click.Group):
    """Imports subcommands when they are asked for, and handles errors for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the subcommands, in the order of ``COMMANDS``."""
        return [module.rstrip("_") for module in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of that name, or None."""
        module = next((name for name in COMMANDS if name.rstrip("_") == cmd_name), None)
        if module is None:
            return None
        command: click.Command = importlib.import_module(f"hubkit.commands.{module}").command
        return command

    def main(  # type: ignore[override] # click's overloads differ only in what they return
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401 - handed on to click as it came
    ) -> NoReturn:
        """Run a command line and exit: the one place where errors become exit codes."""
        extra["standalone_mode"] = False
        _accept_any_text()
        try:
            code = super().main(args, prog_name, **extra)
            sys.stdout.flush()
        except HubkitError as error:
            _print_error(error)
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            code = INTERRUPTED
        except BrokenPipeError:
            _close_stdout()
            code = PIPE_CLOSED
        sys.exit(code if isinstance(code, int) else 0)


def _accept_any_text() -> None:
    """Spell out what the terminal's encoding lacks, rather than end in UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_error(error: HubkitError) -> None:
    color = False if os.environ.get("NO_COLOR") else None
    label = click.style("error:", fg="red", bold=True)
    click.echo(f"{label} {error.message}", err=True, color=color)
    if error.hint:
        label = click.style("hint:", fg="cyan", bold=True)
        click.echo(f"{label} {error.hint}", err=True, color=color)


def _close_stdout() -> None:
    """Let the interpreter's own last flush write to nowhere (the Python docs' advice on SIGPIPE)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


@click.group(
    cls=HubkitGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", "-V", message="hubkit %(version)s")
def main() -> None:
    """Publish and consume PyTorch Hub models."""
