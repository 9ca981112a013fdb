"""``hubkit check --fix`` and ``--diff``, typed as a user types them."""

from __future__ import annotations

import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.commands.check import show_fixes
from hubkit.facts import Finding, Location, Report
from hubkit.lint import Outcome

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = '''dependencies = ["torch", "math"]

from pathlib import Path

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/net-0123abcd.pth"
        model.load_state_dict(_torch.hub.load_state_dict_from_url(url))
    return model
'''
SAFE = (
    HUBCONF.replace(', "math"', "")
    .replace("import Path", "import Path as _Path")
    .replace("from_url(url)", 'from_url(url, check_hash=True, map_location="cpu")')
)
UNSAFE = SAFE.replace('"cpu")', '"cpu", weights_only=True)')


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def check(repo: Path, *arguments: str) -> Result:
    return run("check", repo, *arguments)


def git(repo: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF, "utf-8")
    (folder / "LICENSE").touch()
    return folder


def text_of(repo: Path) -> str:
    return (repo / "hubconf.py").read_text("utf-8")


def test_fix_applies_safe_fixes_and_reports_the_rest(repo: Path) -> None:
    done = check(repo, "--fix", "--output-format", "concise")
    assert text_of(repo) == SAFE
    assert done.stderr == "Fixed 4 findings (1 more with --unsafe-fixes).\n"
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["HUB505", "1"]
    assert done.exit_code == 1


def test_fixing_code_keeps_findings_that_git_shows(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.pth filter=lfs\n")
    (repo / "net.pth").write_text("version https://git-lfs.github.com/spec/v1\n")
    (repo / "other.py").write_text("x = 1\n")
    (repo / "linked.py").symlink_to("other.py")
    needs = 'from linked import x as _x\n_FILE = Path(__file__).parent / "net.pth"\n'
    (repo / "hubconf.py").write_text(HUBCONF + needs)
    git(repo, "init")
    git(repo, "add", "--all")
    codes = {"HUB603", "HUB604"}
    for options in ((), ("--fix",)):
        result = check(repo, *options, "--extend-select", "HUB6", "--output-format", "json")
        assert codes <= {one["code"] for one in json.loads(result.stdout)["findings"]}, options


def test_unsafe_fixes_are_applied_on_request(repo: Path) -> None:
    done = check(repo, "--fix", "--unsafe-fixes")
    assert text_of(repo) == UNSAFE
    assert done.stderr == "Fixed 5 findings.\n"
    assert done.exit_code == 0
    again = check(repo, "--fix", "--unsafe-fixes", "--exit-non-zero-on-fix")
    assert (again.exit_code, again.stderr) == (0, "")


def test_a_fix_can_fail_a_run(repo: Path) -> None:
    done = check(repo, "--fix", "--unsafe-fixes", "--exit-non-zero-on-fix")
    assert "All checks passed" in done.stdout
    assert done.exit_code == 1


def test_git_applies_the_diff(repo: Path) -> None:
    git(repo, "init", "-q")
    git(repo, "add", ".")
    done = check(repo, "--diff", "--unsafe-fixes")
    assert text_of(repo) == HUBCONF
    assert done.exit_code == 1
    assert done.stderr == "Would fix 5 findings.\n"
    subprocess.run(["git", "apply"], input=done.stdout, text=True, cwd=repo, check=True)
    assert text_of(repo) == UNSAFE
    again = check(repo, "--diff", "--unsafe-fixes")
    assert (again.exit_code, again.stdout) == (0, "")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_git_applies_diffs_in_any_encoding(repo: Path, encoding: str) -> None:
    text = "# coding: latin-1\n" * (encoding == "latin-1") + HUBCONF.replace("A line", "Ein Maß")
    (repo / "hubconf.py").write_bytes(text.encode(encoding))
    git(repo, "init", "-q")
    done = check(repo, "--no-git", "--diff")
    subprocess.run(["git", "apply"], input=done.stdout_bytes, cwd=repo, check=True)
    assert '"math"' not in (fixed := (repo / "hubconf.py").read_text(encoding))
    assert "Ein Maß" in fixed


def test_reverted_fixes_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    found = Finding("HUB504", "warning", "no map_location", Location("hubconf.py", 3))
    report = Report((found,), (), ())
    outcome = Outcome({}, (), ((found, "it would not parse any more"),), 0, report)
    assert show_fixes(outcome) == 0
    assert capsys.readouterr().err == (
        "HUB504 in hubconf.py was not fixed (it would not parse any more): no map_location\n"
    )


def test_suppressed_findings_are_not_fixed(repo: Path) -> None:
    (repo / "hubkit.toml").write_text('ignore = ["HUB201"]\n', "utf-8")
    check(repo, "--fix", "--ignore", "HUB504,HUB107")
    assert "import Path as _Path" in text_of(repo)
    (repo / "hubconf.py").write_text(HUBCONF, "utf-8")
    check(repo, "--fix")
    assert "import Path\n" in text_of(repo)


def test_json_contains_the_edits(repo: Path) -> None:
    report = json.loads(check(repo, "--output-format", "json").stdout)
    fixes = {found["code"]: found["fix"] for found in report["findings"]}
    assert fixes["HUB505"]["applicability"] == "unsafe"
    (edit,) = fixes["HUB504"]["edits"]
    assert edit["text"] == ', map_location="cpu"'
    assert edit["location"]["path"] == "hubconf.py"


def test_explain_describes_the_fix() -> None:
    assert "hubkit check --fix" in run("explain", "HUB501").stdout
    assert "--unsafe-fixes" in run("explain", "HUB505").stdout
    assert "Fix" not in run("explain", "HUB401").stdout


@pytest.mark.parametrize("option", ["--unsafe-fixes", "--exit-non-zero-on-fix"])
def test_fix_options_require_fix_or_diff(repo: Path, option: str) -> None:
    done = check(repo, option)
    assert done.exit_code == 2
    assert "--fix" in done.stderr


@pytest.mark.parametrize("option", [("--add-ignore", "why"), ("--update-baseline",)])
def test_conflicting_options_are_rejected(repo: Path, option: tuple[str, ...]) -> None:
    done = check(repo, "--fix", *option)
    assert (done.exit_code, text_of(repo)) == (2, HUBCONF)
    assert option[0] in done.stderr


def test_a_commit_can_be_diffed_and_not_fixed(repo: Path) -> None:
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    done = check(repo, "--fix", "--ref", "HEAD")
    assert (done.exit_code, text_of(repo)) == (2, HUBCONF)
    assert "HEAD" in done.stderr
    assert "+dependencies" in check(repo, "--diff", "--ref", "HEAD").stdout


def test_a_fetched_repo_is_not_changed(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    done = run("check", f"git+file://{repo}", "--fix")
    assert done.exit_code == 2
    assert "Clone the repo" in done.stderr


def test_read_only_files_are_not_fixed(repo: Path) -> None:
    (repo / "hubconf.py").chmod(0o444)
    done = check(repo, "--fix")
    assert (done.exit_code, text_of(repo)) == (2, HUBCONF)
    assert "read-only" in done.stderr


def test_fixes_keep_modes_and_links(repo: Path) -> None:
    (repo / "real.py").write_text(HUBCONF, "utf-8")
    (repo / "real.py").chmod(0o755)
    (repo / "hubconf.py").unlink()
    (repo / "hubconf.py").symlink_to("real.py")
    check(repo, "--fix", "--no-git")
    assert (repo / "hubconf.py").is_symlink()
    assert (repo / "real.py").read_text("utf-8") == SAFE
    assert stat.S_IMODE((repo / "real.py").stat().st_mode) == 0o755
    assert sorted(path.name for path in repo.iterdir()) == ["LICENSE", "hubconf.py", "real.py"]


def test_fixes_do_not_follow_links_out_of_the_repo(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(HUBCONF, "utf-8")
    (repo / "hubconf.py").unlink()
    (repo / "hubconf.py").symlink_to(outside)
    done = check(repo, "--fix", "--no-git")
    assert (done.exit_code, outside.read_text("utf-8")) == (1, HUBCONF)
    assert "is a symbolic link that is broken or points outside the repo" in done.stdout
