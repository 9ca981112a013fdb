"""``hubkit release --published``: what users get is what was released."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import hubkit, missing, read_items

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

WEIGHTS = b"\x80\x02 the weights"
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()
HUBCONF = '''\
import torch as _torch

dependencies = ["torch"]


def net(pretrained=False):
    """A layer."""
    model = _torch.nn.Linear(2, 1)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url("URL", map_location="cpu"))
    return model
'''
PATH = f"/files/net-{DIGEST[:8]}.pth"
OPTIONS = ("release", "--published", "--tag", "v1", "--repo", "acme/nets")


@pytest.fixture
def released(tmp_path: Path, git_host: GitHost, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with the tag v1 and a file to upload, as the working directory; nothing is pushed."""
    folder = tmp_path / "nets"
    record = f'[entrypoints.net]\nweights = {{ bytes = {len(WEIGHTS)}, sha256 = "{DIGEST}" }}\n'
    files = {
        "hubconf.py": HUBCONF.replace("URL", git_host.url + PATH),
        "hubkit.toml": record,
        "notes/plan.txt": "x",
        ".gitattributes": "notes export-ignore\n",
    }
    commit_files(folder, files)
    git("tag", "-a", "-m", "v1", "v1", cwd=folder)
    monkeypatch.chdir(folder)
    return folder


def test_all_is_published(released: Path, git_host: GitHost, hub_dir: Path) -> None:
    commit = git("rev-parse", "HEAD", cwd=released)
    git_host.add_repo("acme", "nets", released)
    git_host.add_file(PATH, WEIGHTS)
    commit_files(released, {"hubconf.py": "later = 1\n"})  # The tag counts, not HEAD.
    result = hubkit(*OPTIONS)
    assert result.exit_code == 0, result.output
    assert read_items(result) == {
        "tag": ("ok", f"acme/nets:v1 is at {commit[:10]}, as here"),
        "archive": ("ok", "its files are those of the commit, 3 in all"),
        "checkpoints": ("ok", f"{PATH[7:]}: 14 bytes, sha256 {DIGEST[:10]}…"),
    }
    assert not hub_dir.exists()
    git_host.forget_requests()
    assert hubkit(*OPTIONS).exit_code == 0
    assert git_host.paths(PATH)  # It asks the hosts each time.


def test_a_file_that_is_not_uploaded(released: Path, git_host: GitHost) -> None:
    git_host.add_repo("acme", "nets", released)
    result = hubkit(*OPTIONS)
    assert set(missing(result)) == {"checkpoints"}
    assert f"-> upload {PATH[7:]}\n" in result.stdout
    (released / "dist").mkdir()
    (released / "dist" / PATH[7:]).write_bytes(WEIGHTS)
    assert f"-> upload dist/{PATH[7:]}\n" in hubkit(*OPTIONS).stdout


def test_a_file_that_differs(released: Path, git_host: GitHost) -> None:
    git_host.add_repo("acme", "nets", released)
    other = b"\x80\x02 others"
    git_host.add_file(PATH, other)
    digest = hashlib.sha256(other).hexdigest()
    result = hubkit(*OPTIONS)
    expected = f"{git_host.url}{PATH} has the sha256 {digest[:10]}…, not {DIGEST[:10]}…"
    assert missing(result) == {"checkpoints": expected}
    assert f"-> upload {PATH[7:]} again\n" in result.stdout


def test_a_file_that_differs_from_the_one_here(released: Path, git_host: GitHost) -> None:
    plain = "/files/plain.pth"
    source = HUBCONF.replace("URL", git_host.url + plain)
    commit_files(released, {"hubconf.py": source, "hubkit.toml": ""})
    git("tag", "v2", cwd=released)
    git_host.add_repo("acme", "nets", released)
    git_host.add_file(plain, WEIGHTS)
    result = hubkit(*OPTIONS, "--tag", "v2")
    assert result.exit_code == 0
    assert read_items(result)["checkpoints"][0] == "note"  # Nothing to compare it with.
    (released / "dist").mkdir()
    (released / "dist" / "plain.pth").write_bytes(b"others")
    found = missing(hubkit(*OPTIONS, "--tag", "v2"))
    assert f"not {hashlib.sha256(b'others').hexdigest()[:10]}…" in found["checkpoints"]


def test_a_size_that_differs_from_the_record(released: Path, git_host: GitHost) -> None:
    record = (released / "hubkit.toml").read_text().replace("bytes = 14", "bytes = 15")
    commit_files(released, {"hubkit.toml": record})
    git("tag", "v2", cwd=released)
    git_host.add_repo("acme", "nets", released)
    git_host.add_file(PATH, WEIGHTS)
    found = missing(hubkit(*OPTIONS, "--tag", "v2"))
    assert found == {"checkpoints": f"{git_host.url}{PATH} has 14 bytes, not 15"}


def test_a_tag_that_is_not_pushed(released: Path, git_host: GitHost) -> None:
    git("tag", "v2", cwd=released)
    git_host.add_repo("acme", "nets", released)
    git("tag", "-d", "v2", cwd=git_host.bare("acme", "nets"))
    result = hubkit(*OPTIONS, "--tag", "v2")
    assert set(missing(result)) == {"tag"}
    assert "-> git push origin v2\n" in result.stdout


def test_a_tag_that_points_elsewhere(released: Path, git_host: GitHost) -> None:
    git_host.add_repo("acme", "nets", released)
    before = git("rev-parse", "HEAD", cwd=released)
    after = commit_files(released, {"later.txt": "x"})
    git("tag", "--force", "v1", cwd=released)
    message = f"acme/nets:v1 is at {before[:10]}, but this tag is at {after[:10]} here"
    git_host.add_file(PATH, WEIGHTS)
    assert missing(hubkit(*OPTIONS)) == {"tag": message}
    git("tag", "-d", "v1", cwd=released)
    assert "but HEAD is at" in missing(hubkit(*OPTIONS))["tag"]


def test_an_archive_with_other_files(released: Path, git_host: GitHost) -> None:
    git_host.add_repo("acme", "nets", released)
    sha = git("rev-parse", "HEAD", cwd=released)
    with_notes = ("archive", "--format=zip", "--prefix=nets/", "--worktree-attributes")
    (released / ".gitattributes").write_text("hubkit.toml export-ignore\n")
    path = released.parent / "other.zip"
    git(*with_notes, f"--output={path}", sha, cwd=released)
    git_host.add_archive(sha, path.read_bytes())
    git_host.add_file(PATH, WEIGHTS)
    found = missing(hubkit(*OPTIONS))
    assert found["archive"].startswith("the files of the archive differ from those of the commit: ")
    assert "hubkit.toml" in found["archive"]


@pytest.mark.usefixtures("released")
def test_nothing_else_is_run_with_it() -> None:
    for option in ("--conform", "--verify"):
        result = hubkit(*OPTIONS, option)
        assert result.exit_code == 2
        assert "--published cannot be combined" in result.output
    result = hubkit("release", "--published", "--tag", "v1")
    assert result.exit_code == 2
    assert "The published repo is unknown" in result.output
