"""An entrypoint's arguments reach it, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hubkit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

HUBCONF = """
dependencies = []


def echo(*args, **kwargs):
    return args, kwargs


def picky(model, source="none", verbose=None):
    return model, source, verbose
"""


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo("odd", {"hubconf.py": HUBCONF})


def test_names_of_ours_are_reached_by_kwargs(repo: Path) -> None:
    given = {"source": "s", "verbose": 3, "kwargs": 1, "lockfile": "l", "force_reload": 2}
    assert hubkit.load(repo, "echo", 1, x=2, kwargs=given) == ((1,), {"x": 2, **given})


def test_an_entrypoints_model_and_repo_are_its_own(repo: Path) -> None:
    assert hubkit.load(repo, "picky", model="vit", kwargs={"source": "imagenet"}) == (
        "vit",
        "imagenet",
        None,
    )
    assert hubkit.load(repo, "echo", repo_or_dir="there") == ((), {"repo_or_dir": "there"})


def test_ours_may_be_given_by_name_as_for_torch_hub(repo: Path) -> None:
    assert hubkit.load(repo_or_dir=repo, model="echo", x=1) == ((), {"x": 1})
    assert hubkit.load(repo, model="echo") == ((), {})


def test_an_argument_given_twice_is_refused(repo: Path) -> None:
    with pytest.raises(TypeError, match="multiple values"):
        hubkit.load(repo, "echo", x=1, kwargs={"x": 2})


@pytest.mark.parametrize("names", [{}, {"model": "echo"}])
def test_what_is_not_given_is_named(names: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="repo_or_dir"):
        hubkit.load(**names)  # type: ignore[arg-type] # what the test is about


@pytest.mark.torch
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("pretraind", "pretrained"),
        ("widht", "width"),
        ("force_relaod", "force_reload"),
        ("zzz", ""),
    ],
)
def test_a_misspelled_keyword_gets_a_suggestion(
    make_repo: MakeRepo, wrong: str, right: str
) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(width=1, pretrained=False): return width\n"})
    with pytest.raises(TypeError, match=f"'{wrong}'") as refused:
        hubkit.load(root, "net", kwargs={wrong: True})
    text = str(refused.value)
    assert text.endswith(f"Did you mean `{right}`?") if right else "Did you mean" not in text


def test_an_error_of_the_entrypoint_itself_stays_as_it_is(make_repo: MakeRepo) -> None:
    code = "def net(widht=1): raise TypeError('no')\n"
    root = make_repo("repo", {"hubconf.py": code})
    with pytest.raises(TypeError) as refused:
        hubkit.load(root, "net", widht=2)
    assert str(refused.value) == "no"
