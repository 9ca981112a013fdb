"""Two repos that ship the same module names live side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo


def twin(make_repo: MakeRepo, name: str) -> Path:
    return make_repo(
        name,
        {
            "hubconf.py": """
                from models.net import Net
                def net():
                    return Net()
            """,
            "models/__init__.py": "",
            "models/net.py": """
                import utils
                class Net:
                    def forward(self):
                        from models.late import NAME
                        return utils.NAME, NAME
            """,
            "models/late.py": f"NAME = {name!r}",
            "utils.py": f"NAME = {name!r}",
        },
    )


def test_each_repo_gets_its_own_code_and_the_caller_keeps_theirs(make_repo: MakeRepo) -> None:
    before, path = set(sys.modules), list(sys.path)
    first = import_hubconf(twin(make_repo, "first")).call("net")
    second = import_hubconf(twin(make_repo, "second")).call("net")
    assert first.forward() == ("first", "first")
    assert second.forward() == ("second", "second")
    assert sys.path == path
    assert not {"models", "utils", "hubconf"} & (set(sys.modules) - before)


def test_the_same_folder_gives_the_same_classes(make_repo: MakeRepo) -> None:
    root = twin(make_repo, "repo")
    first, second = import_hubconf(root), import_hubconf(root / "models" / "..")
    assert first.module is second.module
    assert type(first.call("net")) is type(second.call("net"))
