"""The command line: ``hubkit``.

Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 findings or a failed job,
2 wrong use, or a mistake of hubkit's own, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hubkit import __version__
from hubkit._util.console import echo, echo_lines
from hubkit._util.text import did_you_mean, printable_lines
from hubkit.commands import COMMANDS
from hubkit.errors import WHERE_TO_REPORT, HubkitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130  # what a shell reports after Ctrl-C: 128 + SIGINT
PIPE_CLOSED = 141  # what a shell reports for a closed pipe: 128 + SIGPIPE
FAILED = 2  # 1 would mean that the job was done, and something found

# A command is over before garbage in circles adds up; looking for it took a twentieth of the time.
_FEW_COLLECTIONS = 50_000
# What writing to a file that is open can come to, as with `> /dev/full`.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that the arguments name; a likely one is suggested where there is none."""
        if args[0] in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        suggestion = did_you_mean(args[0], self.list_commands(ctx))
        if suggestion:
            ctx.fail(f"No such command {args[0]!r}. {suggestion}")
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override] # click's overloads differ only in what they return
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401 - handed on to click as it came
    ) -> NoReturn:
        """Run a command line and exit: the one place where errors become exit codes."""
        extra["standalone_mode"] = False
        extra.setdefault("color", _use_color())
        _accept_any_text()
        gc.set_threshold(_FEW_COLLECTIONS)
        try:
            code = super().main(args, prog_name, **extra)
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001 - the last one who can say anything
            code = _tell(error)
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: BaseException) -> int:
    """Say on stderr what went wrong, if there is anybody to read it; the exit code."""
    with contextlib.suppress(OSError):
        return _say(error)
    _close_stdout()
    return FAILED


def _say(error: BaseException) -> int:
    if isinstance(error, HubkitError):
        _print_error(error)
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.message = printable_lines(error.message)
        error.show()
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        echo("Interrupted.", err=True)
        return INTERRUPTED
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, BrokenPipeError):
        _close_stdout()
        return PIPE_CLOSED
    if isinstance(error, OSError) and error.filename is None and error.errno in _CANNOT_WRITE:
        _close_stdout()
        hint = "Send it to a file or a device that has room."
        _print_error(UsageError(f"the output cannot be written: {error.strerror}", hint=hint))
        return FAILED
    _print_mistake(error)
    return FAILED


def _accept_any_text() -> None:
    """Spell out what the terminal's encoding lacks, rather than end in UnicodeEncodeError."""
    if sys.stdout is None:  # closed by whoever started us, as with `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_mistake(error: BaseException) -> None:
    import traceback

    echo_lines("".join(traceback.format_exception(error)), err=True)
    _print_error(
        HubkitError(
            f"hubkit made a mistake and stopped: {type(error).__name__}",
            hint=f"Please report it at {WHERE_TO_REPORT}, with all of the above.",
        )
    )


def _use_color() -> bool | None:
    """False where colours are not wanted; else click looks whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def _print_error(error: HubkitError) -> None:
    _print_labeled("error:", "red", error.message)
    if error.hint:
        _print_labeled("hint:", "cyan", error.hint)


def _print_labeled(label: str, color: str, text: str) -> None:
    """A text below its label: further lines are indented, so that none poses as another label."""
    first, *others = text.split("\n")
    echo(first, label=label, label_color=color, err=True, color=_use_color())
    for line in others:
        echo(f"  {line}".rstrip(), err=True)


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
