"""Rules on archives report the same for a work tree and for its commit."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.facts import Location
from hubkit.lint import lint_repo
from hubkit.source import open_commit, open_files
from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.rules.repos import case_names, needs_git, write_case

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Files

# Untracked and ignored files exist only in the work tree; branches have no tree.
ALIKE = [
    case
    for case in case_names("HUB60")
    if needs_git(case)
    and (not case.startswith(("HUB601", "HUB607")) or case.endswith("bad_export_ignore"))
]


UNET = """dependencies = ["torch"]

import torch as _torch


def unet_large():
    'A net.'
    return _torch.nn.Linear(1, 1)
"""


def findings_in(files: Files, code: str) -> list[tuple[str, str, object]]:
    config = structs.replace(read_config(files), extend_select=(code,))
    report = lint_repo(read_repo(files), config)
    return [(one.code, one.severity, one.location) for one in report.findings]


@pytest.mark.parametrize("case", ALIKE)
def test_a_commit_is_checked_like_its_work_tree(case: str, tmp_path: Path) -> None:
    repo = write_case(case, tmp_path / "repo", setup=True)
    git("commit", "--quiet", "-m", "All", cwd=repo)
    bare = tmp_path / "bare.git"
    git("clone", "--quiet", "--bare", str(repo), str(bare))
    code = case.partition("/")[0]
    expected = findings_in(open_files(repo), code)
    assert findings_in(open_commit(repo, "HEAD"), code) == expected
    assert findings_in(open_commit(bare, "main"), code) == expected


def test_github_rejects_files_above_its_limit(tmp_path: Path) -> None:
    repo = write_case("HUB606/good", tmp_path / "repo", setup=True)
    (repo / "hubkit.toml").write_text("max-archive-mb = 200\n")
    most = 100 << 20
    file = repo / "unet.pth"
    file.touch()
    git("add", "unet.pth", cwd=repo)
    os.truncate(file, most)  # sparse, so that it costs nothing
    assert findings_in(open_files(repo), "HUB606") == []
    os.truncate(file, most + 1)
    assert findings_in(open_files(repo), "HUB606") == [("HUB606", "warning", None)]


@pytest.mark.parametrize(
    ("ignored", "severity", "hint"),
    [
        ("/dist/\n", "info", "Run `git add LICENSE`, and commit."),
        ("LICENSE\n", "warning", "Commit `LICENSE`: archives lack it."),
    ],
)
def test_a_license_that_is_not_committed(
    tmp_path: Path, ignored: str, severity: str, hint: str
) -> None:
    commit_files(tmp_path, {"hubconf.py": UNET, ".gitignore": ignored})
    (tmp_path / "LICENSE").touch()
    report = lint_repo(read_repo(open_files(tmp_path)), read_config(tmp_path))
    assert [(one.code, one.severity, one.hint) for one in report.findings] == [
        ("HUB801", severity, hint)
    ]


def test_a_module_that_a_commit_lacks_is_missing_there(tmp_path: Path) -> None:
    repo = write_case("HUB601/bad_untracked", tmp_path / "repo", setup=True)
    git("commit", "--quiet", "-m", "All", cwd=repo)
    (code, *_), *more = findings_in(open_commit(repo, "HEAD"), "HUB601")
    # Nothing of the folder is looked at, so that the name could be a package's.
    assert (code, more) == ("HUB105", [])


def test_the_only_snippet_is_stale_and_git_names_the_repo(tmp_path: Path) -> None:
    repo = tmp_path / "clone"
    stale = (
        "    torch.hub.load('acme/unet', 'unet_big')\n    torch.hub.load('acme/unet', '<MODEL>')\n"
    )
    commit_files(repo, {"hubconf.py": UNET, "README.md": stale, "LICENSE": ""})
    assert findings_in(open_files(repo), "HUB803") == []  # it may be another repo's
    git("remote", "add", "origin", "git@github.com:acme/unet.git", cwd=repo)
    ((code, severity, place),) = findings_in(open_files(repo), "HUB803")
    assert (code, severity, place) == ("HUB803", "error", Location("README.md", 1, 11))


def test_an_entrypoint_of_a_tag_is_looked_up_there(tmp_path: Path) -> None:
    def lines_with(*calls: str) -> list[int]:
        commit_files(repo, {"README.md": "".join(f"    torch.hub.load({one})\n" for one in calls)})
        found = findings_in(open_files(repo), "HUB803")
        return [place.line for code, _, place in found if isinstance(place, Location)]

    repo = tmp_path / "unet"
    commit_files(repo, {"hubconf.py": UNET.replace("unet_large", "unet_old"), "LICENSE": ""})
    git("tag", "v1", cwd=repo)
    project = '[project]\nname = "unet"\nversion = "2.0"\n'
    commit_files(repo, {"hubconf.py": UNET, "pyproject.toml": project})
    assert lines_with("'acme/unet:v1', 'unet_old'", "'acme/unet:v2.0', 'unet_large'") == []
    assert lines_with("'acme/unet:v1', 'unet_large'", "'acme/unet:v1', 'unet_big'") == [1, 2]
    # The next release, and tags that git does not have.
    assert lines_with("'acme/unet:v2.0', 'unet_old'", "'acme/unet:v3', 'unet_old'") == [1]
    # What the repo is called: by the answers to `hubkit init`.
    record = '[tool.hubkit.init]\nrepo = "acme/unet"\n'
    commit_files(repo, {"pyproject.toml": project.replace('"unet"', '"x"')})
    assert lines_with("'acme/unet', 'unet_old'") == []
    commit_files(repo, {"pyproject.toml": record})
    assert lines_with("'acme/unet', 'unet_old'") == [1]


def test_a_snippet_that_names_a_branch_which_is_gone(tmp_path: Path) -> None:
    host, clone = tmp_path / "host", tmp_path / "clone"
    snippet = "    torch.hub.load('acme/nets:master', 'net')\n"
    commit_files(host, {"hubconf.py": "def net():\n    'A net.'\n", "README.md": snippet})
    git("branch", "-M", "main", cwd=host)

    def found(*options: str) -> list[str]:
        shutil.rmtree(clone, ignore_errors=True)
        git("clone", "--quiet", *options, host.as_uri(), str(clone))
        said = findings_in(open_files(clone), "HUB803")
        return [severity for code, severity, _ in said if code == "HUB803"]

    assert found() == ["warning"]
    assert found("--depth=1", "--no-single-branch") == ["warning"]
    # Which others there are cannot be told here.
    assert found("--depth=1") == []
    git("branch", "old", cwd=host)
    assert found() == ["warning"]
    git("branch", "master", cwd=host)
    assert found() == []
    git("branch", "-D", "master", cwd=host)
    git("tag", "master", cwd=host)
    assert found() == []
