"""``hubkit check`` as it is typed: exit codes, files, pipes, encodings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.reporters import FORMATS
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from pathlib import Path

SLOPPY = """\
dependencies = ["torch"]
import timm as _größe


def net(pretrained=False):
    import torch

    return torch.nn.Linear(1, 1)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(SLOPPY, "utf-8")
    (folder / "LICENSE").touch()
    return folder


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def run(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which ``hubkit`` is this interpreter's."""
    hubkit = f'hubkit() {{ "{sys.executable}" -m hubkit "$@"; }}; set -o pipefail; '
    return subprocess.run(
        ["bash", "-c", hubkit + command],
        cwd=folder,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 1),
        (["--fail-on", "error"], 1),
        (["--fail-on", "never"], 0),
        (["--exit-zero"], 0),
        (["--select", "HUB301"], 1),
        (["--select", "HUB301", "--fail-on", "error"], 0),
        (["--select", "HUB301", "--config", "fail-on=error"], 0),
        (["--select", "HUB301", "--config", "fail-on=error", "--fail-on", "info"], 1),
        (["--ignore", "HUB105,HUB301", "--ignore", "HUB302"], 0),
        (["--select", "HUB102"], 0),
        (["--select", "HUB999"], 2),
        (["--config", "prview=true"], 2),
        (["--config", "select=[]"], 2),
        (["--output-format", "yaml"], 2),
        (["--report", "sarif"], 2),
        (["--report", "yaml=x"], 2),
        (["--report", "sarif=no/such/folder/x"], 2),
        (["--baseline", "none.json"], 2),
        (["--report", "json=o", "--report", "sarif=./o"], 2),
        (["--report", "json=o", "--output-file", "o"], 2),
        (["--diff", "--report", "json=o"], 2),
        (["--update-baseline", "--report", "json=o"], 2),
        (["--diff", "--output-format", "json"], 2),
    ],
)
def test_exit_codes(repo: Path, options: list[str], code: int) -> None:
    done = check(repo, *options)
    assert done.exit_code == code
    assert bool(done.stderr) == (code == 2)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--select", "hub105"], "Did you mean `HUB105`?"),
        (["--ignore", "undeclared-import"], "Did you mean `HUB105`?"),
        (["--extend-select", "HUB1O5"], "Did you mean `HUB105`?"),
        (["--select", ","], "`select` is empty"),
        (["--config", "select=HUB1"], 'For example: ["HUB1", "HUB501"]'),
        (["--config", "../hubkit.toml"], "at the root of the repo"),
    ],
)
def test_usage_errors_have_hints(repo: Path, options: list[str], hint: str) -> None:
    done = check(repo, *options)
    assert (done.exit_code, hint in done.stderr) == (2, True), done.stderr


def test_a_tool_table_in_hubkit_toml_is_an_error(repo: Path) -> None:
    (repo / "hubkit.toml").write_text("[tool.hubkit]\npreview = true\n")
    done = check(repo)
    assert (done.exit_code, "write its keys at the top level" in done.stderr) == (2, True)


def test_a_hyphen_is_standard_output(repo: Path) -> None:
    done = check(repo, "--output-file", "-", "--output-format", "concise")
    assert done.stdout == check(repo, "--output-format", "concise").stdout
    assert not (repo / "-").exists()


def test_a_misplaced_hubconf_is_reported(repo: Path) -> None:
    commit_files(repo.parent, {"repo/hubconf.py": SLOPPY})
    assert "torch.hub ignores repo/hubconf.py" in check(repo.parent).stdout.replace("\n", " ")


def test_merge_conflicts_are_located(repo: Path) -> None:
    text = SLOPPY + "<<<<<<< HEAD\n'\n=======\nx = 1\n>>>>>>> other\n"
    (repo / "hubconf.py").write_text('"""Open' + text, "utf-8")
    line = SLOPPY.count("\n") + 1
    assert (
        f"hubconf.py:{line}:1: error[HUB002] hubconf.py cannot be imported: unresolved merge"
        in (check(repo).stdout)
    )


def test_a_run_that_checks_nothing_fails(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.exit_code == 2
    assert "Nothing to check" in done.stderr
    (tmp_path / "net.py").write_text("x = 1\n", "utf-8")
    assert check(tmp_path).exit_code == 1
    assert "HUB001" in check(tmp_path).stdout


def test_a_prefix_does_not_select_preview_rules(repo: Path) -> None:
    from hubkit.rules import all_rules

    shown = {rule.code[:6] for rule in all_rules() if not rule.preview}
    # Codes are of six characters: "HUB70" is a prefix of several, "HUB706" names one.
    prefixes = {rule.code[:5] for rule in all_rules() if rule.preview}
    alone = [prefix for prefix in prefixes if not any(code.startswith(prefix) for code in shown)]
    for prefix in alone:
        done = check(repo, "--select", prefix)
        assert (done.exit_code, "--preview" in done.stderr) == (2, True)
        assert check(repo, "--select", prefix, "--preview").exit_code in (0, 1)
    assert check(repo, "--config", "select=[]").exit_code == 2


def test_options_replace_or_extend_settings(repo: Path) -> None:
    (repo / "hubkit.toml").write_text(
        'select = ["HUB3", "HUB1"]\nignore = {HUB105 = "optional"}\n', "utf-8"
    )

    def found(*options: str) -> set[str]:
        text = check(repo, "--output-format", "json", *options).stdout
        return {one["code"] for one in json.loads(text)["findings"]}

    assert found() == {"HUB301"}
    assert found("--ignore", "HUB301") == {"HUB105"}
    assert found("--extend-ignore", "HUB301") == set()
    assert found("--select", "HUB1") == set()
    assert found("--select", "HUB105", "--ignore", "HUB301") == {"HUB105"}
    assert found("--isolated") >= {"HUB105", "HUB301"}


def test_several_reports_in_one_run(repo: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("sarif", "junit", "markdown", "json")}
    reports = [f"--report={name}={path}" for name, path in files.items()]
    main_file = tmp_path / "main.txt"
    done = check(repo, *reports, "--output-file", main_file, "--output-format", "concise")
    assert (done.exit_code, done.stdout) == (1, "")
    assert main_file.read_text("utf-8").splitlines()[-1].startswith("Found")
    assert "größe" in check(repo).stdout
    for name, path in files.items():
        alone = check(repo, "--output-format", name).stdout
        assert path.read_text("utf-8") == alone


def test_a_fetched_repo_is_checked_and_not_changed(git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": SLOPPY})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    done = check("own/rep:main")
    assert done.exit_code == 1
    assert "say why" not in done.stdout  # it is not the user's to configure
    for option in (["--add-ignore", "why"], ["--update-baseline"]):
        refused = check("own/rep:main", *option)
        assert refused.exit_code == 2
        assert "it is a cached copy in the hub dir" in refused.stderr
    own_file = tmp_path / "known.json"
    assert check("own/rep:main", "--update-baseline", "--baseline", own_file).exit_code == 0
    assert check("own/rep:main", "--baseline", own_file).exit_code == 0


def test_files_of_a_commit_are_not_written(repo: Path) -> None:
    commit_files(repo, {"hubconf.py": SLOPPY})
    done = check(repo, "--ref", "HEAD", "--add-ignore", "why")
    assert done.exit_code == 2
    assert (repo / "hubconf.py").read_text("utf-8") == SLOPPY


def test_text_is_an_alias_of_full(repo: Path) -> None:
    assert check(repo, "--output-format", "text").stdout == check(repo).stdout
    assert check(repo, "--output-format", "full").stdout == check(repo).stdout


def test_statistics_are_a_format(repo: Path) -> None:
    done = check(repo, "--statistics")
    assert done.stdout == check(repo, "--output-format", "statistics").stdout
    assert done.exit_code == 1
    assert check(repo, "--statistics", "--output-format", "json").exit_code == 2


def test_quiet_prints_nothing_without_findings(repo: Path) -> None:
    assert check(repo, "-q", "--select", "HUB102").stdout == ""
    assert check(repo, "-q").stdout.startswith(f"{repo}/hubconf.py:")
    check(repo, "-q", "--select", "HUB102", "--output-file", repo / "out.txt")
    assert (repo / "out.txt").read_text("utf-8") == "All checks passed.\n"
    assert json.loads(check(repo, "-q", "--select", "HUB102", "--output-format=json").stdout)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_output_fits_any_encoding(repo: Path, name: str, encoding: str) -> None:
    (repo / "hubconf.py").write_text(SLOPPY.replace("größe", "größe_名"), "utf-8")
    done = run(
        f"hubkit check --output-format {name}", repo, PYTHONIOENCODING=encoding, PYTHONUTF8="0"
    )
    assert done.returncode == 1, done.stderr.decode()
    text = done.stdout.decode(encoding)
    if name == "json":
        assert json.loads(text)["schema"] == 1
    elif name == "full":
        assert ("\\u540d" in text) == (encoding != "utf-8")


def test_a_closed_pipe_is_not_an_error(repo: Path) -> None:
    many = "".join(f"import mod{n} as _m{n}\n" for n in range(3000))
    (repo / "hubconf.py").write_text(SLOPPY + many, "utf-8")
    done = run("hubkit check --output-format concise | head -n 1", repo)
    assert done.stdout.startswith(b"hubconf.py:")
    assert done.stderr == b""


def test_color_is_used_on_request(repo: Path) -> None:
    assert b"\033[" not in run("hubkit check", repo, FORCE_COLOR="", NO_COLOR="").stdout
    assert b"\033[1;31m" in run("hubkit check", repo, FORCE_COLOR="1", NO_COLOR="").stdout
    assert b"\033[" not in run("hubkit check", repo, FORCE_COLOR="1", NO_COLOR="1").stdout
