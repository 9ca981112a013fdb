"""``hubkit release``: each obstacle alone stands in the way of a repo that is ready otherwise."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import HUBCONF, hubkit

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

DRY = ("--dry-run", "--level", "0")
READY: dict[str, str | bytes] = {
    "hubconf.py": HUBCONF.replace("v1.0/", "v1.1.0/"),
    "weights/bundled.pth": b"no real weights",
    "LICENSE": "Mine.\n",
    "README.md": '```python\ntorch.hub.load("acme/nets:v1.1.0", "net")\n```\n',
    "CHANGELOG.md": "# Changes\n\n## v1.1.0\n\n- More.\n",
    "CITATION.cff": "cff-version: 1.2.0\ntitle: Nets\nversion: 1.1.0\n",
    "pyproject.toml": '[project]\nname = "nets"\nversion = "1.1.0"\n\n'
    "[tool.hubkit.entrypoints.net]\n"
    f'weights = {{ bytes = 12, sha256 = "{"0123456789abcdef" * 4}" }}\n',
}


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo whose version 1.1.0 can be tagged, as the working directory."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "nets"
    commit_files(folder, READY)
    git("tag", "v1.0.0", cwd=folder)
    monkeypatch.chdir(folder)
    assert hubkit("card").exit_code == 0
    commit_files(folder, {})
    return folder


def points(result: Result) -> dict[str, tuple[str, str]]:
    """State and text of each point; of several with one name, the worst."""
    found: dict[str, tuple[str, str]] = {}
    for line in result.stdout.splitlines():
        state, _, rest = line.partition("  ")
        name, colon, why = rest.strip().partition(": ")
        is_point = state.strip() in ("ok", "note", "missing") and colon and line[:1] != " "
        if is_point and found.get(name, ("ok",))[0] != "missing":
            found[name] = (state.strip(), why)
    return found


def missing(result: Result) -> dict[str, str]:
    assert result.exit_code == 1, result.output
    return {name: why for name, (state, why) in points(result).items() if state == "missing"}


def test_what_is_ready_gets_an_annotated_tag_and_no_more(ready: Path) -> None:
    before = git("for-each-ref", cwd=ready)
    dry = hubkit("release", *DRY)
    assert dry.exit_code == 0, dry.output
    assert {state for state, _ in points(dry).values()} == {"ok", "note"}
    assert git("for-each-ref", cwd=ready) == before
    git("config", "user.name", "Ada", cwd=ready)
    git("config", "user.email", "ada@example.org", cwd=ready)
    result = hubkit("release", "--level", "0")
    assert result.exit_code == 0, result.output
    assert git("cat-file", "-t", "v1.1.0", cwd=ready) == "tag"
    assert git("rev-parse", "v1.1.0^{commit}", cwd=ready) == git("rev-parse", "HEAD", cwd=ready)
    assert "git push origin main v1.1.0" in result.stdout
    assert "gh release create v1.1.0 net-0123456789abcdef.pth" in result.stdout
    again = hubkit("release", "--level", "0")
    assert again.exit_code == 0
    assert "There already: v1.1.0" in again.stdout


def test_the_lines_that_people_will_write_are_shown(ready: Path) -> None:
    said = hubkit("release", *DRY).stdout
    assert 'torch.hub.load("acme/nets:v1.1.0", "net")' in said
    assert 'hubkit.load("acme/nets:v1.1.0", "net")' in said
    assert f'hubkit.load("acme/nets:{git("rev-parse", "HEAD", cwd=ready)}", "net")' in said


def test_changes_that_are_not_committed(ready: Path) -> None:
    (ready / "README.md").write_text("other")
    found = missing(hubkit("release", *DRY))
    assert found == {"work tree": "1 file differs from the commit: README.md"}
    git("checkout", "README.md", cwd=ready)
    (ready / "stray.txt").write_text("x")
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    assert points(result)["work tree"][0] == "note"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("v1.0.0", "v1.0.0 is taken"),
        ("main", "a branch is called main too"),
        ("deadbeef", "reads like a commit"),
        ("a b", "is no name that git takes"),
        ("-x", "is no name that git takes"),
        ("v1..2", "is no name that git takes"),
        ("a@{b", "is no name that git takes"),
    ],
)
@pytest.mark.usefixtures("ready")
def test_a_tag_that_cannot_be_or_would_mean_two_things(tag: str, said: str) -> None:
    found = missing(hubkit("release", f"--tag={tag}", *DRY))
    assert said in found["tag"]


def test_versions_that_disagree(ready: Path) -> None:
    found = missing(hubkit("release", "--tag", "v1.2.0", *DRY))
    assert found["versions"] == (
        "pyproject.toml says 1.1.0, CITATION.cff says 1.1.0, the tag v1.2.0"
    )
    assert found["changelog"] == "CHANGELOG.md says nothing of 1.2.0"
    assert "which is no tag of this repo" in found["weights"]
    commit_files(ready, {"CITATION.cff": "cff-version: 1.2.0\nversion: '1.0'\n"})
    assert missing(hubkit("release", *DRY)) == {"versions": "CITATION.cff says 1.0, the tag v1.1.0"}


def test_a_changelog_must_say_the_whole_version(ready: Path) -> None:
    commit_files(ready, {"CHANGELOG.md": "## 11.1.0\n## 1.1.0.1\n## 1.1.01\n"})
    assert "changelog" in missing(hubkit("release", *DRY))
    commit_files(ready, {"CHANGELOG.md": "## [1.1.0] - 2026\n"})
    assert hubkit("release", *DRY).exit_code == 0


def test_breaking_changes_need_a_version_that_says_so(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    commit_files(ready, {"hubconf.py": source.replace("def bundled", "def packed")})
    hubkit("card")
    commit_files(ready, {})
    found = missing(hubkit("release", *DRY))
    assert set(found) == {"breaking changes"}
    assert "the entrypoint `bundled` of v1.0.0 is gone" in found["breaking changes"]
    assert "--tag v2.0.0" in hubkit("release", *DRY).stdout
    major = points(hubkit("release", "--tag", "v2.0.0", *DRY))
    assert major["breaking changes"] == ("ok", "1 change since v1.0.0, and v2.0.0 says so")
    odd = points(hubkit("release", "--tag", "final", *DRY))
    assert odd["breaking changes"][0] == "note"


@pytest.mark.usefixtures("ready")
def test_a_version_comes_after_the_last_one() -> None:
    found = missing(hubkit("release", "--tag", "v0.9.0", *DRY))
    assert found["breaking changes"] == "v0.9.0 does not come after v1.0.0"


def test_what_check_finds(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    commit_files(ready, {"hubconf.py": source.replace("check_hash=True, ", "")})
    found = missing(hubkit("release", *DRY))
    assert set(found) == {"check"}
    assert found["check"].startswith("1 finding: HUB501 hubconf.py:")
    (ready / "hubconf.py").write_text(source)
    assert "check" in missing(hubkit("release", *DRY))  # the commit counts, not the folder


def test_weights_that_are_not_what_is_said(ready: Path) -> None:
    pyproject = READY["pyproject.toml"]
    assert isinstance(pyproject, str)
    commit_files(ready, {"pyproject.toml": pyproject.replace('"0123', '"ffff')})
    hubkit("card")
    commit_files(ready, {})
    assert "records ffff4567… for net" in missing(hubkit("release", *DRY))["weights"]
    bundled = (
        f'[tool.hubkit.entrypoints.bundled]\nweights = {{ bytes = 9, sha256 = "{"ab" * 32}" }}\n'
    )
    commit_files(ready, {"pyproject.toml": pyproject + bundled})
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert "weights/bundled.pth has the sha256" in missing(result)["weights"]
    assert "weights/bundled.pth has 15 bytes, and pyproject.toml records 9" in result.stdout


def test_weights_without_a_hash_in_their_name(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    plain = source.replace("net-0123456789abcdef.pth", "acme-net.pth").replace(
        "check_hash=True, ", ""
    )
    commit_files(ready, {"hubconf.py": plain})
    hubkit("card")
    commit_files(ready, {})
    found = missing(hubkit("release", *DRY))
    assert "holds no hash" in found["weights"]
    elsewhere = plain.replace("github.com/acme/nets/releases/download/v1.1.0", "example.org")
    commit_files(ready, {"hubconf.py": elsewhere})
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert result.exit_code == 0, result.output
    assert points(result)["weights"][0] == "note"


def test_a_file_to_upload_that_is_another(ready: Path) -> None:
    (ready / "dist").mkdir()
    (ready / "dist" / "net-0123456789abcdef.pth").write_bytes(b"something else")
    commit_files(ready, {".gitignore": "dist/\n"})
    found = missing(hubkit("release", *DRY))
    assert "dist/net-0123456789abcdef.pth is not the file" in found["weights"]


def test_a_card_that_is_stale_missing_or_broken(ready: Path) -> None:
    card = (ready / "MODEL_CARD.md").read_text()
    commit_files(ready, {"MODEL_CARD.md": card.replace("`width`", "`wide`")})
    assert missing(hubkit("release", *DRY)) == {"card": "MODEL_CARD.md is stale: entrypoints"}
    commit_files(ready, {"MODEL_CARD.md": card.replace("license: other", "license: mitt")})
    assert "MODEL_CARD.md:2" in missing(hubkit("release", *DRY))["card"]
    commit_files(ready, {"MODEL_CARD.md": card.replace("hubkit:end usage", "hubkit:end")})
    assert "begins inside of another" in missing(hubkit("release", *DRY))["card"]
    git("rm", "-q", "MODEL_CARD.md", cwd=ready)
    commit_files(ready, {})
    assert missing(hubkit("release", *DRY)) == {"card": "there is no model card"}


def test_a_card_that_shows_another_tag_is_told_of(ready: Path) -> None:
    hubkit("card", "--tag", "v1.0.0")
    commit_files(ready, {})
    state, why = points(hubkit("release", *DRY))["card"]
    assert (state, why) == ("note", "MODEL_CARD.md shows how to load v1.0.0")


def test_a_detached_head_is_told_of(ready: Path) -> None:
    git("checkout", "-q", "--detach", cwd=ready)
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    assert "HEAD is detached" in points(result)["work tree"][1]


def test_without_a_version_the_tag_is_to_be_named(ready: Path) -> None:
    git("rm", "-q", "pyproject.toml", "CITATION.cff", cwd=ready)
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert missing(result)["tag"] == "nothing tells its name"
    assert "-> --tag v1.0.1" in result.stdout


def report_of(ready: Path, **changes: object) -> str:
    """A report of the suite, as its schema has it, for the commit that is checked out."""
    case: dict[str, object] = {
        "entrypoint": "net",
        "case": "",
        "kind": "model",
        "call": "net(pretrained=False)",
        "input": None,
        "measured": {},
        "unexercised": [],
        "checks": [_check("C104", 1)],
    }
    report = {
        "schema": 1,
        "created": "2026-01-01T00:00:00+00:00",
        "interrupted": False,
        "repo": "acme/nets",
        "commit": git("rev-parse", "HEAD", cwd=ready),
        "uncommitted": 0,
        "digest": None,
        "environment": {},
        "policy": {},
        "lint": None,
        "whole": {**case, "entrypoint": "", "checks": [_check("C101", 1)]},
        "entrypoints": [case],
    }
    return json.dumps({**report, **changes})


def _check(code: str, level: int) -> dict[str, object]:
    return {"code": code, "name": "x", "level": level, "required": True, "outcome": "passed"}


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        ({}, "1", ""),
        ({}, "2", "level 1 is reached, and 2 is asked for"),
        ({"commit": "0" * 40}, "1", "the report is of commit 0000000000"),
        ({"commit": None}, "1", "the report is of no commit"),
        ({"uncommitted": 2}, "1", "with 2 files that the commit lacks"),
        ({"interrupted": True}, "1", "interrupted"),
        ({"entrypoints": []}, "1", "without entrypoints"),
    ],
)
def test_conformance_is_shown_by_a_report_of_this_commit(
    ready: Path, tmp_path: Path, changes: dict[str, object], level: str, said: str
) -> None:
    report = tmp_path / "report.json"
    report.write_text(report_of(ready, **changes))
    result = hubkit("release", "--dry-run", "--level", level, "--report", report)
    if said:
        found = missing(result)
        assert set(found) == {"conformance"}
        assert said in found["conformance"]
    else:
        assert result.exit_code == 0, result.output
        assert points(result)["conformance"] == ("ok", "level 1, at this commit")


@pytest.mark.usefixtures("ready")
def test_without_a_report_the_way_to_one_is_said() -> None:
    result = hubkit("release", "--dry-run")
    assert missing(result) == {"conformance": "no report of the suite is given"}
    assert "pytest --hubconf --hubconf-report conformance.json" in result.stdout


def test_no_git_no_commit_no_hubconf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "nets"
    folder.mkdir()

    def said() -> str:
        result = hubkit("release", folder, "--dry-run")
        assert result.exit_code in (1, 2)
        return result.stderr

    assert "is no folder" in hubkit("release", tmp_path / "gone").stderr
    assert "is in no git repo" in said()
    git("init", "-q", cwd=folder)
    assert "has no commit yet" in said()
    commit_files(folder, {"readme.md": "x"})
    assert "no hubconf.py" in said()
    commit_files(folder, {"hubconf.py": "def net(:\n"})
    assert "hubconf.py, line 1" in said()
    commit_files(folder, {"hubconf.py": "def net():\n    return 1\n", "sub/hubconf.py": ""})
    assert "no git repo of its own" in hubkit("release", folder / "sub").stderr
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", str(folder), str(bare))
    assert "is a bare repo" in hubkit("release", bare).stderr
    assert "OWNER/NAME:v1" in hubkit("release", folder, "--dry-run", "--tag", "v1").stdout


def test_whom_a_tag_is_from_must_be_known(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("config", "user.useConfigOnly", "true", cwd=ready)
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        monkeypatch.delenv(name)
    result = hubkit("release", "--level", "0")
    assert result.exit_code == 2
    assert "user.name and user.email" in result.stderr
    assert git("tag", cwd=ready) == "v1.0.0"
