"""The tables and views of the database. Each table is a class; its fields are the columns."""

from __future__ import annotations

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from msgspec import Struct

# Grows if a table or column is removed or changes its meaning, or is added.
SCHEMA = 1


class Run(Struct, frozen=True):
    """One run of the audit.

    Attributes:
        run: Number of the run.
        started: When it was started.
        finished: When it ended; null while it runs, and if it was interrupted.
        hubkit: Version of hubkit.
        settings: Digest of the settings that results depend on.
        repos: Number of repos to audit.
    """

    run: int
    started: datetime
    finished: datetime | None
    hubkit: str
    settings: str
    repos: int


class Repo(Struct, frozen=True):
    """One repo in one run.

    Attributes:
        run: The run.
        spec: The repo as the user named it; a folder as an absolute path.
        name: The full name of the repo, or the folder.
        host: The host; empty for folders and repos on this machine.
        state: "checked" or "unchanged" if there are results, else what failed.
        reason: Why there are no results.
        hint: What to do about it.
        commit_id: Its results: the number in `commits`; null if there are none.
        attempts: How often it was tried.
        worker: The machine that did it.
        memory: The most memory in bytes that it took; null if unknown.
        finished: When it was done.
    """

    run: int
    spec: str
    name: str
    host: str
    state: str
    reason: str | None
    hint: str | None
    commit_id: int | None
    attempts: int
    worker: str
    memory: int | None
    finished: datetime


class Commit(Struct, frozen=True):
    """One commit of a repo, judged with one version of hubkit and one set of settings.

    Attributes:
        commit_id: Number of the commit in this database.
        spec: The repo as the user named it.
        ref: The branch, tag or commit that was read.
        sha: The commit's hash; null if unknown, as for folders.
        run: The run that judged it.
        settings: Digest of the settings, which contain the version of hubkit.
        exit_code: That of `hubkit check`.
        problem: Why there are no entrypoints.
        dynamic_names: Whether the hubconf creates names at run time.
        dependencies: The hubconf's `dependencies`; null if unknown.
    """

    commit_id: int
    spec: str
    ref: str | None
    sha: str | None
    run: int
    settings: str
    exit_code: int
    problem: str | None
    dynamic_names: bool
    dependencies: tuple[str, ...] | None


class Entrypoint(Struct, frozen=True):
    """An entrypoint of a commit.

    Attributes:
        commit_id: The commit.
        name: Name of the entrypoint.
        kind: "function", "class" or "value".
        summary: First line of its docstring.
        parameters: Names of its parameters; null if unknown.
        returns: "module", "other" or "unknown".
    """

    commit_id: int
    name: str
    kind: str
    summary: str
    parameters: tuple[str, ...] | None
    returns: str


class Finding(Struct, frozen=True):
    """A finding in a commit.

    Attributes:
        commit_id: The commit.
        code: Code of the rule.
        rule: Name of the rule.
        severity: "error", "warning" or "info".
        message: What is wrong.
        path: The file; null for the repo as a whole.
        line: The line.
        col: The column.
        entrypoint: The entrypoint that it is about.
        fingerprint: Stays the same if lines move.
        suppressed_by: "comment", "setting" or "baseline"; null if it is reported.
    """

    commit_id: int
    code: str
    rule: str
    severity: str
    message: str
    path: str | None
    line: int | None
    col: int | None
    entrypoint: str | None
    fingerprint: str
    suppressed_by: str | None


class Timing(Struct, frozen=True):
    """How long one step took for one repo in one run.

    Attributes:
        run: The run.
        spec: The repo as the user named it.
        step: "resolve", "fetch", "check" or "conform".
        seconds: How long it took.
    """

    run: int
    spec: str
    step: str
    seconds: float


class Environment(Struct, frozen=True):
    """An environment of the conformance suite, or one that could not be made.

    Attributes:
        environment: A digest of what is installed.
        python: The requested version of Python; empty for that of the worker.
        torch: The requested version of torch; empty for any.
        requirements: What is installed.
        tool: "uv" or "venv"; "none" for the environment of the worker.
        reason: Why it could not be made.
        seconds: How long making it took.
    """

    environment: str
    python: str
    torch: str
    requirements: tuple[str, ...]
    tool: str
    reason: str | None
    seconds: float


class Cell(Struct, frozen=True):
    """A run of the conformance suite: a commit in an environment.

    Attributes:
        commit_id: The commit.
        environment: The environment.
        state: "passed" or "failed"; "no environment", "crashed", "timed out" or "out of memory".
        reason: Why there is no report.
        level: The level that all entrypoints reach, null without a report.
        seconds: How long it took.
    """

    commit_id: int
    environment: str
    state: str
    reason: str | None
    level: int | None
    seconds: float


class Case(Struct, frozen=True):
    """What the suite measured of an entrypoint.

    Attributes:
        commit_id: The commit.
        environment: The environment.
        entrypoint: The entrypoint.
        case_name: The case, if it has several.
        level: The level that it reaches.
        parameters: How many parameters the model has.
        load_seconds: How long building it took.
        forward_seconds: How long its first run took.
        memory: The most memory in bytes.
    """

    commit_id: int
    environment: str
    entrypoint: str
    case_name: str
    level: int
    parameters: int | None
    load_seconds: float | None
    forward_seconds: float | None
    memory: int | None


class Check(Struct, frozen=True):
    """The result of a check of the suite.

    Attributes:
        commit_id: The commit.
        environment: The environment.
        entrypoint: The entrypoint; empty for the repo as a whole.
        case_name: The case, if it has several.
        code: Code of the check.
        name: Name of the check.
        level: Its level.
        required: Whether the level depends on it.
        outcome: "passed", "failed", "expected", "unsupported", "skipped" or "inapplicable".
        reason: Why it failed or did not run.
        seconds: How long it took.
    """

    commit_id: int
    environment: str
    entrypoint: str
    case_name: str
    code: str
    name: str
    level: int
    required: bool
    outcome: str
    reason: str
    seconds: float


TABLES: dict[str, type[Struct]] = {
    "runs": Run,
    "repos": Repo,
    "commits": Commit,
    "entrypoints": Entrypoint,
    "findings": Finding,
    "checks": Check,
    "cases": Case,
    "cells": Cell,
    "timings": Timing,
    "environments": Environment,
}

VIEWS = {
    "latest": "Repos of the last run.",
    "results": "Repos with their commit, and how many entrypoints and findings it has.",
    "rules": "How many findings each rule has in a run, and in how many repos.",
    "matrix": "Runs of the conformance suite, each with its repo and its environment.",
    "dependencies": "In how many repos, and for how many entrypoints, a package is declared.",
}
VIEWS_SQL = """
CREATE VIEW latest AS
SELECT * FROM repos WHERE run = (SELECT max(run) FROM runs);

CREATE VIEW results AS
SELECT
    repos.*,
    commits.ref,
    commits.sha,
    commits.exit_code,
    commits.dependencies,
    (SELECT count(*) FROM entrypoints WHERE entrypoints.commit_id = repos.commit_id) AS entrypoints,
    (SELECT count(*) FROM findings WHERE findings.commit_id = repos.commit_id
        AND suppressed_by IS NULL AND severity = 'error') AS errors,
    (SELECT count(*) FROM findings WHERE findings.commit_id = repos.commit_id
        AND suppressed_by IS NULL AND severity = 'warning') AS warnings,
    (SELECT sum(seconds) FROM timings
        WHERE timings.run = repos.run AND timings.spec = repos.spec) AS seconds
FROM repos LEFT JOIN commits ON commits.commit_id = repos.commit_id;

CREATE VIEW rules AS
SELECT
    run, code, any_value(rule) AS rule, any_value(findings.severity) AS severity,
    count(*) AS findings, count(DISTINCT repos.spec) AS repos
FROM findings JOIN repos USING (commit_id)
WHERE suppressed_by IS NULL
GROUP BY run, code;

CREATE VIEW matrix AS
SELECT repos.run, spec, repos.commit_id, python, torch, cells.state, cells.reason, level,
    cells.seconds, environment
FROM repos JOIN cells USING (commit_id) JOIN environments USING (environment);

CREATE VIEW dependencies AS
SELECT run, dependency, count(DISTINCT spec) AS repos, sum(entrypoints) AS entrypoints
FROM (SELECT run, spec, entrypoints, unnest(dependencies) AS dependency FROM results)
GROUP BY run, dependency;
"""

_TYPES = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
}


def columns_of(table: str) -> dict[str, str]:
    """The columns of a table, each with its SQL type."""
    hints = get_type_hints(TABLES[table])
    return {name: _sql_type(kind)[0] for name, kind in hints.items()}


def create_sql() -> str:
    """The statements that create the tables and views."""
    tables = [_create_table(name) for name in TABLES]
    schema = f"CREATE TABLE hubkit_audit AS SELECT {SCHEMA} AS schema;"
    return "\n".join((schema, *tables, VIEWS_SQL))


def _create_table(name: str) -> str:
    hints = get_type_hints(TABLES[name])
    columns = (f"{column} {' '.join(_sql_type(kind))}" for column, kind in hints.items())
    return f"CREATE TABLE {name} ({', '.join(columns)});"


def _sql_type(kind: Any) -> tuple[str, str]:  # noqa: ANN401 - any annotation
    """The SQL type of an annotation, and its constraint."""
    if get_origin(kind) is UnionType:
        (inner,) = (one for one in get_args(kind) if one is not NoneType)
        return _sql_type(inner)[0], ""
    if get_origin(kind) is tuple:
        return f"{_TYPES[get_args(kind)[0]]}[]", "NOT NULL"
    return _TYPES[kind], "NOT NULL"
