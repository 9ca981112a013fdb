from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from hubkit.errors import TemplateError
from hubkit.facts import Location
from hubkit.scaffold import Proposal, read_templates, resolve_answers
from hubkit.scaffold.model_sources import Model
from tests.scaffold.conftest import FOUND

if TYPE_CHECKING:
    from hubkit.scaffold import Discovery, Template
    from tests.scaffold.conftest import MakeTemplate

MANIFEST = """
[questions.module]
kind = "module"
default = "{{ found.module }}"
[questions.entrypoint]
kind = "identifier"
default = "{{ module }}_tiny"
[questions.docs]
kind = "bool"
default = "no"
[questions.size]
kind = "choice"
choices = ["Small", "Large"]
default = "Small"
[questions.columns]
kind = "integer"
default = "16"
"""


def test_defaults_follow_from_what_was_found_and_answered(make_template: MakeTemplate) -> None:
    template = make_template(MANIFEST)
    assert resolve_answers(template, {}, FOUND) == {
        "module": "shapes",
        "entrypoint": "shapes_tiny",
        "docs": False,
        "size": "Small",
        "columns": 16,
    }
    given = {"module": "rings", "docs": "Yes", "size": "large", "columns": " 8 "}
    assert resolve_answers(template, given, FOUND) == {
        "module": "rings",
        "entrypoint": "rings_tiny",
        "docs": True,
        "size": "Large",
        "columns": 8,
    }


def test_earlier_answers_come_before_the_default(
    make_template: MakeTemplate,
) -> None:
    found = replace(FOUND, answers=(("module", "rings"), ("docs", "yes")))
    answers = resolve_answers(make_template(MANIFEST), {"docs": "no"}, found)
    assert (answers["module"], answers["docs"]) == ("rings", False)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"modul": "x"}, "does not use `modul`"),
        ({"module": "models"}, "module: 'models' is too generic"),
        ({"entrypoint": "a-b"}, "entrypoint: 'a-b' is not a Python identifier"),
        ({"docs": "maybe"}, "docs: 'maybe' is not yes or no"),
        ({"columns": "1e3"}, "columns: '1e3' is not a whole number"),
        ({"columns": "9" * 19}, "is not a whole number"),
        ({"columns": "٣"}, "is not a whole number"),
        ({"size": "medium"}, "size: 'medium' is not one of Small, Large"),
    ],
)
def test_bad_answers_say_which_and_how_to_give_a_better_one(
    make_template: MakeTemplate, given: dict[str, str], why: str
) -> None:
    with pytest.raises(TemplateError, match=why) as caught:
        resolve_answers(make_template(MANIFEST), given, FOUND)
    assert next(iter(given)) in caught.value.hint


def test_a_folder_that_gives_no_name_asks_for_one(make_template: MakeTemplate) -> None:
    with pytest.raises(TemplateError, match="module: An answer is required") as caught:
        resolve_answers(make_template(MANIFEST), {}, replace(FOUND, folder="模型", module=""))
    assert "-a module=" in caught.value.hint


def test_a_question_may_depend_on_what_was_found_and_answered(make_template: MakeTemplate) -> None:
    manifest = f"{MANIFEST}[questions.theme]\ndefault = 'plain'\nwhen = 'docs and found.year'\n"
    template = make_template(manifest)
    assert "theme" not in resolve_answers(template, {}, FOUND)
    assert resolve_answers(template, {"docs": "yes"}, FOUND)["theme"] == "plain"
    with pytest.raises(TemplateError, match="does not use `theme` here") as caught:
        resolve_answers(template, {"theme": "dark"}, FOUND)
    assert "found" not in str(caught.value) + caught.value.hint
    reason = "otherwise = '{{ found.module }} has no pages. Add one'\n"
    with pytest.raises(TemplateError, match="`theme` cannot be answered here: shapes has no pages"):
        resolve_answers(make_template(manifest + reason), {"theme": "dark"}, FOUND)


@pytest.mark.parametrize("template", read_templates(), ids=lambda one: one.name)
def test_no_error_shows_what_a_template_computes(template: Template) -> None:
    model = Model("Net", "net", "", "class", (), None, "net.Net", Location("net.py"))
    plain = replace(FOUND, description="Nets.")
    states = [
        plain,
        replace(plain, has_code=True),
        replace(plain, has_code=True, has_hubconf=True, is_ours=False),
        replace(plain, has_code=True, proposals=(Proposal("net", model, ()),), proposed="net"),
    ]
    names = {question.name for one in read_templates() for question in one.questions}
    answers = [{name: text} for name in sorted({*names, "unknown"}) for text in ("", "no", "a/x y")]
    errors = [_error(template, texts, found) for found, texts in product(states, answers)]
    assert len(list(filter(None, errors))) > len(names)
    for error in filter(None, errors):
        assert not re.search(r"found\.\w|is_ours|proposals|[{}]|  ", error), error


def _error(template: Template, texts: dict[str, str], found: Discovery) -> str:
    try:
        resolve_answers(template, texts, found)
    except TemplateError as error:
        return f"{error.message} {error.hint or '{no hint}'}"
    return ""


def test_models_are_answered_by_their_names(make_template: MakeTemplate) -> None:
    template = make_template("[questions.which]\nkind = 'models'\ndefault = 'none'\n")
    assert resolve_answers(template, {"which": "ALL"}, FOUND) == {"which": "all"}
    with pytest.raises(TemplateError, match="which: No model 'net' was found here"):
        resolve_answers(template, {"which": "net"}, FOUND)
