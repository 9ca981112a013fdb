"""What a baseline holds is not reported, whatever moves; what is gone is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.lint.test_selection import SLOPPY

if TYPE_CHECKING:
    from pathlib import Path


def check(folder: Path, *options: object) -> Result:
    arguments = ["check", str(folder), "--select", "HUB105", *map(str, options)]
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(SLOPPY, "utf-8")
    return tmp_path


@pytest.fixture
def known(repo: Path) -> Path:
    done = check(repo, "--update-baseline")
    assert (done.exit_code, ": 2 findings (2 added, 0 removed)" in done.stdout) == (
        0,
        True,
    )
    return repo / "hubkit-baseline.json"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"schema": 9, "findings": []}',
        '{"schema": 1}',
        '{"schema": 1, "findings": null}',
        '{"schema": 1, "findings": [3]}',
        '{"schema": 1, "findings": [{"a": "b"}]}',
        '{"schema": 1, "findings": [{"fingerprint": 1, "code": ["x"], "path": {}, "message": ""}]}',
    ],
)
def test_a_file_that_is_not_a_baseline_is_refused_and_kept(repo: Path, text: str) -> None:
    file = repo / "known.json"
    file.write_text(text)
    for option in ((), ("--update-baseline",)):
        done = check(repo, "--baseline", file, *option)
        assert (done.exit_code, "--update-baseline" in done.stderr) == (2, True)
        assert "mistake" not in done.stderr
    assert file.read_text() == text


def test_only_what_is_new_is_reported(repo: Path, known: Path) -> None:
    assert check(repo).exit_code == 1
    done = check(repo, "--baseline", known)
    assert done.exit_code == 0
    assert "2 findings suppressed by the baseline" in done.stdout
    assert done.stdout.endswith("All checks passed (2 suppressed).\n")
    source = SLOPPY.replace("import timm", "import fvcore as _fvcore\nimport timm")
    (repo / "hubconf.py").write_text("# moved\n\n" + source, "utf-8")
    moved = check(repo, "--baseline", known, "--output-format", "concise")
    assert moved.exit_code == 1
    assert [line.split()[0] for line in moved.stdout.splitlines()[:-2]] == [
        f"{repo}/hubconf.py:5:1:"
    ]


def test_what_is_gone_is_said_until_it_is_taken_out(repo: Path, known: Path) -> None:
    (repo / "hubconf.py").write_text(SLOPPY.replace("import timm as _timm\n", ""), "utf-8")
    done = check(repo, "--baseline", known)
    assert done.exit_code == 0
    missing = f"HUB105 is in the baseline but was not found in {repo}/hubconf.py: `timm`"
    assert missing in done.stdout
    said = check(repo, "--baseline", known, "--update-baseline").stdout
    assert ": 1 finding (0 added, 1 removed)" in said
    assert "no longer" not in check(repo, "--baseline", known).stdout


def test_entries_of_rules_that_did_not_run_stay(repo: Path, known: Path) -> None:
    before = known.read_bytes()
    CliRunner().invoke(main, ["check", str(repo), "--select", "HUB102", "--update-baseline"])
    assert known.read_bytes() == before
    done = CliRunner().invoke(
        main, ["check", str(repo), "--select", "HUB102", "--baseline", str(known)]
    )
    assert "no longer" not in done.stdout


def test_the_configuration_names_a_baseline_too(repo: Path) -> None:
    (repo / "hubkit.toml").write_text('baseline = "known.json"\n', "utf-8")
    missing = check(repo)
    assert missing.exit_code == 2
    assert "Cannot read the baseline" in missing.stderr
    assert "--update-baseline" in missing.stderr
    assert check(repo, "--update-baseline").exit_code == 0
    assert (repo / "known.json").is_file()
    assert check(repo).exit_code == 0
    assert check(repo, "--isolated").exit_code == 1


def test_writing_twice_changes_nothing(repo: Path, known: Path) -> None:
    before = known.read_bytes()
    assert "(0 added, 0 removed)" in check(repo, "--update-baseline").stdout
    assert known.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 1}',
        '{"schema": 1, "findings": [1]}',
        '{"schema": 1, "findings": [{"code": "HUB105"}]}',
        '{"schema": 1, "findings": 3}',
        '{"schema": 9, "findings": []}',
        "[" * 100_000,
        "caf\xe9",
    ],
)
def test_a_file_that_is_not_a_baseline_is_refused_and_left_alone(repo: Path, text: str) -> None:
    path = repo / "b.json"
    path.write_text(text, "latin-1")
    for options in ([], ["--update-baseline"]):
        done = check(repo, "--baseline", path, *options)
        assert done.exit_code == 2
        assert str(path) in done.stderr
        assert "Traceback" not in done.stderr
    assert path.read_text("latin-1") == text


def test_entries_say_what_they_are(known: Path) -> None:
    entries = json.loads(known.read_text("utf-8"))["findings"]
    assert [(one["code"], one["path"]) for one in entries] == [("HUB105", "hubconf.py")] * 2
    assert "`einops`" in entries[0]["message"]
