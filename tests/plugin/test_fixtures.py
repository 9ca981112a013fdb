"""The fixtures for a repo's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

FILES = {
    "hubconf.py": '''
import os as _os


def words(text="a b", pretrained=True):
    """Splits a text."""
    return text.split(), pretrained


def sized(size):
    """Nobody has declared its size."""
    return size
''',
    "tests/test_own.py": """
import os


def test_each(hub_entrypoint, hub_model):
    assert (hub_entrypoint, hub_model) == ("words", (["a", "b"], False))


def test_names(hub_entrypoint):
    assert hub_entrypoint in ("words", "sized")


def test_one(hubconf):
    assert hubconf.entrypoints == ("words", "sized")
    assert hubconf.load("sized", size=3) == 3
    assert (hubconf.root / "hubconf.py").is_file()


def test_dir(hub_dir):
    assert not hub_dir.exists()
    assert os.environ["TORCH_HOME"] == str(hub_dir.parent)
""",
}


def test_tests_run_once_per_entrypoint_and_need_no_flag(repo: HubRepo) -> None:
    repo.write(FILES)
    result = repo.run_here("-v", "-rs", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=5, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "tests/test_own.py::test_each[[]words[]] PASSED*",
            "tests/test_own.py::test_names[[]sized[]] PASSED*",
            "SKIPPED*sized: it cannot be called without size: declare `call` in *",
        ]
    )
