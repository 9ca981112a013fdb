"""The snippets of docs/switching.md run as they are printed there, in one program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files, git
from tests.warm import run_python

if TYPE_CHECKING:
    from tests.git_host import GitHost

PAGE = Path(__file__).parents[3] / "docs" / "switching.md"
FILES = {
    "hubconf.py": """
        dependencies = ["torch"]
        from models.net import Net as _Net
        def net():
            return _Net(2, 1)
    """.replace("\n        ", "\n"),
    "models/__init__.py": "",
    "models/net.py": "import torch\nclass Net(torch.nn.Linear):\n    pass\n",
}
TRAIN = "import torch; from models.net import Net; torch.save(Net(2, 1), 'best.pt')"


@pytest.mark.torch
def test_every_snippet_runs(git_host: GitHost, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    commit_files(repo, FILES)
    git("tag", "v1", cwd=repo)
    git_host.add_repo("acme", "shapes", repo)
    run_python("-c", TRAIN, cwd=repo, check=True)
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(snippets) == 5
    (tmp_path / "work").mkdir()  # where nothing of the repo can be imported
    (repo / "best.pt").rename(tmp_path / "work" / "best.pt")
    run_python("-c", "\n".join(snippets), cwd=tmp_path / "work", check=True)
