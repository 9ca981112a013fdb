"""Addresses that one parser reads as one host and another as another: nobody is sent anything."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit import errors, limits
from hubkit.cli import main
from hubkit.facts import FetchPolicy, RepoRef
from hubkit.hubdir import download_url_to_file, fetch_checkpoint, fetch_repo, parse_repo
from hubkit.hubdir.http import Client
from tests.git_host import GitHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASK = FetchPolicy()
TOKEN = "t0ken"
SHAPES = [
    "{evil}\\@{good}",
    "{evil}\\.{good}",
    "{evil}\t@{good}",
    "{evil} @{good}",
    "x@{evil}@{good}",
    "{evil}%2f@{good}\\",
    "\\\\{evil}\\@{good}",
]


@pytest.fixture
def evil(git_host: GitHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHost]:
    """A host that must not be asked, on another port than one that has a token."""
    monkeypatch.setenv(f"HUBKIT_TOKEN_127_0_0_1_{git_host.port}", TOKEN)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with GitHost() as host:
        host.add_file("/net.pt", b"canary")
        yield host


def smuggle(shape: str, evil: GitHost, good: GitHost) -> str:
    return shape.format(evil=f"127.0.0.1:{evil.port}", good=f"127.0.0.1:{good.port}")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_checkpoint_is_not_asked_for(
    git_host: GitHost, evil: GitHost, hub_dir: Path, tmp_path: Path, shape: str
) -> None:
    url = f"http://{smuggle(shape, evil, git_host)}/net.pt"
    for call in (
        lambda: fetch_checkpoint(url, policy=ASK),
        lambda: download_url_to_file(url, str(tmp_path / "out.pt")),
    ):
        with pytest.raises(errors.UsageError, match="not the URL of a file") as refused:
            call()
        assert "127.0.0.1" not in str(refused.value)
    assert evil.requests == git_host.requests == []
    assert not hub_dir.exists()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", ["", "git+"])
def test_a_repo_is_not_asked_for(git_host: GitHost, evil: GitHost, shape: str, way: str) -> None:
    host = smuggle(shape, evil, git_host)
    with pytest.raises(errors.RepoSpecError):
        parse_repo(f"{way}http://{host}/acme/shapes")
    with pytest.raises(errors.RepoSpecError):
        fetch_repo(RepoRef("acme", "shapes", None, host, f"{way}http"), ASK)
    assert evil.requests == git_host.requests == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_strangers_lock_file_leads_nowhere(
    git_host: GitHost, evil: GitHost, tmp_path: Path, shape: str
) -> None:
    import json

    url = f"http://{smuggle(shape, evil, git_host)}/net.pt"
    pins = {url: {"sha256": "0" * 64, "size": 1}}
    lock = {"version": 1, "repos": {}, "checkpoints": pins}
    (tmp_path / "hubkit.lock").write_text(json.dumps(lock))
    done = CliRunner().invoke(main, ["lock", "--fetch", "-o", str(tmp_path / "hubkit.lock")])
    assert done.exit_code == 2
    assert evil.requests == git_host.requests == []


@pytest.mark.parametrize(
    "location",
    [
        *(f"http://{shape}/net.pt" for shape in SHAPES),
        "//{evil}\\@{good}/net.pt",
        "\\\\{evil}/x",
        "http:\\\\{evil}/net.pt",
        "/\\{evil}/net.pt",
        "file:///etc/passwd",
        "http://",
    ],
)
@pytest.mark.usefixtures("hub_dir")
def test_a_redirect_is_not_followed(
    git_host: GitHost, evil: GitHost, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hubkit")
    where = smuggle(location.replace("\t", "\\"), evil, git_host)
    git_host.fail("moved", status=302, headers={"Location": where}, times=9)
    with pytest.raises(errors.FetchError, match="redirects to an address that") as refused:
        fetch_checkpoint(f"{git_host.url}/moved.pt", policy=ASK)
    assert str(evil.port) not in f"{refused.value} {caplog.text}"
    assert evil.requests == []
    assert len(git_host.requests) == 1


@pytest.mark.usefixtures("evil")
def test_a_plain_redirect_leads_to_where_it_says(git_host: GitHost) -> None:
    git_host.add_file("/n\u00e9t/a.pt", b"weights")
    for location in (
        "/n\u00e9t/a.pt",
        "n\u00e9t/a.pt",
        f"//127.0.0.1:{git_host.port}/n%C3%A9t/a.pt",
    ):
        sent = location.encode().decode("latin-1")
        git_host.fail("moved", status=302, headers={"Location": sent})
        with Client(ASK) as client, client.get(f"{git_host.url}/moved.pt") as answer:
            assert b"".join(answer.read_pieces(limits.REFS_BYTES)) == b"weights"


def write_netrc(tmp_path: Path, host: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text(f"machine {host} login me password {TOKEN}\n")
    (tmp_path / "home" / ".netrc").chmod(0o600)


@pytest.mark.parametrize("redirected", [False, True])
def test_netrc_is_not_sent_unencrypted(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redirected: bool
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    write_netrc(tmp_path, "weights.invalid")
    git_host.add_file("/net.pt", b"weights")
    start = f"{git_host.url}/moved.pt" if redirected else "http://weights.invalid/net.pt"
    target = {"Location": "http://weights.invalid/net.pt"}
    git_host.fail("moved", status=302, headers=target, times=9)
    monkeypatch.setenv("HTTP_PROXY", git_host.url)
    download_url_to_file(start, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == b"weights"
    assert "weights.invalid" in [entry.headers["host"] for entry in git_host.requests]
    assert not [entry for entry in git_host.requests if "authorization" in entry.headers]


def test_a_mirror_that_is_not_a_url_is_named(
    git_host: GitHost, evil: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = smuggle(SHAPES[0], evil, git_host)
    monkeypatch.setenv("HUBKIT_GITHUB_URL", f"http://{host}")
    with pytest.raises(errors.UsageError, match="HUBKIT_GITHUB_URL contains a backslash"):
        fetch_repo(parse_repo("acme/shapes"), ASK)
    assert evil.requests == git_host.requests == []
