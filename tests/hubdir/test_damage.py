"""Whatever has become of hubkit's own records, what can be used is used and nothing crashes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import hubkit
from hubkit.cli import main
from hubkit.errors import HubconfNotFoundError, OfflineError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo, read_inventory
from hubkit.hubdir.layout import repo_folder, store
from hubkit.hubdir.manifest import manifest_file
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)
REPO = parse_repo("acme/shapes")
WRONG = {
    "sha": 3, "ref": 4, "url": 5, "path": 6, "fetched_at": "x", "size": "y", "repos": 3, "host": 1,
    "digest": 7, "etag": 9, "previous": {"size": "z"}, "mtime_ns": "q", "owner": 2, "name": None,
    "scheme": None, "sha256": 12, "files": "many", "led_by": 3, "full_name": 1, "repo": 3,
}  # fmt: skip
GARBLED = {
    "empty": b"",
    "cut": b'{"sha": "0123',
    "a list": b'["sha"]',
    "nothing": b"null",
    "no fields": b"{}",
    "no text": b"\xff\xfe\0",
    "wrong kinds": json.dumps(WRONG).encode(),
    "wrong items": b'{"repos": [3], "fetched_at": 1e400, "url": "x", "path": "/etc/passwd"}',
    "elsewhere": b'{"sha": "../../x", "ref": "main", "fetched_at": 1}',
}


@pytest.fixture
def url(host: GitHost, monkeypatch: pytest.MonkeyPatch) -> str:
    """``acme/shapes`` and a checkpoint, both in the hub dir; gives the checkpoint's URL."""
    monkeypatch.setenv("HUBKIT_TRUST", "acme/*")  # so that there is a record of a link as well
    url = host.add_file("/net.pt", b"weights")
    use(url)
    return url


def use(url: str) -> None:
    for text in ("acme/shapes", "acme/shapes:main"):
        assert (fetch_repo(parse_repo(text), ASK).path / "net" / "a.py").is_file()
    assert fetch_checkpoint(url, policy=ASK, repo=REPO).read_bytes() == b"weights"


@pytest.mark.parametrize("content", GARBLED.values(), ids=GARBLED)
def test_a_garbled_record_harms_nobody(url: str, content: bytes) -> None:
    records = [path for path in store().rglob("*") if path.suffix in (".json", ".files")]
    assert len(records) == 6, records
    for record in records:
        kept = record.read_bytes()
        record.write_bytes(content)
        use(url)
        for command in (
            "cache ls",
            "cache ls --json",
            "cache verify",
            "status",
            "cache prune --dry-run",
        ):
            said = CliRunner().invoke(main, command.split())
            assert (said.exit_code, said.exception) == (0, None), (record, command)
        assert [tree.name for tree in read_inventory().trees] == ["acme/shapes"], record
        record.write_bytes(kept)


@pytest.mark.parametrize("suffix", ["json", "files"])
def test_fetching_afresh_writes_damaged_records_anew(
    host: GitHost, url: str, worktree: Path, suffix: str
) -> None:
    record = repo_folder(REPO) / f"{git('rev-parse', 'HEAD', cwd=worktree)}.{suffix}"
    good = record.read_bytes()
    record.write_bytes(b"{")
    inode = record.with_suffix("").stat().st_ino
    fetch_repo(REPO, AFRESH)
    again = record.read_bytes()
    if suffix == "json":
        good, again = (
            json.dumps(json.loads(text) | {"fetched_at": 0}).encode() for text in (good, again)
        )
    assert again == good
    assert record.with_suffix("").stat().st_ino == inode  # who runs it is left in peace
    assert url
    assert host.requests


def test_a_tree_that_lost_its_hubconf_is_fetched_again(
    host: GitHost, url: str, worktree: Path
) -> None:
    (fetch_repo(REPO, ASK).path / "hubconf.py").unlink()
    for ref in ("", ":main", f":{git('rev-parse', 'HEAD', cwd=worktree)}"):
        with pytest.raises(OfflineError, match=r"has no hubconf\.py, and hubkit is offline"):
            fetch_repo(parse_repo(f"acme/shapes{ref}"), FetchPolicy(offline=True))
    assert hubkit.list("acme/shapes") == []
    asked = len(host.paths("codeload"))
    use(url)
    assert (len(host.paths("codeload")), asked) == (2, 2)


def test_a_tree_without_hubconf_and_manifest_says_how_to_have_it_back(url: str) -> None:
    assert url
    tree = fetch_repo(REPO, ASK).path
    (tree / "hubconf.py").unlink()
    manifest_file(tree).unlink()
    with pytest.raises(HubconfNotFoundError) as gone:
        hubkit.list("acme/shapes")
    assert "force_reload=True" in gone.value.hint
    assert hubkit.list("acme/shapes", force_reload=True) == []


def test_a_repo_that_never_had_a_hubconf_is_fetched_once(host: GitHost, worktree: Path) -> None:
    git("rm", "--quiet", "hubconf.py", cwd=worktree)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    assert fetch_repo(REPO, ASK).path == fetch_repo(REPO, ASK).path
    assert len(host.paths("codeload")) == 1


def test_a_time_in_the_future_tells_nothing(host: GitHost, url: str, worktree: Path) -> None:
    """Clocks are set back, and those of two machines differ."""
    for record in store().rglob("*.json"):
        content = json.loads(record.read_bytes())
        ahead = {name: value + 1e6 for name, value in content.items() if name == "fetched_at"}
        record.write_text(json.dumps(content | ahead))
    for policy in (FetchPolicy(max_age=3600), AFRESH):
        sha = commit_files(worktree, {"hubconf.py": f"refresh = {policy.refresh}\n"})
        host.add_repo("acme", "shapes", worktree)
        assert fetch_repo(REPO, policy).sha == sha
        body = repr(policy).encode()
        host.add_file("/net.pt", body)
        assert fetch_checkpoint(url, policy=policy).read_bytes() == body


def test_a_ref_that_cannot_be_written_down_is_used_all_the_same(
    host: GitHost, worktree: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    git("tag", "v1", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    (repo_folder(REPO) / "refs" / "v1.json").mkdir()
    cached = fetch_repo(parse_repo("acme/shapes:v1"), ASK)
    assert cached.sha == git("rev-parse", "v1", cwd=worktree)
    assert "The commit of acme/shapes:v1 cannot be recorded" in caplog.text
    assert url
