"""Level 2 on models of many kinds: healthy ones reach it, broken ones fail the check that is for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes
from tests.plugin.kinds import BROKEN, HEALTHY, make_repo

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.slow, pytest.mark.torch]
_REACHED = re.compile(r"^(\w+) +- +ok ", re.MULTILINE)


def test_kinds(repo: HubRepo) -> None:
    kinds = (*HEALTHY, *BROKEN)
    repo.write(make_repo(kinds))
    result = repo.run("--hubconf", "-v", "-m", "hubkit_l2", "-p", "no:cacheprovider")
    failed: dict[str, set[str]] = {}
    for name, outcome in outcomes(result).items():
        if outcome in ("FAILED", "ERROR"):
            label, _, code = name.partition("::")
            failed.setdefault(label, set()).add(code)
    assert failed == {one.name: set(one.failed) for one in kinds if one.failed}
    hints = ["*norm (BatchNorm1d) has track_running_stats=False", "*buffer, or detach() it."]
    for line in hints:
        result.stdout.fnmatch_lines([line])
    reached = set(_REACHED.findall(result.stdout.str()))
    assert reached == {one.name for one in kinds if one.reached}


LATE = '''
dependencies = ["torch"]


def tiny():
    """A model whose package imports torch when it is built."""
    from lazynet import build

    return build()
'''


def test_effects_of_importing_torch_late_are_not_the_repos(repo: HubRepo) -> None:
    lazy = "def build():\n    from torch import nn\n\n    return nn.Linear(4, 2)\n"
    repo.write({"hubconf.py": LATE, "lazynet/__init__.py": lazy, "LICENSE": "MIT License\n"})
    repo.run("--hubconf", "--hubconf-select=C109,C110,C304").assert_outcomes(passed=4)
