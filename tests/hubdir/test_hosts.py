"""Any git host by its address; tokens go to their own host, and nowhere else."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubkit import errors
from hubkit._util.urls import try_parse
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo
from hubkit.hubdir.credentials import find_credential, token_advice, token_variables
from tests.git_host import GitHost, git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.git_host import Answer

ASK = FetchPolicy()
TOKEN = "t0ken"
OWN = "HUBKIT_TOKEN_127_0_0_1_PORT"


@pytest.fixture
def secret(hub_dir: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHost]:
    """A host with a private repo whose archives, and files, lie on another one."""
    assert not hub_dir.exists()
    with GitHost(code_host="localhost") as host:
        monkeypatch.setenv("HUBKIT_GITHUB_URL", host.url)
        host.add_repo("acme", "secret", worktree, token=TOKEN)
        yield host


def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str, token: str = TOKEN) -> None:
    if way != "netrc":
        port = os.environ["HUBKIT_GITHUB_URL"].rpartition(":")[2]
        monkeypatch.setenv(way.replace("PORT", port), token)
        return
    path = tmp_path / "home" / ".netrc"
    path.parent.mkdir()
    path.write_text(f"machine 127.0.0.1 login me password {token}\n")
    path.chmod(0o600)


@pytest.mark.parametrize("way", ["GITHUB_TOKEN", "GH_TOKEN", OWN, "netrc"])
@pytest.mark.parametrize("by_address", [False, True])
def test_each_way_to_give_a_token_opens_its_host_and_no_other(
    secret: GitHost,
    worktree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    way: str,
    by_address: bool,
) -> None:
    say(monkeypatch, tmp_path, way)
    caplog.set_level(logging.DEBUG)
    text = f"{secret.url}/acme/secret" if by_address else "acme/secret"
    assert fetch_repo(parse_repo(text), ASK).sha == git("rev-parse", "HEAD", cwd=worktree)
    shown = {entry.path.split("/")[1] for entry in secret.requests if is_signed(entry.headers)}
    assert shown == {"acme"}
    assert TOKEN not in caplog.text


def is_signed(headers: dict[str, str]) -> bool:
    return "authorization" in headers


@pytest.mark.parametrize("way", ["GITHUB_TOKEN", "netrc"])
def test_a_checkpoint_is_asked_for_with_a_token_only_where_one_helps(
    secret: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    say(monkeypatch, tmp_path, way)
    (tmp_path / "net.pt").write_bytes(b"weights")
    url = secret.add_asset("acme", "secret", "v1", tmp_path / "net.pt")
    secret.fail("releases", times=9, status=404, only=lambda entry: not is_signed(entry.headers))

    def elsewhere(answer: Answer) -> Answer:
        where = dict(answer.headers).get("Location", "")
        moved = (("Location", where.replace("127.0.0.1", "localhost")),)
        return type(answer)(answer.status, answer.body, moved)

    secret.changes["releases"] = elsewhere
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"weights"
    *_, asset = secret.requests
    assert asset.path.startswith("/objects/")
    assert not is_signed(asset.headers)


@pytest.mark.parametrize("way", ["GITHUB_TOKEN", OWN, "netrc"])
def test_a_token_that_opens_nothing_is_in_no_message(
    secret: GitHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    say(monkeypatch, tmp_path, way, "wr0ng")
    caplog.set_level(logging.DEBUG)
    with pytest.raises((errors.RepoNotFoundError, errors.AccessDeniedError)) as refused:
        fetch_repo(parse_repo("acme/secret"), ASK)
    assert "wr0ng" not in f"{refused.value!r} {refused.value} {refused.value.url} {caplog.text}"
    assert not secret.paths("zip")


@pytest.mark.parametrize(
    ("url", "variable", "found"),
    [
        ("https://github.com/a/b", "GITHUB_TOKEN", True),
        ("https://api.github.com/a/b", "GITHUB_TOKEN", False),
        ("https://github.com.evil.org/a/b", "GITHUB_TOKEN", False),
        ("http://github.com/a/b", "GITHUB_TOKEN", False),
        ("https://gitlab.com/a/b", "GITHUB_TOKEN", False),
        ("https://gitlab.com/a/b", "GITLAB_TOKEN", True),
        ("https://codeberg.org/a/b", "CODEBERG_TOKEN", True),
        ("https://github.com:8443/a/b", "GITHUB_TOKEN", False),
        ("https://github.com:443/a/b", "GITHUB_TOKEN", True),
        ("https://evil.org\\@github.com/a/b", "GITHUB_TOKEN", False),
        ("https://git.acme.org/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG", True),
        ("https://git.acme.org:8443/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG", False),
        ("https://git.acme.org:8443/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG_8443", True),
        ("https://git.acme.org/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG_443", False),
        ("https://git-acme.org/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG", False),
        ("https://git-acme.org/a/b", "HUBKIT_TOKEN_GIT__ACME_ORG", True),
        ("https://git_acme.org/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG", False),
        ("http://git.acme.org/a/b", "HUBKIT_TOKEN_GIT_ACME_ORG", False),
        ("https://[fe80::1]/a/b", "HUBKIT_TOKEN_FE80__1", False),
        ("https://[::1]:81/a", "HUBKIT_TOKEN__0000_0000_0000_0000_0000_0000_0000_0001_81", True),
    ],
)
@pytest.mark.usefixtures("hub_dir")
def test_whose_token_a_host_is_shown(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str, found: bool
) -> None:
    monkeypatch.setenv(variable, TOKEN)
    assert is_found(url) == found


def is_found(url: str) -> bool:
    credential = find_credential(url)
    return credential is not None and credential.secret == TOKEN


LABEL = st.from_regex(r"[ab81]([ab8-]{0,2}[ab81])?", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PORTS = st.sampled_from(["", ":8", ":81", ":443"])


@settings(max_examples=300)
@given(NAMES, PORTS, NAMES, PORTS)
@example("git.corp.com", "", "git-corp.com", "")
@example("127.0.0.1", ":8", "127.0.0.1.8", "")
@example("a.b", ":8", "a.b.8", "")
@example("[::1]", "", "a.0.0.1", "")
@example("[fe80::1]", "", "fe80-1", "")
def test_no_variable_is_read_for_two_hosts(a: str, x: str, b: str, y: str) -> None:
    one, other = try_parse(f"https://{a}{x}/"), try_parse(f"https://{b}{y}/")
    if one is not None and other is not None:
        own = token_variables(one)[:1] == token_variables(other)[:1]
        assert own == (one.host_key == other.host_key)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("https://github.com/a", "set GITHUB_TOKEN"),
        ("https://gitlab.com/a", "set GITLAB_TOKEN"),
        ("https://git-corp.acme.org:8443/a", "set HUBKIT_TOKEN_GIT__CORP_ACME_ORG_8443"),
        ("https://a_b.org/a", "add a_b.org to ~/.netrc"),
        ("http://git.acme.org/a", ""),
        ("ssh://git@git.acme.org/a", ""),
        ("file:///srv/a", ""),
        ("https://evil.org\\@github.com/a", ""),
    ],
)
@pytest.mark.usefixtures("hub_dir")
def test_only_a_variable_that_is_read_is_advised(
    monkeypatch: pytest.MonkeyPatch, url: str, advice: str
) -> None:
    assert token_advice(url) == advice
    if advice.startswith("set "):
        monkeypatch.setenv(advice.removeprefix("set "), TOKEN)
        assert is_found(url)


@pytest.mark.parametrize(
    "place",
    ["/acme/shapes/-/archive/{sha}/shapes-{sha}.zip", "/acme/shapes/get/{sha}.zip"],
    ids=["GitLab", "Bitbucket"],
)
def test_hosts_that_keep_archives_elsewhere(host: GitHost, worktree: Path, place: str) -> None:
    sha = git("rev-parse", "HEAD", cwd=worktree)
    body = git_bytes("archive", "--format=zip", f"--prefix=shapes-{sha}/", sha, cwd=worktree)
    host.add_file(place.format(sha=sha), body)
    host.fail(r"shapes/archive/", times=9, status=404)
    cached = fetch_repo(parse_repo(f"{host.url}/acme/shapes:main"), ASK)
    assert (cached.path / "net" / "a.py").read_text() == "A = 1\n"
    assert urlsplit(host.url).netloc.replace(":", "%3A") in cached.path.parts


def test_a_host_without_archives_is_an_error_that_leaves_nothing(
    host: GitHost, hub_dir: Path
) -> None:
    host.fail(r"archive|get/", times=9, status=404)
    with pytest.raises(errors.NotThereError):
        fetch_repo(parse_repo(f"{host.url}/acme/shapes"), ASK)
    assert [path for path in hub_dir.rglob("*") if path.is_file()] == []
