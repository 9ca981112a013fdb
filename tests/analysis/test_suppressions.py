from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo

if TYPE_CHECKING:
    from pathlib import Path


def covered(tmp_path: Path, source: str) -> list[tuple[tuple[str, ...], str, int, int]]:
    (tmp_path / "hubconf.py").write_text(dedent(source), encoding="utf-8")
    return [
        (found.codes, found.reason, found.first_line, found.last_line)
        for found in read_repo(tmp_path).suppressions
    ]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1  # hubkit: ignore[HUB1]\n", (1, 1)),
        ("x = [\n    1,  # hubkit: ignore[HUB1]\n    2,\n]\n", (1, 4)),
        ("x = [\n    1,\n]  # hubkit: ignore[HUB1]\n", (1, 3)),
        ("# hubkit: ignore[HUB1]\nx = [\n    1,\n]\n", (2, 4)),
        ("# hubkit: ignore[HUB1]\n\n# more\nx = 1\n", (4, 4)),
        ("def f(  # hubkit: ignore[HUB1]\n    a,\n):\n    return a\n", (1, 3)),
        ("def f(\n    a,\n):  # hubkit: ignore[HUB1]\n    return a\n", (1, 3)),
        ("# hubkit: ignore[HUB1]\n@deco\ndef f():\n    return 1\n", (2, 3)),
        ("def f():\n    # hubkit: ignore[HUB1]\n    return 1\n", (3, 3)),
        ("def f():\n    x = 1  # hubkit: ignore[HUB1]\n    return x\n", (2, 2)),
        ("x = [\n    # hubkit: ignore[HUB1]\n    1,\n]\n", (1, 4)),
        ("x = 1\n# hubkit: ignore[HUB1]\n", (2, 2)),
    ],
)
def test_a_comment_covers_its_statement(
    tmp_path: Path, source: str, lines: tuple[int, int]
) -> None:
    assert covered(tmp_path, source) == [(("HUB1",), "", *lines)]


def test_codes_and_reason(tmp_path: Path) -> None:
    source = "x = 1  # noqa  # hubkit: ignore[HUB501, HUB5] host gives no hashes\n"
    assert covered(tmp_path, "x = 1  #hubkit:ignore[HUB501,HUB5]  because\n") == [
        (("HUB501", "HUB5"), "because", 1, 1)
    ]
    assert covered(tmp_path, source) == [(("HUB501", "HUB5"), "host gives no hashes", 1, 1)]


def test_strings_are_not_comments(tmp_path: Path) -> None:
    assert covered(tmp_path, "x = '# hubkit: ignore[HUB1]'\n") == []


def test_comments_in_the_repos_modules_in_reach_count(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("x = 1  # hubkit: ignore[HUB1] why\n", encoding="utf-8")
    (tmp_path / "far.py").write_text("x = 1  # hubkit: ignore[HUB2]\n", encoding="utf-8")
    (tmp_path / "hubconf.py").write_text("import net\n", encoding="utf-8")
    (found,) = read_repo(tmp_path).suppressions
    assert (found.codes, found.location.path) == (("HUB1",), "net.py")
