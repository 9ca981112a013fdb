"""Batches of repos: how large they are, what they have in common, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.audit.hosts import HostQueue
from hubkit.audit.messages import Batch, Outcome, Report, Task, decode_report, encode
from hubkit.audit.pace import SECONDS, Pace
from hubkit.audit.shards import Job
from hubkit.audit.sources import Source
from hubkit.audit.worker import close_judges, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def judges_end() -> Iterator[None]:
    yield
    close_judges()


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    made = [tmp_path / f"repo-{number}" for number in range(3)]
    for folder in made:
        folder.mkdir()
        (folder / "hubconf.py").write_text("def net():\n    return 1\n")
    return [str(folder) for folder in made]


def job(spec: str, host: str = "one", *, alone: bool = False) -> Job:
    return Job(Source(spec, host), alone=alone)


def took(seconds: float) -> Outcome:
    return Outcome("a/b", "checked", seconds={"check": seconds})


def test_a_batch_has_one_repo_until_something_is_known() -> None:
    assert Pace().size(1000, 2) == 1


@pytest.mark.parametrize(
    ("seconds", "left", "size"),
    [
        (SECONDS / 10, 1000, 10),
        (10 * SECONDS, 1000, 1),
        # The last ones are shared out.
        (SECONDS / 10, 40, 5),
        (SECONDS / 10, 1, 1),
    ],
)
def test_a_batch_takes_about_as_long_as_another(seconds: float, left: int, size: int) -> None:
    pace = Pace()
    for _ in range(100):
        pace.add(took(seconds))
    assert pace.size(left, 2) == size


def test_a_batch_is_of_one_host_and_hosts_take_turns() -> None:
    jobs = [job("a"), job("b"), job("x", "two"), job("c")]
    queue = HostQueue(jobs, per_host=9)
    assert len(queue) == 4
    taken = [[one.source.spec for one in queue.take(0.0, 2)] for _ in range(4)]
    assert taken == [["a", "b"], ["x"], ["c"], []]
    assert not queue


def test_what_is_a_task_of_its_own_shares_no_batch() -> None:
    queue = HostQueue([job("a", alone=True), job("b"), job("c", alone=True)], per_host=9)
    assert [[one.source.spec for one in queue.take(0.0, 9)] for _ in range(3)] == [
        ["a"],
        ["b"],
        ["c"],
    ]


def test_what_is_put_back_comes_first_in_its_order() -> None:
    queue = HostQueue([job("c")], per_host=9)
    queue.add_first([job("a"), job("b")])
    assert [one.source.spec for one in queue.take(0.0, 9)] == ["a", "b", "c"]


def test_the_limit_of_a_host_counts_batches() -> None:
    queue = HostQueue([job("a"), job("b"), job("c")], per_host=1)
    assert len(queue.take(0.0, 2)) == 2
    assert not queue.take(0.0, 2)
    queue.finish("one")
    assert len(queue.take(0.0, 2)) == 1


def batch_of(folders: list[str], seconds: float) -> bytes:
    return encode(Batch("batch", tuple(map(Task, folders)), "topic", seconds))


def test_each_outcome_of_a_batch_is_reported_at_once(folders: list[str]) -> None:
    said: list[tuple[str, Report]] = []
    last = run(
        batch_of(folders, 600), lambda topic, data: said.append((topic, decode_report(data)))
    )
    assert [topic for topic, _ in said] == ["topic"] * 3
    assert [[one.spec for one in report.outcomes] for _, report in said] == [
        [folder] for folder in folders
    ]
    assert {one.state for _, report in said for one in report.outcomes} == {"checked"}
    assert decode_report(last) == Report("batch", ())


def test_one_repo_alone_is_reported_at_the_end(folders: list[str]) -> None:
    said: list[bytes] = []
    last = decode_report(run(batch_of(folders[:1], 600), lambda _, data: said.append(data)))
    assert not said
    assert [one.spec for one in last.outcomes] == folders[:1]


def test_a_batch_that_takes_long_hands_back_what_it_has_not_tried(folders: list[str]) -> None:
    done: list[str] = []
    running: list[str] = []

    def note(_: str, data: bytes) -> None:
        report = decode_report(data)
        done.extend(one.spec for one in report.outcomes)
        if report.running:
            running.append(report.running)

    # The first judge takes longer to start than that.
    run(batch_of(folders, 0.001), note)
    assert done == running == folders[:1]


def test_a_batch_stops_at_a_host_that_limits_the_rate(
    folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.git_host import GitHost

    with GitHost() as host:
        host.fail("one.git", status=429, headers={"Retry-After": "3600"})
        monkeypatch.setenv("HUBKIT_GITHUB_URL", host.url)
        monkeypatch.setenv("TORCH_HOME", folders[0])
        said: list[Report] = []
        run(
            batch_of(["acme/one", "acme/two"], 600),
            lambda _, data: said.append(decode_report(data)),
        )
    assert [(one.spec, one.state) for report in said for one in report.outcomes] == [
        ("acme/one", "rate limited")
    ]
