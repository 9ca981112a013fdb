"""``hubkit release --verify``: the commit is really loaded, and nothing but the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import hubkit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

SOURCE = '''\
import socket as _socket

dependencies = ["torch"]


def good(pretrained=False, weights=None):
    """Good.

    Args:
        pretrained: Whether it is trained.
        weights: Which weights.
    """
    import torch
    from lib.net import make

    return make()


def stray():
    """Needs a file that is not committed."""
    from lib.local import make

    return make()


def online():
    """Reaches for the network."""
    _socket.create_connection(("192.0.2.1", 80))


def needy():
    """Says where it lies."""
    raise RuntimeError(f"{__file__} wants more")


def leaves():
    """Ends the process."""
    raise SystemExit(3)


def declared(path):
    """Is told its argument.

    Args:
        path: Which.
    """
    return path


def unknown(path):
    """Wants an argument.

    Args:
        path: Which.
    """
    return path
'''


def test_only_what_is_committed_and_offline_counts(tmp_path: Path) -> None:
    folder = tmp_path / "nets"
    commit_files(
        folder,
        {
            "hubconf.py": SOURCE,
            "lib/net.py": "import torch\n\n\ndef make():\n    return torch.nn.Linear(1, 1)\n",
            "hubkit.toml": '[entrypoints.declared]\ncall = { path = "x" }\n',
            ".gitignore": "local.py\n",
        },
    )
    (folder / "lib" / "local.py").write_text("def make():\n    return 1\n")
    git("tag", "v0.1.0", cwd=folder)
    result = hubkit("release", folder, *("--dry-run", "--verify", "--level", "0", "--tag", "v1"))
    lines = [line for line in result.stdout.splitlines() if "  load: " in line]
    assert [line[:7].strip() for line in lines] == [*["missing"] * 4, "ok", "ok", "note"], lines
    assert "\"stray\") fails: ModuleNotFoundError: No module named 'lib.local'" in lines[0]
    assert '"online") fails: NetworkDeniedError: ' in lines[1]
    assert "tried to reach 192.0.2.1:80, but this process is offline" in lines[1]
    assert "RuntimeError: OWNER_NAME_v1/hubconf.py wants more" in lines[2]
    assert '"leaves") fails: SystemExit: 3' in lines[3]
    assert lines[4].endswith(
        "without weights, from the commit alone, with torch.hub and hubkit: good and declared"
    )
    assert lines[5].endswith("with weights, from the commit alone, with torch.hub and hubkit: good")
    assert lines[6].endswith("unknown")
    assert not (tmp_path / "home").exists()


def test_a_process_that_dies_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "nets"
    commit_files(
        folder,
        {"hubconf.py": 'import os as _os\n\n\ndef net():\n    """Dies."""\n    _os._exit(7)\n'},
    )
    result = hubkit("release", folder, *("--dry-run", "--verify", "--level", "0", "--tag", "v1"))
    assert result.exit_code == 1
    assert "exited with status 7" in result.stdout


def test_a_hubconf_that_makes_its_names_is_left_to_the_suite(tmp_path: Path) -> None:
    folder = tmp_path / "nets"
    commit_files(folder, {"hubconf.py": "for _n in 'ab'[:]:\n    globals()[_n] = print\n"})
    result = hubkit("release", folder, *("--dry-run", "--verify", "--level", "0", "--tag", "v1"))
    assert "note     load: the source defines no entrypoint" in result.stdout


WEIGHTS = '''\
dependencies = ["torch"]


def net(pretrained=False, width=2):
    """A layer.

    Args:
        pretrained: Load the trained weights.
        width: How wide it is.
    """
    import os

    import torch

    model = torch.nn.Linear(width, 1)
    if pretrained:
        LOAD
        model.load_state_dict(state)
    return model
'''
URL = "https://github.com/acme/nets/releases/download/v1/net.pth"
DOWNLOAD = f'state = torch.hub.load_state_dict_from_url("{URL}")'
LOCAL = 'state = torch.load(os.path.join("dist", "net.pth"))'
LINE = 'torch.hub.load("acme/nets:v1", "net", pretrained=True)'


@pytest.mark.parametrize(
    ("load", "width", "reason"),
    [
        (DOWNLOAD, 2, ""),
        (DOWNLOAD, 3, "size mismatch for weight"),
        (DOWNLOAD, None, f"not tried: {LINE}: it requests {URL}"),
        (LOCAL, 2, "FileNotFoundError"),
    ],
    ids=["good", "misfit", "absent", "working-directory"],
)
def test_printed_calls_ran_with_their_weights(
    tmp_path: Path, load: str, width: int | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    folder = tmp_path / "nets"
    commit_files(folder, {"hubconf.py": WEIGHTS.replace("LOAD", load), ".gitignore": "dist\n"})
    if width:
        (folder / "dist").mkdir()
        torch.save(torch.nn.Linear(width, 1).state_dict(), folder / "dist" / "net.pth")
    monkeypatch.chdir(folder)
    options = ("--dry-run", "--verify", "--level", "0", "--tag", "v1", "--repo", "acme/nets")
    result = hubkit("release", ".", *options)
    lines = [line for line in result.stdout.splitlines() if "  load: " in line]
    assert any(line.startswith("ok ") and "without weights" in line for line in lines)
    assert (f"  {LINE}\n" in result.stdout) == (not reason)
    by_sha = LINE.replace("torch.hub", "hubkit").replace(
        ":v1", f":{git('rev-parse', 'HEAD', cwd=folder)}"
    )
    assert (f"  {by_sha}  # exactly this commit\n" in result.stdout) == (not reason)
    if reason:
        assert any(line.startswith("missing") and reason in line for line in lines)
        if not reason.startswith("not tried"):
            assert "-> pytest --hubconf -k C305\n" in result.stdout
    else:
        assert lines[-1].endswith("with torch.hub and hubkit: net")


@pytest.mark.parametrize(("width", "verdict"), [(2, "ok"), (3, "missing")])
def test_the_suite_calls_weights_at_level_1(tmp_path: Path, width: int, verdict: str) -> None:
    import torch

    load = 'state = torch.load(os.path.join(os.path.dirname(__file__), "net.pth"))'
    folder = tmp_path / "nets"
    folder.mkdir()
    torch.save(torch.nn.Linear(width, 1).state_dict(), folder / "net.pth")
    settings = '[entrypoints.net]\ninput = "f32[B,2]"\n'
    commit_files(folder, {"hubconf.py": WEIGHTS.replace("LOAD", load), "hubkit.toml": settings})
    options = ("--dry-run", "--conform", "--tag", "v1")
    result = hubkit("release", folder, *options)
    call = "net(pretrained=True)"
    message = f"tried: {call}, with net.pth" if verdict == "ok" else f"{call} was tried and fails"
    assert f"{verdict:7}  weights: {message}" in result.stdout
    assert "not tried" not in result.stdout
    assert ".load(" not in result.stdout
    assert (
        "To run and print the lines that load this release: hubkit release --verify"
        in result.stdout
    )
