"""Edits on bytes: what they do not name stays as it is, whatever the file is written in."""

from __future__ import annotations

import pytest

from hubkit.facts import Edit, Location
from hubkit.lint import FileChange, PatchError, apply_edits, render_diff


def edit(line: int, start: int, end: int, text: str) -> Edit:
    return Edit(Location("a.py", line, start, line, end), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a = 1\nb = 2\n", b"a = 1\nc\nd = 2\n"),
        (b"a = 1\r\nb = 2\r\n", b"a = 1\r\nc\r\nd = 2\r\n"),
        (b"a = 1\rb = 2\r", b"a = 1\rc\rd = 2\r"),
        (b"a = 1\r\nb = 2", b"a = 1\r\nc\r\nd = 2"),
        (b"\xef\xbb\xbfa = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\nc\nd = 2\n"),
        (b"a = '\x0c\x1c'\nb = 2\n", b"a = '\x0c\x1c'\nc\nd = 2\n"),
        ("a = '\u2028\u0085é'\nb = 2\n".encode(), "a = '\u2028\u0085é'\nc\nd = 2\n".encode()),
        (b"# coding: latin-1\nb = 2  # \xe9\n", b"# coding: latin-1\nc\nd = 2  # \xe9\n"),
    ],
    ids=["lf", "crlf", "cr", "no-end", "bom", "form-feed", "separators", "latin-1"],
)
def test_all_else_stays(before: bytes, after: bytes) -> None:
    assert apply_edits("a.py", before, [edit(2, 1, 2, "c\nd")]) == after


def test_columns_are_characters() -> None:
    data = "é = '日本'; b = 2\n".encode()
    assert apply_edits("a.py", data, [edit(1, 11, 12, "c")]).decode() == "é = '日本'; c = 2\n"


def test_a_character_that_the_encoding_lacks_is_refused() -> None:
    with pytest.raises(PatchError, match="cannot be encoded"):
        apply_edits("a.py", b"# coding: latin-1\nb = 2\n", [edit(2, 1, 2, "日")])


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(PatchError, match="line 1"):
        apply_edits("a.py", b"abcd\n", [edit(1, 1, 3, "x"), edit(1, 2, 4, "y")])


def test_a_diff_shows_ends_of_lines_and_no_more_than_changes() -> None:
    same = "    return model\n" * 300
    before, after = f"a = 1\r\n{same}b", f"a = 2\r\n{same}c"
    assert render_diff({"a.py": FileChange(before.encode(), after.encode())}).decode() == (
        "--- a/a.py\n+++ b/a.py\n"
        f"@@ -1,4 +1,4 @@\n-a = 1\r\n+a = 2\r\n{' ' + same[:17]}{' ' + same[:17]}{' ' + same[:17]}"
        f"@@ -299,4 +299,4 @@\n{(' ' + same[:17]) * 3}"
        "-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    )
