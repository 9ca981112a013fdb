"""``hubkit check``, ``explain``, ``list`` and ``help`` on repos made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hubkit.analysis import read_repo
from hubkit.cli import main
from hubkit.source import open_files
from tests.git_host import GitHost, commit_files
from tests.git_host.repos import git

ROOT = Path(__file__).parents[2]

HEALTHY = '''dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, *, width: int = 4):
    """A line.

    Args:
        pretrained: Load weights.
        width: How wide.
    """
    return _torch.nn.Linear(width, 1)
'''
DOWNLOAD = '''dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/{name}"
        model.load_state_dict(_torch.hub.load_state_dict_from_url(url{arguments}))
    return model
'''
SAFE = ', map_location="cpu", check_hash=True, weights_only=True'
UNDECLARED = HEALTHY.replace("import torch", "import timm as _timm\nimport torch")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(HEALTHY)
    (tmp_path / "LICENSE").touch()
    return tmp_path


def codes_in(repo: Path, *options: str) -> set[str]:
    report = json.loads(run("check", repo, "--output-format", "json", *options).stdout)
    return {finding["code"] for finding in report["findings"]}


def test_a_healthy_repo_passes(repo: Path) -> None:
    done = run("check", repo)
    assert (done.exit_code, done.stdout) == (0, "All checks passed.\n")


def test_a_healthy_download_passes(repo: Path) -> None:
    (repo / "hubconf.py").write_text(DOWNLOAD.format(name="net-0123abcd.pt", arguments=SAFE))
    assert not codes_in(repo)


def test_one_cause_is_one_finding(repo: Path) -> None:
    (repo / "hubconf.py").write_text("def net(:\n")
    assert codes_in(repo) == {"HUB002"}


def test_findings_show_the_line_and_what_to_do(repo: Path) -> None:
    (repo / "hubconf.py").write_text(UNDECLARED)
    done = run("check", repo)
    assert done.exit_code == 1
    assert "hubconf.py:3:1: error[HUB105] [*] `timm`" in done.stdout
    assert "  3 | import timm as _timm\n    | ^^^^^^^^^^^^^^^^^^^^\n  help: Add" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Found 1 error")


def test_suppressed_findings_are_listed_with_reasons(repo: Path) -> None:
    text = UNDECLARED.replace("_timm", "_timm  # hubkit: ignore[HUB105] why")
    (repo / "hubconf.py").write_text(text)
    done = run("check", repo, "--select", "HUB105")
    assert done.exit_code == 0
    assert "HUB105 suppressed: why" in done.stdout


def test_github_output_annotates_lines(repo: Path) -> None:
    (repo / "hubconf.py").write_text(UNDECLARED)
    lines = run("check", repo, "--output-format", "github").stdout.splitlines()
    assert lines[0].startswith(
        "::error title=hubkit HUB105 undeclared-import,file=hubconf.py,line=3,endLine=3,col=1"
    )


@pytest.mark.parametrize(
    "arguments", [("check", "nowhere"), ("check", "--select", "HUB9999"), ("explain", "HUB1O5")]
)
def test_usage_errors_exit_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "hint:" in done.stderr


def test_explain_takes_codes_and_names() -> None:
    assert "Bad:" in run("explain", "HUB105").stdout
    assert run("explain", "undeclared-import").stdout == run("explain", "HUB105").stdout
    assert "state-dict-round-trip" in run("explain", "C207").stdout


def test_explain_takes_several_codes_and_prefixes() -> None:
    one, other = run("explain", "HUB105").stdout, run("explain", "hub106").stdout
    assert run("explain", "HUB105", "HUB106").stdout == f"{one}\n{other}"
    listed = run("explain", "HUB1").stdout.splitlines()
    assert listed == [line for line in run("explain").stdout.splitlines() if line[:4] == "HUB1"]
    assert run("explain", "ALL").stdout == run("explain").stdout
    wrong = run("explain", "HUB105", "xyz")
    assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_rules_lists_every_rule_and_check_in_each_format() -> None:
    rows = json.loads(run("rules", "--output-format", "json").stdout)["rules"]
    by_code = {row["code"]: row for row in rows}
    assert by_code["HUB105"]["severity"] == "error"
    assert by_code["HUB105"]["is_default"] is True
    assert by_code["HUB106"]["is_default"] is False
    assert by_code["C207"]["kind"] == "check"
    for output_format in ("text", "markdown"):
        shown = run("rules", "--output-format", output_format).stdout
        assert all(code in shown for code in by_code)


def test_docs_of_rules_are_up_to_date() -> None:
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    shown = run("rules", "--output-format", "markdown").stdout
    assert page == shown, "hubkit rules --output-format markdown > docs/rules.md"


def test_list_prints_names_and_whether_there_may_be_more(repo: Path) -> None:
    answer = json.loads(run("list", repo, "--json").stdout)
    assert [entry["name"] for entry in answer["entrypoints"]] == ["net"]
    assert answer["is_open"] is False


MADE = """dependencies = ["torch"]

import os


def _make(name):
    def build(pretrained=False, width=2):
        \"\"\"A net.\"\"\"

    return build


for _name in os.environ.get("NETS", "small large").split():
    globals()[_name] = _make(_name)
"""


def test_list_says_that_names_are_made_at_run_time(repo: Path) -> None:
    (repo / "hubconf.py").write_text(MADE)
    done = run("list", repo)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "creates names at run time" in done.stderr
    assert "--run" in done.stderr
    answer = json.loads(run("list", repo, "--json").stdout)
    assert (answer["entrypoints"], answer["is_open"]) == ([], True)


def test_run_lists_and_describes_what_only_running_shows(repo: Path) -> None:
    (repo / "hubconf.py").write_text(MADE)
    answer = json.loads(run("list", repo, "--json", "--run").stdout)
    assert [entry["name"] for entry in answer["entrypoints"]] == ["large", "small"]
    assert answer["is_open"] is False
    described = run("help", repo, "small", "--run")
    assert described.stdout == "small(pretrained=False, width=2)\n\n  A net.\n\n"
    assert "pass --run" in run("help", repo, "small").stderr
    assert run("help", repo, "medium", "--run").exit_code == 1


def test_a_hubconf_that_cannot_run_is_not_listed_as_if_it_had(repo: Path) -> None:
    (repo / "hubconf.py").write_text(f"import no_such_module\n{MADE}")
    done = run("list", repo, "--run")
    assert done.exit_code == 1
    assert "No module named 'no_such_module'" in done.stderr
    done = run("list", repo, "--run", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["missing"] == ["no_such_module"]


def test_help_shows_signature_and_dependencies(repo: Path) -> None:
    shown = run("help", repo, "net").stdout
    assert shown.startswith("net(pretrained: bool = False, *, width: int = 4)\n\n  A line.")
    assert "pip install torch" in shown


def test_help_suggests_similar_entrypoints(repo: Path) -> None:
    done = run("help", repo, "nett")
    assert done.exit_code == 1
    assert "Did you mean `net`?" in done.stderr


def test_a_fetched_repo_is_read_and_not_run(git_host: GitHost, tmp_path: Path) -> None:
    bomb = HEALTHY + '\n\nraise SystemExit("this must not run")\n'
    commit_files(tmp_path / "rep", {"hubconf.py": bomb, "LICENSE": ""})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    listed = json.loads(run("list", "own/rep:main", "--json").stdout)
    assert [entry["name"] for entry in listed["entrypoints"]] == ["net"]
    assert run("help", "own/rep:main", "net").stdout.startswith("net(pretrained")
    assert run("check", "own/rep:main").stdout == "All checks passed.\n"
    missing = run("list", "own/nothing")
    assert missing.exit_code == 1
    assert "own/nothing" in missing.stderr


def test_a_commit_is_checked_with_its_own_settings(repo: Path) -> None:
    commit_files(repo, {"hubconf.py": UNDECLARED, "hubkit.toml": 'ignore = {HUB301 = "old"}\n'})
    git("tag", "v1", cwd=repo)
    commit_files(repo, {"hubconf.py": HEALTHY, "hubkit.toml": "select = ['HUB2']\n"})
    assert run("check", repo).exit_code == 0
    done = run("check", repo, "--ref", "v1")
    assert done.exit_code == 1
    assert "  3 | import timm as _timm\n" in done.stdout


def test_untracked_files_are_checked_with_no_git_only(repo: Path) -> None:
    text = "select = ['HUB105']\n"
    commit_files(repo, {"hubconf.py": HEALTHY, "hubkit.toml": text, "README.md": ""})
    (repo / "timm.py").write_text("")
    (repo / "hubconf.py").write_text(UNDECLARED.replace('["torch"]', '["torch", "timm"]'))
    assert run("check", repo).exit_code == 0
    facts = read_repo(open_files(repo))
    assert "timm" not in facts.packages
    assert "timm" in read_repo(repo).packages
    assert run("check", repo, "--no-git").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--ref", "v1", "--no-git"), "cannot be combined with --no-git"),
        (("--ref", "HEAD", "--add-ignore", "why"), "Remove --ref"),
        (("--ref", "nonsense"), "It has no tags"),
        (("acme/unet", "--ref", "v1"), "acme/unet:v1"),
    ],
)
def test_commits_that_cannot_be_read_exit_with_2(
    repo: Path, arguments: tuple[str, ...], hint: str
) -> None:
    commit_files(repo, {})
    done = run("check", *([repo] if arguments[0] == "--ref" else []), *arguments)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_against_finds_broken_calls(repo: Path) -> None:
    commit_files(repo, {"hubconf.py": HEALTHY})
    git("tag", "v1.0", cwd=repo)
    (repo / "hubconf.py").write_text(HEALTHY.replace("width: int = 4", "size: int = 4"))
    assert "HUB209" not in codes_in(repo)
    done = run("check", repo, "--against", "v1.0", "--select", "HUB209")
    assert done.exit_code == 1
    assert "`width` was removed or renamed to `size` (since v1.0)" in done.stdout
    assert run("check", repo, "--against", "HEAD", "--ref", "v1.0").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "v1.1"), "Did you mean `v1.0`?"),
        (("--select", "HUB209"), "--against v1.0"),
    ],
)
def test_against_an_unknown_commit_exits_with_2(
    repo: Path, arguments: tuple[str, ...], said: str
) -> None:
    commit_files(repo, {"hubconf.py": HEALTHY})
    git("tag", "v1.0", cwd=repo)
    done = run("check", repo, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_unused_suppressions_of_comparing_rules_are_not_reported(repo: Path) -> None:
    (repo / "hubkit.toml").write_text('ignore = {HUB209 = "a new major version"}\n')
    assert run("check", repo).exit_code == 0


def test_two_refs_of_a_repo_on_a_host_are_compared(git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": HEALTHY})
    git("tag", "v1", cwd=tmp_path / "rep")
    commit_files(tmp_path / "rep", {"hubconf.py": HEALTHY.replace("net(", "other(")})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    done = run("check", "own/rep:main", "--against", "v1")
    assert done.exit_code == 1
    assert "the entrypoint `net` of v1 was removed" in done.stdout
    assert "If it was renamed to `other`" in done.stdout
