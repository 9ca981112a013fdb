"""What is built is what works: the wheel carries the templates, types and entry points."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hubkit._util.toml import read_toml

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_is_whole(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("hubkit", "pytest_hubkit"):
        sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        assert sources <= names
        assert f"{package}/py.typed" in names
    assert "hubkit/reporters/report.schema.json" in names
    pages = (
        path for path in (ROOT / "hubkit").rglob("*") if path.suffix in (".jinja", ".css", ".js")
    )
    assert {path.relative_to(ROOT).as_posix() for path in pages} <= names
    templates = {
        f"hubkit/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    assert templates
    assert templates <= names
    assert not {name for name in names if name.startswith(("tests/", "templates/"))}


@pytest.mark.slow
def test_the_wheel_scaffolds_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import hubkit;"
        f"assert hubkit.__file__.startswith({str(site)!r});"
        "from hubkit.cli import main; main()"
    )
    subprocess.run(
        [sys.executable, "-c", code, "init", "my-net", "--defaults"], check=True, cwd=tmp_path
    )
    assert (tmp_path / "my-net" / "hubconf.py").is_file()


def test_extras_that_bring_torch_bring_numpy() -> None:
    """Without numpy, torch warns when it is imported."""
    project = read_toml(ROOT / "pyproject.toml")["project"]
    for name, requirements in project["optional-dependencies"].items():
        brought = {re.split(r"[>=\[]", one)[0] for one in requirements}
        assert "torch" not in brought or "numpy" in brought, name


def test_no_text_sends_people_to_an_unrelated_package() -> None:
    """Nor to torch-hubkit on an index, which does not have it: only to an address of it."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    wrong = re.compile(r"""pip install (-\S+ )*["'\\]*(hubkit|torch-hubkit(?!(\[\w+\])? @ ))""")
    offenders = [
        name
        for name in tracked
        if not name.startswith("tests/")
        and wrong.search((ROOT / name).read_text("utf-8", errors="replace"))
    ]
    assert not offenders
