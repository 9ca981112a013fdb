"""Which rules run, and what is left out: prefixes, previews, settings, comments, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import Config, FileIgnore, read_config
from hubkit.lint import lint_repo, select_rules
from hubkit.lint.suppression import matches_path
from hubkit.rules import all_rules

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Report

SLOPPY = """\
dependencies = ["torch"]

import timm as _timm
import einops as _einops


def net(pretrained=False):
    import torch

    return torch.nn.Linear(1, 1)
"""
ALL_CODES = {rule.code for rule in all_rules()}
PREVIEWS = {rule.code for rule in all_rules() if rule.preview}


def selected(**keys: object) -> set[str]:
    return {rule.code for rule in select_rules(Config(**keys))}  # type: ignore[arg-type]


def lint(folder: Path, source: str = SLOPPY, settings: str = "", **keys: object) -> Report:
    (folder / "hubconf.py").write_text(source, "utf-8")
    if settings:
        (folder / "hubkit.toml").write_text(settings, "utf-8")
    config = Config(**keys) if keys else read_config(folder)  # type: ignore[arg-type]
    return lint_repo(read_repo(folder), config)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_all_means_all_but_previews_unless_asked_for() -> None:
    assert PREVIEWS
    assert selected() == selected(select=("ALL",)) == ALL_CODES - PREVIEWS
    assert selected(preview=True) == ALL_CODES
    assert selected(select=()) == set()


def test_a_whole_code_selects_a_preview_and_a_prefix_does_not() -> None:
    preview = min(PREVIEWS)
    assert selected(select=(preview,)) == {preview}
    assert preview not in selected(select=(preview[:4],))
    assert preview in selected(select=(preview[:4],), preview=True)
    assert selected(extend_select=(preview,)) == selected() | {preview}


@pytest.mark.parametrize(
    ("select", "ignore", "found"),
    [
        (("HUB1",), {"HUB105": "why"}, 0),
        (("HUB105",), {"HUB1": "why"}, 2),
        (("HUB105",), {"HUB105": "why"}, 0),
        (("ALL",), {"HUB1": "why"}, 0),
        (("HUB105",), {"ALL": "why"}, 2),
        (("HUB1", "HUB105"), {"HUB10": "why"}, 2),
    ],
)
def test_the_most_specific_prefix_wins(
    tmp_path: Path, select: tuple[str, ...], ignore: dict[str, str], found: int
) -> None:
    report = lint(tmp_path, select=select, ignore=ignore)
    assert codes(report).count("HUB105") == found
    assert [one.finding.code for one in report.suppressed].count("HUB105") == 2 - found


def test_the_nearest_request_gives_the_reason_and_all_count_as_used(tmp_path: Path) -> None:
    source = SLOPPY.replace("_timm\n", "_timm  # hubkit: ignore[HUB105] by comment\n")
    report = lint(
        tmp_path,
        source,
        'select = ["HUB105", "HUB9"]\nignore = {HUB105 = "by setting"}\n',
    )
    assert codes(report) == []
    assert [(one.reason, one.by) for one in report.suppressed] == [
        ("by comment", "comment"),
        ("by setting", "setting"),
    ]


def test_per_file_ignores_cover_their_files_and_are_judged(tmp_path: Path) -> None:
    report = lint(
        tmp_path,
        settings='select = ["HUB105", "HUB9"]\n[per-file-ignores]\n'
        '"hubconf.py" = {HUB105 = "all optional"}\n"models/*" = ["HUB105"]\n',
    )
    assert [(one.reason, one.by) for one in report.suppressed] == [("all optional", "setting")] * 2
    assert codes(report) == ["HUB901"]
    place = report.findings[0].location
    assert place is not None
    assert (place.path, place.line) == ("hubkit.toml", 4)
    assert "`models/*`" in report.findings[0].message


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("models/*", "models/net.py", True),
        ("models/*", "models/deep/net.py", True),
        ("models/", "models/deep/net.py", True),
        ("./models/*", "models/net.py", True),
        ("net.py", "models/net.py", True),
        ("*.py", "models/net.py", True),
        ("**/net.py", "models/net.py", True),
        ("models", "models/net.py", False),
        ("models/*", "my/models/net.py", False),
        ("!models/*", "hubconf.py", True),
        ("!models/*", "models/net.py", False),
        ("Models/*", "models/net.py", False),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches_path(pattern, path) is expected


def test_a_file_ignore_covers_its_file_from_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import fvcore\n", "utf-8")
    source = SLOPPY.replace("import einops as _einops", "import own as _own")
    report = lint(
        tmp_path,
        source + "# hubkit: file-ignore[HUB105, HUB104] a demo\n",
        'select = ["HUB105", "HUB104", "HUB9"]\n',
    )
    assert [one.reason for one in report.suppressed] == ["a demo"]
    assert [(f.code, f.location.path if f.location else "") for f in report.findings] == [
        ("HUB901", "hubconf.py"),
        ("HUB105", "own.py"),
    ]
    assert "HUB104 is not reported in hubconf.py" in report.findings[0].message


def test_unused_settings_are_found_at_their_line_and_only_if_their_rules_ran(
    tmp_path: Path,
) -> None:
    settings = 'extend-ignore = ["HUB501"]\n\n[ignore]\nHUB505 = "why"\n'
    report = lint(tmp_path, settings=settings)
    unused = [finding for finding in report.findings if finding.code == "HUB901"]
    assert [finding.location.line for finding in unused if finding.location] == [1, 4]
    assert "Remove HUB501 from `extend-ignore`." in [finding.hint for finding in unused]
    narrow = lint(tmp_path, settings='select = ["HUB1", "HUB9"]\n' + settings)
    assert "HUB901" not in codes(narrow)


def test_unknown_codes_are_found_wherever_they_stand(tmp_path: Path) -> None:
    report = lint(
        tmp_path,
        SLOPPY + "# hubkit: file-ignore[HUB9O1] typo\n",
        'extend-select = ["HUB999"]\nignore = ["HUB888"]\nextend-ignore = ["HUB777"]\n'
        '[per-file-ignores]\n"x.py" = ["HUB666"]\n',
    )
    unknown = [finding for finding in report.findings if finding.code == "HUB902"]
    places = [(f.location.path, f.location.line) for f in unknown if f.location]
    assert places == [("hubconf.py", 11), *(("hubkit.toml", line) for line in (1, 2, 3, 5))]


def test_what_the_api_is_told_needs_no_file(tmp_path: Path) -> None:
    report = lint(
        tmp_path,
        select=("HUB105", "HUB9"),
        per_file_ignores=(FileIgnore("no/such", {"HUB105": ""}),),
    )
    assert codes(report) == ["HUB105", "HUB105"]


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)]
)
def test_fail_on(tmp_path: Path, fail_on: str, code: int) -> None:
    report = lint(tmp_path, select=("HUB301",), fail_on=fail_on)
    assert {finding.severity for finding in report.findings} == {"warning"}
    assert report.exit_code == code
