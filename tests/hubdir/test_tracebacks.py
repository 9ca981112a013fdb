"""What a user sees of a request that fails: one traceback, and one line that names the cause."""

from __future__ import annotations

import socket
import traceback
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, parse_repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.git_host import GitHost

BRIEF = FetchPolicy(read_timeout=0.2, connect_timeout=0.2, pause=0.0)
PATIENT = FetchPolicy(pause=0.0)
LIMIT = {"x-ratelimit-remaining": "0", "Retry-After": "3600"}

FILES = {
    "unknown host": ("https://weights.invalid/net.pt", "weights.invalid cannot be reached: "),
    "refused": ("http://127.0.0.1:9/net.pt", "127.0.0.1:9 cannot be reached: [Errno "),
    "no TLS": ("https://127.0.0.1:{port}/net.pt", "127.0.0.1:{port} cannot be reached over TLS: "),
    "silent": ("http://127.0.0.1:{silent}/net.pt", "cannot be reached: Read timed out"),
    "dropped": ("{url}/dropped.pt", "Remote end closed connection"),
    "cut": ("{url}/cut.pt", "was interrupted: IncompleteRead("),
    "missing": ("{url}/missing.pt", "missing.pt does not exist."),
    "busy": ("{url}/busy.pt", "returned status 503 and asked to wait 3600 s"),
    "moved nowhere": ("{url}/moved.pt", "redirects to an address that is not a URL"),
    "bad URL": ("https://a b/net.pt", "it contains a space"),
}
REPOS = {
    "missing repo": ("acme/other", "There is no repo acme/other on github.com"),
    "missing ref": ("acme/shapes:mian", "acme/shapes has no branch or tag 'mian'."),
    "missing repo, by git": (
        "git+https://github.com/acme/other",
        "There is no repo acme/other at ",
    ),
    "rate limit": ("acme/limited", "Rate limited by 127.0.0.1:{port}"),
}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def show(call: Callable[[], object]) -> list[str]:
    """The lines of the error that a call raises, as Python prints them."""
    with pytest.raises(errors.HubkitError) as failed:
        call()
    text = "".join(traceback.format_exception(failed.value))
    assert text.count("Traceback") == 1
    assert "/requests/" not in text
    return [line for line in text.splitlines() if line.startswith("hubkit.errors.")]


@pytest.mark.parametrize(("url", "cause"), FILES.values(), ids=list(FILES))
def test_a_file_that_cannot_be_fetched_shows_one_cause(
    git_host: GitHost, url: str, cause: str
) -> None:
    git_host.add_file("/cut.pt", bytes(100))
    git_host.fail("cut", times=99, cut=0)
    git_host.fail("dropped", times=99, drop=True)
    git_host.fail("busy", times=99, status=503, headers={"Retry-After": "3600"})
    git_host.fail("moved", times=99, status=302, headers={"Location": "http://[x"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        names = {"url": git_host.url, "port": git_host.port, "silent": silent.getsockname()[1]}
        (line,) = show(lambda: fetch_checkpoint(url.format(**names), policy=BRIEF))
    assert cause.format(**names) in line


@pytest.mark.parametrize(("repo", "cause"), REPOS.values(), ids=list(REPOS))
def test_a_repo_that_cannot_be_fetched_shows_one_cause(
    host: GitHost, repo: str, cause: str
) -> None:
    host.fail("limited", times=99, status=403, headers=LIMIT)
    (line,) = show(lambda: fetch_repo(parse_repo(repo), PATIENT))
    assert cause.format(port=host.port) in line


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
@pytest.mark.usefixtures("hub_dir")
def test_a_setting_that_leads_nowhere_shows_one_cause(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    (line,) = show(lambda: fetch_checkpoint("https://weights.invalid/net.pt", policy=BRIEF))
    assert ("The proxy for" if variable == "HTTPS_PROXY" else variable) in line


def test_offline_and_a_folder_that_cannot_be_written_show_one_cause(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    (line,) = show(lambda: fetch_repo(parse_repo("acme/shapes"), PATIENT))
    assert "Cannot write" in line
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    (line,) = show(lambda: fetch_checkpoint(f"{host.url}/net.pt", policy=BRIEF))
    assert "hubkit is offline" in line


@pytest.mark.usefixtures("hub_dir")
def test_the_error_of_the_system_is_still_the_reason() -> None:
    with pytest.raises(URLError) as failed:
        fetch_checkpoint("http://127.0.0.1:9/net.pt", policy=BRIEF)
    assert isinstance(failed.value.reason, ConnectionRefusedError)
