"""``hubkit help`` on entrypoints with weights, and in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from hubkit.cli import main

if TYPE_CHECKING:
    from pathlib import Path


SMALL, LARGE = "https://example.org/small-0123456789.pt", "https://example.org/large.pt"
FAMILY = f'''dependencies = ["torch", "PIL"]

from torch import nn as _nn
from torch.hub import load_state_dict_from_url as _load

_URLS = {{"large": "{LARGE}"}}


def small(pretrained: bool = False):
    """A small one.

    Args:
        pretrained (bool): Load weights.

    Returns:
        The model.
    """
    model = _nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_load("{SMALL}", check_hash=True))
    return model


def large(pretrained: bool = False):
    """A large one."""
    return _make(pretrained)


def bare():
    """None."""
    return _nn.Linear(1, 1)


def _make(pretrained):
    model = _nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_load(_URLS["large"]))
    return model
'''


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_help_lists_the_weights_of_the_entrypoint(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(FAMILY)
    small, large, bare = (run("help", tmp_path, name).stdout for name in ("small", "large", "bare"))
    assert f"Weights     {SMALL} (sha256 0123456789…, verified)" in small
    assert f"Weights     {LARGE} (no hash in the file name)" in large
    assert LARGE not in small
    assert SMALL not in large
    assert "https://" not in bare
    assert "none found; other entrypoints" in bare


def test_piped_help_has_no_escapes(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(FAMILY)
    shown = run("help", tmp_path, "small").stdout
    assert "\x1b" not in shown
    assert "  Parameters:\n    pretrained (bool)  Load weights.\n\n  Returns:" in shown
    assert "Returns     an nn.Module: torch.nn.Linear" in shown
    assert "Install     pip install torch pillow" in shown
