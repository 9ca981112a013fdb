"""A repo that `hubkit init` scaffolded, from a checkpoint to a release: no snippet goes stale."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.git_host import GitHost, commit_files, git
from tests.publish.conftest import hubkit, missing
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.torch

NET = '''\
from torch import nn


class UNet(nn.Module):
    """A small network."""

    def __init__(self, width: int = 4):
        super().__init__()
        self.body = nn.Conv2d(3, width, 3)

    def forward(self, images):
        return self.body(images)
'''
DOCUMENTS = ("MODEL_CARD.md", "README.md")
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
LOAD = 'model = torch.hub.load("acme/unet:v0.1.0", "unet", pretrained=True)\n'
# What stands in for GitHub, and the answer to the prompt for trust. The snippet itself is unchanged.
RUN = """
import os, pathlib, sys, urllib.request
import torch.hub
host, code = sys.argv[1:]
def urlopen(what):
    url = what if isinstance(what, str) else what.full_url
    url = url.replace("https://api.github.com/", host + "/api/")
    return urllib.request.urlopen(url.replace("https://github.com/", host + "/"))
torch.hub.urlopen = urlopen
trusted = pathlib.Path(torch.hub.get_dir(), "trusted_list")
trusted.parent.mkdir(parents=True, exist_ok=True)
trusted.write_text("acme_unet\\nacme_shapes\\n")
names = {}
exec(code, names)
print(sorted(type(one).__name__ for one in names.values() if isinstance(one, torch.nn.Module)))
"""


def snippets(folder: Path) -> dict[str, str]:
    """The code in the card and in the README that loads something."""
    found = {path: BLOCK.findall((folder / path).read_text("utf-8")) for path in DOCUMENTS}
    return {path: code for path, (code,) in found.items()}


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repo with a model and a training checkpoint, published by `hubkit init`."""
    import torch

    folder = tmp_path_factory.mktemp("work") / "unet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        files = {
            "acme_unet/__init__.py": "",
            "acme_unet/net.py": NET,
            ".gitignore": "*.ckpt\n/dist/\n",
        }
        commit_files(folder, files)
        git("config", "user.name", "Ada", cwd=folder)
        git("config", "user.email", "ada@example.org", cwd=folder)
        patch.chdir(folder)
        state = {"body.weight": torch.rand(4, 3, 3, 3), "body.bias": torch.rand(4)}
        torch.save({"model": state, "epoch": 3}, "best.ckpt")
        made = hubkit("init", "--defaults", "--no-build", "--repo", "acme/unet", "--license", "MIT")
        assert made.exit_code == 0, made.output
        commit_files(folder, {})
        yield folder


def test_files_that_init_writes_are_up_to_date(scaffolded: Path) -> None:
    assert hubkit("card", "--check").exit_code == 0
    assert all('"acme/unet:v0.1.0", "unet")' in code for code in snippets(scaffolded).values())
    again = hubkit("init", "--defaults", "--no-build").stdout
    assert all(f"kept         {path}\n" in again for path in (*DOCUMENTS, "hubconf.py"))


@pytest.fixture(scope="module")
def published(scaffolded: Path) -> Iterator[GitHost]:
    """The host of the repo after `weights add`, `card` and `release`."""
    added = hubkit("weights", "add", "best.ckpt", "--wire", "unet", "--to", "dist")
    assert added.exit_code == 0, added.output
    assert "To update the model card, run `hubkit card`." in added.stdout
    commit_files(scaffolded, {})
    stale = hubkit("release", "--dry-run", "--level", "0")
    assert set(missing(stale)) == {"card"}
    assert [path for path in DOCUMENTS if f"{path} is out of date: usage" in stale.stdout]
    assert hubkit("card", "--check").exit_code == 1
    assert hubkit("card").exit_code == 0
    commit_files(scaffolded, {})
    released = hubkit("release", "--level", "0")
    assert released.exit_code == 0, released.output
    assert "ok       card: MODEL_CARD.md and README.md are up to date\n" in released.stdout
    with GitHost() as host:
        host.add_repo("acme", "unet", scaffolded)
        (asset,) = (scaffolded / "dist").iterdir()
        host.add_asset("acme", "unet", "v0.1.0", asset)
        yield host


def test_snippets_load_the_weights_of_the_tag_as_printed(
    published: GitHost, scaffolded: Path, tmp_path: Path
) -> None:
    shown = snippets(scaffolded)
    assert all(LOAD in code for code in shown.values())
    code = "\n".join(shown.values())
    env = {**os.environ, "TORCH_HOME": str(tmp_path / "home")}
    done = run_python("-c", RUN, published.url, code, cwd=tmp_path, env=env, check=True)
    assert done.stdout.endswith("\n['UNet']\n")
    (file,) = (tmp_path / "home" / "hub" / "checkpoints").iterdir()
    assert file.read_bytes() == next((scaffolded / "dist").iterdir()).read_bytes()


@pytest.mark.usefixtures("published")
def test_the_next_release_wants_its_own_tag_everywhere(scaffolded: Path) -> None:
    commit_files(scaffolded, {"CHANGELOG.md": "# 0.2.0\n"})
    dry = ("release", "--dry-run", "--level", "0", "--tag", "v0.2.0")
    result = hubkit(*dry)
    assert set(missing(result)) == {"card"}
    assert "-> hubkit card --tag v0.2.0, then commit it" in result.stdout
    hubkit("card", "--tag", "v0.2.0")
    assert all("acme/unet:v0.2.0" in code for code in snippets(scaffolded).values())
    commit_files(scaffolded, {})
    assert hubkit("release", "--dry-run", "--level", "0").exit_code == 0  # it is the default now
    git("reset", "--quiet", "--hard", "v0.1.0", cwd=scaffolded)
