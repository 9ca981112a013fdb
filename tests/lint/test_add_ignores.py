"""``--add-ignore`` writes comments that leave a repo clean, and nothing else."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.rules.repos import case_names, write_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = '''\
#!/usr/bin/env python
"""Nets."""
dependencies = ["torch"]
import timm as _timm
import einops as _einops  # noqa: F401
import fvcore as _fvcore  # hubkit: ignore[HUB106]
from skimage \\
    import io as _io
import yaml as _yaml, \\
    cv2 as _cv2


def net(
    pretrained=False,
):
    """A net."""
    import torch

    state = torch.hub.load_state_dict_from_url(
        """https://example.org/\
net.pth""",
        progress=True,
    )
    return torch.nn.Linear(1, 1)
'''


def check(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["check", str(folder), *options])


def findings(folder: Path, *options: str) -> list[dict[str, object]]:
    found = json.loads(check(folder, "--output-format", "json", *options).stdout)["findings"]
    return [dict(one) for one in found]


def changed(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Pairs of a line before and after; fails for lines that come or go."""
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new), "\n".join(difflib.unified_diff(old, new))
    yield from ((a, b) for a, b in zip(old, new, strict=True) if a != b)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_clean_repo_and_nothing_but_comments(tmp_path: Path, newline: str, mark: str) -> None:
    source = SOURCE if not mark else SOURCE.partition("\n")[2]
    (tmp_path / "LICENSE").touch()
    path = tmp_path / "hubconf.py"
    path.write_bytes((mark + source).replace("\n", newline).encode())
    assert findings(tmp_path)
    done = check(tmp_path, "--add-ignore", "an old repo")
    assert done.exit_code == 0, done.output
    assert findings(tmp_path, "--ignore", "HUB903") == []
    after = path.read_bytes().decode()
    assert after.count(newline) == source.count("\n")
    pairs = list(changed(mark + source, after.replace(newline, "\n")))
    for old, new in pairs:
        assert new.startswith(old.partition("]")[0])
        assert new.endswith("] an old repo")
    assert [old.split("#")[0].strip() for old, _ in pairs][:3] == [
        "import timm as _timm",
        "import einops as _einops",
        "import fvcore as _fvcore",
    ]
    assert "fvcore  # hubkit: ignore[HUB106, HUB105] an old repo" in after
    assert "# noqa: F401  # hubkit: ignore[HUB105] an old repo" in after


def test_a_second_time_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hubconf.py"
    path.write_text(SOURCE, "utf-8")
    check(tmp_path, "--add-ignore", "an old repo")
    before = path.read_bytes()
    done = check(tmp_path, "--add-ignore", "another reason")
    assert path.read_bytes() == before
    assert "Wrote comments to 0 files." in done.stderr


@pytest.mark.parametrize("case", [one for one in case_names(kind="bad") if "HUB1" <= one < "HUB9"])
def test_findings_of_every_rule_are_suppressed_or_reported(case: str, tmp_path: Path) -> None:
    (write_case(case, tmp_path / "repo") / "EXPECT").unlink(missing_ok=True)
    tmp_path = tmp_path / "repo"
    before = findings(tmp_path, "--preview")
    check(tmp_path, "--preview", "--add-ignore", "known")
    after = findings(tmp_path, "--preview")
    assert [one for one in after if one in before and _on_code(one)] == []
    assert {one["code"] for one in after} <= {one["code"] for one in before}


def _on_code(finding: dict[str, object]) -> bool:
    place = finding["location"]
    path = str(place["path"]) if isinstance(place, dict) else ""
    return path.endswith(".py") and not path.startswith("examples/")


def test_what_has_no_line_of_code_is_still_found(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text('ignore = ["HUB501"]\n', "utf-8")
    (tmp_path / "hubconf.py").write_text('"""Nothing."""\n', "utf-8")
    done = check(tmp_path, "--add-ignore", "known")
    assert "HUB901" in done.stdout
    assert done.exit_code == 1
    (tmp_path / "hubconf.py").write_text("def net(:\n", "utf-8")
    done = check(tmp_path, "--add-ignore", "known")
    assert "HUB002" in done.stdout
    assert (tmp_path / "hubconf.py").read_text("utf-8") == "def net(:\n"


def test_a_reason_that_the_files_encoding_lacks_changes_nothing(tmp_path: Path) -> None:
    text = '# -*- coding: latin-1 -*-\ndependencies = ["torch"]\nimport timm as _caf\xe9\n'
    (tmp_path / "hubconf.py").write_bytes(text.encode("latin-1"))
    done = check(tmp_path, "--select", "HUB105", "--add-ignore", "\u65e7")
    assert done.exit_code == 1
    assert (tmp_path / "hubconf.py").read_bytes() == text.encode("latin-1")
    done = check(tmp_path, "--select", "HUB105", "--add-ignore", "caf\xe9")
    assert done.exit_code == 0
    assert (tmp_path / "hubconf.py").read_bytes() == text.replace(
        "_caf\xe9", "_caf\xe9  # hubkit: ignore[HUB105] caf\xe9"
    ).encode("latin-1")


@pytest.mark.parametrize("reason", ["", "  ", "a\x1b[31mb"])
def test_a_reason_is_needed(tmp_path: Path, reason: str) -> None:
    (tmp_path / "hubconf.py").write_text(SOURCE, "utf-8")
    assert check(tmp_path, "--add-ignore", reason).exit_code == 2
    assert (tmp_path / "hubconf.py").read_text("utf-8") == SOURCE


def test_lines_of_a_reason_become_one(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(SOURCE, "utf-8")
    check(tmp_path, "--add-ignore", "two\nlines")
    assert "] two lines\n" in (tmp_path / "hubconf.py").read_text("utf-8")
