"""One repo, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.audit.judge import judge
from hubkit.audit.messages import Settings, Task
from hubkit.config import SelectionOptions

if TYPE_CHECKING:
    from pathlib import Path


def test_options_select_rules_as_for_check(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("import timm\n\ndef net(**kwargs):\n    return 1\n")
    found = {}
    for selection in (SelectionOptions(), SelectionOptions(select=("HUB3",), fail_on="error")):
        settings = Settings(selection=selection)
        results = judge(Task(str(tmp_path), settings=settings)).results
        assert results is not None
        found[settings.key] = {one.code for one in results.findings}, results.exit_code
    (every, fails), (some, passes) = found.values()
    assert {"HUB101", "HUB301"} <= every
    assert some == {one for one in every if one.startswith("HUB3")}
    assert (fails, passes) == (1, 0)
