"""Files that code finds beside itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "expression",
    [
        "os.path.join(os.path.dirname(__file__), 'data', 'a.txt')",
        "os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data/a.txt')",
        "os.path.join(os.path.realpath(os.path.dirname(__file__)), os.pardir, 'pkg', 'data/a.txt')",
        "Path(__file__).parent / 'data' / 'a.txt'",
        "pathlib.Path(__file__).resolve().parents[1] / 'pkg/data/a.txt'",
        "_Path(__file__).parent.joinpath('data', NAME)",
        "f'{HERE}/data/a.txt'",
        "HERE + '/data/' + NAME",
        "str(_Path(HERE, ) / 'data/a.txt')",
    ],
)
def test_a_file_is_found_by_way_of_the_modules_own(tmp_path: Path, expression: str) -> None:
    (tmp_path / "pkg/data").mkdir(parents=True)
    (tmp_path / "pkg/data/a.txt").write_text("")
    (tmp_path / "hubconf.py").write_text("import pkg.net\n")
    text = "import os, pathlib\nfrom pathlib import Path\n_Path = Path\nHERE = os.path.dirname(__file__)\nNAME = 'a.txt'\n\n"
    (tmp_path / "pkg/net.py").write_text(f"{text}def read():\n    return open({expression})\n")
    (found,) = require_hubconf(read_repo(tmp_path)).data_files
    assert (found.path, found.location.path, found.location.line) == (
        "pkg/data/a.txt",
        "pkg/net.py",
        8,
    )
    assert not found.tested


@pytest.mark.parametrize(
    "expression",
    [
        "os.path.join(os.path.dirname(__file__), name)",
        "os.path.join(os.path.dirname(__file__), '../../a.txt')",
        "os.path.join(os.path.dirname(__file__), '/etc/passwd')",
        "os.path.join(os.path.dirname(__file__), 'missing.txt')",
        "LOOP + '/a.txt'",
        "'a.txt'",
        "Path(__file__).parents[" + "9" * 30 + "] / 'a.txt'",
    ],
)
def test_what_source_does_not_tell_is_not_a_file(tmp_path: Path, expression: str) -> None:
    (tmp_path / "a.txt").write_text("")
    text = "import os\nLOOP = LOOP + __file__\n\ndef net(name):\n    return open"
    (tmp_path / "hubconf.py").write_text(f"{text}({expression})\n")
    assert require_hubconf(read_repo(tmp_path)).data_files == ()
