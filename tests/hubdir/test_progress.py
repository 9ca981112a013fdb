"""How far a download is: on a terminal, in a notebook, and in a log."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import download_url_to_file, fetch_repo, parse_repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.usefixtures("progress_shown")
BODY = os.urandom(3_000_000)
LINE = r"net\.pt: (\d\.\d|\d+\.\d kB|\d+ bytes) of 3\.0 MB, [\d.]+ [kMG]?B/s, \d+ (s|min|h) left"


class Log(io.StringIO):
    """Standard error; a terminal or not."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture(autouse=True)
def _lines_for_all_that_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubkit._util.progress.EVERY", 0.0)


def watch(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool = False) -> Log:
    """Replace standard error; in the test itself, since pytest replaces it after fixtures."""
    log = Log(is_terminal=is_terminal)
    monkeypatch.setattr("sys.stderr", log)
    return log


def test_a_log_gets_lines_with_size_rate_and_what_is_left(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = watch(monkeypatch)
    url = git_host.add_file("/net.pt", BODY)
    download_url_to_file(url, str(tmp_path / "net.pt"))
    lines = log.getvalue().splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(LINE, line)] == []


def test_a_log_gets_no_line_before_its_time(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubkit._util.progress.EVERY", 1e9)
    log = watch(monkeypatch)
    download_url_to_file(git_host.add_file("/net.pt", BODY), str(tmp_path / "net.pt"))
    assert log.getvalue() == ""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_download_that_is_resumed_says_from_where(
    git_host: GitHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", cut=1_200_000)
    git_host.fail("net", status=404)
    with pytest.raises(errors.NotThereError):
        download_url_to_file(url, str(tmp_path / "net.pt"))
    log = watch(monkeypatch, is_terminal=is_terminal)
    download_url_to_file(url, str(tmp_path / "net.pt"))
    assert log.getvalue().splitlines()[0] == "net.pt: resuming at 1.2 of 3.0 MB"
    assert ("100%" in log.getvalue()) == is_terminal


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_archive_has_the_name_of_its_repo(
    host: GitHost, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    log = watch(monkeypatch, is_terminal=is_terminal)
    assert host.requests == []
    fetch_repo(parse_repo("acme/shapes:main"), FetchPolicy())
    assert log.getvalue().lstrip("\r").startswith("acme/shapes:main: ")


def test_without_progress_nothing_is_shown(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = watch(monkeypatch)
    url = git_host.add_file("/net.pt", BODY)
    download_url_to_file(url, str(tmp_path / "net.pt"), progress=False)
    assert log.getvalue() == ""


class Broken:
    """A replaced standard error that cannot be written, nor asked whether it is a terminal."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize(
    "stream", [None, Broken(), io.StringIO()], ids=["none", "broken", "closed"]
)
def test_a_standard_error_that_cannot_be_written_does_no_harm(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: Any
) -> None:
    if isinstance(stream, io.StringIO):
        stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    download_url_to_file(git_host.add_file("/net.pt", BODY), str(tmp_path / "net.pt"))
    assert (tmp_path / "net.pt").read_bytes() == BODY


def test_the_name_of_a_file_writes_no_line_of_its_own(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = watch(monkeypatch)
    url = git_host.add_file("/net.pt", BODY)
    download_url_to_file(url, str(tmp_path / "a\n\x1b[2J.pt"))
    assert log.getvalue().startswith(r"a\n\x1b[2J.pt: ")
    assert "\x1b" not in log.getvalue()


@pytest.mark.slow
def test_a_notebook_shows_a_bar(git_host: GitHost, tmp_path: Path) -> None:
    pytest.importorskip("ipykernel", reason="pip install ipykernel to run this test")
    kernels = pytest.importorskip("jupyter_client.manager")
    (tmp_path / "home").mkdir()  # for the settings of IPython

    url = git_host.add_file("/net.pt", BODY)
    code = f"""
from hubkit.hubdir import download_url_to_file
download_url_to_file({url!r}, {str(tmp_path / "net.pt")!r})
"""
    shown: list[dict[str, Any]] = []
    manager, client = kernels.start_new_kernel(kernel_name="python3")
    try:
        client.execute_interactive(code, timeout=60, output_hook=shown.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    text = "".join(
        said["content"]["text"]
        for said in shown
        if said["msg_type"] == "stream" and said["content"]["name"] == "stderr"
    )
    assert re.search(r"\rnet\.pt: 100%\|.*2\.86M/2\.86M", text), shown
