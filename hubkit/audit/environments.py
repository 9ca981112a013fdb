"""Environments for the conformance suite: one for each set of requirements, made when needed.

An environment holds the distributions that the hubconf's `dependencies` name, torch, and what hubkit
and its suite need. hubkit itself is added by path, so that it is the same everywhere. Only wheels are
installed: building a distribution would run its code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.atomic import write_file
from hubkit._util.process import last_lines, run_command
from hubkit.analysis import distribution_name
from hubkit.audit.messages import Environment
from hubkit.hubdir.locks import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.audit.messages import Versions

_MARK = "complete"
_EXTRA = re.compile(r";.*extra\s*==\s*['\"](\w+)['\"]")
_DISTRIBUTION = "torch-hubkit"
_failed: dict[str, Environment] = {}  # by key, in this process


class Installed(Struct, frozen=True):
    """An environment on this machine.

    Attributes:
        fact: What it is, or why it could not be made.
        python: Its interpreter.
        packages: A folder with hubkit, for PYTHONPATH.
    """

    fact: Environment
    python: Path
    packages: Path


def make_environment(
    versions: Versions, dependencies: Iterable[str], *, installs: bool, seconds: float
) -> Installed:
    """Find or make an environment.

    Args:
        versions: Those of Python and torch.
        dependencies: The hubconf's `dependencies`.
        installs: Whether to make one; False takes that of this process.
        seconds: Time to make it.

    Raises:
        FetchError: The hub dir cannot be written.
    """
    if not installs:
        return _own_environment(versions)
    uv = _find_uv()
    requirements = _requirements(versions, dependencies)
    minor = versions.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256("\n".join((minor, sys.platform, *requirements)).encode()).hexdigest()[:16]
    fact = Environment(
        key, versions.python, versions.torch, requirements, "uv" if uv is not None else "venv"
    )
    folder = _root() / key
    if key in _failed:
        return _installed(_failed[key], folder)
    with hold(f"environment {key}", seconds):
        if not (folder / _MARK).is_file():
            fact = _make(fact, folder, minor, uv, seconds)
    return _installed(fact, folder)


def _installed(fact: Environment, folder: Path) -> Installed:
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return Installed(fact, folder / name, _link_packages())


def _root() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("hubkit", appauthor=False) / "environments"


def _own_environment(versions: Versions) -> Installed:
    """That of this process, if it has the versions."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = ""
    key = f"none {versions.python} {versions.torch}".strip()
    fact = Environment(key, versions.python, versions.torch, (), "none")
    wanted = ((versions.python, "Python", own), (versions.torch, "torch", torch))
    for wish, name, found in wanted:
        if wish and not f"{found}.".startswith(f"{wish}."):
            what = f"{name} {found}" if found else f"no {name}"
            fact = replace(fact, reason=f"the worker has {what}, and --no-install installs nothing")
    return Installed(fact, Path(sys.executable), _link_packages())


def _link_packages() -> Path:
    """A folder with hubkit and its plugin, and nothing else of where they are installed."""
    source = Path(__file__).parents[2]
    name = hashlib.sha256(str(source).encode()).hexdigest()[:16]
    folder = _root() / f"hubkit-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for package in ("hubkit", "pytest_hubkit"):
        if not (folder / package).exists():
            with contextlib.suppress(FileExistsError):
                (folder / package).symlink_to(source / package, target_is_directory=True)
    return folder


def _requirements(versions: Versions, dependencies: Iterable[str]) -> tuple[str, ...]:
    own = [
        line.partition(";")[0].strip() if "extra" in line else line
        for line in requires(_DISTRIBUTION) or ()
        if (found := _EXTRA.search(line)) is None or found[1] == "pytest"
    ]
    needed = {distribution_name(name) for name in dependencies} - {"torch"}
    torch = [f"torch=={versions.torch}.*"] if versions.torch else []
    return tuple(sorted({*own, *needed, *torch}))


def _make(
    fact: Environment, folder: Path, minor: str, uv: str | None, seconds: float
) -> Environment:
    """Make an environment; the fact says how long it took, or why it cannot be made."""
    start = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    commands = _uv_commands if uv is not None else _venv_commands
    reason = ""
    steps = commands(uv or "", folder, minor, fact.requirements)
    if not steps:
        reason = f"there is no Python {minor} on this machine; uv would install it"
    for step in steps:
        status, output = run_command(step, folder.parent, os.environ, seconds)
        if status != 0:
            why = "took too long" if status is None else _last_error(output)
            reason = f"{Path(step[0]).name} {' '.join(step[1:4])}: {why}"
            break
    fact = replace(fact, reason=reason or None, seconds=time.monotonic() - start)
    if reason:
        shutil.rmtree(folder, ignore_errors=True)
        _failed[fact.environment] = fact
    else:
        write_file(folder / _MARK, "\n".join(fact.requirements))
    return fact


def _last_error(output: str) -> str:
    lines = last_lines(output).splitlines()
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["failed"])[-1].strip()


def _uv_commands(uv: str, folder: Path, minor: str, requirements: Sequence[str]) -> list[list[str]]:
    install = [uv, "pip", "install", "--quiet", "--only-binary", ":all:"]
    return [
        [uv, "venv", "--quiet", "--python", minor, str(folder)],
        [*install, "--python", str(folder), *requirements],
    ]


def _venv_commands(
    _uv: str, folder: Path, minor: str, requirements: Sequence[str]
) -> list[list[str]]:
    python = _find_python(minor)
    if python is None:
        return []
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    install = [str(folder / name), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    return [[python, "-m", "venv", str(folder)], [*install, *requirements]]


def _find_uv() -> str | None:
    """Uv on PATH, or where hubkit is installed."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def _find_python(minor: str) -> str | None:
    """An interpreter of a version: this one, one on PATH, or one that pyenv has."""
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{minor}")
    if found is not None and "shims" not in Path(found).parts:
        return found
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    names = sorted(versions.glob(f"{minor}.*/bin/python"), key=lambda path: len(path.parts[-3]))
    return str(names[-1]) if names else None
