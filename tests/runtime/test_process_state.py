"""The state of the process is saved, compared and restored, one setting at a time."""

from __future__ import annotations

import locale
import logging
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from hubkit.runtime.sandbox import find_changes, kept_state, save_state

if TYPE_CHECKING:
    from pathlib import Path


def change_all(folder: Path) -> None:
    sys.path.append("/new")
    os.environ["HUBKIT_TEST_NEW"] = "1"
    os.chdir(folder)
    warnings.simplefilter("ignore", ResourceWarning)
    logging.getLogger().addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.setrecursionlimit(sys.getrecursionlimit() + 7)
    sys.excepthook = lambda *_: None


CHANGED = [
    "sys.path",
    "os.environ['HUBKIT_TEST_NEW']",
    "os.getcwd()",
    "warnings.filters",
    "logging.root.handlers",
    "signal handlers",
    "sys.getrecursionlimit()",
    "sys.excepthook",
]


def test_each_setting_is_compared_and_restored(tmp_path: Path) -> None:
    before = save_state()
    with kept_state():
        change_all(tmp_path)
        assert [change.name for change in find_changes(before)] == CHANGED
    assert find_changes(before) == ()


def test_what_code_of_the_same_repo_counts_on_may_stay(tmp_path: Path) -> None:
    before = save_state()
    with kept_state():
        with kept_state(lasting=True):
            change_all(tmp_path)
        assert [change.name for change in find_changes(before)] == CHANGED[:2]
    assert find_changes(before) == ()


@pytest.mark.skipif(sys.platform == "win32", reason="the working directory cannot be removed there")
def test_one_setting_that_cannot_be_restored_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are restored, and the code's own exception is the one that is raised."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    before = save_state()

    def fail() -> None:
        os.chdir(tmp_path)
        (tmp_path / "gone").rmdir()
        change_all(tmp_path)
        raise KeyError("the repo's own")

    with pytest.raises(KeyError, match="the repo's own"), kept_state():
        fail()
    assert [change.name for change in find_changes(before)] == ["os.getcwd()"]
    assert "Could not restore os.getcwd()" in caplog.text


def test_the_locale_is_restored() -> None:
    before = locale.setlocale(locale.LC_ALL)
    other = "C" if before != "C" else "C.UTF-8"
    with kept_state():
        locale.setlocale(locale.LC_ALL, other)
    assert locale.setlocale(locale.LC_ALL) == before


@pytest.mark.torch
def test_settings_of_torch_are_restored() -> None:
    import torch

    before = save_state()
    with kept_state():
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_printoptions(precision=9)  # type: ignore[no-untyped-call]
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        names = [change.name for change in find_changes(before)]
        assert names == [
            "torch.get_default_dtype()",
            "torch.is_grad_enabled()",
            "torch.backends.cudnn",
            "torch's print options",
        ]
    assert find_changes(before) == ()
