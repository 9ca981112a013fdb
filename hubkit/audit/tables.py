"""The tables and views of the database.

The fields of a class are the columns of a table: of one here, or of a message that workers send, after
columns that say what it belongs to.
"""

from __future__ import annotations

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct

from hubkit.audit.messages import Case, Cell, Check, Entrypoint, Environment, Finding

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


class Timing(Struct, frozen=True):
    """How long one step took for one repo in one run.

    Attributes:
        step: "resolve", "fetch", "check" or "conform".
        seconds: How long it took.
    """

    step: str
    seconds: float


class OfRun(Struct, frozen=True):
    """What rows about a repo in a run begin with.

    Attributes:
        run: The run.
        spec: The repo as the user named it.
    """

    run: int
    spec: str


class OfCommit(Struct, frozen=True):
    """What rows about a commit begin with.

    Attributes:
        commit_id: The commit.
    """

    commit_id: int


class OfCell(Struct, frozen=True):
    """What rows about a commit in an environment begin with.

    Attributes:
        commit_id: The commit.
        environment: The environment.
    """

    commit_id: int
    environment: str


class Table(Struct, frozen=True):
    """The columns of a table.

    Attributes:
        row: Its fields are the columns.
        keys: Fields of this class are the first columns; they say what a row belongs to.
    """

    row: type[Struct]
    keys: type[Struct] | None = None

    @property
    def parts(self) -> tuple[type[Struct], ...]:
        """The classes with columns, in their order."""
        return (self.row,) if self.keys is None else (self.keys, self.row)


TABLES: dict[str, Table] = {
    "runs": Table(Run),
    "repos": Table(Repo),
    "commits": Table(Commit),
    "entrypoints": Table(Entrypoint, OfCommit),
    "findings": Table(Finding, OfCommit),
    "checks": Table(Check, OfCell),
    "cases": Table(Case, OfCell),
    "cells": Table(Cell, OfCell),
    "timings": Table(Timing, OfRun),
    "environments": Table(Environment),
}

VIEWS = {
    "latest": "Repos of the last run.",
    "results": "Repos with their commit, and how many entrypoints and findings it has.",
    "rules": "How many findings each rule has in a run, and in how many repos.",
    "matrix": "Runs of the conformance suite, each with its repo and its environment.",
    "suite": "Each cell and each check of a run, and whether it is fine.",
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

CREATE VIEW suite AS
SELECT run, spec, python, torch, '' AS entrypoint, '' AS case_name, '' AS code, 'suite' AS what,
    CASE WHEN cells.level IS NULL THEN cells.state ELSE 'has a report' END AS outcome,
    cells.level IS NOT NULL AS fine
FROM repos JOIN cells USING (commit_id) JOIN environments USING (environment)
UNION ALL
SELECT run, spec, python, torch, entrypoint, case_name, code,
    concat_ws(' ', nullif(concat(entrypoint, nullif(concat('[', case_name, ']'), '[]')), ''), code, checks.name),
    outcome, outcome IN ('passed', 'expected', 'inapplicable')
FROM repos JOIN checks USING (commit_id) JOIN environments USING (environment);

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
    return {name: _sql_type(kind)[0] for name, kind in _hints_of(table).items()}


def _hints_of(table: str) -> dict[str, Any]:
    return {name: one for part in TABLES[table].parts for name, one in get_type_hints(part).items()}


def create_sql() -> str:
    """The statements that create the tables and views."""
    tables = [_create_table(name) for name in TABLES]
    schema = f"CREATE TABLE hubkit_audit AS SELECT {SCHEMA} AS schema;"
    return "\n".join((schema, *tables, VIEWS_SQL))


def _create_table(name: str) -> str:
    hints = _hints_of(name)
    columns = (f"{column} {' '.join(_sql_type(kind))}" for column, kind in hints.items())
    return f"CREATE TABLE {name} ({', '.join(columns)});"


def _sql_type(kind: Any) -> tuple[str, str]:  # noqa: ANN401 - any annotation
    """The SQL type of an annotation, and its constraint."""
    if get_origin(kind) is UnionType:
        (inner,) = (one for one in get_args(kind) if one is not NoneType)
        return _sql_type(inner)[0], ""
    if get_origin(kind) is tuple:
        return f"{_TYPES[get_args(kind)[0]]}[]", "NOT NULL"
    if get_origin(kind) is Literal:
        return _TYPES[str], "NOT NULL"
    return _TYPES[kind], "NOT NULL"
