"""Tokens and logins: refused ones are left away, none leaves its host, and errors name them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo
from tests.git_host import GitHost, Request, git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASK = FetchPolicy()
SECRET = "s3cret"
LOGINS = {
    "machine": f"machine 127.0.0.1 login me password {SECRET}\n",
    "default": f"default login me password {SECRET}\n",
}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def write_netrc(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "home" / ".netrc"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def set_credential(way: str, host: GitHost, tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    """Set a token or login for a host; return how errors name it."""
    if way in LOGINS:
        return f"the login for 127.0.0.1 in {write_netrc(tmp_path, LOGINS[way])}"
    name = way.replace("PORT", str(host.port))
    patch.setenv(name, SECRET)
    return f"the token in {name}"


def is_signed(entry: Request) -> bool:
    return "authorization" in entry.headers


def shows_secret(entry: Request) -> bool:
    """Whether a request holds the secret; git may send an empty login."""
    kind, _, text = entry.headers.get("authorization", "").partition(" ")
    return SECRET in (base64.b64decode(text).decode() if kind == "Basic" else text)


WAYS = [*LOGINS, "GITHUB_TOKEN", "HUBKIT_TOKEN_127_0_0_1_PORT"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_credential_is_left_away(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, status: int
) -> None:
    set_credential(way, host, tmp_path, monkeypatch)
    host.fail(".", times=99, only=is_signed, status=status)
    assert fetch_repo(parse_repo("acme/shapes"), ASK).path.is_dir()
    assert len([entry for entry in host.requests if is_signed(entry)]) == (
        1 if way in LOGINS else 2
    )
    url = host.add_file("/net.pt", b"weights")
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"weights"


@pytest.mark.parametrize("way", LOGINS)
def test_git_gets_a_login_only_for_a_host_that_wants_one(
    host: GitHost, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    set_credential(way, host, tmp_path, monkeypatch)
    host.fail(".", times=99, only=is_signed, status=401)
    fetch_repo(parse_repo("git+https://github.com/acme/shapes"), ASK)
    host.heal()
    host.add_repo("acme", "secret", worktree, token=SECRET)
    cached = fetch_repo(parse_repo("git+https://github.com/acme/secret"), ASK)
    assert cached.sha == git("rev-parse", "HEAD", cwd=worktree)


@pytest.fixture
def other(git_host: GitHost, worktree: Path) -> Iterator[GitHost]:
    """Another host, to which the first one redirects, and which asks everybody for a login."""
    with GitHost() as host:
        host.add_repo("acme", "moved", worktree, token="another")
        host.add_file("/moved.pt", b"weights")
        host.fail(r"moved\.pt", times=99, status=401, only=lambda entry: not is_signed(entry))
        where = f"http://localhost:{host.port}"
        refs = f"{where}/acme/moved.git/info/refs?service=git-upload-pack"
        git_host.fail(r"moved\.git", times=99, status=302, headers={"Location": refs})
        there = {"Location": f"{where}/moved.pt"}
        git_host.fail(r"moved\.pt", times=99, status=302, headers=there)
        yield host


@pytest.mark.parametrize(
    "netrc",
    [*LOGINS.values(), LOGINS["machine"].replace("127.0.0.1", "localhost")],
    ids=["machine", "default", "machine of the target"],
)
@pytest.mark.parametrize("way", ["", "git+"])
def test_nothing_of_netrc_follows_a_redirect_to_another_host(
    git_host: GitHost, other: GitHost, tmp_path: Path, netrc: str, way: str
) -> None:
    write_netrc(tmp_path, netrc)
    with pytest.raises(errors.FetchError):
        fetch_repo(parse_repo(f"{way}https://github.com/acme/moved"), ASK)
    with pytest.raises(errors.AccessDeniedError):
        fetch_checkpoint(f"{git_host.url}/moved.pt", policy=ASK)
    assert other.paths("info/refs")
    assert other.paths("moved.pt")
    assert not any(map(shows_secret, other.requests))


@pytest.mark.parametrize("way", WAYS)
def test_an_error_names_what_was_refused(
    host: GitHost, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    name = set_credential(way, host, tmp_path, monkeypatch)
    host.add_repo("acme", "secret", worktree, token="another")
    host.fail(r"net\.pt", times=99, status=403)
    for call in (
        lambda: fetch_repo(parse_repo("acme/secret"), ASK),
        lambda: fetch_repo(parse_repo("git+https://github.com/acme/secret"), ASK),
        lambda: fetch_checkpoint(f"{host.url}/net.pt", policy=ASK),
    ):
        with pytest.raises(errors.FetchError) as refused:
            call()
        assert name in refused.value.hint
        assert SECRET not in str(refused.value)


def test_the_login_in_a_url_comes_first_and_is_named(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credential("default", host, tmp_path, monkeypatch)
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    host.fail(r"net\.pt", times=99, status=401)
    url = f"{host.url}/net.pt".replace("//", "//you:p%40ss@")
    with pytest.raises(errors.AccessDeniedError, match="denies access") as refused:
        fetch_checkpoint(url, policy=ASK)
    assert "the user name and password in the URL" in refused.value.hint
    (entry,) = host.requests
    assert base64.b64decode(entry.headers["authorization"].split()[1]) == b"you:p@ss"


@pytest.mark.parametrize("token", ["a\nb", "t\u00f6ken", "a\r\nX-Header: b"])
def test_an_invalid_token_is_an_error_that_does_not_quote_it(
    host: GitHost, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("GH_TOKEN", token)
    with pytest.raises(errors.UsageError, match="GH_TOKEN") as refused:
        fetch_repo(parse_repo("acme/shapes"), ASK)
    assert token not in str(refused.value)
    monkeypatch.setenv("GH_TOKEN", f" {SECRET}\n")
    fetch_repo(parse_repo("acme/shapes"), ASK)
    assert shows_secret(host.requests[0])


def test_a_damaged_netrc_is_named_once_and_not_quoted(
    host: GitHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_netrc(tmp_path, f"machine 127.0.0.1 login me\n{SECRET} x\n")
    fetch_repo(parse_repo("acme/shapes"), ASK)
    assert host.requests
    assert [said.message for said in caplog.records if str(path) in said.message] == [
        f"{path}, line 2 cannot be read; its logins are not used"
    ]
    assert SECRET not in caplog.text


def test_a_rate_limit_without_a_token_is_not_that_with_one(
    host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = host.add_file("/net.pt", b"weights")
    later = {"Retry-After": "3600"}
    host.fail(r"net\.pt", times=9, status=429, headers=later, only=lambda e: not is_signed(e))
    with pytest.raises(errors.RateLimitedError) as limited:
        fetch_checkpoint(url, policy=ASK)
    variable = f"HUBKIT_TOKEN_127_0_0_1_{host.port}"
    assert f"set {variable}" in limited.value.hint
    monkeypatch.setenv(variable, SECRET)
    assert fetch_checkpoint(url, policy=ASK).read_bytes() == b"weights"


def test_no_token_is_advised_for_the_target_of_a_redirect(
    git_host: GitHost, other: GitHost
) -> None:
    other.heal()
    other.fail(r"moved\.pt", times=99, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.RateLimitedError, match="localhost") as limited:
        fetch_checkpoint(f"{git_host.url}/moved.pt", policy=ASK)
    assert limited.value.hint == "Wait."
