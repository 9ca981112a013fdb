"""Files of a repo, checkpoints and lock files that are made to cost much: little of it is read."""

from __future__ import annotations

import gc
import io
import json
import pickle
import re
import signal
import socket
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit import limits
from hubkit.analysis import find_snippets, read_snippets
from hubkit.analysis.modules import SourceFile, read_source
from hubkit.analysis.pickles import scan_checkpoint
from hubkit.errors import CheckpointError, LockfileError, ProbeError
from hubkit.hubdir.archive import check_index
from hubkit.hubdir.layout import is_alive, is_orphan, read_record
from hubkit.limits import Limit
from hubkit.lockfile import read_lockfile
from hubkit.publish.checkpoint import read_weights
from hubkit.runtime.probe import list_names
from hubkit.source import open_files
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Callable

HUBCONF = 'dependencies = []\n\n\ndef net():\n    """Net."""\n    return 1\n'
PATIENCE = 100.0  # seconds; what is checked here took minutes, or did not end


def check(folder: Path) -> str:
    """Run ``hubkit check`` in a process that is ended when it takes as long as it used to."""
    command = [sys.executable, "-m", "hubkit", "check", "--no-cache", "--preview", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    assert "HUB900" not in done.stdout
    return done.stdout


FRONT = "---\nlayout: hub_detail\nbackground-class: hub-background\nbody-class: hub\n---\n"
DOCUMENTS: dict[str, tuple[str, str]] = {
    "calls": ("README.md", "repo = 'o/r'\n" + "torch.hub.load(repo, 'net')\n" * 20_000),
    "calls in one line": ("README.md", "torch.hub.load('o/r', 'net') " * 20_000),
    "a blank heading": ("card.md", FRONT + "# " + " " * 100_000 + "x\n"),
    "placeholders": ("card.md", FRONT + "[More Information Needed]\n" * 100_000),
    "headings": ("card.md", FRONT + "# a\n" * 200_000),
    "blank lines": ("net.py", "\n" * 200_000 + "x = 1\n"),
    "blank lines of an environment": ("environment.yml", "\n" * 200_000 + "- x"),
    "comments": ("hubconf.py", HUBCONF + "# hubkit: ignore[" * 100_000 + "\n"),
    "dotted keys": ("pyproject.toml", "tool.hubkit" + ".a" * 200_000 + " = 1\n"),
    "one long line": (
        "hubconf.py",
        HUBCONF + "x = '\u00e9'; " + "; ".join(f"import a{n}" for n in range(3000)) + "\n",
    ),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_made_to_cost_much_costs_little(tmp_path: Path, kind: str) -> None:
    name, text = DOCUMENTS[kind]
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    (tmp_path / name).write_text(text)
    if kind == "dotted keys":
        command = [sys.executable, "-m", "hubkit", "check", str(tmp_path)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 2
        assert "nested more than 64 levels deep" in done.stderr
        return
    assert "net" in check(tmp_path) or kind


def test_only_so_many_calls_of_a_repo_are_read(tmp_path: Path) -> None:
    calls = "torch.hub.load('o/r', 'net')\n" * (limits.SNIPPETS.most - 1)
    assert len(list(find_snippets(calls * 2, "x.md"))) == limits.SNIPPETS.most
    for number in range(4):
        (tmp_path / f"{number}.md").write_text(calls)
    found = read_snippets(open_files(tmp_path))
    assert len(found) <= 2 * limits.SNIPPETS.most
    assert {one.location.path for one in found} == {"0.md", "1.md"}


def test_places_and_variables_of_calls_are_those_of_the_text() -> None:
    text = (
        'repo = "a/b"\n\u00e9 torch.hub.load(repo, "one")\n>>> repo = "c/d"\n'
        '  x; hub.load(repo, "two"); hub.load(other, "three"); hub.load(repo, "four")\n'
        'repo = "e/f"\n'
    )
    found = list(find_snippets(text, "x.md"))
    assert [(one.repo, one.entrypoint) for one in found] == [
        ("a/b", "one"),
        ("c/d", "two"),
        ("c/d", "four"),
    ]
    assert [(one.location.line, one.location.column) for one in found] == [
        (2, 9),
        (4, 6),
        (4, 55),
    ]


DEEP: dict[str, Callable[[int], str]] = {
    "sum": lambda n: "+".join(["x"] * n),
    "attributes": lambda n: "x" + ".a" * n,
    "calls": lambda n: "x" + ".a()" * n,
    "lambdas": lambda n: "lambda: " * n + "x",
    "minus": lambda n: "-" * n + "1",
    "choices": lambda n: "x if x else " * n + "x",
    "sum over lines": lambda n: "(" + "+\n".join(["x"] * n) + ")",
}


@pytest.mark.parametrize("count", [640, 950, 2000, 2950, 20_000])
@pytest.mark.parametrize("kind", DEEP)
def test_a_deep_expression_is_a_problem_of_the_file(tmp_path: Path, kind: str, count: int) -> None:
    code = DEEP[kind](count)
    (tmp_path / "hubconf.py").write_text(f"{HUBCONF}\n\ndef f(x={code}):\n    return {code}\n")
    found = read_source(open_files(tmp_path), "hubconf.py", module="hubconf")
    assert not isinstance(found, SourceFile)
    assert "nested too deeply" in found.message


@pytest.mark.parametrize("kind", DEEP)
def test_an_expression_of_usual_depth_is_read(tmp_path: Path, kind: str) -> None:
    code = DEEP[kind](300)
    elifs = "".join(f"    elif x == {n}:\n        y = {n}\n" for n in range(900))
    (tmp_path / "hubconf.py").write_text(
        f"{HUBCONF}\n\ndef f(x={code}):\n    if x:\n        y = 1\n{elifs}    return {code}\n"
    )
    files = open_files(tmp_path)
    assert isinstance(read_source(files, "hubconf.py", module="hubconf"), SourceFile)
    check(tmp_path)


def test_a_deep_annotation_in_quotes_is_not_an_annotation(tmp_path: Path) -> None:
    text = HUBCONF.replace("net()", f"net() -> '{'-' * 100_000}1'")
    (tmp_path / "hubconf.py").write_text(text)
    check(tmp_path)


def test_links_of_an_archive_are_followed_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINK_STEPS", Limit(1000, "parts", ""))
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("top/hubconf.py", "")
        for number in range(40):
            info = zipfile.ZipInfo(f"top/{number}")
            info.external_attr = 0o120777 << 16
            made.writestr(info, "./" * 100 + str(number + 1))
    with zipfile.ZipFile(body) as opened, pytest.raises(ValueError, match="too long to follow"):
        check_index(opened, len(body.getvalue()))


def test_folders_of_an_archive_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_PATHS", Limit(100_000, "bytes", ""))
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for number in range(50):
            made.writestr(f"top/{number}/" + "abcdefg/" * 90 + "x", "")
    with zipfile.ZipFile(body) as opened, pytest.raises(ValueError, match="folders take"):
        check_index(opened, len(body.getvalue()))


def write_zip(path: Path, *members: tuple[str, int]) -> Path:
    """An archive of zeros: names and sizes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, size in members:
            made.writestr(name, bytes(size))
    return path


@pytest.mark.parametrize("names", [["w.pth"], ["net/data.pkl", "net/data/0"]])
def test_a_zip_bomb_is_not_a_checkpoint(tmp_path: Path, names: list[str]) -> None:
    pytest.importorskip("torch")
    from hubkit.loader.checkpoint_files import read_checkpoint

    path = write_zip(tmp_path / "a.pth", *((name, 200 << 20) for name in names))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="would unpack to"):
            read_checkpoint(path, weights_only=True)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_in_a_zip_is_not_a_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from hubkit.loader.checkpoint_files import read_checkpoint

    inner = write_zip(tmp_path / "inner.pth", ("net/data.pkl", 9), ("net/data/0", 200 << 20))
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as made:
        made.write(inner, "w.pth")
    with pytest.raises(CheckpointError, match="would unpack to"):
        read_checkpoint(tmp_path / "a.pth", weights_only=True)


@pytest.mark.parametrize("location", ["cuda:99", "nonsense"])
def test_an_error_is_not_its_own_cause(tmp_path: Path, location: str) -> None:
    torch = pytest.importorskip("torch")
    from hubkit.loader.checkpoint_files import read_checkpoint

    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(RuntimeError) as failed:
        read_checkpoint(tmp_path / "a.pth", location, weights_only=True)
    causes: list[BaseException] = []
    error: BaseException | None = failed.value
    while error is not None:
        assert all(error is not one for one in causes)
        causes.append(error)
        error = error.__cause__


def test_no_source_raises_an_error_from_itself() -> None:
    root = Path(__file__).parent.parent
    for folder in ("hubkit", "pytest_hubkit"):
        for path in (root / folder).rglob("*.py"):
            assert not re.search(r"raise (\w+) from \1\b", path.read_text("utf-8")), path


@pytest.mark.torch
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_pickle_longer_than_its_index_says_is_not_unpacked(tmp_path: Path, method: int) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as made:
        made.writestr("a/data.pkl", bytes(64 << 20))
    content = bytearray(body.getvalue())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "a.pth").write_bytes(content)
    tracemalloc.start()
    try:
        found = scan_checkpoint(io.BytesIO(content))
        assert found is not None
        assert not found.is_complete
        with pytest.raises(CheckpointError, match="damaged"):
            read_weights(tmp_path / "a.pth")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def _pickled(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def _calls_with(arguments: bytes, count: int) -> bytes:
    """A list of calls of one function, each with the same arguments."""
    return _pickled(
        b"ctorch\nFloatStorage\nq\x00",
        arguments,
        b"q\x01](",
        b"h\x00h\x01R" * count,
        b"e",
    )


AMPLIFIED = {
    "arguments": _calls_with(b"(" + b"N" * 100_000 + b"t", 10_000),
    "dictionaries": _pickled(
        b"ccollections\nOrderedDict\nq\x00(](",
        b"(NNt" * 50_000,
        b"etq\x01](",
        b"h\x00h\x01R" * 10_000,
        b"e",
    ),
    "state": _pickled(
        b"ccollections\nOrderedDict\nq\x00}(",
        b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(50_000)),
        b"uq\x01](",
        b"h\x00)Rh\x01b" * 10_000,
        b"e",
    ),
    "text": _pickled(
        b"(X\x07\x00\x00\x00storageN",
        b")",
        b"2\x86" * 60,
        b"X\x03\x00\x00\x00cpuK\x01tQ",
    ),
    "shapes": _pickled(
        b"ctorch._utils\n_rebuild_tensor_v2\nq\x00",
        b"N",
        b"2\x86q\x01h\x00h\x01R" * 60,
    ),
}


READ_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from hubkit.errors import CheckpointError
from hubkit.publish.checkpoint import read_weights
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    read_weights(Path(sys.argv[1]))
except CheckpointError as error:
    print(error.message)
"""


@pytest.mark.torch
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its size from /proc")
@pytest.mark.parametrize("kind", AMPLIFIED)
def test_a_pickle_that_copies_or_repeats_without_end_is_given_up(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.pth").write_bytes(AMPLIFIED[kind])
    done = run_python("-c", READ_IN_LITTLE_MEMORY, str(tmp_path / "a.pth"), check=True)
    assert "a pickle, but not one of torch.save" in done.stdout


@pytest.mark.torch
@pytest.mark.parametrize("shape", ['[2000000000, "a"]', "[1e400]", "[true]", f"[{'9' * 400}]"])
def test_a_shape_that_is_none_is_not_computed(tmp_path: Path, shape: str) -> None:
    import torch  # noqa: F401 - so that its import is not measured

    header = f'{{"a": {{"shape": {shape}}}}}'.encode()
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            read_weights(tmp_path / "a")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.torch
@pytest.mark.parametrize("key", [10**5000, -1], ids=["huge", "negative"])
def test_odd_keys_of_a_checkpoint_end_in_a_result(tmp_path: Path, key: int) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps({key: [1], "x": 2}, protocol=2))
    with pytest.raises(CheckpointError):
        read_weights(tmp_path / "a.pth")


def test_a_lock_file_of_many_pins_is_read_once(tmp_path: Path) -> None:
    pin = {"sha256": "0" * 64, "size": 1}
    pins = {f"https://host/{number}": pin for number in range(20_000)}
    content = {"version": 1, "repos": {}, "checkpoints": pins}
    (tmp_path / "hubkit.lock").write_text(json.dumps(content))
    code = """
import sys
from pathlib import Path
from hubkit.lockfile import read_lockfile
print(len(read_lockfile(Path(sys.argv[1])).checkpoints))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "hubkit.lock")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.strip() == "20000"


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, '{"version": 1, "version": 1}', "{}" + " " * (17 << 20)],
    ids=["lists", "objects", "twice", "long"],
)
def test_a_lock_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "hubkit.lock").write_text(text)
    with pytest.raises(LockfileError):
        read_lockfile(tmp_path / "hubkit.lock")
    gc.collect()


@pytest.mark.parametrize(
    "text",
    [
        '{"fetched_at": 1' + "0" * 400 + "}",
        '{"fetched_at": NaN}',
        '{"size": 1' + "0" * 30 + "}",
        '{"a": ' + "[" * 1000 + "]" * 1000 + "}",
        '{"a": "' + "x" * (2 << 20) + '"}',
    ],
    ids=["huge", "nan", "long", "deep", "large"],
)
def test_an_absurd_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read_record(tmp_path / "a.json") is None


@pytest.mark.parametrize("pid", ["\u00b2", "9" * 30, "9" * 10, "-1", "0"])
def test_an_absurd_process_in_a_name_is_not_a_crash(tmp_path: Path, pid: str) -> None:
    path = tmp_path / f"{socket.gethostname()}.{pid}.{'0' * 16}"
    path.touch()
    assert is_orphan(path) is (pid == "9" * 10)
    assert not is_alive(2**62)


@pytest.mark.parametrize("text", ['"{\u00b2}".format(1)', '"{' + "9" * 5000 + '}".format(1)'])
def test_an_odd_number_in_a_format_is_not_a_crash(tmp_path: Path, text: str) -> None:
    (tmp_path / "hubconf.py").write_text(
        "dependencies = []\nimport torch\n\n\ndef net():\n    return "
        f"torch.hub.load_state_dict_from_url({text})\n"
    )
    check(tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
def test_a_child_that_a_real_time_signal_ends_is_reported(tmp_path: Path) -> None:
    number = signal.SIGRTMIN + 3
    (tmp_path / "hubconf.py").write_text(f"import os\nos.kill(os.getpid(), {number})\n")
    with pytest.raises(ProbeError, match=f"crashed with signal {number}"):
        list_names(tmp_path)


@pytest.mark.parametrize("answer", ["'[' * 100_000", "'{}'", "'[]'", "'{\"failure\": 1}'"])
def test_an_answer_that_is_nonsense_is_reported(tmp_path: Path, answer: str) -> None:
    (tmp_path / "hubconf.py").write_text(
        "import os, sys\n"
        "places = [one for one in sys.argv + sys.orig_argv if one.endswith('reply.json')]\n"
        f"open(places[0], 'w').write({answer})\nos._exit(0)\n"
    )
    with pytest.raises(ProbeError, match="invalid result"):
        list_names(tmp_path)
