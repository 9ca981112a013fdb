"""The child's side of the checks for which cleanliness is the point.

Repo code runs here as ``torch.hub`` runs it: the root first on ``sys.path``, hubconf as a module
that nobody registers. Questions and answers are what JSON can hold.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, convert

from hubkit.runtime.sandbox import (
    Policy,
    find_changes,
    guarded_network,
    isolate_network,
    kept_state,
    save_state,
)
from pytest_hubkit.cases import describe_call, untrained_arguments
from pytest_hubkit.checks.registry import NotApplicableError
from pytest_hubkit.child_cases import PeakMemory, look_at_model
from pytest_hubkit.child_errors import describe_error
from pytest_hubkit.prints import Prints
from pytest_hubkit.seeds import draw, set_seed
from pytest_hubkit.watch import WITH_TORCH, ImportWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from hubkit.runtime.sandbox import Guard

Json = dict[str, Any]


class Question(Struct, frozen=True):
    """What a child is asked, and whether it has no network."""

    question: Json
    isolated: bool


def serve(message: object) -> Json:
    """Reply to a question."""
    asked = convert(message, Question)
    if asked.isolated:
        # Before anything starts a second thread.
        isolate_network()
    return load_all(asked.question)


def load_all(question: Json) -> Json:
    """Import a hubconf and call its entrypoints without weights.

    Args:
        question: ``root``; ``cases``, a list of ``label``, ``name``, ``call``, ``untrained``, ``dims``,
            ``run`` (a current folder in which to run it, or "") and ``inputs`` (a file, or None); ``everything`` and ``loopback``, what may be reached;
            ``seed``; ``preload``, modules of others to import first; ``again``, whether hubconf is
            executed a second time; ``without``, a folder that is to be off ``sys.path``, or "";
            ``decoy``, a folder whose hubconf is loaded first, or ""; and ``watch``, None or a table
            of what may be imported (``allowed``) and whether other optional modules are hidden
            (``hide``).

    Returns:
        What `pytest_hubkit.replies.read_reply` reads.
    """
    _forget(question["without"])
    if question["decoy"]:
        _load_decoy(Path(question["decoy"]))
    _preload(question["preload"])
    root = Path(question["root"])
    sys.path.insert(0, str(root))
    watch = _watch(question, root)
    answer: Json = {"failure": None, "again": None, "effects": {}, "cases": {}, "undeclared": []}
    guard: Guard | None = None
    who = "importing hubconf.py"
    try:
        with _effects(answer, question["seed"]), _network(question, who) as guard:
            module = _execute(root)
    except BaseException as error:  # noqa: BLE001
        answer["failure"] = describe_error(error, root, guard.evidence if guard else ())
    else:
        if question["again"]:
            answer["again"] = _execute_again(question)
        # What is there by now stays: collecting garbage need not look at it for each case.
        gc.freeze()
        for case in question["cases"]:
            watch.entrypoint = case["label"]
            with kept_state():
                answer["cases"][case["label"]] = _call(module, case, question)
    answer["undeclared"] = [found.to_json() for found in watch.found.values()]
    return answer


def _execute(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hubconf.py", root / "hubconf.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{root / 'hubconf.py'} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _execute_again(question: Json) -> Json | None:
    """As ``torch.hub`` does for every call: the modules of the repo are there, hubconf is not."""
    root = Path(question["root"])
    try:
        with _network(question, "importing hubconf.py"):
            _execute(root)
    except BaseException as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


def _call(module: ModuleType, case: Json, question: Json) -> Json:
    root, name = Path(question["root"]), case["name"]
    guard: Guard | None = None
    answer: Json = {"failure": None, "skipped": ""}
    peak = PeakMemory()
    if case["untrained"] is False:
        return {**answer, "skipped": "it is declared to need its weights"}
    try:
        function = getattr(module, name)
        arguments = untrained_arguments(function, case["call"], case["untrained"])
        who = describe_call(name, arguments)
        with _effects(answer, question["seed"]), _network(question, who) as guard:
            made = function(**arguments)
    except NotApplicableError as reason:
        answer["skipped"] = str(reason)
    except BaseException as error:  # noqa: BLE001
        answer["failure"] = describe_error(error, root, guard.evidence if guard else ())
    else:
        # torch.hub has taken the repo off the path by the time that the model runs.
        with _network(question, f"{case['label']}'s forward"):
            sys.path[:] = [entry for entry in sys.path if entry != question["root"]]
            answer.update(look_at_model(made, function, case, root))
        answer["memory"] = peak.bytes
    return answer


@contextlib.contextmanager
def _effects(answer: Json, seed: int) -> Iterator[None]:
    """Note what the code inside does to the process."""
    set_seed(seed)
    state = save_state()
    with Prints() as prints:
        yield
    changes = [change.to_json() for change in find_changes(state)]
    answer["effects"] = {"changes": changes, "printed": prints.text, "drawn": draw()}


def _preload(modules: list[str]) -> None:
    """Import modules of others first, so that what these do is not taken for the repo's doing."""
    for name in modules:
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


def _load_decoy(folder: Path) -> None:
    """Load another hub repo first, as ``torch.hub`` would."""
    sys.path.insert(0, str(folder))
    _execute(folder)
    sys.path.remove(str(folder))


def _watch(question: Json, root: Path) -> ImportWatch:
    wanted = question["watch"]
    if wanted is None:
        return ImportWatch(root, frozenset())
    watch = ImportWatch(root, frozenset(wanted["allowed"]) | WITH_TORCH, wanted["hide"])
    watch.start()
    return watch


def _network(question: Json, who: str) -> contextlib.AbstractContextManager[Guard]:
    policy = Policy(question["everything"], question["loopback"])
    return guarded_network(Path(question["root"]), who, policy=policy)


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
