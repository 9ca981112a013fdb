"""``hubkit weights add --to FOLDER``: a file of the repo, which the code opens there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from hubkit.limits import MIB
from hubkit.publish.loading import find_place
from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import hubkit
from tests.publish.test_weights_add import PLACEHOLDER, PLAIN

DOCUMENTED = PLAIN.replace(
    "A net.",
    "A net.\n\n    Args:\n        width: How wide it is.\n        **kwargs: Passed on.\n    ",
)
LICENSE = (
    "MIT License\n\nPermission is hereby granted, free of charge\nThe above copyright notice\n"
)
URL = "https://github.com/acme/nets/releases/download/v1/net-0123456789abcdef.pth"
DOWNLOADS = f'''\
from pathlib import Path as _Path

import torch


def net(pretrained: bool = False):
    model = torch.nn.Linear(2, 1)
    if pretrained:
        state = torch.hub.load_state_dict_from_url("{URL}", check_hash=True)
        model.load_state_dict(state)
    return model
'''


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with one entrypoint, which is committed."""
    folder = tmp_path / "nets"
    files: dict[str, str | bytes] = {
        "hubconf.py": f'dependencies = ["torch"]\n{DOCUMENTED}',
        "LICENSE": LICENSE,
        ".gitignore": "/dist/\n/runs/\n*.ckpt\n/conformance.json\n",
        "hubkit.toml": '[entrypoints.net]\ninput = "f32[B,2]"\n',
        "README.md": "# Nets\n",
    }
    commit_files(folder, files)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def file(nets: Path, checkpoints: Path) -> Path:
    """A state dict that git ignores."""
    (nets / "runs").mkdir()
    return Path(shutil.copy(checkpoints / "linear.pth", nets / "runs/net.pth"))


pytestmark = pytest.mark.torch


def _commit(folder: Path) -> None:
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "Weights", cwd=folder)


def test_the_suite_and_a_release_take_the_file_from_the_commit(nets: Path, file: Path) -> None:
    """From the checkpoint to the checklist, with nothing to upload."""
    result = hubkit("weights", "add", file, "--to", "weights", "--wire", "net")
    assert result.exit_code == 0, result.output
    (made,) = (nets / "weights").iterdir()
    assert "https://" not in result.output
    text = (nets / "hubconf.py").read_text()
    assert f'path = _Path(__file__).parent / "weights/{made.name}"\n' in text
    assert 'state = torch.load(path, map_location="cpu", weights_only=True)\n' in text
    assert "wrote: hubconf.py. Commit it with the file." in result.stdout
    _commit(nets)
    assert hubkit("card", "--repo", "acme/nets").exit_code == 0
    _commit(nets)

    done = hubkit("conform", "--select", "C305", "--report", "conformance.json")
    assert done.exit_code == 0, done.output
    (case,) = json.loads((nets / "conformance.json").read_text())["entrypoints"]
    assert case["weights"]["verdict"] == "tried"
    assert [one["path"] for one in case["weights"]["files"]] == [f"weights/{made.name}"]

    options = ("--tag", "v1.0.0", "--level", "0", "--verify", "--dry-run", "--repo", "acme/nets")
    release = hubkit("release", *options)
    assert "ok       checkpoints: 1 file matches its record\n" in release.stdout
    assert 'torch.hub.load("acme/nets:v1.0.0", "net", pretrained=True)' in release.stdout
    assert "gh release" not in release.stdout
    assert made.name not in release.stdout


@pytest.mark.parametrize(
    ("add", "published"),
    [
        (("--to", "weights"), True),
        (("--to", "."), True),
        ((), False),  # dist
        (("--to", "dist"), False),
        (("--to", "runs"), False),
    ],
)
def test_what_git_ignores_is_for_a_release(
    nets: Path, file: Path, add: tuple[str, ...], published: bool
) -> None:
    result = hubkit("weights", "add", file, *add, "--json", "--repo", "acme/nets")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert ("releases/download" in answer["code"]) is not published
    assert (answer["url"] is None) is published
    if not add:
        (_made,) = (nets / "dist").iterdir()


def test_a_pattern_that_ignores_the_file_is_told(nets: Path, checkpoints: Path) -> None:
    ckpt = shutil.copy(checkpoints / "linear.pth", nets / "best.ckpt")
    result = hubkit("weights", "add", ckpt, "--to", "weights", "--repo", "acme/nets")
    assert "is for a release, because git ignores it" in result.stderr
    assert "releases/download" in result.stdout
    (nets / ".gitattributes").write_text("/data/ export-ignore\nlarge/** filter=lfs\n")
    plain = checkpoints / "linear.pth"
    result = hubkit("weights", "add", plain, "--to", "data/deep", "--repo", "acme/nets")
    assert "because .gitattributes excludes it from downloads" in result.stderr
    result = hubkit("weights", "add", plain, "--to", "large", "--repo", "acme/nets")
    assert "because downloads have a Git LFS pointer in place of it" in result.stderr


def test_dist_that_git_does_not_ignore_is_told(nets: Path, file: Path) -> None:
    (nets / ".gitignore").write_text("/runs/\n")
    result = hubkit("weights", "add", file, "--repo", "acme/nets")
    assert "add /dist/ to .gitignore" in result.stderr
    assert "releases/download" in result.stdout


def test_a_file_that_git_tracks_gets_its_copy_beside_it(nets: Path, checkpoints: Path) -> None:
    commit_files(nets, {"weights/net.pth": (checkpoints / "linear.pth").read_bytes()})
    result = hubkit("weights", "add", "weights/net.pth")
    assert result.exit_code == 0, result.output
    assert [*(nets / "weights").glob("net-*.pth")]
    assert not (nets / "dist").exists()


def test_the_name_can_be_chosen(nets: Path, file: Path) -> None:
    result = hubkit("weights", "add", file, "--to", "weights", "--name", "shapes.small")
    assert result.exit_code == 0, result.output
    (made,) = (nets / "weights").iterdir()
    assert made.name == f"shapes_small-{hashlib.sha256(made.read_bytes()).hexdigest()[:8]}.pth"


def test_the_path_of_other_weights_is_replaced(nets: Path, file: Path, checkpoints: Path) -> None:
    add = ("--to", "weights", "--wire", "net")
    assert hubkit("weights", "add", file, *add).exit_code == 0
    before = (nets / "hubconf.py").read_text()
    (old,) = (nets / "weights").iterdir()
    newer = shutil.copy(checkpoints / "linear.pth", nets / "runs/newer.pth")
    result = hubkit("weights", "add", newer, *add)
    assert result.exit_code == 0, result.output
    (new,) = (nets / "weights").glob("newer-*.pth")
    assert (nets / "hubconf.py").read_text() == before.replace(old.name, new.name)


@pytest.mark.parametrize("source", [DOWNLOADS, PLACEHOLDER], ids=["a URL", "a placeholder"])
def test_what_loaded_the_weights_before_is_replaced(nets: Path, file: Path, source: str) -> None:
    (nets / "hubconf.py").write_text(source)
    result = hubkit("weights", "add", file, "--to", "weights", "--wire", "net")
    assert result.exit_code == 0, result.output
    text = (nets / "hubconf.py").read_text()
    assert '_Path(__file__).parent / "weights/net-' in text
    assert text.count("_Path\n") == 1
    assert URL not in text
    result = hubkit("weights", "add", file, "--wire", "net", "--repo", "acme/nets", "--tag", "v2")
    assert result.exit_code == 0, result.output
    assert "__file__" not in (nets / "hubconf.py").read_text()


@pytest.mark.filterwarnings("ignore:.*torch.jit.load:DeprecationWarning")
@pytest.mark.parametrize("name", ["net.safetensors", "script.pt", "linear.pth"])
def test_the_printed_code_opens_the_file(nets: Path, checkpoints: Path, name: str) -> None:
    result = hubkit("weights", "add", checkpoints / name, "--to", "weights", "--json")
    assert result.exit_code == 0, result.output
    code = nets / "code.py"
    code.write_text(json.loads(result.stdout)["code"])
    loaded: dict[str, object] = {"__file__": str(code)}
    exec(compile(code.read_text(), code, "exec"), loaded)
    assert loaded.keys() & {"state", "model"}
    next((nets / "weights").iterdir()).unlink()
    with pytest.raises((OSError, ValueError)):
        exec(compile(code.read_text(), code, "exec"), loaded)


def test_a_file_that_github_rejects_is_told(nets: Path) -> None:
    from hubkit.analysis import read_repo
    from hubkit.source import open_files

    facts = read_repo(open_files(nets))
    place = find_place(facts, nets / "weights/net.pth", 101 * MIB)
    assert place.path == "weights/net.pth"
    assert "GitHub rejects pushes of files above 100 MiB: pass --to dist" in place.note
    assert not find_place(facts, nets / "weights/net.pth", 99 * MIB).note
