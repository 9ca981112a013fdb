"""Which calls break between two signatures: what a call says decides."""

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
        ("a=1", "", ["`a` is gone"]),
        ("a=1, b=2", "a=1, c=2", ["`b` is gone, or is called `c`"]),
        ("a, b", "a, c", ["`b` is gone, or is called `c`"]),
        ("a=1", "a=2", ["default of `a` was `1` and is `2`"]),
        ("a=1", "a", ["`a` has become required"]),
        ("a=1", "*, a=1", ["`a` can be given by name only"]),
        ("a=1", "a=1, /", ["`a` can be given by place only"]),
        ("a=1", "b, a=1", ["`b` is required", ]),
        ("a=1", "b=1, a=1", ["new before older parameters: `b`"]),
        ("a=1", "a=1, *, b", ["`b` is required"]),
        ("a=1, b=1", "b=1, a=1", ["`a` and `b` changed places"]),
        ("**kwargs", "a=1, b=2", ["`**kwargs` is gone"]),
        ("*args", "", ["`*args` is gone"]),
    ],
)  # fmt: skip
def test_each_cause_is_said_once(tmp_path: Path, old: str, new: str, changes: list[str]) -> None:
    found = compare_parameters(parameters(tmp_path, old), parameters(tmp_path, new))
    said = [change.what for change in found]
    assert len(said) == len(changes), said
    assert all(part in what for part, what in zip(changes, said, strict=True)), said


@pytest.mark.parametrize(("name", "severity"), [("pretrained", "error"), ("width", "warning")])
def test_a_default_that_decides_about_weights_weighs_more(
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
def test_what_nothing_is_said_of_goes_on_working(
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
