"""The child process that loads a hubconf as ``torch.hub`` does.

The root is first on ``sys.path``, and hubconf is a module that is not registered.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import importlib
import importlib.util
import io
import os
import pickle
import re
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import convert, structs

from hubkit._util.process import report_progress
from hubkit.lazy import import_late
from hubkit.runtime.sandbox import (
    Policy,
    find_changes,
    guarded_network,
    isolate_network,
    kept_state,
    save_state,
    wrap_requests,
)
from pytest_hubkit.capture import Capture
from pytest_hubkit.case import Case, describe_call
from pytest_hubkit.checks.registry import NotApplicableError
from pytest_hubkit.child.imports import WITH_TORCH, ImportWatch, hide_distributions
from pytest_hubkit.child.protocol import (
    CaseReply,
    CaseRequest,
    ChildFailure,
    Effects,
    LoadReply,
    LoadRequest,
    TrainedReply,
    WatchRequest,
)
from pytest_hubkit.inputs import Inputs, find_declared, find_known, guess_inputs
from pytest_hubkit.isolation import PROGRAM, isolated_hub_dir
from pytest_hubkit.seeds import draw, set_seed, watched_seeding
from pytest_hubkit.stored import find_outside, find_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from hubkit.runtime.sandbox import Guard


def load_all(message: object) -> LoadReply:
    """Import a hubconf and call its entrypoints without weights.

    Args:
        message: A `LoadRequest`.
    """
    request = convert(message, LoadRequest)
    if request.policy.denies_all:
        # Before anything starts a second thread.
        isolate_network()
    _remove_from_path(request.without)
    if request.decoy:
        _load_decoy(Path(request.decoy))
    _preload(request.preload)
    hide_distributions(request.own)
    sys.argv = list(PROGRAM)
    root = Path(request.root)
    sys.path.insert(0, str(root))
    watch = _start_watch(request.watch, root)
    reply = _load(request, root, watch)
    return structs.replace(reply, undeclared=tuple(watch.found.values()))


def _load(request: LoadRequest, root: Path, watch: ImportWatch) -> LoadReply:
    guard: Guard | None = None
    observed: list[Effects] = []
    try:
        with (
            _observing(observed, request.seed, root),
            _network(request, "importing hubconf.py") as guard,
        ):
            module = _execute(root)
    except BaseException as error:  # noqa: BLE001
        return LoadReply(describe_error(error, root, guard.evidence if guard else ()))
    again = _execute_again(request) if request.again else None
    # What is there by now stays: the garbage collector can ignore it for each case.
    gc.freeze()
    cases = {}
    for case in request.cases:
        watch.entrypoint = case.label
        report_progress(case.label)
        with kept_state():
            built = _build(module, case, request)
        with kept_state():
            trained = _load_trained(module, case, request) if request.store and case.run else None
        cases[case.label] = structs.replace(built, trained=trained)
    return LoadReply(None, again, observed[0], cases)


def _execute(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hubconf.py", root / "hubconf.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{root / 'hubconf.py'} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _execute_again(request: LoadRequest) -> ChildFailure | None:
    """As ``torch.hub`` does in every call: hubconf runs again, the repo's modules are there."""
    root = Path(request.root)
    try:
        with _network(request, "importing hubconf.py"):
            _execute(root)
    except BaseException as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


def _build(module: ModuleType, case: CaseRequest, request: LoadRequest) -> CaseReply:
    known = Case(case.name, case.config)
    if known.needs_weights:
        return CaseReply(skipped="it cannot be built without weights")
    root = Path(request.root)
    guard: Guard | None = None
    observed: list[Effects] = []
    _warm_up()
    try:
        function = getattr(module, case.name)
        arguments = known.arguments(function)
        who = describe_call(case.name, arguments)
        with _observing(observed, request.seed, root), _network(request, who) as guard:
            peak = PeakMemory()
            made = function(**arguments)
    except NotApplicableError as reason:
        return CaseReply(skipped=str(reason))
    except BaseException as error:  # noqa: BLE001
        return CaseReply(describe_error(error, root, guard.evidence if guard else ()))
    # torch.hub has removed the repo from the path by the time that the model runs.
    with _network(request, f"{case.label}'s forward"):
        sys.path[:] = [entry for entry in sys.path if entry != request.root]
        reply = _inspect(made, function, case, root)
    return structs.replace(reply, effects=observed[0], memory=peak.bytes)


def _load_trained(
    module: ModuleType, case: CaseRequest, request: LoadRequest
) -> TrainedReply | None:
    """Call an entrypoint with weights, from an empty hub dir and a read-only copy of the repo."""
    known, root = Case(case.name, case.config), Path(request.root)
    function = getattr(module, case.name, None)
    arguments = known.trained_arguments(function) if callable(function) else None
    if arguments is None or function is None:
        return None
    wrap_requests()
    who, guard = describe_call(case.name, arguments), None
    set_seed(request.seed)
    failure: ChildFailure | None = None
    digests: dict[str, int] = {}
    outside: tuple[str, ...] = ()
    places: frozenset[Path] = frozenset()
    with tempfile.TemporaryDirectory(prefix="hubkit-home-") as home:
        try:
            with (
                read_only(root) as places,
                isolated_hub_dir(Path(home)),
                _answering(request, case, who) as guard,
            ):
                made = function(**arguments)
        except BaseException as error:  # noqa: BLE001
            failure = describe_error(error, root)
        else:
            digests = _fingerprints_of(made)
            outside = find_outside(find_weights(guard.opened or ()), root, Path(home))
    if guard is None or guard.attempts:
        return None
    # torch.save opens files without telling Python.
    tried = (Path(path) for path, written in (guard.opened or {}).items() if written)
    new = (path for path in sorted(root.rglob("*")) if path not in places)
    written = (path.relative_to(root).as_posix() for path in dict.fromkeys((*tried, *new))
               if path.is_relative_to(root) and "__pycache__" not in path.parts)  # fmt: skip
    return TrainedReply(failure, outside, tuple(written), digests)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[frozenset[Path]]:
    """Make a folder read-only, as shared caches are; yields the folder and all that is in it.

    To root, modes make no difference.

    Args:
        folder: The folder, which is ours to change.
    """
    places = frozenset((folder, *folder.rglob("*")))
    modes = {one: one.stat().st_mode for one in places if not one.is_symlink()}
    try:
        for one, mode in modes.items():
            one.chmod(mode & ~0o222)
        yield places
    finally:
        for one, mode in modes.items():
            one.chmod(mode)


@contextlib.contextmanager
def _answering(request: LoadRequest, case: CaseRequest, who: str) -> Iterator[Guard]:
    """No network, with requests answered by files of this machine."""
    policy, store = Policy(loopback=request.policy.loopback), request.store
    with guarded_network(Path(request.root), who, policy=policy) as guard, Capture():
        digest = case.config.weights.sha256 if case.config.weights else ""
        guard.find_file = None if store is None else functools.partial(store.find, digest=digest)
        guard.opened = {}
        yield guard


def _fingerprints_of(made: Any) -> dict[str, int]:  # noqa: ANN401
    if "torch" not in sys.modules:
        return {}
    from pytest_hubkit.models import find_module
    from pytest_hubkit.tensors import fingerprints

    module = find_module(made)
    return {} if module is None else fingerprints(module.state_dict().items())


@contextlib.contextmanager
def _observing(observed: list[Effects], seed: int, root: Path) -> Iterator[None]:
    """Record what the code inside does to the process, unless it fails."""
    set_seed(seed)
    state = save_state()
    with Capture() as capture, watched_seeding(root) as seeding:
        yield
    observed.append(Effects(find_changes(state), capture.text, draw(), tuple(seeding)))


def _preload(modules: tuple[str, ...]) -> None:
    """Import third-party modules first, so that what they do is not attributed to the repo."""
    for name in modules:
        with contextlib.suppress(BaseException):
            import_late(name)


def _load_decoy(folder: Path) -> None:
    """Load another hub repo first, as ``torch.hub`` would."""
    sys.path.insert(0, str(folder))
    _execute(folder)
    sys.path.remove(str(folder))


def _start_watch(request: WatchRequest | None, root: Path) -> ImportWatch:
    if request is None:
        return ImportWatch(root, frozenset())
    watch = ImportWatch(root, frozenset(request.allowed) | WITH_TORCH, request.hide)
    watch.start()
    return watch


def _network(request: LoadRequest, who: str) -> contextlib.AbstractContextManager[Guard]:
    return guarded_network(Path(request.root), who, policy=request.policy)


def _remove_from_path(folder: str) -> None:
    """Remove a work tree from the path, where an editable install put it."""
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


def describe_error(
    error: BaseException, root: Path, evidence: tuple[str, ...] = ()
) -> ChildFailure:
    """Describe an exception of the repo's code.

    Args:
        error: The exception.
        root: The repo's folder; frames before the first one in it are dropped.
        evidence: What the code tried to reach and started, a line for each.
    """
    frames = traceback.extract_tb(error.__traceback__)
    prefix = f"{root}{os.sep}"
    own = [frame for frame in frames if frame.filename.startswith(prefix)]
    summary = traceback.TracebackException.from_exception(error)
    for frame, kept in enumerate(summary.stack):
        if kept.filename.startswith(prefix):
            del summary.stack[:frame]
            break
    return ChildFailure(
        type=type(error).__name__,
        message=str(error),
        module=_missing_module(error) if isinstance(error, ImportError) else None,
        file=str(error.filename) if isinstance(error, OSError) and error.filename else None,
        path=own[-1].filename[len(prefix) :] if own else "",
        line=own[-1].lineno or 0 if own else 0,
        code=own[-1].line or "" if own else "",
        traceback="".join(summary.format()),
        evidence=evidence,
    )


def _missing_module(error: ImportError) -> str | None:
    """The module that was looked for; for ``from package import module`` the latter."""
    match = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    return f"{match[2]}.{match[1]}" if match else error.name


def _inspect(made: Any, function: Any, case: CaseRequest, root: Path) -> CaseReply:  # noqa: ANN401
    """Find out what an entrypoint returned, whether it can be pickled and whether it runs."""
    if "torch" not in sys.modules:
        return CaseReply()
    from pytest_hubkit.models import find_module, find_runnable
    from pytest_hubkit.tensors import fingerprints

    module = find_module(made)
    reply = CaseReply()
    if module is not None:
        reply = CaseReply(
            is_module=True,
            digests=fingerprints(module.state_dict().items()) if case.digests else {},
            pickling=_pickle(module, root) if case.pickle else None,
        )
    if not case.run:
        return reply
    runnable = find_runnable(made)
    if runnable is None:
        return reply
    runs, written = _run_all(runnable, _inputs(runnable, function, case), root, case.run)
    return structs.replace(reply, runs=runs, written=written)


def _inputs(runnable: Any, function: Any, case: CaseRequest) -> Iterator[Inputs]:  # noqa: ANN401
    """The input that the parent has written, else what is declared, else the guesses."""
    import torch

    if case.inputs:
        args, kwargs = torch.load(case.inputs, weights_only=False)
        yield Inputs(args, kwargs, "")
        return
    known = Case(case.name, case.config)
    declared = find_declared(known)
    if declared is not None:
        yield structs.replace(declared, provenance="")
        return
    found = list(find_known(runnable, function, known))
    yield from found
    if not found and isinstance(runnable, torch.nn.Module):
        yield from guess_inputs(runnable, case.config.dims)


def _pickle(module: Any, root: Path) -> ChildFailure | None:  # noqa: ANN401
    try:
        _Weightless(io.BytesIO()).dump(module)
    except Exception as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


class _Weightless(pickle.Pickler):
    """Pickles everything but plain tensors, which can always be pickled and take long."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        import torch

        # Here, since the method is called for each object.
        self._plain = (torch.Tensor, torch.nn.Parameter)

    def persistent_id(self, value: Any) -> str | None:  # noqa: ANN401
        plain = type(value) in self._plain and value.is_leaf
        return "tensor" if plain and not (vars(value) or value._backward_hooks) else None  # noqa: SLF001


def _run_all(
    runnable: Any,  # noqa: ANN401
    inputs: Iterable[Inputs],
    root: Path,
    cwd: str,
) -> tuple[dict[str, ChildFailure | None], tuple[str, ...]]:
    """Run it in another working directory, on the first input that fits; also what it wrote."""
    before = dict(_stamps(root))
    runs: dict[str, ChildFailure | None] = {}
    Path(cwd).mkdir(exist_ok=True)
    old = Path.cwd()
    os.chdir(cwd)
    try:
        for one in inputs:
            runs[one.provenance] = _run_one(runnable, one, root)
            if runs[one.provenance] is None:
                break
    finally:
        os.chdir(old)
    written = tuple(path for path, stamp in _stamps(root) if before.get(path) != stamp)
    return runs, written


def _run_one(runnable: Any, inputs: Inputs, root: Path) -> ChildFailure | None:  # noqa: ANN401
    """Run on one sample, which is enough to see whether files are found, else on the batch."""
    rows = inputs.batch
    if rows > 1 and _run(runnable, inputs.row(rows - 1), root) is None:
        return None
    return _run(runnable, inputs, root)


def _run(runnable: Any, inputs: Inputs, root: Path) -> ChildFailure | None:  # noqa: ANN401
    from pytest_hubkit.models import evaluating, invoke

    try:
        with evaluating(runnable):
            invoke(runnable, inputs)
    except Exception as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


@functools.cache
def _warm_up() -> None:
    """Let torch allocate what the first model of a process would pay for, if it is imported."""
    if "torch" not in sys.modules:
        return
    import torch

    from pytest_hubkit.models import warm_up
    from pytest_hubkit.tensors import fingerprints

    warm_up()
    file, value = io.BytesIO(), torch.ones(2, device="cpu")
    torch.save(value, file)
    file.seek(0)
    torch.load(file, weights_only=False)
    fingerprints([("", value)])


class PeakMemory:
    """The peak memory of this process since this was created, on Linux."""

    def __init__(self) -> None:
        self._start = 0
        _release_memory()
        try:
            Path("/proc/self/clear_refs").write_text("5", "ascii")
            self._start = _status("VmRSS")
        except OSError:
            pass

    @property
    def bytes(self) -> int:
        """How much more than was in use at the start; 0 if unknown."""
        return max(0, _status("VmHWM") - self._start) if self._start else 0


def _release_memory() -> None:
    """Return the memory of earlier models to the system: the next one would reuse it unnoticed."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _stamps(root: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Size and time of each file of the repo, without what Python itself writes."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".git")]
        for name in files:
            found = os.stat(os.path.join(folder, name), follow_symlinks=False)  # noqa: PTH116, PTH118
            path = Path(folder, name).relative_to(root).as_posix()
            yield path, (found.st_mtime_ns, found.st_size)
