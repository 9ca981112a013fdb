from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.errors import HubconfNotFoundError, HubconfSyntaxError
from hubkit.facts import HubconfProblem, Location

if TYPE_CHECKING:
    from pathlib import Path


def problem_of(root: Path, source: bytes) -> HubconfProblem:
    (root / "hubconf.py").write_bytes(source)
    facts = read_repo(root)
    assert facts.hubconf is None
    assert facts.problem is not None
    return facts.problem


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HubconfNotFoundError, match="is not a folder"):
        read_repo(tmp_path / "nothing")


def test_a_missing_hubconf_is_a_fact(tmp_path: Path) -> None:
    facts = read_repo(tmp_path)
    assert facts.problem == HubconfProblem(
        "missing", "hubconf.py does not exist", Location("hubconf.py")
    )
    with pytest.raises(HubconfNotFoundError) as raised:
        require_hubconf(facts)
    assert raised.value.hint


def test_a_folder_called_hubconf_is_missing(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").mkdir()
    facts = read_repo(tmp_path)
    assert facts.problem is not None
    assert (facts.problem.kind, facts.problem.message) == ("missing", "hubconf.py is a folder")


def test_a_syntax_error_has_a_place(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, b"import torch\ndef net(:\n")
    assert (problem.kind, problem.location.line) == ("syntax", 2)
    with pytest.raises(HubconfSyntaxError, match="line 2"):
        require_hubconf(read_repo(tmp_path))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (b"x = 1\0\n", "syntax"),
        (b"print 'old'\n", "syntax"),
        (b"(" * 100_000, "syntax"),
        (b"x = " + b"-" * 100_000 + b"1", "syntax"),
        (b"x = '\xff'\n", "encoding"),
        (b"# coding: nonsense\n", "encoding"),
        (b"# coding: rot13\n", "encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding"),
        (b"\xff\xfex\x00", "encoding"),
        (b"#" * (9 * 1024 * 1024), "syntax"),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else value,
)  # fmt: skip
def test_bad_sources_are_problems_and_never_crashes(
    tmp_path: Path, source: bytes, kind: str
) -> None:
    problem = problem_of(tmp_path, source)
    assert problem.kind == kind
    assert problem.message


@pytest.mark.parametrize(
    "source",
    [
        b"x = " + b"+".join([b"1"] * 100_000),
        b"x = a" + b".b" * 100_000,
        b"if 1:\n pass\n" + b"elif 1:\n pass\n" * 20_000,
        b"def net(a=" + b"+".join([b"1"] * 900) + b"): return a" + b".b()" * 900,
    ],
    ids=["sum", "attributes", "elif", "calls"],
)
def test_depth_that_some_pythons_parse_is_read_or_refused(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "hubconf.py").write_bytes(source)
    facts = read_repo(tmp_path)
    assert facts.hubconf is not None or (facts.problem and "too deeply" in facts.problem.message)


@pytest.mark.parametrize(
    "source",
    [
        '"""Ä"""\ndef net(): "ü"\n'.encode("utf-8-sig"),
        '# -*- coding: latin-1 -*-\ndef net(): "ü"\n'.encode("latin-1"),
        '#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\ndef net(): "ü"\n'.encode("cp1252"),
        'def net(): "ü"\r\n'.encode(),
        'def net():\r    "ü"'.encode(),
    ],
)  # fmt: skip
def test_encodings_and_newlines_are_honored(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "hubconf.py").write_bytes(source)
    (entry,) = require_hubconf(read_repo(tmp_path)).entrypoints
    assert entry.docstring == "ü"


def test_an_empty_hubconf_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_bytes(b"")
    hubconf = require_hubconf(read_repo(tmp_path))
    assert (hubconf.entrypoints, hubconf.imports, hubconf.dependencies) == ((), (), None)


def test_the_repos_own_top_level_names(tmp_path: Path) -> None:
    for path in (
        "hubconf.py", "single.py", "pkg/__init__.py", "loose/net.py", "deep/inner/net.py",
        "data/file.txt", ".hidden/x.py", "not-a-name/x.py", "native.cpython-311-x.so",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("", encoding="utf-8")
    packages = read_repo(tmp_path).packages
    assert packages == {"hubconf", "single", "pkg", "loose", "deep", "native"}


def test_reading_runs_nothing_and_imports_neither_torch_nor_the_docstring_parser(
    tmp_path: Path,
) -> None:
    source = "import sys\nraise SystemExit('ran')\ndef net():\n    'A net.'\n"
    (tmp_path / "hubconf.py").write_text(source, encoding="utf-8")
    script = (
        "import sys, pathlib\n"
        "from hubkit.analysis import read_repo, read_dependencies\n"
        "facts = read_repo(pathlib.Path(sys.argv[1]))\n"
        "assert facts.hubconf.entrypoints[0].name == 'net'\n"
        "print({'torch', 'docstring_parser', 'requests'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
    assert done.stderr == ""


def test_warnings_about_old_sources_stay_away(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net():\n    return '\\d'\n", encoding="utf-8")
    assert require_hubconf(read_repo(tmp_path)).entrypoints[0].name == "net"
