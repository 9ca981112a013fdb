"""C302 runs the archive's models on the input that C201 took, whoever gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes
from tests.plugin.defects import MODEL

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]
HUBCONF = '''
from shapes.model import Net as _Net

dependencies = ["torch"]


class _Reading(_Net):
    def forward(self, x):
        open("hubconf.py").close()
        return super().forward(x)


def guessed():
    """Has input from nowhere."""
    return _Net(inputs=6)


def guessed_reading():
    """Opens a file by a relative path."""
    return _Reading(inputs=6)


def asked():
    """Has input from the hook, which is no guess."""
    return _Net(inputs=7)


def asked_reading():
    """The same."""
    return _Reading(inputs=7)


def deaf():
    """Takes nothing that can be guessed."""
    net = _Net()
    net.forward = None
    return net
'''
CONFTEST = """
import torch


def pytest_hubkit_inputs(entrypoint, model, dims):
    return {"x": torch.zeros(3, 7)} if "asked" in entrypoint.name else None
"""


def test_input_is_guessed_or_asked_for_there_too(repo: HubRepo) -> None:
    repo.write(
        {
            "hubconf.py": HUBCONF,
            "shapes/__init__.py": "",
            "shapes/model.py": MODEL,
            "conftest.py": CONFTEST,
        }
    )
    repo.commit()
    only = ("--hubconf-select=C201,C301,C302", "--deselect=hubconf.py::check", "-rs")
    result = repo.run_here("--hubconf", "-v", *only, "-p", "no:cacheprovider")
    said = {name: outcome for name, outcome in outcomes(result).items() if "C302" in name}
    assert said == {
        "guessed::C302": "PASSED",
        "guessed_reading::C302": "FAILED",
        "asked::C302": "PASSED",
        "asked_reading::C302": "FAILED",
        "deaf::C302": "SKIPPED",
    }
    result.stdout.fnmatch_lines(
        ["*asked_reading runs in the working tree, but fails from the archive of the commit in *"]
    )
