from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.errors import TemplateError
from hubkit.scaffold.names import (
    repo_slug,
    require_identifier,
    require_line,
    require_module,
    require_repo,
    slug,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shapes", "shapes"),
        ("My Model", "my_model"),
        ("shape-net.v2", "shape_net_v2"),
        ("modèle élégant", "modele_elegant"),
        ("ﬁne", "fine"),
        ("3D-net", "net_3d_net"),
        ("class", "class_net"),
        ("models", "models_net"),
        ("torch", "torch_net"),
        ("json", "json_net"),
        ("  --  ", ""),
        ("模型", ""),
        ("x" * 100, "x" * 32),
    ],
)
def test_a_slug_says_what_the_folder_said(text: str, name: str) -> None:
    assert slug(text) == name


@given(st.text())
def test_a_slug_is_nothing_or_a_valid_module_name(text: str) -> None:
    name = slug(text)
    assert not name or require_module(name) == name


@given(st.text())
def test_a_repo_slug_is_nothing_or_a_valid_repo_name(text: str) -> None:
    name = repo_slug(text)
    assert not name or require_repo(f"acme/{name}") == f"acme/{name}"


@pytest.mark.parametrize("name", ["a", "Net3", "shape_net", "match"])
def test_good_identifiers_pass(name: str) -> None:
    assert require_identifier(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "not a Python identifier"),
        ("3d", "not a Python identifier"),
        ("my model", "not a Python identifier"),
        ("a.b", "not a Python identifier"),
        ("modèle", "not a Python identifier"),
        ("net\n", "not a Python identifier"),
        ("class", "keyword"),
        ("_net", "hides it from torch.hub.list"),
        ("dependencies", "needs"),
        ("x" * 33, "longer than 32"),
    ],
)
def test_bad_identifiers_are_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(TemplateError, match=why) as caught:
        require_identifier(name)
    assert caught.value.hint


def test_the_hint_proposes_a_name_that_works() -> None:
    with pytest.raises(TemplateError) as caught:
        require_identifier("my model")
    assert "'my_model'" in caught.value.hint


@pytest.mark.parametrize("name", ["models", "utils", "src", "data"])
def test_generic_module_names_are_refused(name: str) -> None:
    with pytest.raises(TemplateError, match="too generic"):
        require_module(name)


@pytest.mark.parametrize("name", ["torch", "numpy", "json", "hubconf", "tests", "weights", "yaml"])
def test_names_that_others_own_are_refused(name: str) -> None:
    with pytest.raises(TemplateError):
        require_module(name)


@pytest.mark.parametrize("name", sorted(keyword.kwlist))
def test_no_keyword_is_a_module(name: str) -> None:
    with pytest.raises(TemplateError):
        require_module(name)


@pytest.mark.parametrize("repo", ["acme/shapes", "a/b", "Acme-Corp/shape.net_2", "ent_co/x"])
def test_repos_pass(repo: str) -> None:
    assert require_repo(repo) == repo


@pytest.mark.parametrize(
    "repo",
    ["", "shapes", "acme/", "/shapes", "a/b/c", "acme/..", "-a/b", "a b/c", "acme/x.git", "a/b:v1"],
)
def test_invalid_repo_names_are_refused(repo: str) -> None:
    with pytest.raises(TemplateError, match="not owner/name"):
        require_repo(repo)


def test_lines_are_trimmed_and_must_be_lines() -> None:
    assert require_line('  Ada "the first" Lovelace \\ 模型 ') == 'Ada "the first" Lovelace \\ 模型'
    for text in ("", "  ", "two\nlines", "bell\a", "x" * 201, "lone \ud800"):
        with pytest.raises(TemplateError):
            require_line(text)
