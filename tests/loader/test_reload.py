"""``force_reload``: code and weights are fetched afresh, and what is there stays until they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit import hubdir
from hubkit.errors import NotThereError, UnsafeArchiveError, UsageError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import add_trust, fetch_checkpoint, parse_repo, read_trust
from hubkit.loader import checkpoint_files
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

HUBCONF = """
from torch.hub import download_url_to_file, load_state_dict_from_url


class Net:
    def late(self):
        from reload_parts import late

        return late.WHO


def net():
    return Net()


def who():
    return WHO


def weights(url):
    return load_state_dict_from_url(url)["w"].tolist()
"""

RELOADING = """
import gc, json, os, sys
import hubkit

for line in sys.stdin:
    times, entrypoint = line.split()
    for _ in range(int(times)):
        made = hubkit.load("acme/shapes:main", entrypoint, force_reload=True)
    made = str(made)
    gc.collect()
    held = len(sys.modules), len(os.listdir("/dev/fd")), len(gc.get_objects()), made
    print(json.dumps(held), flush=True)
"""


def publish(host: GitHost, worktree: Path, who: str) -> str:
    files = {
        "hubconf.py": HUBCONF.replace("WHO\n", f"{who!r}\n", 2).replace(f"late.{who!r}", "late.WHO")
    }
    files |= {"reload_parts/__init__.py": "", "reload_parts/late.py": f"WHO = {who!r}\n"}
    sha = commit_files(worktree, files)
    host.add_repo("acme", "shapes", worktree)
    return sha


@pytest.fixture
def worktree(git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUBKIT_TRUST", "acme/*")
    publish(git_host, tmp_path / "work", "one")
    return tmp_path / "work"


def load(entrypoint: str, *arguments: object, **options: Any) -> object:
    return hubkit.load("acme/shapes:main", entrypoint, *arguments, **options)


def save(host: GitHost, path: Path, number: int) -> str:
    """Publish weights that tell their number; gives their URL, which stays the same."""
    import torch

    torch.save({"w": torch.tensor([number])}, path)
    return host.add_file("/files/net.pt", path.read_bytes())


@pytest.mark.torch
@pytest.mark.usefixtures("worktree")
def test_weights_are_replaced_with_the_code(git_host: GitHost, tmp_path: Path) -> None:
    url = save(git_host, tmp_path / "net.pt", 1)
    assert load("weights", url) == [1]
    save(git_host, tmp_path / "net.pt", 2)
    assert load("weights", url) == [1]
    assert load("weights", url, force_reload=True) == [2]
    asked = len(git_host.requests)
    assert load("weights", url) == [2]
    assert len(git_host.requests) == asked


@pytest.mark.torch
def test_what_cannot_be_fetched_afresh_stays(
    git_host: GitHost, worktree: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = save(git_host, tmp_path / "net.pt", 1)
    assert load("weights", url) == [1]
    publish(git_host, worktree, "two")
    save(git_host, tmp_path / "net.pt", 2)
    git_host.fail("codeload", times=9, cut=20)
    assert load("weights", url, force_reload=True) == [1]
    assert load("who") == "one"
    assert "Using the copy in" in caplog.text
    git_host.heal()
    git_host.fail("files/net", times=9, cut=0)
    assert load("weights", url, force_reload=True) == [1]
    assert load("who") == "two"
    git_host.heal()
    assert load("weights", url) == [2]


@pytest.mark.torch
@pytest.mark.usefixtures("worktree")
def test_weights_that_are_gone_are_reported_and_the_old_ones_stay(
    git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    url = save(git_host, tmp_path / "net.pt", 1)
    assert load("weights", url) == [1]
    del git_host.files["/files/net.pt"]
    with pytest.raises(NotThereError):
        load("weights", url, force_reload=True)
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


@pytest.mark.torch
def test_a_model_that_runs_keeps_its_own_code(git_host: GitHost, worktree: Path) -> None:
    old = load("net")
    publish(git_host, worktree, "two")
    new = load("net", force_reload=True)
    assert isinstance(old, object)
    assert (old.late(), new.late()) == ("one", "two")  # type: ignore[attr-defined]


@pytest.mark.torch
@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/fd")
def test_fifty_times_afresh_leave_what_once_leaves(git_host: GitHost, worktree: Path) -> None:
    """Of each commit that ran its code stays, as somebody may hold what was made with it."""
    # In a process without the host, whose threads open files and make objects of their own.
    command = [sys.executable, "-c", RELOADING]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:

        def reload(times: int, entrypoint: str = "net") -> tuple[int, int, int, str]:
            assert process.stdin
            assert process.stdout
            print(times, entrypoint, file=process.stdin, flush=True)
            modules, files, objects, made = json.loads(process.stdout.readline())
            return modules, files, objects, made

        modules, files, objects, _ = reload(3)
        after = reload(50)
        assert after[:2] == (modules, files)
        assert after[2] - objects < 200
        # The second commit imports what compares it with the first.
        publish(git_host, worktree, "second")
        modules, files, *_ = reload(1, "who")
        for number in range(5):
            publish(git_host, worktree, str(number))
            after = reload(1, "who")
            assert after[3] == str(number)
        assert after[0] - modules == 5 * 2  # its package and its hubconf
        assert after[1] - files <= 5


@pytest.mark.torch
def test_trust_is_kept_only_once_the_repo_has_arrived(
    git_host: GitHost, worktree: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBKIT_TRUST")
    sha = git("rev-parse", "HEAD", cwd=worktree)
    git_host.add_archive(sha, b"no zip")
    with pytest.raises(UnsafeArchiveError):
        load("who", trust_repo=True)
    assert read_trust() == ()
    assert not (hub_dir / "trusted_list").exists()
    git_host.archives.clear()
    assert load("who", trust_repo=True) == "one"
    assert read_trust() == ("acme/shapes",)


@pytest.mark.torch
@pytest.mark.usefixtures("worktree")
def test_standard_output_stays_empty(
    git_host: GitHost, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url = git_host.add_file("/net.bin", b"weights")
    for reload in (False, True, False):
        assert load("who", force_reload=reload) == "one"
        hubkit.list("acme/shapes:main", verbose=True)
        hubkit.help("acme/shapes:main", "who")
    hubkit.download_url_to_file(url, str(tmp_path / "out.bin"))
    fetch_checkpoint(url, policy=FetchPolicy())
    assert capfd.readouterr().out == ""


@pytest.mark.torch
@pytest.mark.usefixtures("worktree")
@pytest.mark.parametrize("way", ["argument", "list"])
def test_torchs_path_is_made_once_the_repo_is_trusted(
    hub_dir: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """torch.hub runs whatever lies there without asking."""
    monkeypatch.delenv("HUBKIT_TRUST")
    for repo in ("acme/shapes", "acme/shapes:main"):
        assert "who" in hubkit.list(repo)
        assert "who" in hubkit.list(repo, force_reload=True)
    link = hub_dir / "acme_shapes_main"
    assert not link.is_symlink()
    if way == "argument":
        load("who", trust_repo=True)
    else:
        add_trust(parse_repo("acme/shapes"))
        load("who")
    assert (link / "hubconf.py").is_file()


@pytest.mark.torch
@pytest.mark.usefixtures("worktree")
def test_max_age_reaches_the_weights_that_the_code_asks_for(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = save(git_host, tmp_path / "net.pt", 1)
    assert load("weights", url) == [1]
    git_host.forget_requests()
    assert load("weights", url, max_age=0) == [1]
    assert [entry.status for entry in git_host.requests if "net.pt" in entry.path] == [304]
    save(git_host, tmp_path / "net.pt", 2)
    assert load("weights", url, max_age=3600) == [1]
    assert hubkit.load_state_dict_from_url(url)["w"] == 1
    assert load("weights", url, max_age=0) == [2]
    save(git_host, tmp_path / "net.pt", 3)
    assert load("weights", url) == [2]
    assert hubkit.load_state_dict_from_url(url, max_age=0)["w"] == 3


@pytest.mark.torch
def test_a_max_age_for_the_whole_program_reaches_every_call(
    worktree: Path, git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.hub

    url = save(git_host, tmp_path / "net.pt", 1)
    assert (load("who"), load("weights", url)) == ("one", [1])
    publish(git_host, worktree, "two")
    save(git_host, tmp_path / "net.pt", 2)
    monkeypatch.setenv("HUBKIT_MAX_AGE", "3600")
    assert (load("who"), load("weights", url)) == ("one", [1])
    assert load("who", max_age=0) == "two"
    monkeypatch.setenv("HUBKIT_MAX_AGE", "0")
    assert load("weights", url) == [2]
    save(git_host, tmp_path / "net.pt", 3)
    assert hubkit.load_state_dict_from_url(url)["w"] == 3
    publish(git_host, worktree, "three")
    save(git_host, tmp_path / "net.pt", 4)
    with hubkit.as_torch_hub():
        assert torch.hub.load("acme/shapes:main", "who") == "three"  # type: ignore[no-untyped-call]
        assert torch.hub.load_state_dict_from_url(url)["w"] == 4
    for text in ("a day", "-1", "nan"):
        monkeypatch.setenv("HUBKIT_MAX_AGE", text)
        with pytest.raises(UsageError, match=f"HUBKIT_MAX_AGE is '{text}'"):
            load("who")


@pytest.mark.torch
def test_weights_that_go_just_after_they_were_found_are_fetched_again(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = save(git_host, tmp_path / "net.pt", 1)
    hubkit.load_state_dict_from_url(url)
    found = hubdir.fetch_checkpoint(url, policy=FetchPolicy())
    read, losses = checkpoint_files.read_checkpoint, [found.unlink]

    def lose_and_read(path: Path, *arguments: Any, **options: Any) -> dict[str, Any]:
        while losses:
            losses.pop()()
        return read(path, *arguments, **options)

    monkeypatch.setattr(checkpoint_files, "read_checkpoint", lose_and_read)
    assert hubkit.load_state_dict_from_url(url)["w"] == 1
    assert len(git_host.paths("net.pt")) == 2


@pytest.mark.torch
@pytest.mark.parametrize("when", ["before it is held", "while it is held"])
def test_a_repo_that_goes_just_after_it_was_found_is_fetched_again(
    git_host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    del worktree
    tree = hubdir.fetch_repo(parse_repo("acme/shapes:main"), FetchPolicy()).path
    keep = hubdir.hold_tree

    def lose_and_keep(path: Path) -> None:
        if when == "while it is held":
            keep(path)
        monkeypatch.setattr(hubdir, "hold_tree", keep)
        shutil.rmtree(tree)
        keep(path)

    monkeypatch.setattr(hubdir, "hold_tree", lose_and_keep)
    assert load("who") == "one"
    assert len(git_host.paths("codeload")) == 2
