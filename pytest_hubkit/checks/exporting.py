"""Level 3: export and compilation, which take seconds per model and run only if selected."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.failures import summarize
from pytest_hubkit.models import copied, evaluating
from pytest_hubkit.tensors import find_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_hubkit.context import CaseContext

_RAN = ("C101", "C106", "C201")
# Compilers fuse and reorder operations.
_CLOSE = 1e-3


@check("C311", "export", level=3, required=False, requires=_RAN, slow=True)
def export(context: CaseContext) -> Iterator[Failure]:
    """`torch.export` can export the model, and the result behaves the same.

    Tool chains for mobile devices, servers and compilers start from exported programs. Control
    flow that depends on data is the usual obstacle.

    Runs with ``--hubconf-slow``. Use ``torch.where`` and ``torch.cond``.
    """
    import torch

    def transform(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        return torch.export.export(model, args, kwargs, strict=False).module()

    yield from _transformed(context, "torch.export", transform)


@check("C312", "compile", level=3, required=False, requires=_RAN, slow=True)
def compiled(context: CaseContext) -> Iterator[Failure]:
    """`torch.compile` can compile the whole model, and the result behaves the same.

    It must be one graph, since graph breaks cost speed. On the CPU, a C++ compiler is needed.

    Runs with ``--hubconf-slow``. ``TORCH_LOGS=graph_breaks`` shows where graphs break.
    """
    import torch

    if context.session.options.device == "cpu" and not _compiler():
        raise NotApplicableError("torch.compile needs a C++ compiler, and there is none here")
    yield from _transformed(
        context, "torch.compile", lambda model, *_: torch.compile(model, fullgraph=True)
    )
    # Otherwise, torch keeps each compiled model in a cache.
    torch.compiler.reset()


@check("C314", "script", level=3, required=False, requires=_RAN, slow=True)
def scripted(context: CaseContext) -> Iterator[Failure]:
    """`torch.jit.script` can compile the model, and the result behaves the same.

    Many C++ programs and older mobile applications load TorchScript. It supports a statically
    typed subset of Python.

    Runs with ``--hubconf-slow``. Annotate everything that is not a tensor, and use one type per
    list and dict.
    """
    import torch

    yield from _transformed(context, "TorchScript", lambda model, *_: torch.jit.script(model))


@check("C315", "onnx", level=3, required=False, requires=_RAN, slow=True)
def to_onnx(context: CaseContext) -> Iterator[Failure]:
    """The model can be exported to ONNX.

    Most other runtimes read ONNX. Operations without a counterpart and control flow that depends
    on data cannot be exported. The numbers are not compared.

    Runs with ``--hubconf-slow`` if ``onnx`` and ``onnxscript`` are installed.
    """
    import torch

    missing = [one for one in ("onnx", "onnxscript") if importlib.util.find_spec(one) is None]
    if missing:
        raise NotApplicableError(f"not installed here: {', '.join(missing)}")

    def transform(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        torch.onnx.export(model, args, kwargs=kwargs, dynamo=True, verbose=False)

    yield from _transformed(context, "ONNX export", transform)


def _compiler() -> str | None:
    names = ("cl",) if sys.platform == "win32" else ("c++", "g++", "clang++")
    return next(filter(None, map(shutil.which, names)), None)


def _transformed(
    context: CaseContext, what: str, transform: Callable[..., Any]
) -> Iterator[Failure]:
    """Transform the model, run the result if possible, and compare."""
    import torch

    first, model = context.first, context.module
    if model is not context.runnable:
        raise NotApplicableError("it is not an nn.Module")
    inputs = first.inputs.mapped(copied)
    try:
        with (
            evaluating(model),
            torch.no_grad(),
            context.session.running_model(context.label),
        ):
            made = transform(model, inputs.args, inputs.kwargs)
            if made is None:
                return
            again = made(*inputs.args, **inputs.kwargs)
    except Exception as error:  # noqa: BLE001 - compilers raise all sorts of things
        yield Failure(
            f"{what} fails on {context.label} in evaluation mode, without gradients: "
            f"{summarize(error)}",
        )
        return
    seen = find_difference(first.output, again, _CLOSE)
    if seen:
        yield Failure(
            f"The result of {what} for {context.label} returns different outputs.",
            (seen,),
        )
