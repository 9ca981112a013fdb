"""The repos that rules are tested on.

``bad`` breaks a rule, ``good`` and each ``trap_*`` do not, and ``fixed`` is ``bad`` after fixes. A
case of one file is in a table in ``tables``. A case of several files is a folder in ``cases``; if it
needs git, its ``setup.sh`` creates the repo.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.rules.tables import TABLES

CASES = Path(__file__).parent / "cases"


def case_names(prefix: str = "HUB", kind: str = "") -> list[str]:
    """Names of cases, such as "HUB105/bad", of rules with a prefix and kinds with a prefix."""
    folders = (path.relative_to(CASES).as_posix() for path in CASES.glob("HUB*/*") if path.is_dir())
    tabled = (f"{code}/{name}" for code, cases in TABLES.items() for name in cases)
    return sorted(
        name
        for name in (*folders, *tabled)
        if name.startswith(prefix) and name.partition("/")[2].startswith(kind)
    )


def needs_git(name: str) -> bool:
    """Whether a case needs a git repo."""
    return (CASES / name / "setup.sh").exists()


def write_case(name: str, target: Path, *, setup: bool = False) -> Path:
    """Write the files of a case to a new folder, and a license: only HUB801 is about that.

    Args:
        name: The name of the case.
        target: The folder.
        setup: Whether to create the git repo of the case, if it needs one.
    """
    code, _, kind = name.partition("/")
    if kind in TABLES.get(code, {}):
        target.mkdir(parents=True)
        (target / "hubconf.py").write_bytes(TABLES[code][kind].encode())
    else:
        shutil.copytree(CASES / name, target, symlinks=True)
    if code != "HUB801":
        (target / "LICENSE").touch()
    if setup and needs_git(name):
        subprocess.run(["sh", "-e", "setup.sh"], cwd=target, check=True, capture_output=True)
    return target
