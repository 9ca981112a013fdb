"""Level 3: other forms of the model. They take seconds each, so they run only when asked for."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.inference import copied, evaluating
from pytest_hubkit.tensors import find_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_hubkit.context import CaseContext

_RAN = ("C101", "C106", "C201")
# Compilers fuse and reorder; that is no other result.
_CLOSE = 1e-3


@check("C311", "export", level=3, required=False, requires=_RAN, slow=True)
def export(context: CaseContext) -> Iterator[Failure]:
    """`torch.export` takes the model, and what it makes gives the same.

    Exported programs are what mobile, server and compiler tool chains start from. Control flow
    that depends on data stands in the way.

    Runs with ``--hubconf-slow``. Use ``torch.where`` and ``torch.cond``.
    """
    import torch

    def transform(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        return torch.export.export(model, args, kwargs, strict=False).module()

    yield from _transformed(context, "torch.export", transform)


@check("C312", "compile", level=3, required=False, requires=_RAN, slow=True)
def compiled(context: CaseContext) -> Iterator[Failure]:
    """`torch.compile` takes the model as a whole, and the compiled model gives the same.

    It must be one graph: each break costs the speed for which people compile. Needs a C++ compiler
    on the CPU.

    Runs with ``--hubconf-slow``. ``TORCH_LOGS=graph_breaks`` tells where graphs break.
    """
    import torch

    if context.session.options.device == "cpu" and not _compiler():
        raise NotApplicableError("there is no C++ compiler here, which torch.compile needs")
    yield from _transformed(
        context, "torch.compile", lambda model, *_: torch.compile(model, fullgraph=True)
    )
    # Each compiled model stays in a cache of torch's otherwise.
    torch.compiler.reset()


@check("C314", "script", level=3, required=False, requires=_RAN, slow=True)
def scripted(context: CaseContext) -> Iterator[Failure]:
    """`torch.jit.script` takes the model, and what it makes gives the same.

    TorchScript is still how many C++ programs and older mobile applications load models. It takes
    a part of Python only, with types that can be told.

    Runs with ``--hubconf-slow``. Annotate what is no tensor; keep lists and dicts of one type.
    """
    import torch

    yield from _transformed(context, "TorchScript", lambda model, *_: torch.jit.script(model))


@check("C315", "onnx", level=3, required=False, requires=_RAN, slow=True)
def to_onnx(context: CaseContext) -> Iterator[Failure]:
    """The model can be exported to ONNX.

    That is what most other runtimes read. What fails here is an operation without counterpart, or
    control flow that depends on data. The numbers are not compared, for want of a runtime.

    Runs with ``--hubconf-slow``, where ``onnx`` and ``onnxscript`` are installed.
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
    """Make another form of the model, run it if it can be run, and compare."""
    import torch

    first, model = context.first, context.module
    if model is not context.runnable:
        raise NotApplicableError("it is no nn.Module")
    given = first.inputs.mapped(copied)
    try:
        with (
            evaluating(model),
            torch.no_grad(),
            context.session.running_model(context.label),
        ):
            made = transform(model, given.args, given.kwargs)
            if made is None:
                return
            again = made(*given.args, **given.kwargs)
    except Exception as error:  # noqa: BLE001 - compilers raise all sorts of things
        yield Failure(
            f"{what} does not take {context.label}: {type(error).__name__}: {_say(error)}",
            location=context.location,
        )
        return
    seen = find_difference(first.output, again, _CLOSE)
    if seen:
        yield Failure(
            f"What {what} makes of {context.label} gives other results.",
            (seen,),
            location=context.location,
        )


def _say(error: Exception) -> str:
    """The first line of an error's text that has words in it."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if any(map(str.isalpha, line))), "")
