"""Level 2: one run of the model in evaluation mode, and a second one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.runtime.sandbox import LOG_HANDLERS
from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.inputs import find_mismatches
from pytest_hubkit.models import evaluating
from pytest_hubkit.tensors import dense_parts
from pytest_hubkit.values import find_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext

BUILT = ("C101", "C106", "C107")
RAN = (*BUILT, "C201")
_MOST = 4


@check("C201", "forward", level=2, requires=BUILT)
def forward(context: CaseContext) -> Iterator[Failure]:
    """The model runs on its example input.

    The model runs in evaluation mode, without gradients. The input comes from ``input`` in the
    configuration, such as ``input = "f32[B,3,H,W] in [0,1]"``; the hook ``pytest_hubkit_inputs`` in
    conftest.py; the model itself (``pretrained_cfg``, ``example_input_array``, ``dummy_inputs``); or
    a guess from the first layer. A guess that does not fit is not a failure.

    Fix ``input`` or the sizes in ``dims``, or the model.
    """
    _ = context.first
    yield from ()


@check("C202", "output-spec", level=2, requires=RAN)
def output_spec(context: CaseContext) -> Iterator[Failure]:
    """The output has the declared structure, types and shapes.

    A named axis, as in ``output = "f32[B,10]"``, must have the same size wherever it is used,
    including the input.

    Fix ``output``, or the model.
    """
    declared = context.case.config.output
    if declared is None:
        raise NotApplicableError(f"no `output` is declared in {context.case.place}")
    first = context.first
    found = list(find_mismatches(declared, first.output, first.inputs.sizes))
    if found:
        yield Failure(
            f"The output of {context.label} does not match its declaration.",
            tuple(found),
            f"Fix `output` in {context.case.place}, or the model.",
        )


@check("C203", "finite", level=2, requires=RAN)
def finite(context: CaseContext) -> Iterator[Failure]:
    """All numbers in the output are finite.

    A NaN or an infinity spoils everything that is computed from it. It often comes from a division
    by zero, the logarithm of zero or an overflow.

    Clamp before dividing or taking a logarithm.
    """
    import torch

    context.require_comparable()
    for path, value in find_values(context.first.output):
        for tensor in () if isinstance(value, str) else dense_parts(value):
            bad = ~torch.isfinite(tensor)
            count = int(bad.sum())
            if count:
                place = tuple(bad.nonzero()[0].tolist())
                yield Failure(
                    f"The output of {context.label} has numbers that are not finite.",
                    ((f"{path}: {count} of {tensor.numel()}, the first at {list(place)}: "
                     f"{tensor[place].item()}"), context.first.inputs.provenance),
                    "Look for divisions, logarithms, roots and large exponents.",
                )  # fmt: skip
                return


@check("C204", "eval-determinism", level=2, requires=(*RAN, "C205"))
def eval_determinism(context: CaseContext) -> Iterator[Failure]:
    """In evaluation mode, the same input produces the same output, bit for bit.

    Dropout that ignores ``eval()``, noise drawn in ``forward``, or state that one call leaves for
    the next make results irreproducible. Tensors, arrays, numbers and texts are compared, wherever
    they are in the output; generators are run to their end. With ``stochastic = true``, both runs
    start from the same seed; with ``stateful``, each run starts from a reset model.

    Use ``nn.Dropout`` or pass ``training=self.training`` to ``F.dropout``; keep no state.
    """
    seen = context.nondeterminism
    if seen:
        yield Failure(
            f"{context.label} returns different outputs for the same input in evaluation mode.",
            (seen, *_modules_in_training(context)),
            "Pass training=self.training to F.dropout, and keep noise and state out of forward; or "
            "declare `stochastic = true`, or `stateful` for a model that streams.",
        )


@check("C205", "eval-purity", level=2, requires=RAN)
def eval_purity(context: CaseContext) -> Iterator[Failure]:
    """Running the model in evaluation mode changes nothing.

    Parameters and buffers must stay the same, so that an evaluation between two epochs does not
    change what is trained or saved. The input belongs to the caller. Drawing random numbers would
    shift those of the user.

    Update buffers only ``if self.training``, and write to a copy of the input. For a model that
    streams, declare ``stateful``.
    """
    first, config = context.first, context.case.config
    # The state of a stream is in buffers.
    changed = [one for one in first.changed if not (config.stateful and one.startswith("buffer "))]
    if changed:
        shown = ", ".join(changed[:_MOST])
        yield Failure(
            f"Running {context.label} in evaluation mode changes parameters, buffers or input.",
            (f"{len(changed)} changed: {shown}",),
            "Update buffers only if self.training is true, and copy the input before writing to it.",
        )
    # Noise in the output is reported by C204.
    elif first.drew and not config.stochastic and not _is_noisy(context):
        yield Failure(
            f"Running {context.label} in evaluation mode draws random numbers.",
            (f"generators: {', '.join(first.drew)}",),
            "Draw them only if self.training is true, or declare `stochastic = true`.",
        )


def _is_noisy(context: CaseContext) -> bool:
    try:
        return bool(context.nondeterminism)
    except NotApplicableError:
        return False


@check("C206", "train-eval-switch", level=2, requires=BUILT)
def train_eval_switch(context: CaseContext) -> Iterator[Failure]:
    """`train()` and `eval()` reach all submodules and return the model.

    ``model = hub.load(...).eval()`` is in nearly every example. If ``train`` returns nothing, that
    is None; if it skips children, dropout and batch norm keep their mode.

    Call ``return super().train(mode)``.
    """
    model = context.module
    with evaluating(model):
        for name, call, mode in (("train()", model.train, True), ("eval()", model.eval, False)):
            try:
                returned = call()
            except NotImplementedError as error:
                raise NotApplicableError(f"it refuses {name}: {error}") from error
            if returned is not model:
                yield Failure(
                    f"{context.label}.{name} returns {type(returned).__name__}, not the model.",
                    fix="End train and eval with `return self`.",
                )
            behind = [path or "the model" for path, part in model.named_modules()
                      if part.training is not mode]  # fmt: skip
            if behind:
                yield Failure(
                    f"{name} does not reach all submodules of {context.label}.",
                    (f"{len(behind)} keep their mode: {', '.join(behind[:_MOST])}",),
                    "Call super().train(mode) where train is overridden.",
                )


@check("C216", "global-state-forward", level=2, requires=RAN)
def global_state_forward(context: CaseContext) -> Iterator[Failure]:
    """Running the model does not change global state.

    As for loading (C109): the default dtype, gradient mode, threads, environment variables,
    warnings filters and the working directory belong to the user's program.

    Use context managers, such as ``torch.no_grad()``, and restore what you set.
    """
    changes = context.first.state
    # Any call of `logging.info` adds a handler where there is none.
    if any(one.name != LOG_HANDLERS for one in changes):
        yield Failure(
            f"Running {context.label} changes global state.",
            tuple(map(str, changes)),
            "Set it in a context manager around the code that needs it.",
        )


def _modules_in_training(context: CaseContext) -> tuple[str, ...]:
    import torch

    model = context.runnable
    if not isinstance(model, torch.nn.Module):
        return ()
    with evaluating(model):
        names = [name or "the model" for name, module in model.named_modules() if module.training]
    return (f"still in training mode after eval(): {', '.join(names[:_MOST])}",) if names else ()
