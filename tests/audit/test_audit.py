"""``hubkit audit`` on one machine, as processes of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.audit.tables import TABLES
from hubkit.cli import main
from tests.audit.kills import kill_commands

if TYPE_CHECKING:
    from tests.audit.hub import Hub

pytestmark = pytest.mark.slow
DEEP = "x = [" + "[1], " * 45_000 + "]\n"


def check(repo: str) -> list[tuple[str, str, int | None]]:
    """What `hubkit check` finds in a repo."""
    done = CliRunner().invoke(main, ["check", repo, "--output-format", "json"])
    findings = json.loads(done.stdout)["findings"]
    return [(one["code"], one["message"], (one["location"] or {}).get("line")) for one in findings]


def test_results_are_those_of_check_and_list(hub: Hub) -> None:
    (hub.folder / "mine").mkdir()
    (hub.folder / "mine" / "hubconf.py").write_text("def small():\n    return 1\n")
    (hub.folder / "repos.csv").write_text("stars,repo\n3,acme/bad\n1,no such repo\n")
    repos = ("acme/good:main", "./mine", "acme/gone", "--from", "repos.csv")
    summary = hub.audit(*repos, "--to", "parquet", "tables", code=1)
    assert summary["states"] == {"checked": 3, "invalid": 1, "not found": 1}
    assert "acme/gone" in hub.query("SELECT reason FROM repos WHERE state = 'not found'")[0][0]

    for spec, repo in (("acme/bad", "acme/bad"), (str(hub.folder / "mine"), "./mine")):
        found = hub.query(
            "SELECT code, message, line FROM findings JOIN commits USING (commit_id)"
            f" WHERE spec = '{spec}' AND suppressed_by IS NULL"
        )
        assert sorted(found, key=str) == sorted(check(repo), key=str)
    names = hub.query(
        "SELECT spec, name, parameters FROM entrypoints JOIN commits USING (commit_id)"
        " WHERE spec LIKE 'acme/%' ORDER BY ALL"
    )
    assert names == [
        ("acme/bad", "net", ["pretrained", "kwargs"]),
        ("acme/bad", "other", ["pretrained"]),
        ("acme/good:main", "net", ["pretrained"]),
    ]
    assert hub.query("SELECT dependency, repos FROM dependencies ORDER BY 1") == [
        ("numpy", 1),
        ("torch", 2),
    ]
    assert hub.query("SELECT count(*) FROM findings WHERE suppressed_by = 'comment'") == [(1,)]
    assert hub.query("SELECT DISTINCT step FROM timings ORDER BY 1") == [
        ("check",), ("fetch",), ("resolve",)
    ]  # fmt: skip
    exported = {path.stem for path in (hub.folder / "tables").glob("*.parquet")}
    assert exported == set(TABLES)


def test_what_has_not_changed_is_not_checked_again(hub: Hub) -> None:
    first = hub.audit("acme/good", "acme/bad", code=1)
    hub.publish("bad", {"hubconf.py": BAD_NOW, "LICENSE": "MIT License\n"})
    hub.host.forget_requests()
    second = hub.audit("acme/good", "acme/bad", code=0)
    assert (first["run"], second["run"]) == (1, 2)
    assert second["states"] == {"checked": 1, "unchanged": 1}
    assert second["entrypoints"] == 2
    assert len(hub.host.paths("good")) == 1  # the refs; nothing was fetched
    assert hub.audit("acme/good", "--again", code=0)["states"] == {"checked": 1}

    offline = hub.audit("acme/good", "acme/new", "--offline", "--again", code=1)
    assert offline["states"] == {"checked": 1, "offline": 1}


BAD_NOW = '''dependencies = ["torch"]


def net(pretrained=False):
    """A net.

    Args:
        pretrained: Load weights.
    """
    import torch

    return torch.nn.Linear(2, 2)
'''


def test_a_killed_audit_has_lost_only_what_was_in_flight(hub: Hub) -> None:
    kill_commands(hub, 1, random.Random(7))


def test_a_repo_that_eats_memory_costs_only_itself(hub: Hub) -> None:
    hub.publish("huge", {"hubconf.py": DEEP + BAD_NOW})
    summary = hub.audit("acme/huge", *hub.copies(4), "--memory", "64M", code=1)
    assert summary["states"] == {"checked": 4, "out of memory": 1}
    rows = hub.query("SELECT spec, attempts, reason FROM repos WHERE commit_id IS NULL")
    assert [row[:2] for row in rows] == [("acme/huge", 2)]
    assert "64.0 MB" in rows[0][2]


def test_a_repo_that_hangs_keeps_no_other_waiting_and_is_given_up_on(hub: Hub) -> None:
    """First there is time without end, for those that are well, then next to none."""
    stall = threading.Event()
    hub.host.fail("bad", times=9, stall=stall)
    with hub.start("acme/bad", *hub.copies(4), "--workers", "2") as process:
        assert hub.host.wait_until(lambda some: sum("zip" in one.path for one in some) == 4)
        process.send_signal(signal.SIGINT)
        process.communicate()
    summary = hub.audit("acme/bad", "--timeout", "0.5", code=1)
    stall.set()
    assert summary["states"]["timed out"] == 1
    ((attempts, reason),) = hub.query(
        "SELECT attempts, reason FROM repos WHERE state = 'timed out'"
    )
    assert attempts == 2
    assert "0.5 seconds" in reason


def test_a_host_that_limits_the_rate_is_waited_for(hub: Hub) -> None:
    hub.host.fail("good.git", status=429, headers={"Retry-After": "1"})
    summary = hub.audit("acme/good", "./work/bad", code=1)
    assert summary["states"] == {"checked": 2}
    assert "limits the rate until" in summary["stderr"]


def test_files_of_others_are_refused(hub: Hub) -> None:
    import duckdb

    path = hub.folder / "audit.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
        with hub.start("acme/good") as other:
            _, stderr = other.communicate()
    assert other.returncode == 2
    assert "in use by another process" in stderr
    assert "is a database of something else" in hub.audit("acme/good", code=2)["stderr"]
    path.write_text("text" * 1000)
    assert "Cannot open audit.duckdb" in hub.audit("acme/good", code=2)["stderr"]
    path.unlink()
    hub.audit("./work/good", code=0)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE hubkit_audit SET schema = 99")
    assert "has schema 99" in hub.audit("acme/good", code=2)["stderr"]


def test_a_full_disk_keeps_what_is_written(hub: Hub) -> None:
    """A limit on the size of files stands for it."""
    hub.audit("acme/good", code=0)
    limited = ("sh", "-c", 'ulimit -S -f 1 && exec "$@"', "sh")
    with hub.start("./work/bad", before=limited) as full:
        _, stderr = full.communicate(timeout=300)
    assert full.returncode == 2
    assert "Cannot write" in stderr
    assert hub.query("SELECT spec FROM repos WHERE run = 1") == [("acme/good",)]
    assert hub.audit("./work/bad", code=1)["states"] == {"checked": 1}


def test_missing_extra_is_named(hub: Hub) -> None:
    code = (
        "import sys; sys.modules[sys.argv[1]] = None;"
        "from hubkit.cli import main; main(['audit', './work/good'])"
    )
    for module in ("duckdb", "distributed"):
        done = subprocess.run(
            [sys.executable, "-c", code, module],
            cwd=hub.folder, env=dict(os.environ), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert 'the extra "audit"' in done.stderr
