"""Real runs of ``pytest --hubconf`` on repos with torch models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes
from tests.plugin.hub_repos import DEFECTS, HEALTHY

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.torch


def test_a_healthy_repo_passes_everything(repo: HubRepo) -> None:
    repo.write(HEALTHY)
    repo.commit()
    result = repo.run("--hubconf", "-v", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["hubconf: hubconf.py, network: deny", "tests/test_own.py*PASSED*"])
    said = outcomes(result)
    assert set(said.values()) == {"PASSED"}
    codes = ["C104", "C105", "C106", "C107", "C201", "C204", "C207", "C301"]
    cases = [f"{name}::{code}" for name in ("small", "wide") for code in codes]
    assert list(said) == ["check", "C101", "C102", *cases]
    result.stdout.fnmatch_lines(
        ["entrypoint  L1  L2  L3  parameters", "small       ok  ok  ok          38"]
    )
    assert result.ret == 0


def test_each_defect_is_caught_by_its_check_and_by_no_other(repo: HubRepo) -> None:
    repo.write(DEFECTS)
    repo.commit()
    result = repo.run("--hubconf", "-v", "--deselect", "hubconf.py::check", "-rs")
    said = outcomes(result)
    assert {name for name, outcome in said.items() if outcome == "FAILED"} == {
        "C102",
        "downloads::C106",
        "pair::C107",
        "silent::C104",
        "reserved::C105",
        "unsafe::C207",
        "counted::C207",
        "noisy::C204",
        "picky::C201",
        "uncommitted::C301",
        "relative::C301",
        "raises::C106",
    }
    skipped = {name for name, outcome in said.items() if outcome == "SKIPPED"}
    after_c106 = ("C107", "C201", "C204", "C207", "C301")
    assert skipped == {
        *(f"{name}::{code}" for name in ("downloads", "raises") for code in after_c106),
        *(f"pair::{code}" for code in ("C201", "C204", "C207")),
        *(f"needs::{code}" for code in ("C106", *after_c106)),
        "picky::C204",
    }
    tell = result.stdout.fnmatch_lines
    tell(
        [
            "hubconf.py:*: calling lazy_import needs numpy, which `dependencies` does not declare*",
            "    hubconf.py:* imports numpy, while lazy_import runs",
            '  Add "numpy" to `dependencies` in hubconf.py, line 7.',
            'To expect it: expected = { C102 = "the reason" } in hubkit.toml',
            "C102 dependencies-sufficient: `hubkit explain C102`",
        ]
    )
    tell(
        [
            "*downloads(pretrained=False) downloads although no weights were asked for: https://*",
            "    asked for at hubconf.py:*",
            "  pretrained=False should have prevented it.*",
            'To expect it: expected = { C106 = "the reason" } in [[]entrypoints.downloads[]] *',
        ]
    )
    tell(["*pair(pretrained=False) gives a tuple of Net, list, not an nn.Module."])
    tell(["*torch.hub.help prints nothing for silent: it has no docstring."])
    tell(["*Nobody can pass source to reserved by name: *"])
    tell(["*fails on the input that is declared for it: RuntimeError*", "*given float32[[]2, 5[]]"])
    tell(["*gives two different answers to the same input in evaluation mode."])
    tell(["*weights of unsafe cannot be read back safely*", "    _extra_state: dict"])
    tell(
        ["*weights of counted do not fit a second model*", "*2 saved and not in the second model*"]
    )
    tell(
        [
            "*uncommitted works in this work tree, and its users cannot load it*",
            "    shapes/secret.py: git ignores it (.gitignore:1:secret.py)",
        ]
    )
    tell(
        [
            "*relative works in this work tree, and its users cannot load it*",
            "    shapes/classes.txt is there, but the current folder is another",
            "  Open files of the repo by Path(__file__).parent*",
        ]
    )
    tell(
        [
            "*raises(pretrained=False) fails with TypeError: *",
            "    hubconf.py:*: in raises",
            "*return _Net(width=*four*)",
            "    shapes/model.py:*: in __init__",
        ]
    )
    tell(["*it cannot be called without size: declare `call` in [[]entrypoints.needs[]] in hub*"])
    assert "pytest_hubkit" not in result.stdout.str().partition("= FAILURES =")[2]
