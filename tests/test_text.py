"""Text for people: plurals, lists, suggestions, and what is escaped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from hubkit._util.logs import log
from hubkit._util.text import (
    align_columns,
    code_span,
    cut_lines,
    did_you_mean,
    escape_markdown,
    join_words,
    plural,
    printable,
    printable_lines,
    quoted,
    table_cell,
)
from hubkit.errors import HubkitError

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_a_noun_agrees_with_its_count(count: int, text: str) -> None:
    assert plural(count, "file") == text


@pytest.mark.parametrize(
    ("words", "most", "text"),
    [
        ([], 0, ""),
        (["a"], 0, "a"),
        (["a", "b"], 0, "a and b"),
        (["a", "b", "c"], 0, "a, b and c"),
        (["a", "b", "c"], 3, "a, b and c"),
        (["a", "b", "c", "d"], 2, "a, b and 2 more"),
    ],
)
def test_words_are_joined_as_in_prose(words: Sequence[str], most: int, text: str) -> None:
    assert join_words(words, most=most) == text


def test_names_are_quoted_and_the_first_ones_shown() -> None:
    assert quoted(["a", "b"]) == "`a` and `b`"
    assert quoted("abcdefgh") == "`a`, `b`, `c`, `d`, `e`, `f` and 2 more"


def test_what_is_alike_is_suggested_once() -> None:
    assert did_you_mean("nett", ["net", "net", "unet"], most=3) == "Did you mean `net` or `unet`?"
    assert did_you_mean("nett", ["resnext"]) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, \u00e9 \u6a21\u578b\u3000\u00a0", "plain, \u00e9 \u6a21\u578b\u3000\u00a0"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\nb\u2028c\u0085", r"a\r\nb\u2028c\x85"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("lone \udcff", r"lone \udcff"),
        ("tag \U000e0041", r"tag \U000e0041"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


def test_line_feeds_stay_where_several_lines_are_meant() -> None:
    assert printable_lines("a\x1b\nb\rc\n") == "a\\x1b\nb\\rc\n"


def test_columns_are_as_wide_as_what_is_shown() -> None:
    assert align_columns([("a\x1b", "1"), ("\u6a21\u578b", "22")], right=1) == [
        "a\\x1b   1",
        "\u6a21\u578b   22",
    ]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("my_model, a*b", r"my_model, a\*b"),
        ("_x_ [a](b)", r"\_x\_ \[a\](b)"),
        ("<img src=x> &lt;", "&lt;img src=x> &amp;lt;"),
        ("# title", r"\# title"),
        ("---", r"\---"),
        ("-", "-"),
        ("@octocat, see #12", "@<!-- -->octocat, see #<!-- -->12"),
        ("a@b.org", "a@b.org"),
        ("two\nlines", r"two\\nlines"),
        ("`code`", r"\`code\`"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, markdown: str) -> None:
    assert escape_markdown(text) == markdown


def test_code_in_a_message_stays_code() -> None:
    assert escape_markdown("`a_*b` is *not*", keep_code=True) == r"`a_*b` is \*not\*"
    assert escape_markdown("one ` alone *", keep_code=True) == r"one ' alone \*"


def test_code_holds_backticks_and_a_cell_holds_bars() -> None:
    assert code_span("a`b") == "``a`b``"
    assert code_span("`a") == "`` `a ``"
    assert code_span("a\nb") == r"`a\nb`"
    assert table_cell("`a|b`") == r"`a\|b`"
    # A bar behind a backslash is one that does not end the cell already.
    assert table_cell(r"a\|b") == r"a\|b"
    assert table_cell(r"a\\|b") == r"a\\\|b"


def test_errors_escape_what_they_quote() -> None:
    error = HubkitError("bad \x1b]0;pwned\x07 name", hint="see\r\u202e")
    assert str(error) == "bad \\x1b]0;pwned\\x07 name.\nsee\\r\\u202e"
    assert error.args == (error.message,)


def test_log_lines_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubkit")
    log.info("Got %s in %.1f s", "a\nERROR forged \x1b[2J", 1.5)
    log.info("%(name)s", {"name": "x\ry"})
    assert [record.getMessage() for record in caplog.records] == [
        r"Got a\nERROR forged \x1b[2J in 1.5 s",
        r"x\ry",
    ]


def test_a_long_list_of_errors_is_cut() -> None:
    lines = [f"line {number}\n" for number in range(9)]
    assert cut_lines("".join(lines)) == "".join(lines[:6]) + "... 3 more lines"
    assert cut_lines("".join(lines[:7])) == "".join(lines[:7])  # no shorter with a number
