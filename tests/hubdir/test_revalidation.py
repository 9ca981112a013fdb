"""``max_age`` for checkpoints: the host is asked whether a file has changed, and sends no copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from hubkit.errors import CacheWriteError, NotThereError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, sha256_of
from hubkit.hubdir.layout import store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost
    from tests.git_host.faults import Answer

ASK = FetchPolicy()
NOW = FetchPolicy(max_age=0)
MODIFIED = ("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")


@pytest.fixture
def url(git_host: GitHost) -> str:
    """A checkpoint that is in the hub dir, with no request in the log."""
    url = git_host.add_file("/net.pt", b"old")
    fetch_checkpoint(url, policy=ASK)
    git_host.forget_requests()
    return url


def statuses(host: GitHost) -> list[int]:
    return [entry.status for entry in host.requests]


def test_a_file_that_has_not_changed_is_kept(git_host: GitHost, hub_dir: Path, url: str) -> None:
    path = hub_dir / "checkpoints" / "net.pt"
    inode = path.stat().st_ino
    for _ in range(2):
        assert fetch_checkpoint(url, policy=NOW) == path
    assert (statuses(git_host), git_host.sent) == ([304, 304], 0)
    assert path.stat().st_ino == inode
    assert fetch_checkpoint(url, policy=FetchPolicy(max_age=3600)) == path
    assert statuses(git_host) == [304, 304]
    assert sorted(one.name for one in path.parent.iterdir()) == ["net.pt"]


def test_a_file_that_has_changed_comes_in_the_same_request(git_host: GitHost, url: str) -> None:
    git_host.add_file("/net.pt", b"new")
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"old"
    assert fetch_checkpoint(url, policy=NOW).read_bytes() == b"new"
    assert statuses(git_host) == [200]


def test_when_it_was_asked_is_remembered(git_host: GitHost, url: str) -> None:
    (record,) = (store() / "checkpoints").iterdir()
    text = record.read_text()
    at = text.partition('"fetched_at": ')[2].partition(",")[0]
    record.write_text(text.replace(at, str(float(at) - 7200)))
    for _ in range(2):
        fetch_checkpoint(url, policy=FetchPolicy(max_age=3600))
    assert statuses(git_host) == [304]


def test_a_date_serves_where_there_is_no_mark(git_host: GitHost) -> None:
    def by_date(answer: Answer) -> Answer:
        if git_host.requests[-1].headers.get("if-modified-since") == MODIFIED[1]:
            return replace(answer, status=304, body=b"", headers=())
        return replace(answer, headers=(MODIFIED,))

    git_host.changes["net"] = by_date
    url = git_host.add_file("/net.pt", b"old")
    for policy in (ASK, NOW):
        assert fetch_checkpoint(url, policy=policy).read_bytes() == b"old"
    assert statuses(git_host) == [200, 304]


def test_a_file_without_any_mark_is_sent_again(git_host: GitHost) -> None:
    git_host.changes["net"] = lambda answer: replace(answer, headers=())
    url = git_host.add_file("/net.pt", b"old")
    for policy in (ASK, NOW):
        assert fetch_checkpoint(url, policy=policy).read_bytes() == b"old"
    assert statuses(git_host) == [200, 200]


def test_a_file_that_was_damaged_is_not_asked_about_but_fetched(
    git_host: GitHost, url: str, hub_dir: Path
) -> None:
    path = hub_dir / "checkpoints" / "net.pt"
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert fetch_checkpoint(url, policy=NOW).read_bytes() == b"old"
    assert statuses(git_host) == [200]


def test_a_file_with_its_hash_needs_no_request(git_host: GitHost, url: str, hub_dir: Path) -> None:
    sha256 = sha256_of(hub_dir / "checkpoints" / "net.pt")
    assert fetch_checkpoint(url, hash_prefix=sha256, policy=NOW).read_bytes() == b"old"
    assert git_host.requests == []


def test_a_host_that_is_silent_is_done_without_and_one_that_says_no_is_heard(
    git_host: GitHost, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    del git_host.files["/net.pt"]
    with pytest.raises(NotThereError):
        fetch_checkpoint(url, policy=NOW)
    git_host.stop()
    assert fetch_checkpoint(url, policy=NOW).read_bytes() == b"old"
    assert "Using the copy in" in caplog.text
    assert fetch_checkpoint(url, policy=structs.replace(NOW, offline=True)).read_bytes() == b"old"


def test_a_hub_dir_that_cannot_be_written_is_used_as_it_is(
    git_host: GitHost, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    locks = store() / "locks"
    for path in locks.iterdir():
        path.unlink()
    locks.rmdir()
    locks.write_text("in the way")
    assert fetch_checkpoint(url, policy=NOW).read_bytes() == b"old"
    assert "Cannot write" in caplog.text
    with pytest.raises(CacheWriteError):
        fetch_checkpoint(url, policy=FetchPolicy(refresh=True))
    assert git_host.requests == []


def test_a_checkpoint_of_torch_hub_is_fetched_once_and_then_revalidated(
    git_host: GitHost, hub_dir: Path
) -> None:
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / "net.pt").write_bytes(b"torch's")
    url = git_host.add_file("/net.pt", b"new")
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"torch's"
    for _ in range(2):
        assert fetch_checkpoint(url, policy=NOW).read_bytes() == b"new"
    assert statuses(git_host) == [200, 304]
