from __future__ import annotations

import pytest

from hubkit.analysis import read_docstring, render_docstring

GOOGLE = """Load a net.

More text.

Args:
    pretrained (bool): load weights
        from the web.
    **kwargs: passed on.

Returns:
    The model.
"""
NUMPY = """Load a net.

Parameters
----------
pretrained : bool, optional
    load weights from the web.
width, depth : int
    sizes.
"""
SPHINX = """Load a net.

:param pretrained: load weights from the web.
:type pretrained: bool
"""
TUTORIAL = """ # This docstring shows up in hub.help()
Resnet18 model
pretrained (bool): load weights from the web.
width (int, optional): size
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX, TUTORIAL])
def test_styles(text: str) -> None:
    described = dict(read_docstring(text).parameters)
    assert described["pretrained"] == "load weights from the web."


def test_stars_and_shared_descriptions_are_taken_apart() -> None:
    assert read_docstring(GOOGLE).described == {"pretrained", "kwargs"}
    assert read_docstring(NUMPY).described == {"pretrained", "width", "depth"}
    assert read_docstring(TUTORIAL).described == {"pretrained", "width"}


def test_the_summary_is_the_first_paragraph_on_one_line() -> None:
    assert read_docstring("\n  A net\n  for images.\n\n  More.").summary == "A net for images."
    assert read_docstring("").summary == ""


def test_words_that_merely_occur_are_mentions() -> None:
    found = read_docstring("Loads a net; with ``pretrained`` set, its weights too.")
    assert found.described == frozenset()
    assert "pretrained" in found.mentions
    assert "pre" not in found.mentions


@pytest.mark.parametrize(
    "text",
    [
        "Note: this is a note",
        "See https://example.org: nice",
        "Example:\n    >>> net()\n",
        "Args:\n",
    ],
)
def test_prose_describes_no_parameter(text: str) -> None:
    assert read_docstring(text).described == frozenset()


def test_a_long_run_of_blanks_takes_no_longer_than_words() -> None:
    # Quadratic before: minutes for this.
    facts = read_docstring("A net.\n\nArgs:\n    x" + " " * 150_000 + "y\n    z (int): last\n")
    assert "z" in dict(facts.parameters)


@pytest.mark.parametrize(
    "text",
    [
        "A net.\n\nArgs:\n    a (int): How many.\n        And more.\n\nReturns:\n    Net: It.",
        "A net.\n\n:param int a: How many.\n    And more.\n:returns: It.\n:rtype: Net",
        (
            "A net.\n\nParameters\n----------\na : int\n    How many.\n    And more.\n\n"
            "Returns\n-------\nNet\n    It."
        ),
    ],
    ids=["google", "sphinx", "numpy"],
)
def test_sections_of_every_style_are_shown_alike(text: str) -> None:
    shown = render_docstring(text)
    assert shown.startswith("A net.\n\nParameters:\n  a (int)  How many.\n           And more.\n")
    assert "\n\nReturns:\n  Net" in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A net.",
        "# A heading\npretrained (bool): load weights",
        "A net.\n\nArgs:\n    a: How many.\n\nExample:\n    >>> net(1)",
        "A net.\n\nArgs:\n    a: How many.\n\nNotes:\n    Something else.",
    ],
)
def test_no_word_of_a_docstring_is_lost(text: str) -> None:
    shown = render_docstring(text)
    assert set(text.split()) - {"Args:"} <= set(shown.split())


def test_text_without_a_type_is_indented_like_all_others() -> None:
    shown = render_docstring("A net.\n\nReturns:\n    A model that maps\n    images to scores.")
    assert shown.endswith("Returns:\n  A model that maps\n  images to scores.")
