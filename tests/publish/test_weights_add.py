"""``hubkit weights add`` as it is typed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hubkit.config import read_config
from hubkit.publish.stand_in import Hosted, run_codes
from tests.git_host.repos import git
from tests.publish.conftest import hubkit


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


pytestmark = pytest.mark.torch


@pytest.fixture
def file(in_repo: Path, checkpoints: Path) -> Path:
    """The state dict of the entrypoints."""
    return Path(shutil.copy(checkpoints / "linear.pth", in_repo / "net.pth"))


def test_a_copy_is_named_recorded_and_shown(in_repo: Path, file: Path) -> None:
    sha, dist = digest(file), in_repo / "dist"
    result = hubkit(
        *("weights", "add", file, "--entrypoint", "net", "--to", dist),
        *("--repo", "acme/nets", "--tag", "v1.0"),
    )
    assert result.exit_code == 0, result.output
    copy = dist / f"net-{sha[:8]}.pth"
    assert digest(copy) == sha
    assert [*dist.iterdir()] == [copy]
    weights = read_config(in_repo).entrypoint("net").weights
    assert weights is not None
    assert (weights.sha256, weights.bytes) == (sha, file.stat().st_size)
    assert f"acme/nets/releases/download/v1.0/net-{sha[:8]}.pth" in result.stdout
    assert "check_hash=True" in result.stdout


def test_again_changes_nothing_and_other_weights_replace_the_record(
    in_repo: Path, file: Path, checkpoints: Path
) -> None:
    add = ("weights", "add", "--entrypoint", "net", "--to", in_repo)
    assert "\nrecorded: hubkit.toml" in hubkit(*add, file).stdout
    before = {path: path.read_bytes() for path in in_repo.iterdir() if path.is_file()}
    named = next(path for path in in_repo.glob("net-*.pth"))
    result = hubkit(*add, named)
    assert f"exists: {named}" in result.stdout
    assert "already recorded" in result.stdout
    assert {path: path.read_bytes() for path in in_repo.iterdir() if path.is_file()} == before
    assert "\nreplaced: hubkit.toml" in hubkit(*add, checkpoints / "wide.pth").stdout


def test_another_file_is_never_replaced(in_repo: Path, file: Path) -> None:
    place = in_repo / f"net-{digest(file)[:8]}.pth"
    place.write_bytes(b"mine")
    result = hubkit("weights", "add", file, "--to", in_repo)
    assert result.exit_code == 2
    assert "do not match the hash in its name" in result.stderr
    assert place.read_bytes() == b"mine"
    assert not [*in_repo.glob(".hubkit-*")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04 and no more", "is a damaged checkpoint"),
        (b"Dear reader,", "is not a checkpoint"),
        (bytes(range(256)), "is not a checkpoint"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_refused(
    file: Path, content: bytes, message: str
) -> None:
    file.write_bytes(content)
    result = hubkit("weights", "add", file)
    assert result.exit_code == 1
    assert message in result.stderr
    assert [*file.parent.glob("net*")] == [file]


def test_folders_pipes_and_nothing_are_refused(in_repo: Path) -> None:
    os.mkfifo(in_repo / "pipe")
    assert "is a folder" in hubkit("weights", "add", in_repo).stderr
    assert "not a regular file" in hubkit("weights", "add", in_repo / "pipe").stderr
    assert "cannot be read" in hubkit("weights", "add", in_repo / "gone.pth").stderr


def test_a_name_with_a_wrong_hash_is_refused(in_repo: Path, file: Path) -> None:
    wrong = file.rename(in_repo / "net-deadbeef.pth")
    result = hubkit("weights", "add", wrong)
    assert result.exit_code == 2
    assert "contains the hash deadbeef" in result.stderr
    assert not (in_repo / "hubkit.toml").exists()


def test_settings_that_cannot_be_read_are_reported_before_anything_is_made(
    in_repo: Path, file: Path
) -> None:
    (in_repo / "hubkit.toml").write_text("nonsense = 1\n")
    result = hubkit("weights", "add", file, "--entrypoint", "net")
    assert result.exit_code == 2
    assert "unknown key" in result.stderr
    assert [*in_repo.glob("net*")] == [file]


def test_an_entrypoint_must_exist(file: Path) -> None:
    result = hubkit("weights", "add", file, "--entrypoint", "nett")
    assert result.exit_code == 1
    assert "Did you mean `net`?" in result.stderr
    assert [*file.parent.glob("net*")] == [file]


def test_outside_a_repo_the_copy_is_all(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = hubkit("weights", "add", file)
    assert result.exit_code == 0
    assert "Not recorded: no hubconf.py" in result.stderr
    assert "https://github.com/OWNER/NAME/releases/download/TAG/" in result.stdout
    assert "pass --repo OWNER/NAME" in result.stderr
    assert "pass --tag TAG" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_reported(in_repo: Path, file: Path) -> None:
    locked = in_repo / "locked"
    locked.mkdir(mode=0o500)
    result = hubkit("weights", "add", file, "--to", locked)
    assert result.exit_code == 2
    assert "--to DIR" in result.stderr


def test_a_file_in_the_way_of_the_folder_is_reported(in_repo: Path, file: Path) -> None:
    result = hubkit("weights", "add", file, "--to", in_repo / "hubconf.py")
    assert result.exit_code == 2
    assert "cannot be copied into" in result.stderr
    assert "hubconf.py is no folder" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_huge_file_is_never_held_in_memory(tmp_path: Path) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as stream:
        stream.truncate(300 << 20)
    code = (
        "import pathlib, sys; from hubkit.publish.weights import copy_checkpoint\n"
        "copy_checkpoint(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
        "print(pathlib.Path('/proc/self/status').read_text())"
    )
    command = [sys.executable, "-c", code, str(huge), str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM:"))
    assert int(peak.split()[1]) < 100_000  # kB
    shutil.rmtree(tmp_path / "dist")


def test_without_torch_it_says_what_to_install(tmp_path: Path, checkpoints: Path) -> None:
    """A module named torch that cannot be found, as where only hubkit is installed."""
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        "from hubkit.cli import main; main(['weights', 'add', sys.argv[1]])"
    )
    command = [sys.executable, "-c", code, str(checkpoints / "net.pth")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hubkit weights add needs torch, which is not installed" in done.stderr
    assert "pip install" in done.stderr
    assert not [*tmp_path.iterdir()]


def run_printed(text: str, made: Path) -> None:
    """Run the code that the command printed, with the file in place of its URL."""
    code = text[
        text.index("import torch") if "from pathlib" not in text else text.index("from pathlib") :
    ]
    other = code.replace(made.name, "other.pth")
    outcomes = run_codes(made.parent, (code, other), Hosted(names={made.name: str(made)}))
    assert not outcomes[0].error, code
    assert outcomes[1].unreachable.endswith("other.pth")


def test_a_release_that_exists_gets_no_other_file(repo: Path, checkpoints: Path) -> None:
    project = repo / "pyproject.toml"
    project.write_text(project.read_text().replace("[project]", '[project]\nversion = "1.0"'))
    git("tag", "v1.0", cwd=repo)
    options = ("--wire", "net", "--to", repo / "dist", "--repo", "acme/nets")
    result = hubkit("weights", "add", checkpoints / "linear.pth", *options)
    assert result.exit_code == 2
    assert "The tag v1.0 exists, so the file needs another release" in result.stderr
    assert "First raise the version in pyproject.toml." in result.stderr
    assert not (repo / "dist").exists()


def test_the_weights_in_a_training_state_are_published_alone(
    in_repo: Path, checkpoints: Path
) -> None:
    import torch

    (in_repo / "pyproject.toml").write_text('[project]\nname = "nets"\nversion = "2.1.0"\n')
    options = ("--to", in_repo / "dist", "--repo", "acme/nets")
    result = hubkit("weights", "add", checkpoints / "train.pth.tar", *options)
    assert result.exit_code == 0, result.output
    # The tag is the one that `hubkit release` would create.
    assert "acme/nets/releases/download/v2.1.0/train-" in result.stdout
    assert "Not recorded: pass --entrypoint NAME" in result.stderr
    (made,) = in_repo.glob("dist/train-*.pth")
    state = torch.load(made, weights_only=True)
    assert state.keys() == torch.load(checkpoints / "net.pth").keys()
    assert "values in total, from 'state_dict', without epoch and optimizer" in result.stdout
    run_printed(result.stdout, made)


def test_a_pickled_model_is_converted_only_on_purpose(in_repo: Path, checkpoints: Path) -> None:
    import torch

    add = ("weights", "add", checkpoints / "own.pt", "--to", in_repo)
    result = hubkit(*add)
    assert result.exit_code == 1
    assert "contains more than weights: `own_model.Own`" in result.stderr
    result = hubkit(*add, "--state-dict")
    assert result.exit_code == 2
    assert "runs the code of `own_model.Own`" in result.stderr
    assert "pass --yes" in result.stderr
    assert not [*in_repo.glob("own*")]
    result = hubkit(*add, "--state-dict", "--yes")
    assert result.exit_code == 1
    assert "No module named 'own_model'" in result.stderr
    shutil.copy(checkpoints / "own_model.py", in_repo)
    result = hubkit(*add, "--state-dict", "--yes")
    assert result.exit_code == 0, result.output
    (made,) = in_repo.glob("own-*.pth")
    assert [*torch.load(made, weights_only=True)] == ["weight", "bias"]
    result = hubkit("weights", "add", checkpoints / "runs.pth", "--state-dict", "--yes")
    assert result.exit_code == 1
    assert "runs `posix.system`" in result.stderr


class TestSafetensors:
    """``--safetensors``."""

    def test_the_same_numbers_arrive(self, in_repo: Path, checkpoints: Path) -> None:
        import safetensors.torch
        import torch

        for name in ("old.pth", "halves.pth"):
            result = hubkit("weights", "add", checkpoints / name, "--safetensors", "--to", "dist")
            assert result.exit_code == 0, result.output
            stem = name.removesuffix(".pth")
            (made,) = in_repo.glob(f"dist/{stem}-*.safetensors")
            assert digest(made)[:8] in made.name
            old = torch.load(checkpoints / name, weights_only=True)
            new = safetensors.torch.load_file(made)
            assert old.keys() == new.keys()
            assert all(torch.equal(old[key], new[key]) for key in old)
            run_printed(result.stdout, made)

    def test_torchscript_is_loaded_otherwise(self, in_repo: Path, checkpoints: Path) -> None:
        result = hubkit("weights", "add", checkpoints / "script.pt", "--to", "dist")
        assert result.exit_code == 0, result.output
        assert "contents: TorchScript" in result.stdout
        (made,) = in_repo.glob("dist/script-*.pt")
        run_printed(result.stdout, made)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("shared.pth", "share memory: embed and head"),
            ("model.pt", "contains more than weights"),
            ("list.pth", "contains a list, no state dict"),
        ],
    )
    def test_contents_that_safetensors_cannot_hold_are_refused(
        self, in_repo: Path, checkpoints: Path, name: str, message: str
    ) -> None:
        result = hubkit("weights", "add", checkpoints / name, "--safetensors", "--to", "dist")
        assert result.exit_code == 1
        assert message in result.stderr
        assert not [*in_repo.glob("**/*.safetensors")]


PLAIN = '''\
import torch


def net(width: int = 2, **kwargs):
    """A net."""
    return torch.nn.Linear(width, 1, **kwargs)  # small
'''
WIRED = '''\
import torch


def net(width: int = 2, pretrained: bool = False, **kwargs):
    """A net.

    Args:
        pretrained: Load trained weights. Defaults to False.
    """
    model = torch.nn.Linear(width, 1, **kwargs)
    if pretrained:
        state = torch.hub.load_state_dict_from_url(
            {url},
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model  # small
'''
PLACEHOLDER = """\
from torch import nn


def net(pretrained=False):
    m = nn.Linear(2, 1)
    if pretrained:
        raise NotImplementedError
    return m
"""
FILLED = """\
from torch import nn
import torch as _torch


def net(pretrained=False):
    m = nn.Linear(2, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            {url},
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        m.load_state_dict(state)
    return m
"""


class TestWire:
    """``--wire``."""

    ADD = ("--repo", "acme/nets", "--tag", "v2")

    @pytest.mark.parametrize(
        ("source", "expected"),
        [(PLAIN, WIRED), (PLACEHOLDER, FILLED)],
        ids=["no parameter", "a placeholder"],
    )
    def test_the_code_is_put_into_the_entrypoint(
        self, file: Path, source: str, expected: str
    ) -> None:
        hubconf = file.parent / "hubconf.py"
        hubconf.write_text(source)
        result = hubkit("weights", "add", file, "--wire", "net", "--to", "dist", *self.ADD)
        assert result.exit_code == 0, result.output
        (made,) = (file.parent / "dist").iterdir()
        url = f'"https://github.com/acme/nets/releases/download/v2/{made.name}"'
        assert hubconf.read_text() == expected.replace("{url}", url)
        assert "--- a/hubconf.py\n+++ b/hubconf.py\n" in result.stdout
        assert f"+            {url},\n" in result.stdout
        assert "recorded: hubkit.toml, net.weights" in result.stdout

    def test_the_url_of_other_weights_is_replaced(self, file: Path) -> None:
        hubconf = file.parent / "hubconf.py"
        before = hubconf.read_text()
        result = hubkit("weights", "add", file, "--wire", "net", *self.ADD)
        assert result.exit_code == 0, result.output
        (made,) = file.parent.glob("dist/net-*.pth")
        old = "v1.0/net-0123456789abcdef.pth"
        assert hubconf.read_text() == before.replace(old, f"v2/{made.name}")

    def test_weights_that_do_not_fit_are_not_wired(self, in_repo: Path, checkpoints: Path) -> None:
        before = (in_repo / "hubconf.py").read_text()
        options = ("--wire", "net", "--to", in_repo / "dist", *self.ADD)
        result = hubkit("weights", "add", checkpoints / "wide.pth", *options)
        assert result.exit_code == 1
        assert "The weights do not load: RuntimeError" in result.stderr
        assert "size mismatch for weight" in result.stderr
        assert (in_repo / "hubconf.py").read_text() == before
        assert [*in_repo.iterdir()] == [in_repo / "hubconf.py"]

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("from other import net\n", "it is not a function of hubconf.py"),
            ("import torch\n\n\nclass net(torch.nn.Linear): ...\n", "not a function"),
            ("def net(flag):\n    if flag:\n        return 1\n    return 2\n", "its only `return`"),
            (
                "def net(pretrained=False):\n    return int(pretrained)\n",
                "uses `pretrained` already",
            ),
            (
                "import torch\n\n\ndef net(u):\n    torch.hub.load_state_dict_from_url(u)\n    return 1\n",
                "not one string of hubconf.py",
            ),
        ],
    )
    def test_source_that_cannot_be_edited_is_reported(
        self, file: Path, source: str, reason: str
    ) -> None:
        (file.parent / "other.py").write_text("def net():\n    return 1\n")
        (file.parent / "hubconf.py").write_text(source)
        result = hubkit("weights", "add", file, "--wire", "net", *self.ADD)
        assert result.exit_code == 2
        assert "hubkit cannot edit net in hubconf.py: " in result.stderr
        assert reason in result.stderr
        assert (file.parent / "hubconf.py").read_text() == source


ENCODER = '''\
import torch


def net(pretrained: bool = False, num_classes: int = 5, width: int = 4):
    """A net."""
    return torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, num_classes))
'''


class TestReasons:
    """Why weights do not load, and what to do."""

    def add(self, folder: Path, state: object, *options: str) -> str:
        import torch

        (folder / "hubconf.py").write_text(ENCODER)
        torch.save(state, folder / "best.pth")
        result = hubkit("weights", "add", folder / "best.pth", "--wire", "net", *options)
        assert result.exit_code == 1, result.output
        assert not (folder / "dist").exists()
        return " ".join(result.stderr.split())

    def test_a_prefix_of_all_names(self, in_repo: Path) -> None:
        import torch

        net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 5)).state_dict()
        said = self.add(in_repo, {"model": {f"module.{key}": net[key] for key in net}})
        assert "The weights do not load: " in said
        assert "All names in the file start with `module.`" in said
        assert "pass --strip module." in said
        assert "@@" not in said

    @pytest.mark.parametrize(("classes", "width"), [(7, 4), (7, 6), (5, 6)])
    def test_other_arguments(self, in_repo: Path, classes: int, width: int) -> None:
        import torch

        net = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, classes))
        said = self.add(in_repo, net.state_dict())
        changed = {"num_classes": classes} if classes != 5 else {}
        changed |= {"width": width} if width != 4 else {}
        assert all(f"{name}={value}" in said for name, value in changed.items())
        assert said.count("They load with ") == 1
        assert "@@" not in said

    def test_another_model(self, in_repo: Path) -> None:
        import torch

        said = self.add(in_repo, torch.nn.Linear(3, 1).state_dict())
        assert "is not that of the file" in said
        assert "Nothing was written." in said

    def test_no_note_of_a_url_stands_above_an_error(self, in_repo: Path) -> None:
        import torch

        said = self.add(in_repo, torch.nn.Linear(3, 1).state_dict(), "--repo", "acme/nets")
        assert "the URL below" not in said
