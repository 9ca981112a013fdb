"""The command line: ``hubkit``.

Results go to stdout, everything else to stderr. Exit codes: 0 success, 1 findings or failure,
2 usage or internal error, 130 interrupted.
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
import click.formatting

from hubkit import __version__
from hubkit._util.colors import color_setting, paint
from hubkit._util.console import echo, echo_lines
from hubkit._util.text import did_you_mean, suggest
from hubkit.commands import COMMANDS, MODULES
from hubkit.errors import HubkitError, UsageError, missing_requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from click.shell_completion import CompletionItem

_OF_COMMANDS = {"-q", "--quiet", "-v", "--verbose", "--json"}
_HYPHEN = "\u2011"
_NARROWEST, _ROOMY = 30, 64  # columns
INTERRUPTED = 130  # what a shell reports after Ctrl-C: 128 + SIGINT
PIPE_CLOSED = 141  # what a shell reports for a closed pipe: 128 + SIGPIPE
FAILED = 2  # 1 means that the command ran and found something

# Commands are short: collecting cyclic garbage took 5 % of their time.
_FEW_COLLECTIONS = 50_000
# Errors of writing to an open file, as with `> /dev/full`.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


class HelpFormatter(click.HelpFormatter):
    """Colors headings and options, and breaks lines at blanks only."""

    def __init__(self, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(width=width, max_width=max_width)
        if width is None and click.formatting.FORCED_WIDTH is None:  # click's is at least 50
            import shutil

            self.width = max(min(self.width, shutil.get_terminal_size().columns - 2), _NARROWEST)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        prefix = paint("Usage:", "heading") + " " if prefix is None else prefix
        if self.width >= _ROOMY:
            super().write_usage(paint(prog, "name"), _keep_words(args), prefix)
            return
        self.write(f"{prefix}{paint(prog, 'name')}\n")
        with self.indentation(), self.indentation():
            self.write_text(args)

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(f"{'':>{self.current_indent}}{paint(f'{heading}:', 'heading')}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        super().write_text(_keep_words(text))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write a list of terms and texts; where there is little room, each text below its term."""
        painted = [(paint(term, "name"), _keep_words(text)) for term, text in rows]
        super().write_dl(painted, col_max if self.width >= _ROOMY else 2, col_spacing)

    def getvalue(self) -> str:
        """The text."""
        return super().getvalue().replace(_HYPHEN, "-")


def _keep_words(text: str) -> str:
    """The text with hyphens at which no line is broken."""
    return text.replace("-", _HYPHEN)


class Context(click.Context):
    """The context of a command; it prints help."""

    formatter_class = HelpFormatter


class SuggestingGroup(click.Group):
    """Suggests a similar subcommand for one that does not exist."""

    context_class = Context

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that the arguments name."""
        known = self.list_commands(ctx)
        if args[0] in known or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        raise UsageError(f"No such command: {args[0]!r}.", hint=suggest(args[0], known))


class HubkitGroup(SuggestingGroup):
    """Imports subcommands on demand and handles their errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        name = MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        module = importlib.import_module(f"hubkit.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the subcommands with their summaries, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What completes a word: subcommands, without importing them, and options."""
        from click.shell_completion import CompletionItem

        found = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name]) for name in found]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(  # type: ignore[override] # click's overloads differ only in what they return
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401 - handed on to click as it came
    ) -> NoReturn:
        """Run a command line and exit. Errors become exit codes here and nowhere else."""
        extra["standalone_mode"] = False
        extra.setdefault("color", color_setting())
        _accept_any_text()
        if "_HUBKIT_COMPLETE" in os.environ:
            importlib.import_module("hubkit.commands.completion")
        gc.set_threshold(_FEW_COLLECTIONS)
        output = sys.stdout
        try:
            code = super().main(args, prog_name, **extra)
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001 - the last handler
            # click replaces the output where the reader has closed the pipe, and exits with 1.
            code = _handle(error if sys.stdout is output else BrokenPipeError())
        sys.exit(code if isinstance(code, int) else 0)


def _handle(error: BaseException) -> int:
    """Print an error, if stderr is open; returns the exit code."""
    with contextlib.suppress(OSError):
        return _print_any(error)
    _close_stdout()
    return FAILED


def _print_any(error: BaseException) -> int:
    """Print an error; returns the exit code."""
    if isinstance(error, HubkitError):
        _print_error(error)
        return error.exit_code
    if isinstance(error, click.ClickException):
        if type(error).__name__ == "NoArgsIsHelpError":  # of click 8.2 and later
            error.show()
        else:
            _print_error(from_click(error))
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
        hint = "Redirect it to a file on a device with free space."
        _print_error(UsageError(f"Cannot write the output: {error.strerror}", hint=hint))
        return FAILED
    _print_internal_error(error)
    return FAILED


def from_click(error: click.ClickException) -> HubkitError:
    """An invalid command line as an error of hubkit."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"For its options, run: {context.command_path} --help" if context else ""
    if not isinstance(error, click.NoSuchOption):
        return UsageError(error.format_message(), hint=hint)
    if context and isinstance(context.command, click.Group) and error.option_name in _OF_COMMANDS:
        hint = f"Write it after the command: {context.command_path} COMMAND {error.option_name}"
    options = [name for one in context.command.params for name in one.opts] if context else []
    suggestion = did_you_mean(error.option_name, options)
    return UsageError(f"No such option: {error.option_name}", hint=suggestion or hint)


def _accept_any_text() -> None:
    """Escape characters that the terminal's encoding lacks."""
    if sys.stdout is None:  # closed by whoever started us, as with `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_internal_error(error: BaseException) -> None:
    missing = missing_requirement(error)
    if missing is not None:
        _print_error(missing)
        return
    import traceback

    echo_lines("".join(traceback.format_exception(error)), err=True)
    _print_error(
        HubkitError(
            f"Internal error: {type(error).__name__}",
            hint="Please report it with the traceback above and the output of `hubkit doctor`, which also "
            "says where.",
        )
    )


def _print_error(error: HubkitError) -> None:
    _print_labeled("error", error.message)
    if error.hint:
        _print_labeled("hint", error.hint)


def _print_labeled(label: str, text: str) -> None:
    """Print a labeled text; further lines are indented, so they cannot pose as another label."""
    first, *others = text.split("\n")
    echo(paint(f"{label}:", label), " ", first, err=True)
    for line in others:
        echo(f"  {line}".rstrip(), err=True)


def _close_stdout() -> None:
    """Let the interpreter's final flush write to /dev/null, as the Python docs advise for SIGPIPE."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


@click.group(
    cls=HubkitGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", "-V", message="hubkit %(version)s")
def main() -> None:
    """Publish and consume PyTorch Hub models."""
