"""``hubkit audit``: check many repos at once, and keep the results in a database."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from hubkit._util.atomic import write_output
from hubkit._util.console import echo, is_quiet, note
from hubkit._util.text import plural
from hubkit.commands.base import Command, print_answer, subcommand
from hubkit.commands.options import require_codes, selection_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.audit.engine import Engine
    from hubkit.audit.messages import Settings
    from hubkit.audit.report import Change
    from hubkit.audit.run import AuditOptions
    from hubkit.audit.sources import Source
    from hubkit.audit.summary import Summary
    from hubkit.config import SelectionOptions

_MOST_REASONS = 20
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class AuditCommand(Command, click.Group):
    """A command that takes repos, unless its first argument is the name of a subcommand."""

    allow_interspersed_args = True

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - handed on to click as it came
    ) -> click.Context:
        """The context of the command, or of the subcommand that the arguments name."""
        subcommand = self.commands.get(args[0]) if args else None
        if subcommand is None:
            return super().make_context(info_name, args, parent, **extra)
        return subcommand.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)


def _parse_size(ctx: click.Context, param: click.Parameter, value: str) -> int:  # noqa: ARG001
    """Bytes, from a text such as 2G."""
    text = value.strip().lower().removesuffix("b")
    digits = text.rstrip("kmgt")
    unit = text[len(digits) :]
    if not digits.isascii() or not digits.isdigit() or unit not in _UNITS:
        raise click.BadParameter(f"{value!r} is not a size, such as 512M or 2G.")
    return int(digits) * _UNITS[unit]


_export_option = click.option(
    "--to",
    "exports",
    nargs=2,
    type=(click.Choice(["parquet"]), click.Path(path_type=Path, file_okay=False)),
    metavar="parquet DIR",
    help="Export the tables to this folder, too.",
)


@subcommand(answers=True)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with plots, and all repos with their findings.",
)
@click.option("--run", "number", type=int, metavar="RUN", help="The run.  [default: the last one]")
@click.option("--against", type=int, metavar="RUN", help="Show what has changed since this run.")
@_export_option
def report(
    file: Path,
    html: Path | None,
    number: int | None,
    against: int | None,
    exports: tuple[str, Path] | None,
    *,
    as_json: bool,
) -> None:
    """Show what an audit has found.

    FILE is the database of the audit.
    """
    from hubkit.audit.report import find_changes, render_report, require_run
    from hubkit.audit.store import open_store
    from hubkit.audit.summary import read_summary

    with open_store(file) as store:
        run = require_run(store, number)
        before = None if against is None else require_run(store, against)
        if html is not None:
            write_output(html, render_report(store, run, before))
        if exports is not None:
            store.export_parquet(exports[1])
        summary = read_summary(store, run)
        changes = () if before is None else find_changes(store, run, before)
    if as_json:
        print_answer({"database": file, **structs.asdict(summary), "changes": changes})
        return
    _print_tables(summary)
    for change in changes:
        echo(_describe_change(change))


@subcommand(
    cls=AuditCommand,
    commands={"report": report},
    answers=True,
    invoke_without_command=True,
    subcommand_metavar="",
)
@click.argument("repos", nargs=-1, metavar="[PATH|OWNER/NAME[:REF]]...")
@click.option(
    "--from",
    "files",
    multiple=True,
    metavar="FILE",
    help="Read repos from a text, CSV or JSON file; - is standard input. May be repeated.",
)
@click.option(
    "--out",
    default="audit.duckdb",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The database for the results. An interrupted audit is continued.",
)
@click.option(
    "--scheduler",
    default="",
    envvar="DASK_SCHEDULER_ADDRESS",
    metavar="ADDRESS",
    help="Use the Dask cluster with this scheduler, for example tcp://10.0.0.1:8786.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Repos to check at once on this machine.  [default: one per processor]",
)
@click.option(
    "--per-host",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    metavar="N",
    help="Repos of one host to check at once.",
)
@click.option("--offline", is_flag=True, help="Use the repos in the hub dir only.")
@click.option("--again", is_flag=True, help="Check repos again that have not changed.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Time for one repo.",
)
@click.option(
    "--memory",
    default="4G",
    show_default=True,
    callback=_parse_size,
    metavar="SIZE",
    help="Memory for one repo.",
)
@click.option(
    "--disk",
    default="4G",
    show_default=True,
    callback=_parse_size,
    metavar="SIZE",
    help="Bytes to write for one repo.",
)
@click.option(
    "--conform",
    "level",
    type=click.IntRange(1, 3),
    metavar="LEVEL",
    help="Run the conformance suite on levels 1 to LEVEL, on repos that --trust names.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(min=1),
    default=25,
    show_default=True,
    metavar="N",
    help="Entrypoints to run the suite on at once. Those of a larger repo are shared out.",
)
@click.option(
    "--trust",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Run code of these repos: owner/name, owner/*, or * for all. May be repeated.",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="VERSION",
    help="Run the suite with this version of Python. May be repeated.",
)
@click.option(
    "--torch",
    "torches",
    multiple=True,
    metavar="VERSION",
    help="Run the suite with this version of torch. May be repeated.",
)
@click.option(
    "--no-install",
    is_flag=True,
    help="Run the suite in the environment of the workers, and install nothing.",
)
@selection_options
@_export_option
def command(
    repos: tuple[str, ...],
    files: tuple[str, ...],
    out: Path,
    scheduler: str,
    workers: int | None,
    exports: tuple[str, Path] | None,
    selection: SelectionOptions,
    *,
    as_json: bool,
    **values: Any,  # noqa: ANN401 - see `_read_options`
) -> int:
    """Check many hub repos, and keep the results in a database.

    Each repo is fetched to the hub dir, its entrypoints are listed and its source is checked, as by
    `hubkit list` and `hubkit check`. No code of the repos runs, except with --conform and --trust.
    Repos that have not changed since an earlier audit are not checked again.

    Exit codes: 0 no findings, 1 findings, or repos that could not be checked, 2 the audit could not
    run.
    """
    from hubkit.audit.engine import EngineOptions, open_engine
    from hubkit.audit.run import run_audit
    from hubkit.audit.sources import read_sources
    from hubkit.audit.store import open_store
    from hubkit.audit.summary import read_summary

    options = _read_options(values, require_codes(selection))
    sources = read_sources(repos, files)
    with open_store(out, write=True) as store:
        with (
            open_engine(EngineOptions(scheduler, workers or 0)) as engine,
            _Display(engine) as show,
        ):
            run = run_audit(sources, options, store, engine, show)
        if exports is not None:
            store.export_parquet(exports[1])
        summary = read_summary(store, run)
    _print_summary(summary, out, as_json=as_json)
    return summary.exit_code


def _read_options(values: dict[str, Any], selection: SelectionOptions) -> AuditOptions:
    from hubkit.audit.messages import Bounds
    from hubkit.audit.run import AuditOptions

    structs.replace(selection, isolated=True).configure(Path())  # reports errors in --config
    return AuditOptions(
        settings=structs.replace(_read_settings(values), selection=selection),
        bounds=Bounds(
            values["timeout"], values["memory"], values["disk"], shard_size=values["shard_size"]
        ),
        offline=values["offline"],
        per_host=values["per_host"],
        again=values["again"],
        trusts=functools.partial(_is_trusted, patterns=values["patterns"]),
    )


def _read_settings(values: dict[str, Any]) -> Settings:
    """What results depend on.

    Raises:
        UsageError: The suite is not to run, and options for it are given, or trust is missing.
    """
    from hubkit.audit.messages import Settings, Versions
    from hubkit.errors import UsageError

    names = {"patterns": "--trust", "pythons": "--python", "torches": "--torch"}
    names["no_install"] = "--no-install"
    if not values["level"]:
        for name, option in names.items():
            if values[name]:
                raise UsageError(f"{option} requires --conform", hint="For example: --conform 1")
        return Settings()
    if not values["patterns"]:
        raise UsageError(
            "--conform runs code of the repos, so it requires --trust",
            hint="Name the repos whose code may run. For example: --trust 'acme/*'",
        )
    matrix = tuple(
        Versions(python, torch)
        for python in values["pythons"] or ("",)
        for torch in values["torches"] or ("",)
    )
    for version in (*values["pythons"], *values["torches"]):
        if not all(part.isascii() and part.isdigit() for part in version.split(".")):
            raise UsageError(f"{version!r} is not a version", hint="For example: --torch 2.13")
    return Settings(level=values["level"], matrix=matrix, installs=not values["no_install"])


def _is_trusted(source: Source, patterns: tuple[str, ...]) -> bool:
    """Whether code of a repo may run; folders are the user's own."""
    from hubkit.hubdir import matches_pattern
    from hubkit.hubdir.spec import parse_spec

    repo = parse_spec(source.spec)
    return isinstance(repo, Path) or any(matches_pattern(one, repo) for one in patterns)


class _Display:
    """Shows on standard error how far an audit is; a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stack = contextlib.ExitStack()
        self.store: Callable[[int], object] = lambda _count: None

    def __enter__(self) -> _Display:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, todo: int, total: int) -> None:
        """Say what is to do."""
        from hubkit._util.progress import show_progress

        done = f"; {total - todo:,} are done already" if todo < total else ""
        workers = plural(self._engine.threads, "worker")
        note(f"Checking {plural(todo, 'repo')} with {workers}{done}.")
        if self._engine.dashboard:
            note(f"Dashboard: {self._engine.dashboard}")
        wanted = not is_quiet()
        bar = show_progress("audit", total, start=total - todo, unit="repos", wanted=wanted)
        self.store = self._stack.enter_context(bar)

    def wait(self, host: str, until: float) -> None:
        """Say that a host limits the rate."""
        import time

        at = time.strftime("%H:%M:%S", time.localtime(until))
        echo(f"{host} limits the rate until {at}. Its repos wait.", err=True)


def _print_summary(summary: Summary, out: Path, *, as_json: bool) -> None:
    if as_json:
        print_answer({"database": out, **structs.asdict(summary)})
        return
    _print_tables(summary)
    for spec, state, reason in summary.reasons[:_MOST_REASONS]:
        echo(f"{spec}: {state}: {reason}", err=True)
    more = len(summary.reasons) - _MOST_REASONS
    if more > 0:
        echo(f"... and {plural(more, 'more repo')} without results.", err=True)
    note(f"Run {summary.run} is in {out}.")


def _print_tables(summary: Summary) -> None:
    from hubkit.audit.summary import render_summary

    for line in render_summary(summary):
        echo(line)


def _describe_change(change: Change) -> str:
    if not change.before or not change.now:
        return f"{change.spec}: {'added' if change.now else 'removed'}"
    parts = [f"{change.before}, now {change.now}"] if change.before != change.now else []
    parts += [f"new {code}: {message}" for code, message in change.new]
    parts += [f"fixed {code}: {message}" for code, message in change.fixed]
    parts += [f"now {outcome} ({versions}): {what}" for versions, what, outcome in change.worse]
    parts += [f"now {outcome} ({versions}): {what}" for versions, what, outcome in change.better]
    return f"{change.spec}: {'; '.join(parts)}"
