"""What a child process looks at in a model that it has built."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_hubkit.child_errors import describe_error

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


def look_at_model(made: Any, case: Json, root: Path) -> Json:  # noqa: ANN401
    """Checksums of its weights, whether it can be pickled and, with input, how a run goes.

    Args:
        made: What the entrypoint gave.
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
        answer["digests"] = fingerprints(module.state_dict().items())
        answer["pickling"] = _pickle(module, root) if case["pickle"] else None
    if case["inputs"]:
        answer.update(_run(module if module is not None else made, case["inputs"], root))
    return answer


def _pickle(module: Any, root: Path) -> Json | None:  # noqa: ANN401
    try:
        pickle.dumps(module)
    except Exception as error:  # noqa: BLE001
        return describe_error(error, root)
    return None


def _run(runnable: Any, inputs: str, root: Path) -> Json:  # noqa: ANN401
    """Run it in another current folder; tell how that went and what it has written to the repo."""
    import torch

    from pytest_hubkit.forwards import evaluating

    # Our own parent has written it a moment ago.
    args, kwargs = torch.load(inputs, weights_only=False)
    before, failure = dict(_stamps(root)), None
    folder = Path(inputs).with_suffix(".cwd")
    folder.mkdir(exist_ok=True)
    old = Path.cwd()
    os.chdir(folder)
    try:
        with evaluating(runnable), torch.inference_mode():
            runnable(*args, **kwargs)
    except Exception as error:  # noqa: BLE001
        failure = describe_error(error, root)
    finally:
        os.chdir(old)
    written = [path for path, stamp in _stamps(root) if before.get(path) != stamp]
    return {"forward": failure, "written": written}


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
