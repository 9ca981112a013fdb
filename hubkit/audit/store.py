"""The database: what is kept of each repo, and what is known of it already.

One process writes, many outcomes in one transaction; until then, the `journal` has them.
"""

from __future__ import annotations

import contextlib
import functools
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from hubkit.audit import tables
from hubkit.audit.journal import Entry, Journal
from hubkit.audit.messages import HAVE_RESULTS, PASSING
from hubkit.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from hubkit.audit.messages import CellResult, Settings
    from hubkit.audit.sources import Source

_JOURNAL_BYTES = 2**18  # move as much to the tables at once
_ANOTHER = "Choose another file: --out FILE."
Row = dict[str, Any]
# Spec and settings of a repo, and its last judged commit with the number of that.
Known = dict[tuple[str, str], tuple[str, int]]


class Progress(Struct, frozen=True):
    """A run that is being done.

    Attributes:
        run: Its number.
        started: When it was started.
        done: Specs of the repos that it has already.
    """

    run: int
    started: datetime
    done: frozenset[str]


class Store:
    """An open database; use `open_store`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._journal = Journal(_journal_of(path))
        self._waiting: list[Entry] = []

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query, as dicts."""
        found = self._connection.execute(sql, parameters)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def require_schema(self, *, creates: bool) -> None:
        """Create the tables in a new database; require that another one has them.

        Raises:
            UsageError: It is another database.
        """
        names = {row["name"] for row in self.query("SHOW TABLES")}
        if not names and creates:
            self._connection.execute(f"BEGIN; {tables.create_sql()} COMMIT")
            return
        if "hubkit_audit" not in names:
            raise UsageError(f"{self._path} is a database of something else", hint=_ANOTHER)
        schema = self._value("SELECT schema FROM hubkit_audit")
        if schema != tables.SCHEMA:
            raise UsageError(
                f"{self._path} has schema {schema}, but this version of hubkit uses {tables.SCHEMA}",
                hint=f"Use the version of hubkit that wrote it. {_ANOTHER}",
            )

    def begin(self, sources: Sequence[Source], settings: Settings) -> Progress:
        """Continue the last run if it was interrupted and had the same settings, or begin one."""
        last = self._value("SELECT max(run) FROM runs") or 0
        rows = self.query("SELECT started, settings, finished FROM runs WHERE run = ?", [last])
        if rows and rows[0]["finished"] is None and rows[0]["settings"] == settings.key:
            return Progress(last, rows[0]["started"], self._take_up(last, sources))
        run = tables.Run(last + 1, _now(), None, settings.hubkit, settings.key, len(sources))
        self._write({"runs": [asdict(run)]})
        return Progress(run.run, run.started, frozenset())

    def _take_up(self, run: int, sources: Sequence[Source]) -> frozenset[str]:
        """The specs that a run has already; those that may work now are forgotten."""
        with self._transaction():
            for table in ("timings", "repos"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE run = $1 AND spec IN"  # noqa: S608 - our own names
                    " (SELECT spec FROM repos WHERE run = $1 AND state IN (SELECT unnest($2)))",
                    [run, list(PASSING)],
                )
            done = {
                row["spec"] for row in self.query("SELECT spec FROM repos WHERE run = ?", [run])
            }
            total = len(done | {source.spec for source in sources})
            self._connection.execute("UPDATE runs SET repos = ? WHERE run = ?", [total, run])
        return frozenset(done)

    def find_known(self) -> Known:
        """The last judged commit of each repo with each settings, and its number here."""
        rows = self.query(
            "SELECT spec, settings, arg_max(sha, commit_id) AS sha, max(commit_id) AS commit_id"
            " FROM commits WHERE sha IS NOT NULL GROUP BY spec, settings"
        )
        return {(row["spec"], row["settings"]): (row["sha"], row["commit_id"]) for row in rows}

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep outcomes; when this returns, they outlive the process and the machine.

        Raises:
            UsageError: They cannot be written.
        """
        if not entries:
            return
        with _explain_failure(self._path):
            self._journal.append(entries)
        self._waiting += entries
        if self._journal.size >= _JOURNAL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Move all outcomes from the journal to the tables.

        Raises:
            UsageError: The database cannot be written. They stay in the journal.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._write(self._rows_of(waiting))
            self._journal.clear()

    def recover(self) -> None:
        """Move the outcomes that a killed process left in the journal to the tables."""
        runs = {row["run"]: row["started"] for row in self.query("SELECT run, started FROM runs")}
        found = [one for one in self._journal.read() if runs.get(one.run) == one.started]
        last = max((one.run for one in found), default=0)
        specs = self.query("SELECT spec FROM repos WHERE run = ?", [last])
        done = {row["spec"] for row in specs}
        self._waiting = [one for one in found if one.source.spec not in done]
        self.flush()
        self._journal.clear()

    def close(self) -> None:
        """Move to the tables what can be moved, and close the database."""
        with contextlib.suppress(UsageError):  # it stays in the journal
            self.flush()
        self._connection.close()
        self._journal.close()

    def _rows_of(self, entries: Iterable[Entry]) -> dict[str, list[Row]]:
        number = self._value("SELECT max(commit_id) FROM commits") or 0
        rows: dict[str, list[Row]] = {name: [] for name in tables.TABLES}
        for entry in entries:
            commit = entry.commit_id
            if entry.outcome.results is not None:
                number += 1
                commit = number
                _add_results(rows, entry, commit)
            rows["repos"].append(asdict(_repo_row(entry, commit)))
            of_run = {"run": entry.run, "spec": entry.source.spec}
            rows["timings"] += [
                {**of_run, "step": step, "seconds": seconds}
                for step, seconds in entry.outcome.seconds.items()
            ]
        rows["environments"] = self._new_environments(rows["environments"])
        return rows

    def _new_environments(self, rows: Iterable[Row]) -> list[Row]:
        """The rows of environments that the table does not have, or has from an earlier try."""
        known = {row["environment"] for row in self.query("SELECT environment FROM environments")}
        best = {one["environment"]: one for one in sorted(rows, key=lambda one: one["seconds"])}
        return [one for key, one in best.items() if key not in known or one["seconds"] > 0]

    def finish(self, run: int) -> None:
        """Note that a run has ended."""
        self.flush()
        with self._transaction():
            self._connection.execute("UPDATE runs SET finished = ? WHERE run = ?", [_now(), run])

    def export_parquet(self, folder: Path) -> list[Path]:
        """Write each table to a Parquet file; return the files.

        Raises:
            UsageError: They cannot be written.
        """
        files = [folder / f"{name}.parquet" for name in tables.TABLES]
        with _explain_failure(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                self._connection.table(file.stem).write_parquet(str(file))
        return files

    def _write(self, rows: Mapping[str, Sequence[Row]]) -> None:
        with self._transaction():
            made = [row["environment"] for row in rows.get("environments", ())]
            self._connection.execute(
                "DELETE FROM environments WHERE environment IN (SELECT unnest($1::VARCHAR[]))",
                [made],
            )
            for name, some in rows.items():
                if some:
                    self._insert(name, some)

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows at once, as one JSON text: one statement a row takes a hundred times longer."""
        self._connection.execute(_insert_sql(table), [msgspec.json.encode(rows).decode()])

    def _value(self, sql: str) -> Any:  # noqa: ANN401 - of any type
        row = self._connection.execute(sql).fetchone()
        return row[0] if row else None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _explain_failure(self._path):
            self._connection.execute("BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(Exception):  # the first error says more
                    self._connection.execute("ROLLBACK")
                raise


@functools.cache
def _insert_sql(table: str) -> str:
    columns = tables.columns_of(table)
    shape = {
        name: [kind.removesuffix("[]")] if kind.endswith("[]") else kind
        for name, kind in columns.items()
    }
    names = ", ".join(f"row.{name}" for name in columns)
    return (
        f"INSERT INTO {table} SELECT {names} FROM"  # noqa: S608 - our own names
        f" (SELECT unnest(from_json_strict(?, '{json.dumps([shape])}')) AS row)"
    )


@contextlib.contextmanager
def open_store(path: Path, *, write: bool = False) -> Iterator[Store]:
    """Open a database, which is created if it will be written.

    Raises:
        MissingExtraError: DuckDB is not installed.
        UsageError: The file cannot be opened, or is something else.
    """
    _require_duckdb()
    if not write and not path.is_file():
        raise UsageError(f"There is no file {path}", hint="Make one: hubkit audit --out FILE REPOS")
    # Reports also show the outcomes that a killed process left in the journal.
    writes = write or _journal_of(path).exists()
    store = Store(_connect(path, write=writes), path)
    try:
        store.require_schema(creates=write)
        if writes:
            store.recover()
        yield store
    finally:
        store.close()


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.journal")


def _require_duckdb() -> None:
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "hubkit audit needs DuckDB, which is not installed.",
            hint='Install the extra "audit" of hubkit, or: pip install duckdb distributed',
        ) from None


def _connect(path: Path, *, write: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    try:
        return duckdb.connect(str(path), read_only=not write)
    except duckdb.Error as error:
        text = str(error).partition("\n")[0]
        if "lock" in text:
            raise UsageError(
                f"{path} is in use by another process.",
                hint="Wait until the audit that writes it has ended, or copy the file.",
            ) from None
        raise UsageError(f"Cannot open {path}: {text}", hint=_ANOTHER) from None


@contextlib.contextmanager
def _explain_failure(path: Path) -> Iterator[None]:
    """Turn errors of writing, as on a full disk, into one that says what to do."""
    import duckdb

    try:
        yield
    except (duckdb.OperationalError, duckdb.FatalException, OSError) as error:
        raise UsageError(
            f"Cannot write {path}: {str(error).partition(chr(10))[0]}",
            hint="Make room there, or choose another place. The same command continues an audit.",
        ) from None


def _add_results(rows: dict[str, list[Row]], entry: Entry, commit: int) -> None:
    outcome, results = entry.outcome, entry.outcome.results
    assert results is not None  # noqa: S101 - callers look
    row = tables.Commit(
        commit_id=commit,
        spec=outcome.spec,
        ref=outcome.ref or None,
        sha=outcome.sha or None,
        run=entry.run,
        settings=entry.settings,
        exit_code=results.exit_code,
        problem=results.problem or None,
        dynamic_names=results.has_dynamic_names,
        dependencies=results.dependencies,
    )
    rows["commits"].append(asdict(row))
    of_commit = {"commit_id": commit}
    rows["entrypoints"] += [of_commit | asdict(one) for one in results.entrypoints]
    rows["findings"] += [of_commit | asdict(one) for one in results.findings]
    for cell in outcome.cells:
        _add_cell(rows, of_commit, cell)


def _add_cell(rows: dict[str, list[Row]], of_commit: Row, found: CellResult) -> None:
    of_cell = {**of_commit, "environment": found.environment.environment}
    rows["environments"].append(asdict(found.environment))
    rows["cells"].append(of_cell | asdict(found.cell))
    rows["cases"] += [of_cell | asdict(one) for one in found.cases]
    rows["checks"] += [of_cell | asdict(one) for one in found.checks]


def _repo_row(entry: Entry, commit: int | None) -> tables.Repo:
    outcome = entry.outcome
    return tables.Repo(
        run=entry.run,
        spec=entry.source.spec,
        name=outcome.name or entry.source.spec,
        host=entry.source.host,
        state=outcome.state,
        reason=outcome.reason or None,
        hint=outcome.hint or None,
        commit_id=commit if outcome.state in HAVE_RESULTS else None,
        attempts=outcome.attempts,
        worker=outcome.worker,
        memory=outcome.memory,
        finished=_now(),
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
