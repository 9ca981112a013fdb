"""``hubkit check``: lint a hub repo from source alone."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from hubkit._util.console import detail, echo, echo_data, echo_lines, is_quiet, note
from hubkit._util.progress import show_wait
from hubkit._util.text import plural
from hubkit.commands.base import subcommand
from hubkit.commands.complete import complete_repos
from hubkit.commands.options import (
    BaselineOptions,
    FixOptions,
    OutputOptions,
    baseline_options,
    fix_options,
    output_options,
    require_codes,
    selection_options,
)
from hubkit.reporters import FOR_TERMINALS, WITH_FIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.config import Config, SelectionOptions
    from hubkit.facts import BaselineEntry, Files, RepoFacts, Report
    from hubkit.lint import Outcome

    Lint = Callable[[Files], Report]

_STDOUT = "-"


@subcommand(answers=True)
@click.argument(
    "repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]", shell_complete=complete_repos
)
@click.option("--ref", metavar="REV", help="Check this commit instead of the working tree.")
@click.option(
    "--no-git",
    is_flag=True,
    help="Check all files in the folder, including those that git does not track.",
)
@click.option("--against", metavar="REV", help="Report breaking changes since this commit.")
@click.option(
    "--no-cache",
    is_flag=True,
    envvar="HUBKIT_NO_CACHE",
    help="Do not read or write the cache.",
)
@selection_options
@fix_options
@baseline_options
@output_options
def command(
    repo: str,
    ref: str | None,
    no_git: bool,
    against: str | None,
    no_cache: bool,
    selection: SelectionOptions,
    fixing: FixOptions,
    baseline: BaselineOptions,
    output: OutputOptions,
    *,
    as_json: bool,
) -> int:
    """Lint a hub repo from source alone.

    In a git repo, only tracked files are checked, because users who load the repo get no others. No
    code of the repo is imported or run.

    Exit codes: 0 no findings, 1 findings, 2 the check could not run.
    """
    from hubkit.commands.target import is_own, open_earlier, open_target, require_own

    if as_json:
        output = _as_json(output)
    _require_consistent(fixing, baseline, output)
    files = open_target(repo, ref=ref, use_git=not no_git)
    configured = require_codes(selection).configure(files)
    before = open_earlier(repo, against) if against is not None else None
    config = _with_baseline(configured, baseline)
    detail(f"Settings: {config.path or 'none'}")
    if fixing.fix or baseline.writes_into_repo:
        require_own(repo, files)

    with_fixes = fixing.is_wanted or (not baseline.update and _shows_fixes(output))

    def lint(present: Files) -> Report:
        detail("Running the rules. No cached report is used.")
        with show_wait(f"Checking {present.root.resolve().name}") as part:
            part("reading the source")
            facts = _read_facts(present, before)
            part("running the rules")
            return _lint(facts, config, with_fixes=with_fixes)

    if fixing.is_wanted:
        return _fix(files, lint, fixing, output)
    if baseline.update:
        return _update_baseline(lint(files), _baseline_path(baseline, files.root, configured))
    if baseline.reason is not None:
        facts = _read_facts(files, before)
        _add_ignores(_lint(facts, config), facts, baseline.reason)
    use_cache = not no_cache and before is None and baseline.reason is None
    report = _lint_cached(files, config, lint, with_fixes=with_fixes) if use_cache else lint(files)
    if is_own(repo):
        _write_report(report, output, files.root)
    else:
        _write_report(structs.replace(report, config=""), output)
    return report.exit_code


def _as_json(output: OutputOptions) -> OutputOptions:
    """The options with the JSON format.

    Raises:
        UsageError: They ask for another one.
    """
    from hubkit.errors import UsageError

    if output.output_format not in ("full", "json"):
        raise UsageError(
            f"--json cannot be combined with --output-format {output.output_format}.",
            hint="To write another format too, use --report FORMAT=FILE.",
        )
    return structs.replace(output, output_format="json")


def _require_consistent(
    fixing: FixOptions, baseline: BaselineOptions, output: OutputOptions
) -> None:
    """Reject options that conflict or have no effect.

    Raises:
        UsageError: There are such options.
    """
    from hubkit.errors import UsageError

    if not fixing.is_wanted and (fixing.unsafe_fixes or fixing.exit_non_zero_on_fix):
        option = "--unsafe-fixes" if fixing.unsafe_fixes else "--exit-non-zero-on-fix"
        raise UsageError(f"{option} requires --fix or --diff", hint="Add one of them.")
    _require_one_format(output)
    _require_distinct_files(output)
    if fixing.diff or baseline.update:
        _require_no_report(output, "--diff" if fixing.diff else "--update-baseline")
    if fixing.is_wanted and (baseline.update or baseline.reason is not None):
        option = "--update-baseline" if baseline.update else "--add-ignore"
        raise UsageError(
            f"{option} cannot be combined with {'--diff' if fixing.diff else '--fix'}.",
            hint="Run them one after the other.",
        )


def _require_one_format(output: OutputOptions) -> None:
    from hubkit.errors import UsageError

    if output.statistics and output.output_format not in FOR_TERMINALS:
        raise UsageError(
            f"--statistics cannot be combined with --output-format {output.output_format}.",
            hint=f"To get both, use --statistics --report {output.output_format}=FILE.",
        )


def _require_distinct_files(output: OutputOptions) -> None:
    from hubkit.errors import UsageError

    paths = [path for _, path in output.reports]
    paths += [output.output_file] if output.output_file else []
    for number, path in enumerate(paths):
        if any(path.resolve() == other.resolve() for other in paths[:number]):
            raise UsageError(
                f"Two reports would be written to {path}.",
                hint="Use a different file for each.",
            )


def _require_no_report(output: OutputOptions, option: str) -> None:
    from hubkit.errors import UsageError

    if output.reports or output.output_file or output.statistics or output.output_format != "full":
        raise UsageError(
            f"{option} does not write a report.",
            hint="Run `hubkit check` again without it to get the report.",
        )


def _read_facts(files: Files, before: Files | None) -> RepoFacts:
    """The facts of the repo, and those of the earlier version to compare with, if any."""
    from hubkit.analysis import read_repo

    facts = read_repo(files)
    if before is None:
        return facts
    return structs.replace(facts, before=read_repo(before))


def _shows_fixes(output: OutputOptions) -> bool:
    """Whether one of the requested formats shows which findings have a fix."""
    name = "statistics" if output.statistics else output.output_format
    return not WITH_FIXES.isdisjoint({name, *(one for one, _ in output.reports)})


def _lint(facts: RepoFacts, config: Config, *, with_fixes: bool = False) -> Report:
    from hubkit.lint import lint_repo, require_something_to_check

    require_something_to_check(facts, config)
    return lint_repo(facts, config, with_fixes=with_fixes)


def _lint_cached(files: Files, config: Config, lint: Lint, *, with_fixes: bool) -> Report:
    """The cached report if no file changed since, or a new one."""
    from hubkit._util.paths import read_file
    from hubkit.lint import cached_report
    from hubkit.lint.baseline import locate_baseline

    if not files.is_file("hubconf.py"):  # a folder that is not a hub repo is an error, not a report
        return lint(files)
    baseline = None
    if config.baseline:
        with contextlib.suppress(OSError):
            baseline = read_file(locate_baseline(files.root, config.baseline), follow=True)
    return cached_report(files, (config, config.text, baseline, with_fixes), lint)


def _fix(files: Files, lint: Lint, options: FixOptions, output: OutputOptions) -> int:
    """Fix findings, or show the fixes with --diff; returns the exit code.

    Raises:
        FixError: A file cannot be written; then none is.
    """
    from hubkit.lint import fix_findings, write_changes
    from hubkit.source import Overlay

    def lint_changed(changes: Mapping[str, bytes]) -> Report:
        return lint(Overlay(files, changes) if changes else files)

    outcome = fix_findings(lint_changed, files.read, unsafe=options.unsafe_fixes)
    if options.diff:
        return show_fixes(outcome, _find_prefix("full", files.root))
    write_changes(files.root, outcome.changes)
    _print_fixes(outcome, "Fixed")
    _write_report(outcome.report, output, files.root)
    is_fixed = options.exit_non_zero_on_fix and bool(outcome.changes)
    return outcome.report.exit_code or int(is_fixed)


def show_fixes(outcome: Outcome, prefix: str = "") -> int:
    """Print the fixes as a diff; returns the exit code.

    Args:
        outcome: The fixes.
        prefix: What comes before the paths. A patch cannot have absolute ones.
    """
    from hubkit.lint import render_diff

    start = "" if Path(prefix).is_absolute() else prefix
    echo_data(render_diff({f"{start}{path}": one for path, one in outcome.changes.items()}))
    _print_fixes(outcome, "Would fix")
    _print_crashed(outcome.report)
    return 2 if outcome.report.crashes else int(bool(outcome.changes))


def _print_fixes(outcome: Outcome, verb: str) -> None:
    for finding, reason in outcome.failed:
        place = f" in {finding.location.path}" if finding.location else ""
        echo(f"{finding.code}{place} was not fixed ({reason}): {finding.message}", err=True)
    count = len(outcome.fixed)
    more = f" ({outcome.unsafe} more with --unsafe-fixes)" if outcome.unsafe else ""
    if count or more:
        note(f"{verb} {plural(count, 'finding')}{more}.")


def _with_baseline(config: Config, options: BaselineOptions) -> Config:
    """The configuration with the baseline of the command line; with none if it will be written."""
    if options.update:
        return structs.replace(config, baseline="")
    if options.baseline is None:
        return config
    return structs.replace(config, baseline=str(options.baseline.absolute()))


def _baseline_path(options: BaselineOptions, root: Path, config: Config) -> Path:
    from hubkit.lint.baseline import BASELINE, locate_baseline

    return options.baseline or locate_baseline(root, config.baseline or BASELINE)


def _update_baseline(report: Report, path: Path) -> int:
    """Write the findings to the baseline and print what changed; returns the exit code.

    Entries of rules that did not run are kept. Crashed rules are reported and not recorded.

    Raises:
        UsageError: The file cannot be written, or is not a baseline.
    """
    from hubkit._util.atomic import write_output
    from hubkit.errors import UsageError
    from hubkit.lint.baseline import read_baseline, render_baseline, to_entry

    old = read_baseline(path) if path.exists() else ()
    crashed = set(report.crashes)
    found = {one.fingerprint: to_entry(one) for one in report.findings if one not in crashed}
    kept = {one.fingerprint: one for one in old if one.code not in report.codes}
    try:
        write_output(path, render_baseline({**kept, **found}.values()))
    except OSError as error:
        raise UsageError(
            f"Cannot write {path}: {error.strerror}",
            hint="Choose a file in an existing, writable folder: --baseline FILE.",
        ) from None
    note(_describe_baseline(path, old, {**kept, **found}), err=False)
    _print_crashed(report)
    return 2 if report.crashes else 0


def _describe_baseline(
    path: Path, old: tuple[BaselineEntry, ...], new: dict[str, BaselineEntry]
) -> str:
    before = {one.fingerprint for one in old}
    added, gone = len(new.keys() - before), len(before - new.keys())
    return f"{path}: {plural(len(new), 'finding')} ({added} added, {gone} removed)."


def _add_ignores(report: Report, facts: RepoFacts, reason: str) -> None:
    """Write comments that suppress the findings and print the number of changed files.

    Raises:
        FixError: A file cannot be written.
    """
    from hubkit.lint import plan_comments, write_changes

    changes = plan_comments(report.findings, facts.sources, facts.files.read, reason)
    write_changes(facts.root, changes)
    note(f"Wrote comments to {plural(len(changes), 'file')}.")


def _write_report(report: Report, output: OutputOptions, root: Path | None = None) -> None:
    """Write the report in every requested format.

    Args:
        report: The report.
        output: The formats and files.
        root: The folder that was checked, if it is the user's.

    Raises:
        UsageError: A file cannot be written.
    """
    from hubkit.reporters import find_reporter
    from hubkit.reporters.text import add_prefix

    def for_format(name: str) -> Report:
        return add_prefix(report, _find_prefix(name, root)) if root else report

    for name, path in output.reports:
        _write_file(name, path, for_format(name))
    name = "statistics" if output.statistics else output.output_format
    if output.output_file is not None:
        _write_file(name, output.output_file, for_format(name))
    elif not is_quiet() or report.findings or name not in FOR_TERMINALS:
        find_reporter(name)(for_format(name), sys.stdout)


def _find_prefix(name: str, root: Path) -> str:
    """What comes before the paths of a format, so that its reader finds the files.

    On a terminal that is the way from the working directory, and on a git host the way from the
    top of the git repo. JSON has the folder in a field of its own.
    """
    from hubkit.source.git import git_output

    if name == "json":
        return ""
    if name not in FOR_TERMINALS:
        return git_output(root, "rev-parse", "--show-prefix")
    folder = root.resolve()
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return "" if folder == here else f"{shown.as_posix()}/"


def _write_file(name: str, path: Path, report: Report) -> None:
    from hubkit._util.atomic import write_output
    from hubkit.errors import UsageError
    from hubkit.reporters import find_reporter

    if str(path) == _STDOUT:
        find_reporter(name)(report, sys.stdout)
        return
    try:
        stream = io.StringIO(newline="\n")
        find_reporter(name)(report, stream)
        write_output(path, stream.getvalue().encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(
            f"Cannot write {path}: {error.strerror}",
            hint="Choose a file in an existing, writable folder.",
        ) from None


def _print_crashed(report: Report) -> None:
    """Print crashed rules to stderr, for runs that write no report."""
    from msgspec.structs import replace

    from hubkit.reporters.full import format_findings

    if report.crashes:
        echo_lines(format_findings(replace(report, findings=report.crashes)), err=True)
