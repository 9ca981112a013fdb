"""``hubkit audit --conform``: only trusted code runs, without the user's home and tokens."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.audit.conform import join_runs, run_suite
from hubkit.audit.environments import make_environment
from hubkit.audit.messages import Bounds, Settings, Versions
from tests.warm import run_python

if TYPE_CHECKING:
    from tests.audit.hub import Hub

pytestmark = [pytest.mark.slow, pytest.mark.torch]
HUBCONF = '''dependencies = ["torch"]
import os, pathlib

pathlib.Path({proof!r}).write_text(repr(sorted(os.environ)) + os.path.expanduser("~"))


def net(pretrained=False):
    """A net.

    Args:
        pretrained: There are no weights.
    """
    import torch

    return torch.nn.Linear(4, 2)
'''


def test_only_trusted_code_runs_and_it_does_not_see_the_home(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    proofs = {name: hub.folder / f"{name}.txt" for name in ("good", "bad")}
    for name, proof in proofs.items():
        hub.publish(name, {"hubconf.py": HUBCONF.format(proof=str(proof))})
    cells = ("--python", "3.1", "--torch", "2", "--python", "3")
    options = ("--conform", "1", "--trust", "acme/go*", "--no-install", *cells)
    hub.audit("acme/good", "acme/bad", *options, code=1)
    assert not proofs["bad"].exists()
    seen = proofs["good"].read_text()
    assert "GITHUB_TOKEN" not in seen
    assert not seen.endswith(str(hub.folder / "home"))

    rows = hub.query("SELECT spec, python, state, level FROM matrix ORDER BY ALL")
    assert rows == [("acme/good", "3", "passed", 1), ("acme/good", "3.1", "no environment", None)]
    checks = hub.query("SELECT outcome, count(*) > 3 FROM checks GROUP BY 1")
    assert ("passed", True) in checks
    again = hub.audit("acme/good", "acme/bad", *options, code=1)
    assert again["states"] == {"unchanged": 2}
    trusted = hub.audit("acme/bad", *options, "--trust", "*", code=1)
    assert trusted["states"] == {"checked": 1}
    assert proofs["bad"].exists()


MANY = """dependencies = ["torch"]
import torch


def _net(pretrained=False):
    return torch.nn.Linear(4, 2)


one = _net
two = _net


def three(pretrained=False):
    raise ValueError("broken")


four = five = _net
"""
WRITER = """import pathlib

for number in range(9):
    pathlib.Path(str(number)).write_bytes(bytes(10**7))


def net(pretrained=False):
    return None
"""


def test_shards_are_joined_to_what_conform_says_and_writing_is_limited(hub: Hub) -> None:
    hub.publish("many", {"hubconf.py": MANY})
    hub.publish("writer", {"hubconf.py": WRITER})
    hub.audit(
        "acme/many", "acme/writer", "--conform", "1", "--trust", "*", "--no-install",
        "--shard-size", "3", "--disk", "50M", code=1,
    )  # fmt: skip
    rows = hub.query("SELECT spec, state, reason, level FROM matrix ORDER BY 1")
    assert rows == [
        ("acme/many", "failed", None, 0),
        ("acme/writer", "out of disk", "wrote more than 50.0 MB", None),
    ]
    report = hub.folder / "report.json"
    command = ("-m", "hubkit", "conform", "work/many", "--level", "1", "--report", str(report))
    run_python(*command, cwd=hub.folder)
    document = json.loads(report.read_text())
    expected = [
        (case["entrypoint"], one["code"], one["outcome"])
        for case in (document["whole"], *document["entrypoints"])
        for one in case["checks"]
    ]
    found = hub.query("SELECT entrypoint, code, outcome FROM checks")
    assert sorted(found) == sorted(expected)
    cases = [(one["entrypoint"], one["level"]) for one in document["entrypoints"]]
    assert sorted(hub.query("SELECT entrypoint, level FROM cases")) == sorted(cases)


class Wheels:
    """A folder of wheels: an index for pip and uv.

    They have the names and versions of what is installed here. Those that the suite needs make the
    packages of this environment importable, in place of their files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        site = str(Path(pytest.__file__).parents[1])
        for line in metadata.requires("torch-hubkit") or ():
            found = re.match(r"[\w-]+", line)
            if found and ("extra" not in line or "'pytest'" in line):
                with contextlib.suppress(metadata.PackageNotFoundError):
                    self.add(found[0], metadata.version(found[0]), borrowed=site)

    def add(self, name: str, version: str, *, borrowed: str = "") -> None:
        """Add a wheel that contains a module of its name, or makes a folder importable."""
        stem = name.lower().replace("-", "_")
        info = f"{stem}-{version}.dist-info"
        files = {
            f"{stem}.pth" if borrowed else f"{stem}.py": borrowed + "\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
        wheel = self.folder / f"{stem}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in {**files, f"{info}/RECORD": record}.items():
                archive.writestr(path, text)


NEEDY = """dependencies = ["torch", "needed"]
import needed, torch


def net(pretrained=False):
    'A net.'
    return torch.nn.Linear(4, 2)
"""


def test_an_environment_is_made_once_for_equal_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = Wheels(tmp_path / "wheels")
    wheels.add("needed", "1.0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP", "UV"):
        monkeypatch.setenv(f"{name}_NO_INDEX", "1")
        monkeypatch.setenv(f"{name}_FIND_LINKS", str(wheels.folder))
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "hubconf.py").write_text(NEEDY)
    settings = Settings(level=1, matrix=(Versions(),))
    (run,) = run_suite(repo, ("torch", "needed"), settings, Bounds())
    assert (run.cell.state, run.cell.reason) == ("passed", None)
    (cell,) = join_runs([(run,)], 1)
    assert (cell.cell.state, cell.cell.level) == ("passed", 1)
    made = run.environment
    assert made.tool == ("venv" if shutil.which("uv") is None else "uv")
    assert {"needed", "torch>=2.1"} <= set(made.requirements)
    assert made.seconds > 0

    same = make_environment(Versions(), ["needed", "torch"], installs=True, seconds=600)
    assert (same.fact.environment, same.fact.seconds) == (made.environment, 0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--conform", "1"), "it requires --trust"),
        (("--torch", "2.13"), "--torch requires --conform"),
        (("--select", "HUB9999"), "Unknown rule: HUB9999"),
        (("--conform", "1", "--trust", "*", "--torch", "new"), "'new' is not a version"),
    ],
)
def test_options_that_make_no_sense_are_rejected(
    hub: Hub, options: tuple[str, ...], text: str
) -> None:
    assert text in hub.audit("acme/good", *options, code=2)["stderr"]


def test_an_environment_that_cannot_be_made_is_named(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip and uv find no distribution, so the environment lacks its packages."""
    for name in ("PIP_NO_INDEX", "UV_OFFLINE", "UV_NO_CACHE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(hub.folder / "cache"))
    hub.audit("acme/good", "--conform", "1", "--trust", "*", "--python", "3.0", code=1)
    ((state, reason),) = hub.query("SELECT state, reason FROM matrix")
    assert state == "no environment"
    assert "3.0" in reason
    assert hub.query("SELECT tool, reason IS NULL FROM environments") in (
        [("venv", False)],
        [("uv", False)],
    )
