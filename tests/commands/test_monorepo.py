"""``hubkit check packages/unet``, from the top of a repo and from elsewhere."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = '''\
dependencies = ["torch"]

import timm as _timm


def unet():
    """A net."""
    return _timm.create_model("unet")
'''
PLACE = "packages/unet/hubconf.py"
FROM_THE_TOP = {
    "full": f"{PLACE}:3:1: error[HUB105]",
    "concise": f"{PLACE}:3:1: HUB105",
    "github": f"file={PLACE},line=3",
    "junit": f">{PLACE}:3:1: HUB105",
    "markdown": f"`{PLACE}:3`",
}


def check(*arguments: str) -> str:
    return CliRunner().invoke(main, ["check", *arguments]).stdout


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "mono"
    commit_files(top, {PLACE: HUBCONF})
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize("name", FROM_THE_TOP)
def test_formats_lead_to_the_file_from_the_top_of_the_repo(name: str, top: Path) -> None:
    for folder in ("./packages/unet", str(top / "packages/unet")):
        assert FROM_THE_TOP[name] in check(folder, "--output-format", name)


@pytest.mark.usefixtures("top")
def test_sarif_is_relative_to_the_top_of_the_repo() -> None:
    run = json.loads(check("./packages/unet", "--output-format", "sarif"))["runs"][0]
    places = {
        one["ruleId"]: one["locations"][0]["physicalLocation"]["artifactLocation"]
        for one in run["results"]
    }
    expected = {"uri": PLACE, "uriBaseId": "%SRCROOT%"}
    # The second one is about the folder as a whole.
    assert places == {"HUB105": expected, "HUB801": expected}
    assert list(run["originalUriBaseIds"]) == ["%SRCROOT%"]


@pytest.mark.usefixtures("top")
def test_json_names_the_folder_that_paths_start_at() -> None:
    report = json.loads(check("./packages/unet", "--output-format", "json"))
    assert report["root"] == "packages/unet"
    assert report["findings"][-1]["location"]["path"] == "hubconf.py"


def test_terminals_and_hosts_find_the_file_from_elsewhere(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(top / "packages/unet")
    assert check("--output-format", "concise").startswith("(repo): HUB801")
    assert "\nhubconf.py:3:1: " in check("--output-format", "concise")
    assert FROM_THE_TOP["github"] in check("--output-format", "github")
    monkeypatch.chdir(top.parent)
    assert f"\nmono/{PLACE}:3:1: " in check("./mono/packages/unet", "--output-format", "concise")
    elsewhere = top.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert f"\n{top}/{PLACE}:3:1: " in check("../mono/packages/unet", "--output-format", "concise")


def test_a_patch_and_a_setting_are_for_the_right_file(top: Path) -> None:
    assert "add the reason to packages/unet/hubkit.toml:" in check("./packages/unet")
    patch = check("./packages/unet", "--diff")
    subprocess.run(["git", "apply"], input=patch, text=True, check=True, cwd=top)
    assert '"timm"' in (top / PLACE).read_text("utf-8")
    git("diff", "--exit-code", "--quiet", "--", ":(exclude)packages", cwd=top)


def test_a_package_of_its_own_has_paths_of_its_own(top: Path) -> None:
    git("init", "-q", cwd=top / "packages/unet")
    assert "file=hubconf.py,line=3" in check("./packages/unet", "--output-format", "github")
    assert FROM_THE_TOP["concise"] in check("./packages/unet", "--output-format", "concise")
