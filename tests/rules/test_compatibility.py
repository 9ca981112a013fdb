"""Which calls a new signature breaks, compared with real calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.analysis import read_repo, require_hubconf
from hubkit.facts import Parameter
from hubkit.rules.compatibility import compare_parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def parameters(folder: Path, signature: str) -> tuple[Parameter, ...]:
    (folder / "hubconf.py").write_text(f"def net({signature}): pass\n")
    return require_hubconf(read_repo(folder)).entrypoints[0].parameters or ()


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("a=1", "a=1", []),
        ("", "a=1, *, b=2, **more", []),
        ("a='x'", 'a="x"', []),
        ("a: int = 1", "a: float = 1", []),
        ("a", "a=1", []),
        ("*, a=1", "a=1", []),
        ("a, /", "a", []),
        ("a=1, b=2", "*args, **kwargs", []),
        ("a=1, b=2", "a=1, **kwargs", []),
        ("a=1", "", ["`a` was removed"]),
        ("a=1, b=2", "a=1, c=2", ["`b` was removed or renamed to `c`"]),
        ("a, b", "a, c", ["`b` was removed or renamed to `c`"]),
        ("a=1", "a=2", ["default of `a` changed from `1` to `2`"]),
        ("a=1", "a", ["`a` is now required"]),
        ("a=1", "*, a=1", ["`a` is now keyword-only"]),
        ("a=1", "a=1, /", ["`a` is now positional-only"]),
        ("a=1", "b, a=1", ["`b` is required", ]),
        ("a=1", "b=1, a=1", ["`b` was added before older parameters"]),
        ("a=1", "a=1, *, b", ["`b` is required"]),
        ("a=1, b=1", "b=1, a=1", ["the order of `a` and `b` changed"]),
        ("**kwargs", "a=1, b=2", ["`**kwargs` was removed"]),
        ("*args", "", ["`*args` was removed"]),
    ],
)  # fmt: skip
def test_each_change_is_reported_once(
    tmp_path: Path, old: str, new: str, changes: list[str]
) -> None:
    found = compare_parameters(parameters(tmp_path, old), parameters(tmp_path, new))
    found_changes = [change.what for change in found]
    assert len(found_changes) == len(changes), found_changes
    assert all(part in what for part, what in zip(changes, found_changes, strict=True)), (
        found_changes
    )


@pytest.mark.parametrize(("name", "severity"), [("pretrained", "error"), ("width", "warning")])
def test_a_new_default_that_selects_weights_is_an_error(
    tmp_path: Path, name: str, severity: str
) -> None:
    old, new = (parameters(tmp_path, f"{name}={value}") for value in ("False", "True"))
    assert [change.severity for change in compare_parameters(old, new)] == [severity]


NAMES = "abc"
SIGNATURES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.booleans()), unique_by=lambda one: one[0], max_size=3
).map(lambda pairs: sorted(pairs, key=lambda pair: pair[1]))


def make(
    pairs: list[tuple[str, bool]],
) -> tuple[tuple[Parameter, ...], Callable[..., dict[str, int]]]:
    """Parameters, those with a default last, and a function that has them."""
    found = tuple(Parameter(name, default="0" if has else None) for name, has in pairs)
    text = ", ".join(f"{name}=0" if has else name for name, has in pairs)
    space: dict[str, Callable[..., dict[str, int]]] = {}
    exec(f"def net({text}): return dict(locals())", space)
    return found, space["net"]


@given(SIGNATURES, SIGNATURES, st.integers(0, 3), st.sets(st.sampled_from(NAMES)))
def test_calls_keep_working_if_no_change_is_reported(
    old: list[tuple[str, bool]], new: list[tuple[str, bool]], places: int, names: set[str]
) -> None:
    was, before = make(old)
    now, after = make(new)
    arguments, keywords = list(range(10, 10 + places)), dict.fromkeys(names, 20)
    try:
        meant = before(*arguments, **keywords)
    except TypeError:
        return
    if not list(compare_parameters(was, now)):
        got = after(*arguments, **keywords)
        assert {name: got[name] for name in meant} == meant
