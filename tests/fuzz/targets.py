"""What is fuzzed: each target takes bytes and may raise nothing but what its callers expect."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import shutil
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hubkit.analysis import read_docstring, read_repo, read_types
from hubkit.config import Config, read_config
from hubkit.errors import HubkitError
from hubkit.facts import Hubconf, RepoFacts
from hubkit.hubdir.archive import unpack
from hubkit.hubdir.protocol import FLUSH, packet, read_packets, read_parents
from hubkit.lint import lint_repo
from hubkit.loader.stubs import StubSource, render_stubs
from hubkit.reporters import FORMATS, find_reporter
from hubkit.scaffold.entrypoints import write_code
from hubkit.scaffold.model_discovery import discover_models
from hubkit.scaffold.proposals import propose
from hubkit.source import Folder
from tests.scaffold.samples import SAMPLE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

from tests.rules.repos import CASES, case_names, write_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.facts import Report

# Separates the files of a repo in one input: "%% pkg/net.py" on a line of its own.
MARK = b"\n%% "
_CHARACTERS = b"abcdefghijklmnopqrstuvwxyz_./0123456789"


def fuzz_repo(data: bytes) -> None:
    """Read, judge and report a repo; twice, since the same repo gets the same answer.

    A typed module of its entrypoints parses.
    """
    with _folder() as root:
        _write_repo(root, data)
        facts = read_repo(root)
        first, second = (lint_repo(one, Config()) for one in (facts, read_repo(root)))
        if first != second:
            raise AssertionError("the second answer differs from the first")
        _require_whole(first)
        for name in FORMATS:
            find_reporter(name)(first, io.StringIO())
        if facts.hubconf is not None:
            types = read_types(facts.files, facts.hubconf)
            entrypoints = facts.hubconf.entrypoints
            ast.parse(render_stubs(StubSource("x", "'x'", "x"), entrypoints, types))


def fuzz_offer(data: bytes) -> None:
    """Propose what a repo offers, whatever it holds, as Python that parses."""
    with _folder() as root:
        _write_repo(root, data)
        proposals, _ = propose(discover_models(Folder(root)))
        code = write_code(proposals)
        ast.parse("\n".join([code.imports, code.dependencies, code.constants, *code.functions]))
        tomllib.loads("\n".join(f"[x.{one.name}]\n" + "\n".join(one.settings) for one in proposals))


def fuzz_config(data: bytes) -> None:
    """Read a configuration, and judge by it."""
    with _folder() as root:
        (root / "hubkit.toml").write_bytes(data)
        with contextlib.suppress(HubkitError):
            facts = RepoFacts(Folder(root), None, None, frozenset(), ())
            _require_whole(lint_repo(facts, read_config(root), with_fixes=True))


def fuzz_docstring(data: bytes) -> None:
    """Read a docstring."""
    read_docstring(data.decode("utf-8", "replace"))


def fuzz_suppressions(data: bytes) -> None:
    """Read a hubconf whose every line ends in a comment to hubkit."""
    lines = data.split(b"\n")
    with _folder() as root:
        text = b"\n".join(line + b"  # hubkit: ignore[" + line[:12] + b"] why" for line in lines)
        (root / "hubconf.py").write_bytes(text)
        facts = read_repo(root)
        if isinstance(facts.hubconf, Hubconf):
            _require_whole(lint_repo(facts, Config(), with_fixes=True))


def _require_whole(report: Report) -> None:
    """A rule that stops is what is looked for, and no exception."""
    if report.crashes:
        raise AssertionError(report.crashes)


def fuzz_archive(data: bytes) -> None:
    """Unpack an archive, which must not reach beyond its folder."""
    with _folder() as root:
        (root / "archive.zip").write_bytes(data)
        with contextlib.suppress(HubkitError):
            unpack(root / "archive.zip", root / "tree", "0" * 40)
        beside = {path.name for path in root.iterdir()} - {"archive.zip", "tree"}
        if beside:
            raise AssertionError(f"the archive wrote {beside}")


def fuzz_packets(data: bytes) -> None:
    """Read git's framing."""
    with contextlib.suppress(ValueError):
        for _ in read_packets([data]):
            pass


def fuzz_pack(data: bytes) -> None:
    """Read the commits of a pack."""
    with contextlib.suppress(ValueError):
        for _ in read_parents(data):
            pass


TARGETS: dict[str, Callable[[bytes], None]] = {
    "repo": fuzz_repo,
    "offer": fuzz_offer,
    "config": fuzz_config,
    "docstring": fuzz_docstring,
    "suppressions": fuzz_suppressions,
    "archive": fuzz_archive,
    "packets": fuzz_packets,
    "pack": fuzz_pack,
}


def read_seeds(target: str) -> Iterator[bytes]:
    """Inputs to start from: the repos that the rules are tested on."""
    if target in ("repo", "offer", "suppressions"):
        for case in case_names():
            with _folder() as root:
                hubconf = write_case(case, root / "repo") / "hubconf.py"
                if hubconf.is_file():
                    as_file = target == "suppressions"
                    yield hubconf.read_bytes() if as_file else _pack_repo(hubconf.parent)
        if target == "offer":
            yield b"".join(
                MARK + path.encode() + b"\n" + text.encode() for path, text in SAMPLE.items()
            )
    elif target == "config":
        for path in sorted(CASES.glob("*/*/hubkit.toml")):
            yield path.read_bytes()
        yield b'select = ["HUB1"]\n[ignore]\nHUB101 = "why"\n[entrypoints.net]\nkind = "model"\n'
    elif target == "docstring":
        yield b"Net.\n\nArgs:\n    x (int): y\n\nReturns:\n    z\n"
        yield b"Net.\n\nParameters\n----------\nx : int\n    y\n"
        yield b"Net.\n\n:param x: y\n:returns: z\n\n- x (bool): y\n"
    else:
        yield _BINARIES[target]()


def _make_archive() -> bytes:
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            link = zipfile.ZipInfo("top/link")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr("top/", "")
            archive.writestr("top/hubconf.py", "x = 1\n")
            archive.writestr(link, "hubconf.py")
        return stream.getvalue()


def _make_pack() -> bytes:
    """Two commits, the second a delta that copies the first."""
    commit = b"tree %040d\nparent %040d\n\nwhy\n" % (0, 1)
    delta = bytes([len(commit), len(commit), 0b10010000, len(commit)])
    first = bytes([0x90 | len(commit) & 15, len(commit) >> 4]) + zlib.compress(commit)
    second = bytes([0x60 | len(delta), len(first)]) + zlib.compress(delta)
    body = b"PACK" + struct.pack(">II", 2, 2) + first + second
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _make_packets() -> bytes:
    return packet("# service=git-upload-pack\n") + FLUSH + packet("0" * 40 + " HEAD\n") + FLUSH


_BINARIES = {"archive": _make_archive, "pack": _make_pack, "packets": _make_packets}


def _pack_repo(root: Path) -> bytes:
    files = [path for path in sorted(root.rglob("*.py")) if path.name != "hubconf.py"]
    parts = [(root / "hubconf.py").read_bytes()]
    parts += [
        b"%b\n%b" % (path.relative_to(root).as_posix().encode(), path.read_bytes())
        for path in files
    ]
    return MARK.join(parts)


def _write_repo(root: Path, data: bytes) -> None:
    hubconf, *others = data.split(MARK)
    (root / "hubconf.py").write_bytes(hubconf)
    for other in others[:8]:
        head, _, body = other.partition(b"\n")
        name = bytes(byte for byte in head[:60] if byte in _CHARACTERS).decode()
        path = PurePosixPath(name)
        if name and ".." not in path.parts and not path.is_absolute():
            # A folder may stand where a file should, or the other way round.
            with contextlib.suppress(OSError):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(body)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="hubkit-fuzz-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
