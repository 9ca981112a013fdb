"""The loopback git host answers as GitHub does, so that tests against it mean something."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host") as host:
        yield host


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    commit_files(tmp_path / "work", {"hubconf.py": "dependencies = []\n"})
    return tmp_path / "work"


def get(url: str, **headers: str) -> requests.Response:
    import requests

    return requests.get(url, headers=headers, timeout=120)


def test_git_itself_can_clone(host: GitHost, worktree: Path, tmp_path: Path) -> None:
    host.add_repo("acme", "shapes", worktree)
    git("clone", "--quiet", f"{host.url}/acme/shapes.git", str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "hubconf.py").read_text() == "dependencies = []\n"


@pytest.mark.parametrize("shape", ["archive/{}.zip", "zipball/{}"])
def test_an_archive_is_a_redirect_away_and_names_its_commit(
    host: GitHost, worktree: Path, shape: str
) -> None:
    host.add_repo("acme", "shapes", worktree)
    sha = git("rev-parse", "HEAD", cwd=worktree)
    response = get(f"{host.url}/acme/shapes/{shape.format('main')}")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.comment.decode() == sha
        assert archive.namelist() == ["shapes-main/", "shapes-main/hubconf.py"]
    assert len(response.history) == 1


def test_an_asset_can_be_asked_for_in_part(host: GitHost, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"0123456789")
    url = host.add_asset("acme", "shapes", "v1", tmp_path / "net.pt")
    whole = get(url)
    part = get(url, Range="bytes=4-", **{"If-Range": whole.headers["ETag"]})
    assert (whole.content, part.status_code, part.content) == (b"0123456789", 206, b"456789")
    assert get(url, Range="bytes=4-", **{"If-Range": '"older"'}).content == b"0123456789"


def test_a_private_repo_looks_like_none_at_all(host: GitHost, worktree: Path) -> None:
    host.add_repo("acme", "secret", worktree, token="t0ken")
    for name in ("secret", "nothing"):
        assert get(f"{host.url}/acme/{name}/info/refs?service=git-upload-pack").status_code == 401
        assert get(f"{host.url}/acme/{name}/archive/main.zip").status_code == 404
    seen = get(f"{host.url}/acme/secret/archive/main.zip", Authorization="Bearer t0ken")
    assert seen.status_code == 200


def test_faults_spoil_as_many_requests_as_they_were_told(host: GitHost) -> None:
    url = host.add_file("/weights.bin", b"x" * 1000)
    host.fail("weights", status=503, headers={"Retry-After": "1"})
    host.fail("weights", cut=400)
    assert get(url).status_code == 503
    with pytest.raises(OSError, match="IncompleteRead"):
        get(url)
    assert get(url).content == b"x" * 1000
    assert [(seen.status, seen.sent) for seen in host.requests] == [
        (503, 17),
        (200, 400),
        (200, 1000),
    ]
