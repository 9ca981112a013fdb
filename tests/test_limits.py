"""The table of limits is the one that the docs show, and what parses foreign text keeps to it."""

from __future__ import annotations

import io
import json
import re
import resource
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from hubkit import limits
from hubkit._util.parse import parse_count, parse_json, read_json
from hubkit._util.text import Places, column_of
from hubkit._util.toml import parse_toml
from hubkit._util.zips import open_zip, read_member
from hubkit.limits import Limit, all_limits

DOCS = Path(__file__).parent.parent / "docs" / "security.md"


def test_the_docs_show_every_limit() -> None:
    section = DOCS.read_text("utf-8").partition("## Limits on foreign input\n")[2]
    section = section.partition("\n## ")[0]
    shown = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    assert [(name, int(most.replace(",", "")), unit, why) for name, most, unit, why in shown] == [
        (name, limit.most, limit.unit, limit.reason) for name, limit in all_limits().items()
    ]


def test_every_limit_is_in_force() -> None:
    root = DOCS.parent.parent
    sources = [*(root / "hubkit").rglob("*.py"), *(root / "pytest_hubkit").rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    unused = [name for name in all_limits() if not re.search(rf"limits\.{name}\b", text)]
    assert unused == []


def test_limits_cannot_be_changed() -> None:
    for limit in all_limits().values():
        assert limit.most > 0
        assert limit.unit
        assert limit.reason
        with pytest.raises(AttributeError):
            limit.most = 0  # type: ignore[misc]


@pytest.mark.parametrize("text", ["0", "7", " 12\t", "9" * 18])
def test_a_count_is_ascii_digits(text: str) -> None:
    assert parse_count(text) == int(text)


@pytest.mark.parametrize(
    "text",
    ["", "\u00b2", "\u0663", "-1", "+1", "1_0", "1e3", "nan", "9" * 19, "9" * 5000, "1 2", "0x1"],
)
def test_anything_else_is_not_a_count(text: str) -> None:
    assert parse_count(text) is None


@pytest.mark.parametrize("opened", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [65, 200, 100_000])
def test_deep_json_is_refused(opened: str, depth: int) -> None:
    text = opened * depth + "1" + {"[": "]", '{"a":': "}"}[opened] * depth
    for data in (text, text.encode()):
        with pytest.raises(ValueError, match="nested more than 64 levels"):
            parse_json(data)


def test_usual_json_is_read(tmp_path: Path) -> None:
    value = {"a": [[{"b": [[[1, 2.5, None, "[[[[{{{{" * 100]]]}]] * 100}
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "a.json") == value
    with pytest.raises(ValueError, match="longer than 100 bytes"):
        read_json(tmp_path / "a.json", Limit(100, "bytes", ""))


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 200_000 + " = 1",
        "[" + "a." * 200_000 + "a]",
        "x = {" + " . ".join(["'a b'"] * 200_000) + " = 1}",
        "x = " + "[" * 100_000,
        "x = '" + "x" * (1 << 20) + "'",
    ],
    ids=["key", "table", "inline", "array", "long"],
)
def test_deep_toml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nested|longer"):
        parse_toml(text)


def test_usual_toml_is_read() -> None:
    prose = "One sentence. And another one... " * 100
    text = f'[tool.x]\na.b.c = "{prose}"\nversions = [{", ".join(["1.5"] * 500)}]\n'
    table = parse_toml(text)["tool"]["x"]
    assert table["a"]["b"]["c"] == prose
    assert len(table["versions"]) == 500


def test_places_are_those_of_a_slow_count() -> None:
    text = "ab\n\nc\u00e9d\n" * 3 + "end"
    places = Places(text)
    for offset in range(len(text)):
        line, column = places.place(offset)
        assert line == text.count("\n", 0, offset)
        assert column == offset - text.rfind("\n", 0, offset)
    for line_ in ("plain", "\u00e9\u4e2d\U0001f600x"):
        for column in range(len(line_) + 1):
            assert column_of(line_, len(line_[:column].encode())) == column + 1


def make_zip(data: bytes, method: int, says: int | None = None) -> bytes:
    """An archive of one member, whose index may lie about its length."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as made:
        made.writestr("top/data.pkl", data)
    content = bytearray(body.getvalue())
    if says is not None:
        at = content.rindex(b"PK\x01\x02") + 24
        content[at : at + 4] = says.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_that_is_longer_than_its_index_says_takes_no_memory(method: int) -> None:
    body = make_zip(bytes(64 << 20), method, says=100)
    tracemalloc.start()
    try:
        with (
            open_zip(
                io.BytesIO(body), limits.CHECKPOINT_INDEX, limits.CHECKPOINT_MEMBERS
            ) as opened,
            pytest.raises(zipfile.BadZipFile),
        ):
            read_member(opened, opened.infolist()[0], 1000)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_members_are_read_whole_or_not_at_all() -> None:
    for size in (0, 1, 5000, (1 << 20) + 1):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            data = bytes(size)
            with open_zip(
                io.BytesIO(make_zip(data, method)),
                limits.CHECKPOINT_INDEX,
                limits.CHECKPOINT_MEMBERS,
            ) as opened:
                (info,) = opened.infolist()
                assert read_member(opened, info, size) == data
                with pytest.raises(zipfile.BadZipFile, match="longer than"):
                    read_member(opened, info, size - 1)


def test_members_over_the_limit_are_not_listed() -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for number in range(101):
            made.writestr(f"top/{number}", b"")
    with (
        pytest.raises(zipfile.BadZipFile, match="more than 100 members"),
        open_zip(body, limits.ARCHIVE_INDEX, Limit(100, "members", "")),
    ):
        raise AssertionError("opened")


def test_an_index_over_the_limit_is_not_read() -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for number in range(2000):
            made.writestr(f"top/{number}", b"")
    with (
        pytest.raises(zipfile.BadZipFile, match="longer than 65536 bytes"),
        open_zip(body, Limit(1 << 16, "bytes", ""), limits.CHECKPOINT_MEMBERS),
    ):
        raise AssertionError("opened")


CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))
{code}
"""


def run_bounded(code: str, *arguments: str) -> str:
    """Run code in a process with 700 MiB of address space; gives what it prints."""
    command = [sys.executable, "-c", CHILD.format(code=code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_an_archive_of_one_very_deep_path_takes_little_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("top/" + "a/" * 32_000 + "b", "x")
    code = """
from pathlib import Path
from hubkit.errors import UnsafeArchiveError
from hubkit.hubdir.archive import unpack
try:
    unpack(Path(sys.argv[1]), Path(sys.argv[1]).parent / "tree", "0" * 40)
except UnsafeArchiveError as error:
    print(len(str(error)) < 1000)
"""
    assert run_bounded(code, str(tmp_path / "a.zip")) == "True"
    assert not (tmp_path / "tree").exists()


def test_the_bound_of_the_child_is_in_force() -> None:
    assert resource.getrlimit(resource.RLIMIT_AS)
    code = "try: bytearray(800 << 20)\nexcept MemoryError: print('bounded')"
    assert run_bounded(code) == "bounded"
