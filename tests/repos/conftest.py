"""Repos made on the spot."""

from tests.runtime.conftest import make_repo

__all__ = ["make_repo"]
