"""``hubkit init`` as it is typed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.git_host import commit_files, git
from tests.scaffold.conftest import init, read_tree, write_tree
from tests.scaffold.samples import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_name_makes_a_checked_git_repo(here: Path) -> None:
    result = init("shapes", "--defaults", "--repo", "acme/shapes")
    assert result.exit_code == 0
    assert "  created      hubconf.py\n" in result.stdout
    assert "hubkit check: All checks passed." in result.stdout
    assert "cd shapes\n  python -m shapes.train\n" in result.stdout
    assert result.stderr == ""
    assert git("symbolic-ref", "HEAD", cwd=here / "shapes") == "refs/heads/main"
    assert "acme/shapes" in (here / "shapes" / "README.md").read_text("utf-8")
    assert [path.name for path in here.iterdir()] == ["shapes"]


def test_a_repo_is_made_in_a_hook_of_another_repo_too(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    commit_files(other, {"a": "a"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    result = init("shapes", "--defaults", "--repo", "acme/shapes")
    assert "Created a git repo on branch main" in result.stdout
    assert git("symbolic-ref", "HEAD", cwd=here / "shapes") == "refs/heads/main"


def test_the_next_steps_lead_to_a_release() -> None:
    result = init("shapes", "--defaults")
    steps = result.stdout.partition("Next steps:\n")[2]
    assert "  hubkit card --report conformance.json && git commit" in steps
    assert steps.endswith("\n  hubkit release --report conformance.json\n")
    assert "\nNext steps:\n  cd ./-x\n" in init("--defaults", "--", "-x").stdout
    steps = init("plain", "--defaults", "--no-card").stdout.partition("Next steps:\n")[2]
    assert "hubkit card" not in steps
    assert all(line.strip() for line in steps.splitlines())


def test_a_second_run_keeps_everything_and_remembers_the_answers(here: Path) -> None:
    init("shapes", "--repo", "acme/rings", "-a", "module=rings", "-a", "license=bsd-3-clause")
    before = read_tree(here)
    result = init("shapes")
    assert result.exit_code == 0
    assert "created" not in result.stdout
    assert "differs" not in result.stdout
    assert read_tree(here) == before


def test_a_repo_that_is_committed_is_not_told_to_train_again(here: Path) -> None:
    init("shapes")
    git("add", ".", cwd=here / "shapes")
    git("commit", "--quiet", "-m", "First", cwd=here / "shapes")
    steps = init("shapes", "--license", "MIT").stdout.partition("Next steps:\n")[2]
    assert "train" not in steps
    assert "git add . && hubkit check" in steps


def test_what_init_calls_passed_check_calls_passed(here: Path) -> None:
    source = 'dependencies = []\n\n\ndef net() -> int:\n    """Return one."""\n    return 1\n'
    commit_files(here, {"hubconf.py": source})
    init("--defaults")
    assert CliRunner().invoke(main, ["check"]).exit_code == 1
    init("--defaults", "--license", "MIT")
    checked = CliRunner().invoke(main, ["check"])
    assert checked.exit_code == 0, checked.output
    assert "info[HUB801] git does not track `LICENSE` yet" in checked.stdout


def test_missing_files_come_back_and_changed_ones_stay(here: Path) -> None:
    init("shapes")
    (here / "shapes" / "README.md").write_text("mine")
    (here / "shapes" / "hubconf.py").unlink()
    result = init("shapes")
    assert "created      hubconf.py\n" in result.stdout
    assert "kept         README.md  (yours, differs from the template)\n" in result.stdout
    assert result.stdout.count("created") == 1
    assert (here / "shapes" / "README.md").read_text() == "mine"


def test_an_empty_folder_gets_the_whole_repo(here: Path) -> None:
    result = init("--defaults")
    assert result.exit_code == 0
    assert (here / "here" / "train.py").is_file()
    assert (here / ".git").is_dir()
    assert "cd " not in result.stdout


def test_a_fresh_checkout_gets_the_rest(here: Path) -> None:
    theirs = {"README.md": "# Here\n", "LICENSE": "Mozilla Public License Version 2.0"}
    commit_files(here, theirs)
    git("remote", "add", "origin", "git@github.com:acme/here.git", cwd=here)
    result = init("--defaults")
    assert "README" not in result.stdout
    assert "LICENSE" not in result.stdout
    assert "git repo" not in result.stdout
    there = read_tree(here)
    assert {name: there[name].decode() for name in theirs} == theirs
    pyproject = (here / "pyproject.toml").read_text("utf-8")
    assert 'license = "MPL-2.0"' in pyproject
    assert 'repo = "acme/here"' in pyproject


def test_bare_makes_hubconf_and_configuration_only(here: Path) -> None:
    code = {"nets/__init__.py": "", "train.py": "import nets\n", "README.md": "# Mine\n"}
    write_tree(here, code)
    result = init("--bare", "--defaults")
    assert result.exit_code == 0
    assert set(read_tree(here)) == {*code, "hubconf.py", "hubkit.toml"}
    assert "No usable model found" in result.stdout
    assert "HUB801" in result.stdout
    assert "Next steps:\n  git init -b main\n" in result.stdout
    assert not (here / ".git").exists()


def test_an_existing_hubconf_and_config_stay_and_are_checked(here: Path) -> None:
    mine = {
        "hubconf.py": "dependencies = ['torch']\n\n\ndef net():\n    return 1\n",
        "pyproject.toml": "[tool.hubkit.entrypoints.net]\nkind = 'utility'\n",
    }
    write_tree(here, mine)
    result = init("--bare")
    assert result.exit_code == 0
    assert "  kept         hubconf.py\n" in result.stdout
    assert "HUB301" in result.stdout
    assert read_tree(here) == {name: text.encode() for name, text in mine.items()}


def test_a_dry_run_writes_nothing(here: Path) -> None:
    result = init("shapes", "--dry-run")
    assert result.exit_code == 0
    assert "would create     hubconf.py\n" in result.stdout
    assert "Nothing was written." in result.stdout
    assert not list(here.iterdir())


def test_templates_are_listed_with_their_questions(here: Path) -> None:
    result = init("--list")
    assert result.exit_code == 0
    assert "classifier (default): " in result.stdout
    assert "\nminimal: " in result.stdout
    assert "-a module=...  Name of its Python package  [module]\n" in result.stdout
    assert "in-repo, release, none  [choice, default: both]\n" in result.stdout
    assert not list(here.iterdir())


def test_an_unknown_option_may_be_a_question_of_a_template(here: Path) -> None:
    result = init("shapes", "--hidden-units", "8")
    assert result.exit_code == 2
    assert "-a hidden_units=VALUE" in result.stderr
    assert not list(here.iterdir())


def test_a_template_of_the_users_is_taken_by_path(here: Path, tmp_path: Path) -> None:
    manifest = '[questions.name]\nask = "Name"\ndefault = "{{ found.folder }}"\n'
    files = {"template.toml": manifest, "{{name}}.txt.jinja": "by {{ name }}\n"}
    write_tree(tmp_path / "mine", files)
    result = init("shapes", "--template", str(tmp_path / "mine"), "--no-git")
    assert result.exit_code == 0
    assert read_tree(here) == {"shapes/shapes.txt": b"by shapes\n"}
    assert not (here / "shapes" / ".git").exists()
    assert "HUB001" in result.stdout  # the template makes no hubconf, and that is said


def test_a_second_run_asks_where_a_template_of_the_users_is(here: Path, tmp_path: Path) -> None:
    record = '[init]\ntemplate = "{{ template }}"\n'
    write_tree(tmp_path / "mine", {"template.toml": "", "hubkit.toml.jinja": record})
    init("shapes", "--template", str(tmp_path / "mine"))
    result = init("shapes", "--check")
    assert result.exit_code == 2
    assert "Template not found: 'mine', which created this repo" in result.stderr
    assert "--template DIR" in result.stderr
    assert init("shapes", "--check", "--template", str(tmp_path / "mine")).exit_code == 0
    assert (here / "shapes" / "hubkit.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["模型"], "module: An answer is required"),
        (["x", "-a", "module=models"], "'models' is too generic"),
        (["x", "-a", "module=torch"], "'torch' would hide"),
        (["x", "-a", "entrypoint=class"], "Python keyword"),
        (["x", "--repo", "shapes"], "'shapes' is not owner/name"),
        (["x", "-a", "license=Mitt"], "not a well-known SPDX"),
        (["x", "-a", "modul=y"], "does not use `modul`"),
        (["x", "-a", "module"], "'module' is not KEY=VALUE"),
        (["x", "--template", "nope"], "Template not found: 'nope'"),
        (["x", "--bare", "--template", "classifier"], "--bare cannot be combined with --template"),
        (["bad\nname"], "not one printable line"),
        (["file"], "is not a folder"),
        (["file/below"], "file"),
        ([".git"], "is inside a .git folder"),
        ([".git/hooks"], "is inside a .git folder"),
    ],
)
def test_wrong_use_is_reported_with_a_way_out_and_writes_nothing(
    arguments: list[str], why: str, here: Path
) -> None:
    (here / "file").touch()
    result = init(*arguments)
    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stdout == ""
    assert [path.name for path in here.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("folder", "module"),
    [
        ("My Model", "my_model"),
        ("3d-net", "net_3d_net"),
        ("modèle", "modele"),
        ("class", "class_net"),
        ("torch", "torch_net"),
        ("utils", "utils_net"),
    ],
)
def test_odd_folder_names_give_sane_packages(folder: str, module: str, here: Path) -> None:
    result = init(folder, "--defaults")
    assert result.exit_code == 0, result.stderr
    assert "All checks passed." in result.stdout
    assert (here / folder / module / "model.py").is_file()


def test_inside_another_git_repo_none_is_made_unless_asked(here: Path) -> None:
    commit_files(here, {"README.md": ""})
    result = init("part")
    assert "The folder is inside the git repo" in result.stdout
    assert not (here / "part" / ".git").exists()
    result = init("part", "--git")
    assert "Created a git repo" in result.stdout
    assert git("rev-parse", "--show-toplevel", cwd=here / "part") == str((here / "part").resolve())


def test_without_git_it_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    result = init("shapes")
    assert result.exit_code == 0
    assert "git is not installed or failed" in result.stdout
    assert "cd shapes\n  git init -b main\n" in result.stdout


def test_without_a_repo_name_it_says_what_to_put_in(here: Path) -> None:
    assert "your-name/shapes" in init("shapes").stdout
    assert "your-name" not in init("rings", "--repo", "acme/rings").stdout
    assert (here / "shapes").is_dir()


def on_terminal(here: Path, typed: str, *arguments: str) -> tuple[int, str]:
    """Run the command with a terminal at its ends, on which somebody types."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hubkit", "init", *arguments]
    with subprocess.Popen(command, cwd=here, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed.encode() + b"\x04")  # Ctrl-D ends a question too many
        said = b""
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says EIO when the other end has closed
        return b""


def test_on_a_terminal_it_asks_and_asks_again(here: Path) -> None:
    # name, module twice, entrypoint, license, weights, repo, author
    typed = "\nmodels\nrings\n\n\n\nacme/rings\n\n"
    code, said = on_terminal(here, typed, "shapes", "-a", "description=Rings.")
    assert code == 0, said
    assert "Name of its Python package [shapes]" in said
    assert "Error: module: 'models' is too generic" in said
    assert "as torch.hub.load takes it [rings]" in said
    assert "in one line" not in said
    pyproject = (here / "shapes" / "pyproject.toml").read_text("utf-8")
    assert 'repo = "acme/rings"' in pyproject
    assert 'description = "Rings."' in pyproject
    assert (here / "shapes" / "rings" / "model.py").is_file()


def test_on_a_terminal_it_asks_nothing_with_defaults(here: Path) -> None:
    code, said = on_terminal(here, "", "shapes", "--defaults")
    assert code == 0, said
    assert "Name of" not in said


@pytest.mark.torch
def test_on_a_terminal_it_asks_which_models_to_publish(here: Path) -> None:
    write_tree(here, SAMPLE)
    # whether to build twice, models twice, repo, author, license, description
    code, said = on_terminal(here, "maybe\nno\nnet\nunet\nacme/nets\n\n\n\n")
    assert code == 0, said
    assert "Build 3 models to see what loads? This runs the repo's code" in said
    assert "Error: Answer yes or no." in said
    assert "(unet, tiny, wide; all; none) [tiny, wide, unet]" in said
    assert "Error: entrypoints: No model 'net' was found here" in said
    assert "def unet(" in (here / "hubconf.py").read_text("utf-8")
    assert "def tiny(" not in (here / "hubconf.py").read_text("utf-8")


def test_stopping_at_a_question_writes_nothing(here: Path) -> None:
    code, said = on_terminal(here, "\n", "shapes")
    assert code == 130, said
    assert not list(here.iterdir())


def test_git_ignores_the_report_of_the_suite(here: Path) -> None:
    init("shapes", "--defaults")
    git("check-ignore", "--quiet", "conformance.json", cwd=here / "shapes")
