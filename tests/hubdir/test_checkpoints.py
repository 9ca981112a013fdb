"""Checkpoints: whole or not there, never another URL's, resumed rather than fetched again."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import (
    download_url_to_file,
    fetch_checkpoint,
    fetch_repo,
    hash_prefix_of,
    key_of,
    parse_repo,
)

if TYPE_CHECKING:
    from tests.git_host import GitHost

ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)
BODY = os.urandom(3_000_000)
SHA = hashlib.sha256(BODY).hexdigest()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_gets_torchs_name_and_is_fetched_once(
    git_host: GitHost, hub_dir: Path
) -> None:
    url = git_host.add_file("/w/net.pt", BODY)
    path = fetch_checkpoint(url, policy=ASK)
    assert path == hub_dir / "checkpoints" / "net.pt"
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == BODY
    assert len(git_host.requests) == 1


def test_a_release_asset_follows_the_github_url(git_host: GitHost, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(BODY)
    git_host.add_asset("acme", "shapes", "v1", tmp_path / "net.pt")
    url = "https://github.com/acme/shapes/releases/download/v1/net.pt"
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == BODY


def test_two_urls_with_one_ending_never_mix(git_host: GitHost) -> None:
    urls = [git_host.add_file(f"/{size}/net.pt", size.encode()) for size in ("small", "large")]
    paths = [fetch_checkpoint(url, policy=ASK) for url in urls]
    assert [path.read_text() for path in paths] == ["small", "large"]
    assert [fetch_checkpoint(url, policy=ASK) for url in urls] == paths
    assert paths[0].name == "net.pt"
    assert len(git_host.requests) == 2


def test_urls_that_differ_in_their_signature_only_are_one(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", BODY)
    first = fetch_checkpoint(f"{url}?X-Amz-Signature=1&X-Amz-Date=2", policy=ASK)
    assert fetch_checkpoint(f"{url}?X-Amz-Signature=3", policy=ASK) == first
    assert fetch_checkpoint(f"{url}?id=7", policy=ASK) != first


def test_a_file_that_torch_hub_left_is_a_hit(git_host: GitHost, hub_dir: Path) -> None:
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / "net.pt").write_bytes(b"torch's")
    url = git_host.add_file("/net.pt", BODY)
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"torch's"
    assert git_host.requests == []


def test_a_file_that_is_not_what_its_hash_says_is_put_aside(
    git_host: GitHost, hub_dir: Path
) -> None:
    name = f"net-{SHA[:8]}.pt"
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / name).write_bytes(b"something else")
    url = git_host.add_file(f"/{name}", BODY)
    path = fetch_checkpoint(url, hash_prefix=hash_prefix_of(name), policy=ASK)
    assert path.read_bytes() == BODY
    (aside,) = (hub_dir / ".hubkit" / "quarantine").iterdir()
    assert aside.read_bytes() == b"something else"


def test_a_file_that_was_changed_in_the_cache_is_fetched_again(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", BODY)
    path = fetch_checkpoint(url, policy=ASK)
    path.write_bytes(b"damaged")
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == BODY


def test_a_file_that_was_changed_in_a_folder_of_the_users_stays_there(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    for work in (b"trained on", b"trained on and on"):
        path = fetch_checkpoint(url, model_dir=tmp_path / "mine", policy=ASK)
        path.chmod(0o644)
        path.write_bytes(work)
    assert fetch_checkpoint(url, model_dir=tmp_path / "mine", policy=ASK).read_bytes() == BODY
    kept = (tmp_path / "mine").glob("net.pt.*.damaged")
    assert {one.read_bytes() for one in kept} == {b"trained on", b"trained on and on"}


def test_a_touched_file_is_read_once_and_remembered(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", BODY)
    path = fetch_checkpoint(url, policy=ASK)
    os.utime(path)
    assert fetch_checkpoint(url, policy=ASK) == path
    assert len(git_host.requests) == 1


@pytest.mark.parametrize("prefix", ["", "a", "1234567", "nonsense"])
def test_a_hash_that_checks_nothing_is_refused_before_any_request(
    git_host: GitHost, prefix: str
) -> None:
    with pytest.raises(errors.UsageError):
        fetch_checkpoint(f"{git_host.url}/net.pt", hash_prefix=prefix, policy=ASK)
    assert git_host.requests == []


def test_a_wrong_hash_leaves_nothing(git_host: GitHost, hub_dir: Path) -> None:
    url = git_host.add_file("/net.pt", BODY)
    with pytest.raises(errors.HashMismatchError) as wrong:
        fetch_checkpoint(url, hash_prefix="0" * 8, policy=ASK)
    assert (wrong.value.expected, wrong.value.actual) == ("0" * 8, SHA)
    assert files_in(hub_dir / "checkpoints") == []


def test_a_cut_body_is_resumed(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", cut=1_000_000)
    git_host.fail("net", cut=500_000)
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert (tmp_path / "out.pt").read_bytes() == BODY
    assert sum(entry.sent for entry in git_host.requests) == len(BODY)
    assert files_in(tmp_path) == ["out.pt"]


def test_a_download_that_stays_cut_is_an_error_and_not_a_file(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", cut=0, times=99)
    with pytest.raises(errors.IncompleteDownloadError, match=r"ended after|was interrupted"):
        download_url_to_file(url, str(tmp_path / "out.pt"))
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("later", "again"), [(BODY, 1_000_000), (BODY[::-1], len(BODY))], ids=["the same", "another"]
)
def test_the_next_call_goes_on_where_a_failed_one_stopped(
    git_host: GitHost, tmp_path: Path, later: bytes, again: int
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", cut=2_000_000)
    git_host.fail("net", status=404)
    with pytest.raises(errors.NotThereError):
        download_url_to_file(url, str(tmp_path / "out.pt"))
    git_host.forget_requests()
    git_host.add_file("/net.pt", later)
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == later
    assert sum(entry.sent for entry in git_host.requests) == again
    assert files_in(tmp_path) == ["out.pt"]


def test_a_silent_host_is_given_up_on(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", cut=1_000_000, stall=threading.Event())
    fetch_checkpoint(url, model_dir=tmp_path, policy=FetchPolicy(read_timeout=2, pause=0.01))
    assert (tmp_path / "net.pt").read_bytes() == BODY


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "LFS pointer"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_named(
    git_host: GitHost, hub_dir: Path, body: bytes, what: str
) -> None:
    url = git_host.add_file("/net.pt", body)
    with pytest.raises(errors.CheckpointError, match=what):
        fetch_checkpoint(url, policy=ASK)
    assert files_in(hub_dir / "checkpoints") == []


def test_errors_show_no_secrets(git_host: GitHost) -> None:
    url = f"{git_host.url.replace('http://', 'http://me:pass@')}/gone.pt?sig=secret"
    with pytest.raises(errors.NotThereError) as gone:
        fetch_checkpoint(url, policy=ASK)
    assert gone.value.url == f"{git_host.url}/gone.pt"
    assert "secret" not in str(gone.value)
    assert "pass" not in str(gone.value)


def test_a_copy_survives_an_outage_and_its_link(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", BODY)
    path = fetch_checkpoint(url, policy=ASK)
    git_host.stop()
    assert fetch_checkpoint(url, policy=AFRESH) == path


def test_offline_names_what_is_missing(git_host: GitHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    with pytest.raises(errors.OfflineError, match=r"net\.pt is not in the hub dir"):
        fetch_checkpoint(f"{git_host.url}/net.pt", policy=ASK)
    assert git_host.requests == []


def test_offline_tells_a_wrong_file_from_a_missing_one(
    git_host: GitHost, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    path = hub_dir / "checkpoints" / "net.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    with pytest.raises(errors.OfflineError, match=r"again, because .*net\.pt has changed"):
        fetch_checkpoint(f"{git_host.url}/net.pt", hash_prefix="12345678", policy=ASK)
    assert path.read_bytes() == b"other"


def test_fetching_a_repo_afresh_takes_its_checkpoints_along(host: GitHost) -> None:
    repo = parse_repo("acme/shapes")
    fetch_repo(repo, ASK)
    mine = host.add_file("/mine.pt", b"old")
    others = host.add_file("/others.pt", b"old")
    fetch_checkpoint(mine, policy=ASK, repo=repo)
    fetch_checkpoint(others, policy=ASK)
    host.add_file("/mine.pt", b"new")
    host.add_file("/others.pt", b"new")
    fetch_repo(repo, AFRESH)
    assert fetch_checkpoint(mine, policy=ASK).read_bytes() == b"new"
    assert fetch_checkpoint(others, policy=ASK).read_bytes() == b"old"


def test_a_local_file_is_used_where_it_is(hub_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "my net.pt").write_bytes(BODY)
    url = (tmp_path / "my net.pt").as_uri()
    assert fetch_checkpoint(url, policy=ASK) == tmp_path / "my net.pt"
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert (tmp_path / "out.pt").read_bytes() == BODY
    assert not hub_dir.exists()


@pytest.mark.parametrize(
    "url",
    [
        "", "net.pt", "//host/net.pt", "http://", "http://[::1", "http://host:port/net.pt",
        "http://host:99999/net.pt", "ftp://host/net.pt", "data:,weights", "https://me:secret@[x/net.pt",
    ],
)  # fmt: skip
def test_text_that_is_not_a_url_is_refused_with_an_example(
    hub_dir: Path, tmp_path: Path, url: str
) -> None:
    for call in (
        lambda: fetch_checkpoint(url, policy=ASK),
        lambda: download_url_to_file(url, str(tmp_path / "out.pt")),
        lambda: key_of(url),
    ):
        with pytest.raises(errors.UsageError, match="not the URL of a file") as refused:
            call()
        assert "https://" in refused.value.hint
        assert "secret" not in str(refused.value)
    assert not hub_dir.exists()


def test_home_is_understood_in_model_dir(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", BODY)
    path = fetch_checkpoint(url, model_dir=Path("~/x"), file_name="a.pt", policy=ASK)
    assert path == Path("~/x/a.pt").expanduser()


@pytest.mark.parametrize("name", ["../net.pt", "/net.pt", "", "a/../../net.pt"])
def test_file_names_stay_below_their_folder(git_host: GitHost, name: str) -> None:
    with pytest.raises(errors.UsageError):
        fetch_checkpoint(f"{git_host.url}/net.pt", file_name=name, policy=ASK)


def test_a_kill_between_record_and_file_costs_nothing(git_host: GitHost) -> None:
    url = git_host.add_file("/net.pt", b"old")
    path = fetch_checkpoint(url, policy=ASK)
    git_host.add_file("/net.pt", b"new")
    old_time = path.stat().st_mtime_ns
    fetch_checkpoint(url, policy=AFRESH)
    # As it would be, had we been killed before the new file took its place.
    path.write_bytes(b"old")
    os.utime(path, ns=(old_time, old_time))
    git_host.forget_requests()
    assert fetch_checkpoint(url, policy=FetchPolicy(offline=True)).read_bytes() == b"old"
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"new"
    assert len(git_host.requests) == 1
