"""What all commands share: ``-q`` and ``-v``, and ``--json`` for those that answer something."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import click

from hubkit import __version__
from hubkit._util.console import AS_JSON, VERBOSITY, detail, echo_json
from hubkit._util.text import join_words, suggest
from hubkit.cli import Context, SuggestingGroup, from_click
from hubkit.errors import HubkitError, missing_requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCHEMA = 1
"""The number of a JSON answer that never lost a field, or changed the meaning of one."""
_MOST = 2  # -vv


class Command(click.Command):
    """A command with ``-q`` and ``-v``.

    Args:
        answers: Whether the command answers something. It has ``--json`` then, and its function
            gets ``as_json`` and calls ``print_answer`` if that is true.
    """

    context_class = Context

    def __init__(self, *args: Any, answers: bool = False, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self.answers = answers
        self.params += [*([_json_option()] if answers else []), *_verbosity_options()]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401
    ) -> click.Context:
        """Parse the arguments; errors are printed as JSON too, if that is requested."""
        options = args[: args.index("--")] if "--" in args else args
        as_json = self.answers and "--json" in options
        with _json_errors(f"{_name_of(parent)} {info_name}".strip(), as_json=as_json):
            return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and remember how much to print."""
        rest = super().parse_args(ctx, args)
        if ctx.resilient_parsing:  # a shell completes the line
            return rest
        quiet, verbose = ctx.params.pop("quiet"), ctx.params.pop("verbose")
        if quiet and verbose:
            raise click.UsageError("--quiet and --verbose cannot be combined.", ctx)
        ctx.meta[VERBOSITY] = -1 if quiet else min(verbose, _MOST)
        ctx.meta[AS_JSON] = bool(ctx.params.get("as_json"))
        return rest

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; errors are printed as JSON too, if that is requested."""
        as_json = ctx.meta[AS_JSON]
        with _json_errors(_name_of(ctx), as_json=as_json), _log(ctx.meta[VERBOSITY]):
            return super().invoke(ctx)


class Group(SuggestingGroup):
    """A command that consists of others."""

    command_class = Command


class Choice(click.Choice):  # type: ignore[type-arg] # generic only since click 8.2
    """One of several values; suggests a similar one."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a value."""
        if value not in self.choices:
            self.fail(f"{value!r} is unknown. {suggest(value, self.choices)}", param, ctx)
        return value

    def get_missing_message(
        self,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        ctx: click.Context | None = None,  # noqa: ARG002
    ) -> str:
        """What follows "Missing argument" on the same line."""
        return f"Choose one of {join_words(self.choices, 'or')}."


def subcommand(**settings: Any) -> Callable[[Callable[..., object]], Command]:  # noqa: ANN401
    """Make a command of a function.

    Args:
        **settings: As for ``click.command``, and ``answers`` of ``Command``.
    """
    settings.setdefault("cls", Command)
    make: Callable[[Callable[..., object]], Command] = click.command(**settings)
    return make


def subgroup(**settings: Any) -> Callable[[Callable[..., object]], Group]:  # noqa: ANN401
    """Make a command of a function whose ``command`` decorates its own commands."""
    return click.group(cls=Group, **settings)


def print_answer(answer: Mapping[str, object]) -> None:
    """Print the answer of the running command as one JSON object.

    Args:
        answer: Its fields. Structs and paths are converted.
    """
    echo_json({"schema": SCHEMA, "command": _name_of(click.get_current_context()), **answer})


def _json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")


def _verbosity_options() -> tuple[click.Option, ...]:
    return (
        click.Option(
            ["-q", "--quiet"], is_flag=True, help="Print only results, warnings and errors."
        ),
        click.Option(
            ["-v", "--verbose"], count=True, help="Print what is done. -vv prints more of it."
        ),
    )


def _name_of(context: click.Context | None) -> str:
    """The command's name as users type it, without the program's: "cache ls"."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(names)


@contextlib.contextmanager
def _json_errors(name: str, *, as_json: bool) -> Iterator[None]:
    """Print an error on standard output as JSON, and raise it, so people see it too."""
    try:
        yield
    except Exception as error:
        fields = _describe(error) if as_json else None
        if fields is not None:
            echo_json({"schema": SCHEMA, "command": name, "error": fields})
        raise


def _describe(error: Exception) -> dict[str, object] | None:
    """What is printed of an error; None for the end of a command, and for an output that broke."""
    if isinstance(error, click.ClickException):
        error = from_click(error)
    error = missing_requirement(error) or error
    if isinstance(error, HubkitError):
        kind = getattr(error, "plain", type(error))
        missing = getattr(error, "missing", ())
        fields = {"kind": kind.__name__, "message": error.message, "hint": error.hint}
        return {**fields, "missing": missing} if missing else {**fields}
    is_end = isinstance(error, click.exceptions.Exit | click.Abort)
    if is_end or (isinstance(error, OSError) and error.filename is None):
        return None
    message = f"Internal error: {type(error).__name__}"
    return {"kind": "InternalError", "message": message, "hint": ""}


@contextlib.contextmanager
def _log(verbosity: int) -> Iterator[None]:
    """Print the log, and how long the command took, if that is requested."""
    if verbosity <= 0:
        yield
        return
    import platform

    from hubkit._util.logs import print_log

    detail(f"hubkit {__version__}, Python {platform.python_version()}, {platform.platform()}")
    start = time.monotonic()
    with print_log(debug=verbosity == _MOST):
        try:
            yield
        finally:
            detail(f"Finished after {time.monotonic() - start:.2f} s.")
