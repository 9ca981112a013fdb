"""What a child process looks at in a model that it has built."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.config import EntrypointConfig
from pytest_hubkit.cases import Case
from pytest_hubkit.child_errors import describe_error
from pytest_hubkit.inputs import Inputs, find_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, Any]


def look_at_model(made: Any, function: Any, case: Json, root: Path) -> Json:  # noqa: ANN401
    """What it is, whether it can be pickled and how runs go.

    Args:
        made: What the entrypoint gave.
        function: The entrypoint.
        case: The case that was called.
        root: The repo's folder.
    """
    if "torch" not in sys.modules:
        return {}
    from pytest_hubkit.fingerprints import fingerprints
    from pytest_hubkit.forwards import find_module

    module = find_module(made)
    answer: Json = {}
    if module is not None:
        answer["is_module"] = True
        answer["digests"] = fingerprints(module.state_dict().items()) if case["digests"] else {}
        answer["pickling"] = _pickle(module, root) if case["pickle"] else None
    if case["run"]:
        runnable = made if module is None else module
        answer.update(_run_all(runnable, _inputs(runnable, function, case), root, case["run"]))
    return answer


def _inputs(runnable: Any, function: Any, case: Json) -> Iterator[Inputs]:  # noqa: ANN401
    """What to feed: what the parent has written a moment ago, else the guesses it makes too."""
    import torch

    from pytest_hubkit.guesses import guess_inputs

    if case["inputs"]:
        args, kwargs = torch.load(case["inputs"], weights_only=False)
        yield Inputs(args, kwargs, "")
        return
    known = Case(case["name"], EntrypointConfig(dims=case["dims"]))
    found = list(find_known(runnable, function, known))
    yield from found
    if not found and isinstance(runnable, torch.nn.Module):
        yield from guess_inputs(runnable, case["dims"])


def _pickle(module: Any, root: Path) -> Json | None:  # noqa: ANN401
    try:
        _Weightless(io.BytesIO()).dump(module)
    except Exception as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


class _Weightless(pickle.Pickler):
    """Pickles all but numbers: tensors that are nothing more can be pickled, and take long."""

    def persistent_id(self, value: Any) -> str | None:  # noqa: ANN401
        import torch

        plain = type(value) in (torch.Tensor, torch.nn.Parameter) and value.is_leaf
        return "tensor" if plain and not (vars(value) or value._backward_hooks) else None  # noqa: SLF001


def _run_all(runnable: Any, inputs: Iterable[Inputs], root: Path, cwd: str) -> Json:  # noqa: ANN401
    """Run it in another current folder, on the first input that it takes."""
    before, runs = dict(_stamps(root)), list[Json]()
    Path(cwd).mkdir(exist_ok=True)
    old = Path.cwd()
    os.chdir(cwd)
    try:
        for one in inputs:
            runs.append({"input": one.provenance, "failure": _run(runnable, one, root)})
            if runs[-1]["failure"] is None:
                break
    finally:
        os.chdir(old)
    written = [path for path, stamp in _stamps(root) if before.get(path) != stamp]
    return {"runs": runs, "written": written}


def _run(runnable: Any, inputs: Inputs, root: Path) -> Json | None:  # noqa: ANN401
    import torch

    from pytest_hubkit.forwards import evaluating

    try:
        with evaluating(runnable), torch.inference_mode():
            runnable(*inputs.args, **inputs.kwargs)
    except Exception as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


class PeakMemory:
    """The most memory that this process has had in use since this was made, where Linux tells."""

    def __init__(self) -> None:
        self._start = 0
        _give_back()
        try:
            Path("/proc/self/clear_refs").write_text("5", "ascii")
            self._start = _status("VmRSS")
        except OSError:
            pass

    @property
    def bytes(self) -> int:
        """How much beyond what was in use then; 0 if unknown."""
        return max(0, _status("VmHWM") - self._start) if self._start else 0


def _give_back() -> None:
    """Let the system have what earlier models left, which the next one would use unseen."""
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
