"""The child's side of the checks for which cleanliness is the point.

Repo code runs here as ``torch.hub`` runs it: the root first on ``sys.path``, hubconf as a module
that nobody registers. Questions and answers are what JSON can hold.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_hubkit.cases import describe_call, untrained_arguments
from pytest_hubkit.checks.registry import NotApplicableError
from pytest_hubkit.network import denied_network
from pytest_hubkit.watch import WITH_TORCH, ImportWatch

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_hubkit.network import Attempt

Json = dict[str, Any]


def load_all(question: Json) -> Json:
    """Import a hubconf and call its entrypoints without weights.

    Args:
        question: ``root``; ``entrypoints``, a list of ``label``, ``name``, ``call`` and
            ``untrained``; ``network``, "deny" or "allow"; ``without``, a folder that is to be off
            ``sys.path``, or ""; and ``watch``, None or a table of what may be imported
            (``allowed``) and whether other optional modules are hidden (``hide``).

    Returns:
        ``failure`` of the import or None; ``entrypoints``, by label a table with ``failure`` or
        ``skipped``; ``undeclared`` imports.
    """
    root = Path(question["root"])
    _forget(question["without"])
    sys.path.insert(0, str(root))
    watch = _watch(question, root)
    answer: Json = {"failure": None, "entrypoints": {}, "undeclared": []}
    try:
        with _network(question, root, "importing hubconf.py", []):
            module = _execute(root)
    except BaseException as error:  # noqa: BLE001
        answer["failure"] = _describe(error, root)
    else:
        for entrypoint in question["entrypoints"]:
            watch.entrypoint = entrypoint["label"]
            answer["entrypoints"][entrypoint["label"]] = _call(module, entrypoint, question)
    answer["undeclared"] = [found.to_json() for found in watch.found.values()]
    return answer


def _execute(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hubconf.py", root / "hubconf.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{root / 'hubconf.py'} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _call(module: ModuleType, entrypoint: Json, question: Json) -> Json:
    root, name = Path(question["root"]), entrypoint["name"]
    attempts: list[Attempt] = []
    try:
        function = getattr(module, name)
        arguments = untrained_arguments(function, entrypoint["call"], entrypoint["untrained"])
        with _network(question, root, describe_call(name, arguments), attempts):
            function(**arguments)
    except NotApplicableError as reason:
        return {"failure": None, "skipped": str(reason)}
    except BaseException as error:  # noqa: BLE001
        targets = [attempt.target for attempt in attempts]
        return {"failure": _describe(error, root, targets), "skipped": ""}
    return {"failure": None, "skipped": ""}


def _watch(question: Json, root: Path) -> ImportWatch:
    wanted = question["watch"]
    if wanted is None:
        return ImportWatch(root, frozenset())
    watch = ImportWatch(root, frozenset(wanted["allowed"]) | WITH_TORCH, wanted["hide"])
    watch.start()
    return watch


def _network(
    question: Json, root: Path, who: str, attempts: list[Attempt]
) -> contextlib.AbstractContextManager[object]:
    if question["network"] == "allow":
        return contextlib.nullcontext()
    return denied_network(root, who, attempts)


def _forget(folder: str) -> None:
    """Take a work tree off the path by which an editable install put it there."""
    if not folder:
        return
    inside = Path(folder)

    def is_inside(entry: str) -> bool:
        path = Path(entry).resolve()
        return path.is_relative_to(inside) and "site-packages" not in path.parts

    sys.path[:] = [entry for entry in sys.path if not is_inside(entry)]
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not any(map(is_inside, _editable_places(finder)))
    ]


def _editable_places(finder: object) -> list[str]:
    """Folders that a finder of setuptools' editable installs maps packages to."""
    module = sys.modules.get(getattr(finder, "__module__", ""))
    mapping = getattr(module, "MAPPING", {})
    return [str(place) for place in mapping.values()] if isinstance(mapping, dict) else []


def _missing_module(error: ImportError) -> str | None:
    """The module that was looked for; for ``from package import module`` the latter."""
    match = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    return f"{match[2]}.{match[1]}" if match else error.name


def _describe(error: BaseException, root: Path, attempts: list[str] | None = None) -> Json:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(f"{root}/")]
    summary = traceback.TracebackException.from_exception(error)
    for frame, kept in enumerate(summary.stack):
        if kept.filename.startswith(f"{root}/"):
            del summary.stack[:frame]
            break
    return {
        "type": type(error).__name__,
        "message": str(error),
        "module": _missing_module(error) if isinstance(error, ImportError) else None,
        "file": str(error.filename) if isinstance(error, OSError) and error.filename else None,
        "path": own[-1].filename[len(str(root)) + 1 :] if own else "",
        "line": own[-1].lineno if own else 0,
        "code": own[-1].line if own else "",
        "traceback": "".join(summary.format()),
        "attempts": attempts or [],
    }
