"""Which modules a load imports and enters, by tracing calls in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_dependencies
from hubkit.loader.dependencies import read_declared
from tests.trips import PROFILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost
    from tests.runtime.conftest import MakeRepo

TRACE = f"""{PROFILE}
import json, sys
import hubkit
repo, how = sys.argv[1], json.loads(sys.argv[2])
trips = []
for _ in range(2):
    entered.clear()
    sys.setprofile(profile)
    hubkit.load(repo, "net", **how)
    sys.setprofile(None)
    trips.append(sorted(entered))
print(json.dumps([trips, [name for name in sys.modules]]))
"""
FILES = {"hubconf.py": "dependencies = ['json']\ndef net(): return 1\n"}
# A load needs none of these unless the repo must be fetched or something is missing.
UNUSED = ("hubkit.analysis", "hubkit.rules", "hubkit.lint", "requests", "jinja2", "filelock")


def trace(repo: str, **how: object) -> tuple[list[list[str]], list[str]]:
    command = [sys.executable, "-c", TRACE, repo, json.dumps(how)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    trips, imported = json.loads(done.stdout)
    return trips, imported


def unused(imported: list[str]) -> list[str]:
    return [name for name in imported if name.startswith(UNUSED)]


def test_the_trip_of_a_folder(make_repo: MakeRepo) -> None:
    (first, warm), imported = trace(str(make_repo("repo", FILES)), source="local")
    assert not unused(imported)
    assert len(first) <= 25, first
    assert len(warm) <= 10, warm


def test_the_trip_of_a_cached_repo(git_host: GitHost, make_repo: MakeRepo) -> None:
    from tests.git_host import commit_files

    root = make_repo("repo", FILES)
    commit_files(root, FILES)
    git_host.add_repo("own", "rep", root)
    trace("own/rep:main", trust_repo=True)
    (first, warm), imported = trace("own/rep:main", trust_repo=True)
    assert not unused(imported)
    assert len(first) <= 25, first
    assert len(warm) <= 15, warm


@pytest.mark.parametrize(
    "source",
    [
        "dependencies = ['torch', 'yaml']",
        "dependencies: list[str] = ['torch']",
        "dependencies = ()",
        "dependencies = ['torch'] + ['a']",
        "dependencies = ['torch']\ndependencies.append('b')",
        "dependencies = ['torch']\nfrom x import dependencies",
        "dependencies = ['torch']\ndef dependencies(): ...",
        "if x:\n    dependencies = ['torch']",
        "dependencies = ['torch'",
        "other = 1",
        "",
    ],
)
def test_declared_dependencies_are_those_of_analysis(tmp_path: Path, source: str) -> None:
    (tmp_path / "hubconf.py").write_text(source)
    assert read_declared(tmp_path) == (read_dependencies(tmp_path) or ())
