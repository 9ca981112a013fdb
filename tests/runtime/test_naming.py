"""Package names spell folders and can be read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.runtime.namespace import PREFIX, package_name, root_of

PATHS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(PATHS.filter(lambda part: part not in (".", "..")), max_size=4), st.integers(0, 12))
def test_a_name_spells_its_folder(parts: list[str], edition: int) -> None:
    root = Path("/", *parts)
    name = package_name(root, edition)
    assert root_of(name) == root
    assert name.removeprefix(PREFIX).isidentifier()
    assert name.isascii()


def test_editions_have_names_of_their_own() -> None:
    assert len({package_name(Path("/a"), edition) for edition in range(3)}) == 3
    assert root_of(package_name(Path("/a_E1"))) == Path("/a_E1")
    assert root_of(package_name(Path("/a"), 1)) == Path("/a")


@pytest.mark.parametrize("name", ["_", "_q", "_X", "_Xzz_", "ä", ""])
def test_what_spells_nothing_is_nobodys(name: str) -> None:
    assert root_of(PREFIX + name) in (None, Path())
