"""Level 3: other forms of the model. They take seconds each, so they run only when asked for."""

from __future__ import annotations

import importlib.util
import io
import shutil
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.comparing import find_difference
from pytest_hubkit.forwards import evaluating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_hubkit.subject import Subject

_RAN = ("C101", "C106", "C201")
_CLOSE = 1e-3


@check("C311", "export", level=3, required=False, requires=_RAN, slow=True)
def export(subject: Subject) -> Iterator[Failure]:
    """`torch.export` takes the model, and what it makes gives the same.

    Exported programs are what mobile, server and compiler tool chains start from. Control flow
    that depends on data stands in the way.

    Run with ``--hubconf-slow``. Use ``torch.where`` and ``torch.cond``.
    """
    import torch

    def transform(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        return torch.export.export(model, args, kwargs, strict=False).module()

    yield from _transformed(subject, "torch.export", transform)


@check("C312", "compile-script-onnx", level=3, required=False, requires=_RAN, slow=True)
def other_forms(subject: Subject) -> Iterator[Failure]:
    """`torch.compile`, TorchScript and ONNX take the model.

    Each is tried where its tool chain is there: a C++ compiler for ``torch.compile``, the packages
    ``onnx`` and ``onnxscript`` for ONNX.

    Run with ``--hubconf-slow``.
    """
    import torch

    if shutil.which("c++") or shutil.which("g++"):
        yield from _transformed(subject, "torch.compile", lambda model, *_: torch.compile(model))
    yield from _transformed(subject, "TorchScript", lambda model, *_: torch.jit.script(model))
    if importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxscript"):
        yield from _transformed(subject, "ONNX", _to_onnx)


def _to_onnx(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ANN401
    import torch

    stream: Any = io.BytesIO()
    torch.onnx.export(model, args, stream, kwargs=kwargs, dynamo=False)


def _transformed(subject: Subject, what: str, transform: Callable[..., Any]) -> Iterator[Failure]:
    import torch

    first, model = subject.first, subject.module
    if model is not subject.runnable:
        raise NotApplicableError("it is no nn.Module")
    try:
        with (
            evaluating(model),
            torch.no_grad(),
            subject.running(),
            subject.conformance.loaded.active(),
        ):
            made = transform(model, first.inputs.args, first.inputs.kwargs)
            if made is None:
                return
            again = made(*first.inputs.args, **first.inputs.kwargs)
    except Exception as error:  # noqa: BLE001 - compilers raise all sorts of things
        said = str(error).strip().splitlines()
        yield Failure(
            f"{what} does not take {subject.label}: {type(error).__name__}: {said[0] if said else ''}",
            location=subject.location,
        )
        return
    seen = find_difference(first.output, again, _CLOSE)
    if seen:
        yield Failure(
            f"What {what} makes of {subject.label} gives other results.",
            (seen,),
            location=subject.location,
        )
