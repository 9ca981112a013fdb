"""Build models and load their weights, in a child process without a network.

`hubkit.scaffold.trial` starts it.
"""

from __future__ import annotations

import ast
import re
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, convert
from msgspec.structs import replace

from hubkit.runtime.sandbox import Attempt, guarded_network, isolate_network, kept_state
from hubkit.scaffold.fitting import Fit, find_fit, is_determined
from hubkit.scaffold.trial import TrialModel, TrialReply, TrialRequest, TrialResult
from hubkit.torchhub import STATE_DICT_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hubkit.scaffold.fitting import Arguments, Shapes

_MOST_LAYERS = 2  # wrappers whose names may be in front of those of the model
_DEVICE = re.compile(r"\b(?:CUDA|NVIDIA|nvcc|cudnn)", re.IGNORECASE)
_MOST_OTHERS = 8  # files that a model may load in place of the one that it loads
# Share of a checkpoint's names that a model must have before arguments are searched for it.
_RELATED = 0.5


class _Weights(Struct, frozen=True):
    """Shapes that may be those of a model: a mapping in a file, without a prefix of its names."""

    path: str
    key: str
    prefix: str
    shapes: dict[str, tuple[int, ...]]


def main(message: object) -> TrialReply:
    """Try the models of a request one after the other.

    Args:
        message: A `TrialRequest`.
    """
    request = convert(message, TrialRequest)
    sys.dont_write_bytecode = True
    # Before anything starts a second thread.
    isolate_network()
    deadline = time.monotonic() + request.seconds
    results: list[TrialResult] = []
    attempts: list[Attempt] = []
    who, why = "the repo's code", "this process is offline"
    with guarded_network(Path(request.root), who, attempts, reason=why):
        read = {path: _try_weights(request.root, path) for path in request.files}
        weights = [one for found in read.values() if not isinstance(found, str) for one in found]
        for model in request.models:
            taken = {one.path for one in results}
            named = {path for one in request.models for path in one.weights}
            free = [w for w in weights if w.path not in taken | named or w.path in model.weights]
            attempts.clear()
            with kept_state():
                result = _Trial(request.root, model, deadline).run(free)
            if result.state == "fails" and attempts:
                reason = f"building it downloads {attempts[0].target}"
                result = replace(result, state="unknown", reason=reason)
            results.append(result)
    unreadable = {path: found for path, found in read.items() if isinstance(found, str)}
    return TrialReply(tuple(results), unreadable, {w.path: w.key for w in reversed(weights)})


class _Trial:
    """The trial of one model."""

    def __init__(self, root: str, model: TrialModel, deadline: float) -> None:
        self.root, self.model, self.deadline = root, model, deadline
        self.make: Callable[..., Any] = lambda: None
        self.has_meta = True
        self.error: BaseException | None = None

    def run(self, weights: list[_Weights]) -> TrialResult:
        """Build the model, and find the weights that it loads."""
        blank = TrialResult(self.model.name)
        if self.is_over():
            return replace(blank, reason="there was no time left to build it")
        try:
            self.make = _import_builder(self.root, self.model)
        except BaseException as error:  # noqa: BLE001 - repo code may even exit
            return _failed(blank, error, "importing it")
        starts = [_literals(one) for one in self.model.starts]
        base, shapes = self._build_first(starts)
        if base is None:
            return _failed(blank, self.error, "building it")
        found = replace(blank, state="builds", arguments=_sources(base), tensors=len(shapes))
        own = [one for one in weights if one.path in self.model.weights]
        miss: tuple[_Weights, Fit] | None = None
        for one in sorted(own or weights, key=partial(_strangeness, shapes)):
            if one not in own and _strangeness(shapes, one) > 1 - _RELATED:
                continue
            fit = find_fit(self.build, one.shapes, [base, *starts], self.is_over)
            if fit.arguments is not None and not fit.differences:
                loaded = self._load(found, one, fit.arguments)
                return replace(loaded, others=self._find_others(one, fit.arguments, weights))
            if one in own and (miss is None or fit.differences < miss[1].differences):
                miss = one, fit
        if miss is not None:
            place = f"{miss[0].path}: {miss[1].difference}"
            return replace(found, state="unknown", reason=place, misfit=miss[0].path)
        return found

    def _find_others(
        self, loaded: _Weights, arguments: Arguments, weights: list[_Weights]
    ) -> dict[str, str]:
        """Other files that the model can load, and the arguments that this takes if they differ."""
        shapes, found = loaded.shapes, dict[str, str]()
        near = [one for one in weights if _strangeness(shapes, one) <= 1 - _RELATED]
        for one in near[:_MOST_OTHERS]:
            if one.path == loaded.path or one.path in found:
                continue
            fit = find_fit(self.build, one.shapes, [arguments], self.is_over)
            if fit.arguments is not None and not fit.differences:
                changed = {n: v for n, v in fit.arguments.items() if v != arguments.get(n)}
                found[one.path] = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return found

    def _build_first(self, starts: list[Arguments]) -> tuple[Arguments | None, Shapes]:
        for start in starts:
            shapes = self.build(start)
            if not isinstance(shapes, str):
                return start, shapes
        return None, {}

    def build(self, arguments: Arguments) -> Shapes | str:
        """The shapes of the model; without memory for its weights where its code allows that."""
        made = self._try_build(arguments, on_meta=True) if self.has_meta else None
        if not isinstance(made, dict):
            made = self._try_build(arguments, on_meta=False)
            self.has_meta = self.has_meta and not isinstance(made, dict)
        if isinstance(made, dict):
            return made
        self.error = self.error or made
        return _one_line(made)

    def _try_build(
        self, arguments: Arguments, *, on_meta: bool
    ) -> dict[str, tuple[int, ...]] | BaseException:
        import torch

        try:
            with torch.device("meta") if on_meta else nullcontext():
                return _shapes_of(self.make(**arguments))
        except BaseException as error:  # noqa: BLE001 - repo code may even exit
            return error

    def _load(self, found: TrialResult, weights: _Weights, arguments: Arguments) -> TrialResult:
        """Load weights that fit, as the entrypoint will do."""
        loose = [n for n in self.model.lacking if not is_determined(self.build, arguments, n)]
        if loose:
            reason = f"it requires `{loose[0]}`, which neither the repo nor {weights.path} shows"
            return replace(found, state="fails", reason=reason)
        try:
            state = _read_states(self.root, weights.path)[weights.key]
            length = len(weights.prefix)
            state = {n[length:]: v for n, v in state.items() if n.startswith(weights.prefix)}
            self.make(**arguments).load_state_dict(state)
        except BaseException as error:  # noqa: BLE001 - repo code may even exit
            return _failed(found, error, f"loading {weights.path}")
        return replace(
            found,
            state="loads",
            arguments=_sources(arguments),
            path=weights.path,
            key=weights.key,
            prefix=weights.prefix,
        )

    def is_over(self) -> bool:
        return time.monotonic() > self.deadline


def _import_builder(root: str, model: TrialModel) -> Callable[..., Any]:
    """Import the model as the hubconf will do; returns a function of its arguments by name."""
    names: dict[str, Any] = {"__file__": str(Path(root, "hubconf.py")), "__name__": "hubconf"}
    sys.path.insert(0, root)
    exec(compile(model.imports, "hubconf.py", "exec"), names)  # noqa: S102 - what init will write
    made, config = names[model.builder], names.get(model.config)

    def make(**arguments: Any) -> Any:  # noqa: ANN401 - as the model takes them
        if config is not None:
            return made(config(**arguments))
        by_position = [arguments.pop(name) for name in model.by_position if name in arguments]
        return made(*by_position, **arguments)

    return make


def _shapes_of(made: object) -> dict[str, tuple[int, ...]]:
    import torch

    if not isinstance(made, torch.nn.Module):
        raise TypeError(f"it returns a {type(made).__name__}, not an nn.Module")
    return _tensor_shapes(made.state_dict())


def _tensor_shapes(state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(one.shape) for name, one in state.items() if hasattr(one, "shape")}


def _try_weights(root: str, path: str) -> list[_Weights] | str:
    try:
        return _read_weights(root, path)
    except Exception as error:  # noqa: BLE001 - whatever torch raises for damaged files
        return _one_line(error)


def _read_weights(root: str, path: str) -> list[_Weights]:
    """What a model could load from a file."""
    found = []
    for key, state in _read_states(root, path).items():
        shapes = _tensor_shapes(state)
        for prefix in _prefixes(shapes):
            inner = {n[len(prefix) :]: s for n, s in shapes.items() if n.startswith(prefix)}
            found.append(_Weights(path, key, prefix, inner))
    if not found:
        raise ValueError("it contains no state dict")
    return found


def _read_states(root: str, path: str) -> dict[str, Mapping[str, Any]]:
    """The state dicts in a file by their keys, those to prefer first; "" is the file itself."""
    import torch

    place = Path(root, path)
    if path.lower().endswith(".safetensors"):
        from safetensors.torch import load_file

        return {"": load_file(place)}
    is_zip = place.open("rb").read(4) == b"PK\x03\x04"
    value = torch.load(place, map_location="cpu", weights_only=True, mmap=is_zip or None)
    if _is_state(value):
        return {"": value}
    inner = {k: v for k, v in value.items() if _is_state(v)} if isinstance(value, dict) else {}
    keys = STATE_DICT_KEYS
    order = sorted(inner, key=lambda key: keys.index(key) if key in keys else len(keys))
    return {key: inner[key] for key in order if isinstance(key, str)}


def _is_state(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    named = [name for name, one in value.items() if isinstance(name, str) and hasattr(one, "shape")]
    return 2 * len(named) > len(value)


def _prefixes(shapes: Shapes) -> Iterator[str]:
    """What DataParallel, Lightning and the like put in front of most names; "" comes first."""
    prefix = ""
    yield prefix
    for _ in range(_MOST_LAYERS):
        inner = [name[len(prefix) :] for name in shapes if name.startswith(prefix)]
        first = inner[0].partition(".")[0] if inner else ""
        if not first or sum(one.startswith(f"{first}.") for one in inner) <= len(inner) / 2:
            return
        prefix += f"{first}."
        yield prefix


def _strangeness(shapes: Shapes, weights: _Weights) -> float:
    """The share of the names of a checkpoint and a model that only one of them has."""
    both = len(shapes.keys() & weights.shapes.keys())
    return 1 - both / (len(shapes.keys() | weights.shapes.keys()) or 1)


def _failed(result: TrialResult, error: BaseException | None, doing: str) -> TrialResult:
    """The result for an error; a missing package or GPU does not show that the model fails."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return replace(result, state="unknown", reason=f"`{error.name}` is not installed")
    text = _one_line(error)
    state: Literal["fails", "unknown"] = "unknown" if _DEVICE.search(text) else "fails"
    return replace(result, state=state, reason=f"{doing} raises {text}")


def _one_line(error: BaseException | None) -> str:
    try:
        message = str(error)
        rejected = re.search(r"WeightsUnpickler error: ([^\n]+)", message)
        if rejected:
            return f"weights_only=True rejects it: {rejected[1].strip().rstrip('.')}"
        if message.startswith("Weights only load failed"):
            return "it is not a checkpoint of torch"
        text = " ".join(message.split())
    except Exception:  # noqa: BLE001 - of a class in the repo
        text = ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _literals(sources: Mapping[str, str]) -> Arguments:
    return {name: ast.literal_eval(source) for name, source in sources.items()}


def _sources(arguments: Arguments) -> dict[str, str]:
    return {name: repr(value) for name, value in arguments.items()}
