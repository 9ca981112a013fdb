"""What init writes to install hubkit is what this hubkit was installed from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hubkit.errors import TemplateError
from hubkit.scaffold.requirement import (
    UNKNOWN,
    add_extra,
    find_requirement,
    require_requirement,
)
from tests.git_host import GitHost, commit_files, git
from tests.scaffold.conftest import init

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = {"vcs": "git", "commit_id": COMMIT}


def record(folder: Path, direct_url: object) -> None:
    """Write the metadata of an installed hubkit 7.0, with pip's record of where it came from."""
    metadata = folder / "torch_hubkit-7.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torch-hubkit\nVersion: 7.0\n")
    if direct_url is not None:
        (metadata / "direct_url.json").write_text(json.dumps(direct_url))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.mark.parametrize(
    ("direct_url", "requirement"),
    [
        (None, "torch-hubkit==7.0"),
        (
            {"url": "https://git.example.org/acme/hubkit.git", "vcs_info": GIT},
            f"torch-hubkit @ git+https://git.example.org/acme/hubkit.git@{COMMIT}",
        ),
        (
            {"url": "https://bot:secret@git.example.org/a/b", "vcs_info": GIT, "subdirectory": "x"},
            f"torch-hubkit @ git+https://git.example.org/a/b@{COMMIT}#subdirectory=x",
        ),
        (
            {"url": "ssh://git@git.example.org/acme/hubkit", "vcs_info": GIT},
            f"torch-hubkit @ git+ssh://git@git.example.org/acme/hubkit@{COMMIT}",
        ),
        (
            {"url": "https://x.example/torch_hubkit.whl?key=1", "archive_info": {}},
            "torch-hubkit @ https://x.example/torch_hubkit.whl",
        ),
        (
            {"url": "https://x.example/a.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
            "torch-hubkit @ https://x.example/a.whl#sha256=ab",
        ),
        ({"url": "file:///tmp/torch_hubkit-7.0-py3-none-any.whl", "archive_info": {}}, UNKNOWN),
        ({"url": "https://x.example/$(id).git", "vcs_info": GIT}, UNKNOWN),
        ({"url": "https://x.example/a", "vcs_info": {**GIT, "vcs": "hg"}}, UNKNOWN),
        ({"url": 1}, UNKNOWN),
    ],
)
def test_the_requirement_is_where_pip_got_it(
    installed: Path, direct_url: object, requirement: str
) -> None:
    record(installed, direct_url)
    assert find_requirement() == requirement


@pytest.mark.parametrize("editable", [True, False])
@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("https://git.example.org/acme/hubkit", "git+https://git.example.org/acme/hubkit"),
        ("https://bot:secret@git.example.org/a/b.git", "git+https://git.example.org/a/b.git"),
        ("git@git.example.org:acme/hubkit.git", "git+https://git.example.org/acme/hubkit.git"),
        ("/srv/hubkit", None),
        (None, None),
    ],
)
def test_a_clone_counts_as_its_origin(
    installed: Path, tmp_path: Path, *, editable: bool, origin: str | None, address: str | None
) -> None:
    clone = tmp_path / "a clone"
    commit_files(clone, {"pyproject.toml": ""})
    if origin:
        git("remote", "add", "origin", origin, cwd=clone)
    record(installed, {"url": clone.as_uri(), "dir_info": {"editable": editable}})
    head = git("rev-parse", "HEAD", cwd=clone).strip()
    assert find_requirement() == (f"torch-hubkit @ {address}@{head}" if address else UNKNOWN)


def test_a_folder_in_somebody_elses_repo_is_not_a_clone(installed: Path, tmp_path: Path) -> None:
    commit_files(tmp_path / "theirs", {"hubkit-7.0/pyproject.toml": ""})
    git("remote", "add", "origin", "https://git.example.org/a/b", cwd=tmp_path / "theirs")
    record(installed, {"url": (tmp_path / "theirs" / "hubkit-7.0").as_uri(), "dir_info": {}})
    assert find_requirement() == UNKNOWN


def test_a_package_that_is_not_installed_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_requirement() == UNKNOWN


def test_extras_are_added_in_front_of_the_version_or_address() -> None:
    assert add_extra("torch-hubkit==7.0", "pytest") == "torch-hubkit[pytest]==7.0"
    assert add_extra(UNKNOWN, "torch").startswith("torch-hubkit[torch] @ git+https://")


@pytest.mark.parametrize(
    "text",
    [
        "hubkit",
        "torch-hubkit; touch pwned",
        "torch-hubkit @ git+https://x.example/a$(id)",
        'torch-hubkit==1" && id "',
        "torch-hubkit @ git+https://x.example/`id`",
        "torch-hubkit==1\n- run: id",
        "torch-hubkit==1 # a comment",
    ],
)
def test_no_answer_becomes_a_command(text: str) -> None:
    with pytest.raises(TemplateError, match="is not a requirement for torch-hubkit"):
        require_requirement(text)


def test_an_answer_is_recorded_and_changes_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = "torch-hubkit>=1.0,<2"
    assert init("net", "--defaults", "-a", f"requirement={first}").exit_code == 0
    assert init("net", "--check").exit_code == 0
    assert install_steps(tmp_path / "net") == ["torch-hubkit[pytest]>=1.0,<2"]
    assert hook(tmp_path / "net")["additional_dependencies"] == [first]
    init("net", "--defaults", "-a", "requirement=torch-hubkit==3")
    assert install_steps(tmp_path / "net") == ["torch-hubkit[pytest]==3"]
    assert hook(tmp_path / "net")["additional_dependencies"] == ["torch-hubkit==3"]


def test_a_placeholder_is_named_where_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = init("net", "--defaults", "-a", f"requirement={UNKNOWN}")
    assert "CI cannot reach what hubkit was installed from" in result.stdout
    for name in (".github/workflows/hub.yml", ".pre-commit-config.yaml"):
        text = (tmp_path / "net" / name).read_text("utf-8")
        assert "# CI cannot reach what hubkit was installed from" in text


def workflow_runs(folder: Path) -> list[str]:
    text = (folder / ".github" / "workflows" / "hub.yml").read_text("utf-8")
    return [step["run"] for step in yaml.safe_load(text)["jobs"]["hub"]["steps"] if "run" in step]


def install_steps(folder: Path) -> list[str]:
    lines = [line for line in workflow_runs(folder) if "torch-hubkit" in line]
    return [line.removeprefix('pip install "').removesuffix('"') for line in lines]


def hook(folder: Path) -> dict[str, Any]:
    text = (folder / ".pre-commit-config.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text)["repos"][0]["hooks"][0])


class Machine:
    """An environment with pip and, of hubkit, only its dependencies."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.bin = folder / "bin"
        self.variables = {
            **{name: text for name, text in os.environ.items() if not name.startswith("PYTHON")},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PIP_CACHE_DIR": str(cache),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        subprocess.run(command, check=True)
        (site,) = folder.glob("lib/python3*/site-packages")
        # Read after the environment's own packages. The pip there installs into the environment.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
        pip = self.bin / "pip"
        pip.write_text(f'#!/bin/sh\nexec "{self.bin / "python"}" -m pip "$@"\n')
        pip.chmod(0o755)

    def run(self, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=cwd,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
        )

    def succeed(self, line: str, cwd: Path) -> str:
        done = self.run(line, cwd)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL and commit of this hubkit on a git host."""
    clone = tmp_path_factory.mktemp("hubkit") / "hubkit"
    names = ("hubkit", "pytest_hubkit", "templates", "pyproject.toml", "README.md", "LICENSE")
    listed = git("ls-files", "-co", "--exclude-standard", *names, cwd=ROOT).splitlines()
    paths = [name for name in listed if (ROOT / name).is_file()]
    commit_files(clone, {name: (ROOT / name).read_text("utf-8") for name in paths})
    with GitHost() as host:
        host.add_repo("acme", "hubkit", clone)
        head = git("rev-parse", "HEAD", cwd=clone).strip()
        yield f"git+{host.url}/acme/hubkit.git@{head}"


@pytest.mark.slow
def test_the_workflow_and_the_hook_install_what_wrote_them(address: str, tmp_path: Path) -> None:
    author = Machine(tmp_path / "author", tmp_path / "cache")
    author.succeed(f'pip install "torch-hubkit @ {address}"', tmp_path)
    author.succeed("hubkit init shapes --defaults --repo acme/shapes", tmp_path)
    repo = tmp_path / "shapes"
    author.succeed("git add .", repo)

    runner = Machine(tmp_path / "runner", tmp_path / "cache")
    assert runner.run("command -v hubkit", repo).stdout != str(runner.bin / "hubkit")
    assert install_steps(repo) == [f"torch-hubkit[pytest] @ {address}"]
    assert hook(repo)["additional_dependencies"] == [f"torch-hubkit @ {address}"]
    torch, *steps = workflow_runs(repo)
    assert torch.startswith("pip install torch ")
    for step in steps[:2]:
        runner.succeed(step, repo)
    assert steps[1].startswith("hubkit check")
    assert runner.succeed("command -v hubkit", repo).strip() == str(runner.bin / "hubkit")
    assert "All checks passed" in runner.succeed(hook(repo)["entry"], repo)
