"""What the readers of pages have before they type the first command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

LICENSE = "Copyright Ada. All rights reserved.\n"
IGNORED = "*.json\n*.xml\n/dist/\n/runs/\n__pycache__/\n.pytest_cache/\n"
ONE_INPUT = '[entrypoints.{0}]\ninput = "f32[B,3]"\n'


def hubconf(module: str, *classes: str) -> str:
    """A hubconf.py with an entrypoint for each class of a module."""
    imports = "".join(f"from {module} import {name} as _{name}\n" for name in classes)
    functions = "".join(
        f'\n\ndef {name.lower()}() -> _torch.nn.Module:\n    """A small layer: {name}."""\n'
        f"    return _{name}()\n"
        for name in classes
    )
    return f'import torch as _torch\n\n{imports}\ndependencies = ["torch"]\n{functions}'


NORMS = {
    "LICENSE": LICENSE,
    ".gitignore": IGNORED,
    "hubkit.toml": ONE_INPUT.format("norm"),
    "norms.py": "from torch import nn\n\n\nclass Norm(nn.Module):\n"
    "    def forward(self, x):\n        return x - x.mean(0)\n",
    "hubconf.py": hubconf("norms", "Norm"),
}
NETS = {
    "LICENSE": LICENSE,
    ".gitignore": IGNORED,
    "hubkit.toml": f"{ONE_INPUT.format('half')}\n{ONE_INPUT.format('double')}",
    "small_nets.py": "from torch import nn\n\n\nclass Half(nn.Linear):\n"
    "    def __init__(self):\n        super().__init__(3, 2)\n\n\nclass Double(nn.Linear):\n"
    "    def __init__(self):\n        super().__init__(3, 6)\n",
    "hubconf.py": hubconf("small_nets", "Half", "Double"),
}
MODELS = {
    "README.md": "# mynets\n",
    "setup.py": "from setuptools import setup\n\n"
    'setup(name="mynets", version="1.0.0", description="Nets", author="Ada", license="MIT")\n',
    "mynets/__init__.py": "",
    "mynets/attention_unet.py": '''\
import torch
from torch import nn


class AttentionUNet(nn.Module):
    """A small U-Net with attention.

    Args:
        width: Channels of the first layer.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, width, 3, padding=1)
        self.up = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.down(images)
        return self.up(features * features.sigmoid())


if __name__ == "__main__":
    print(AttentionUNet()(torch.rand(1, 3, 64, 64)).shape)
''',
}
UNET = '''\
import torch as _torch
{more}
dependencies = ["torch"]


def unet({parameters}) -> _torch.nn.Module:
    """A small network."""
    return _torch.nn.Linear(3, {result})
'''
VERSIONS = (
    UNET.format(more="", parameters="width: int = 4, depth: int = 2", result="width * depth"),
    UNET.format(more="", parameters="width: int = 4", result="width"),
)
WITH_FINDINGS = UNET.format(
    more="import timm as _timm\n", parameters="**kwargs", result="len(_timm.list_models())"
)
FILES = {
    "ci.md": NETS,
    "conformance.md": NETS,
    "existing-repo.md": MODELS,
    "expected-failures.md": NORMS,
    "many-entrypoints.md": NETS,
    "site.md": NETS,
    "weights.md": {**NETS, "hubconf.py": VERSIONS[1], "hubkit.toml": ""},
}


def make_repo(page: str, folder: Path) -> None:
    """Make the repo in which the commands of a page run.

    Args:
        page: The name of the page.
        folder: An empty git repo.
    """
    (folder / "LICENSE").write_text(LICENSE, "utf-8")
    if page in FILES:
        if "LICENSE" not in FILES[page]:
            (folder / "LICENSE").unlink()
        commit_files(folder, FILES[page])
    if page == "checking.md":
        for number, text in enumerate(VERSIONS, start=1):
            commit_files(folder, {"hubconf.py": text, "LICENSE": LICENSE})
            git("tag", f"v{number}.0", cwd=folder)
        (folder / "hubconf.py").write_text(WITH_FINDINGS, "utf-8")
    if page == "site.md":
        git("remote", "add", "origin", "https://github.com/acme/nets.git", cwd=folder)
        git("tag", "v1.0.0", cwd=folder)
    if page == "weights.md":
        import torch

        git("remote", "add", "origin", "https://github.com/acme/nets.git", cwd=folder)
        (folder / "runs").mkdir()
        state = torch.nn.Linear(3, 4).state_dict()
        torch.save({"state_dict": state, "epoch": 3, "optimizer": {}}, folder / "runs/best.ckpt")
