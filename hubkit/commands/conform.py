"""``hubkit conform``: run the conformance suite without setting up pytest."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubkit._util.colors import Palette
from hubkit._util.console import echo, verbosity
from hubkit._util.text import join_words
from hubkit.commands.base import Choice, print_answer, subcommand
from hubkit.commands.complete import complete_codes, complete_entrypoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import ConformanceReport

_PYTEST_INTERRUPTED = 2
_RESULTS = (0, 1)  # the exit codes of pytest if all passed, or some failed
_FLAGS = ("slow", "loopback", "update")


@subcommand(answers=True, short_help="Run the conformance suite.")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.argument(
    "entrypoints", nargs=-1, metavar="[ENTRYPOINT]...", shell_complete=complete_entrypoints
)
@click.option("--level", metavar="N", help="Run levels 1 to N.  [default: 3]")
@click.option(
    "--select",
    metavar="CODES",
    help="Run only these checks, for example C1,C204,quiet.",
    shell_complete=complete_codes,
)
@click.option("--ignore", metavar="CODES", help="Skip these checks.", shell_complete=complete_codes)
@click.option("--slow", is_flag=True, help="Run slow checks too. They take seconds per model.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Check all entrypoints, ignoring the setting `representative`, and run all checks on all models of a design.",
)
@click.option("--shard", metavar="I/N", help="Check part I of N of the entrypoints.")
@click.option(
    "--network",
    type=Choice(["deny", "allow"]),
    help="Network access to allow, and where weights come from.  [default: deny]",
)
@click.option(
    "--weights",
    metavar="DIR",
    help="Take weights from this folder too; with --network allow, download them to it.",
)
@click.option("--loopback", is_flag=True, help="Allow connections to this machine.")
@click.option(
    "--device",
    type=Choice(["cpu", "cuda", "mps", "meta"]),
    help="Device to run the models on.  [default: cpu]",
)
@click.option("--update", is_flag=True, help="Write golden outputs to tests/hubkit/golden.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="[FORMAT=]FILE",
    help="Write a report: html, json, markdown, badge or endpoint. The default depends on the ending "
    "of the file's name.",
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show the JSON report of an earlier run without running the suite. May be repeated, to "
    "merge the shards of a run or to compare several runs.",
)
def command(
    path: Path,
    entrypoints: tuple[str, ...],
    everything: bool,
    reports: tuple[str, ...],
    sources: tuple[Path, ...],
    *,
    as_json: bool,
    **values: Any,  # noqa: ANN401 - options that the suite has too, as they came
) -> int:
    """Run the conformance suite: load every entrypoint and use it as users do.

    Same as `pytest --hubconf` in the folder PATH, but without the repo's own tests and pytest
    configuration. This runs the repo's code.

    Exit codes: 0 all checks passed, 1 checks failed, 2 the suite could not run.
    """
    if sources:
        return _show(sources, reports, as_json=as_json)
    from hubkit.cli import INTERRUPTED
    from hubkit.commands.target import require_folder

    root = path.parent if path.name == "hubconf.py" else path
    _require_suite()
    require_folder(root)
    _require_entrypoints(root, entrypoints)
    standalone = importlib.import_module("pytest_hubkit.standalone")
    options = [*_options(values), *(("--hubconf-all",) if everything else ())]
    options += [f"--hubconf-report={report}" for report in reports]
    with _reported(as_json=as_json) as extra:
        code = standalone.run(
            root.resolve(), entrypoints, [*options, *extra], verbosity=verbosity()
        )
    if code == _PYTEST_INTERRUPTED:
        return INTERRUPTED
    return code if code in _RESULTS else 2


@contextlib.contextmanager
def _reported(*, as_json: bool) -> Iterator[list[str]]:
    """Yield options of the suite; with JSON, print its report, and what pytest prints on stderr."""
    if not as_json:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="hubkit-conform-") as folder:
        path = Path(folder) / "report.json"
        with contextlib.redirect_stdout(sys.stderr):
            yield [f"--hubconf-report=json={path}"]
        if path.is_file():
            print_answer({"report": json.loads(path.read_text("utf-8"))})


def _options(values: dict[str, Any]) -> Iterator[str]:
    """The options of the pytest plugin."""
    for name, value in values.items():
        if name in _FLAGS:
            yield from (f"--hubconf-{name}",) if value else ()
        elif value is not None:
            yield f"--hubconf-{name}={value}"


def _require_suite() -> None:
    """Check that the requirements of the suite are installed.

    Raises:
        MissingExtraError: pytest or torch is not installed.
    """
    from hubkit.errors import MissingExtraError

    missing = [name for name in ("pytest", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MissingExtraError(
            f"hubkit conform needs {join_words(missing)}, which {verb} not installed.",
            hint=f"Install it: pip install {' '.join(missing)}",
        )


def _require_entrypoints(root: Path, names: tuple[str, ...]) -> None:
    """Check that there is a hubconf, and that it defines the entrypoints, as far as the source tells.

    Raises:
        UsageError: One of them does not exist.
    """
    from hubkit.analysis import read_repo
    from hubkit.errors import UsageError, entrypoint_not_found

    if not (root / "hubconf.py").exists():
        raise UsageError(
            f"There is no hubconf.py in {root.resolve()}.",
            hint="To create one, run `hubkit init`.",
        )
    hubconf = read_repo(root).hubconf if names else None
    if hubconf is None or hubconf.has_dynamic_names:
        return
    known = tuple(one.name for one in hubconf.entrypoints)
    for name in names:
        if name.partition("[")[0] not in known:
            error = entrypoint_not_found(name, known, "is not in the hubconf")
            raise UsageError(error.message, hint=error.hint)


def _show(sources: tuple[Path, ...], reports: tuple[str, ...], *, as_json: bool) -> int:
    """Show the reports of earlier runs."""
    from hubkit.conformance import (
        change_lines,
        find_changes,
        group_runs,
        name_runs,
        read_report,
        read_target,
        render_json,
        table_lines,
        write_report,
    )

    targets = [read_target(text, Path.cwd()) for text in reports]
    runs = group_runs([read_report(source) for source in sources])
    for form, target in targets:
        write_report(runs, form, target)
    if as_json:
        *others, last = (json.loads(render_json(run)) for run in runs)
        compared = {"others": others, "changes": find_changes(runs)} if others else {}
        print_answer({"report": last, **compared})
        return int(any(map(_failed, runs)))
    for name, run in zip(name_runs(runs), runs, strict=True):
        lines = table_lines(run, Palette(sys.stdout))
        for line in (name, *lines, "") if len(runs) > 1 else lines:
            echo(line)
    for line in change_lines(runs) if len(runs) > 1 else ():
        echo(line)
    for form, target in targets:
        echo(f"{form}: {target}")
    return int(any(map(_failed, runs)))


def _failed(report: ConformanceReport) -> bool:
    return report.lint == "failed" or any(
        one.codes(level, "failed") for one in (report.whole, *report.cases) for level in (1, 2, 3)
    )
