"""``hubkit conform``: the conformance suite, for people without a pytest set-up."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubkit._util.console import echo_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERRUPTED, _PYTEST_INTERRUPTED, _FOUND = 130, 2, (0, 1)
_FLAGS = ("slow", "loopback", "update")


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.argument("entrypoints", nargs=-1, metavar="[ENTRYPOINT]...")
@click.option("--level", metavar="N", help="Run levels 1 to N.  [default: 3]")
@click.option("--select", metavar="CODES", help="Run these checks only, such as C1,C204,quiet.")
@click.option("--ignore", metavar="CODES", help="Leave these checks out.")
@click.option("--slow", is_flag=True, help="Run also what takes seconds a model.")
@click.option("--all", "everything", is_flag=True, help="Whatever `representative` says.")
@click.option("--shard", metavar="I/N", help="Run the I-th of N parts of the entrypoints.")
@click.option(
    "--network",
    type=click.Choice(["deny", "cache", "allow"]),
    help="What may be reached, and where weights come from.  [default: deny]",
)
@click.option("--weights", metavar="DIR", help="Folder of checkpoints instead of the hub dir.")
@click.option("--loopback", is_flag=True, help="Let entrypoints connect to this machine.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "mps", "meta"]),
    help="Where models run.  [default: cpu]",
)
@click.option("--update", is_flag=True, help="Keep outputs in tests/hubkit/golden.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="[FORMAT=]FILE",
    help="Write a report: json, markdown, badge or endpoint, else by the file's name.",
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show, and write, the report of an earlier run, or those of its shards; run nothing.",
)
@click.option("-v", "--verbose", is_flag=True, help="A line for each check.")
def command(
    path: Path,
    entrypoints: tuple[str, ...],
    everything: bool,
    reports: tuple[str, ...],
    sources: tuple[Path, ...],
    verbose: bool,
    **given: Any,  # noqa: ANN401 - options that the suite has too, as they came
) -> int:
    """Build every entrypoint and try what its users will.

    The same as `pytest --hubconf` in the folder PATH, without the repo's own tests and pytest
    configuration. It runs the repo's code. Exit codes: 0 conformant, 1 not, 2 could not be tried.
    """
    if sources:
        return _show(sources, reports)
    root = path.parent if path.name == "hubconf.py" else path
    _require_suite()
    if not root.is_dir():
        from hubkit.errors import UsageError

        raise UsageError(f"{root} is no folder", hint="Give the folder of a hub repo.")
    standalone = importlib.import_module("pytest_hubkit.standalone")
    options = [*_options(given), *(("--hubconf-all",) if everything else ())]
    options += [f"--hubconf-report={report}" for report in reports]
    code = standalone.run(root.resolve(), entrypoints, options, verbose=verbose)
    if code == _PYTEST_INTERRUPTED:
        return _INTERRUPTED
    return code if code in _FOUND else 2


def _options(given: dict[str, Any]) -> Iterator[str]:
    """The suite's options of the same names."""
    for name, value in given.items():
        if name in _FLAGS:
            yield from (f"--hubconf-{name}",) if value else ()
        elif value is not None:
            yield f"--hubconf-{name}={value}"


def _require_suite() -> None:
    """Refuse to start without what the suite runs on.

    Raises:
        MissingExtraError: pytest or torch is not installed.
    """
    from hubkit.errors import MissingExtraError

    missing = [name for name in ("pytest", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"hubkit conform needs {' and '.join(missing)}: not installed here.",
            hint='pip install "torch-hubkit[pytest]"',
        )


def _show(sources: tuple[Path, ...], reports: tuple[str, ...]) -> int:
    """Say what an earlier run has found."""
    from hubkit.conformance import (
        merge_reports,
        read_report,
        read_target,
        render_table,
        write_form,
    )

    report = merge_reports([read_report(source) for source in sources])
    for text in reports:
        write_form(report, *read_target(text, Path.cwd()))
    echo_lines(render_table(report))
    failed = report.lint == "failed" or any(
        one.codes(level, "failed") for one in (report.whole, *report.cases) for level in (1, 2, 3)
    )
    return int(failed)
