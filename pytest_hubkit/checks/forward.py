"""Level 2: one run of the model in evaluation mode, and a second one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.inference import evaluating
from pytest_hubkit.notation import find_mismatches
from pytest_hubkit.seeds import OTHER_SEED, SEED
from pytest_hubkit.tensors import find_difference, find_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext

BUILT = ("C101", "C106", "C107")
RAN = (*BUILT, "C201")
_MOST = 4


@check("C201", "forward", level=2, requires=BUILT)
def forward(context: CaseContext) -> Iterator[Failure]:
    """The model takes its example input.

    An example input in the configuration, such as ``input = "f32[B,3,H,W] in [0,1]"``, tells
    users, cards and tests what to feed. Here it is fed: in evaluation mode, without gradients.
    Without one, the hook ``pytest_hubkit_inputs`` of conftest.py is asked, then what the model
    knows of itself (``pretrained_cfg``, ``example_input_array``, ``dummy_inputs``); else it is
    guessed from the first layer, and then a failure says nothing.

    Correct ``input`` or the sizes in ``dims``, or the model.
    """
    _ = context.first
    yield from ()


@check("C202", "output-spec", level=2, requires=RAN)
def output_spec(context: CaseContext) -> Iterator[Failure]:
    """The model gives what its configuration says: structure, types and shapes.

    Axes that have a name, as in ``output = "f32[B,10]"``, must have one size throughout, that of
    the input included.

    Correct ``output``, or the model.
    """
    declared = context.case.config.output
    if declared is None:
        raise NotApplicableError(f"no `output` is declared in {context.case.place}")
    first = context.first
    found = list(find_mismatches(declared, first.output, first.inputs.sizes))
    if found:
        yield Failure(
            f"{context.label} does not give what is declared for it.",
            tuple(found),
            f"Correct `output` in {context.case.place}, or the model.",
            context.location,
        )


@check("C203", "finite", level=2, requires=RAN)
def finite(context: CaseContext) -> Iterator[Failure]:
    """All numbers that come out are finite.

    A NaN or an infinity spoils everything that is computed from it, and often comes from a
    division by zero, the logarithm of zero or an overflow, for input that users have too.

    Clamp before dividing or taking a logarithm.
    """
    import torch

    for path, tensor in find_tensors(context.first.output):
        if tensor.is_meta or not (tensor.is_floating_point() or tensor.is_complex()):
            continue
        bad = ~torch.isfinite(tensor)
        count = int(bad.sum())
        if count:
            place = tuple(bad.nonzero()[0].tolist())
            yield Failure(
                f"{context.label} gives numbers that are not finite.",
                ((f"{path}: {count} of {tensor.numel()}, the first at {list(place)}: "
                 f"{tensor[place].item()}"), context.first.inputs.provenance),
                "Look for divisions, logarithms, roots and large exponents.",
                context.location,
            )  # fmt: skip
            return


@check("C204", "eval-determinism", level=2, requires=RAN)
def eval_determinism(context: CaseContext) -> Iterator[Failure]:
    """In evaluation mode the same input gives the same output, bit for bit.

    Dropout that ignores ``eval()``, noise drawn in ``forward``, or state that one call leaves for
    the next make results of users irreproducible. Where ``stochastic = true`` is declared, both
    runs start from the same seed.

    Use ``nn.Dropout`` or pass ``training=self.training`` to ``F.dropout``; keep no state.
    """
    if "C204" in context.fast_path.passed:
        return
    stochastic = context.case.config.stochastic
    again = context.run(seed=SEED if stochastic else OTHER_SEED)
    # Accelerators add in an order of their own.
    tolerance = 0.0 if context.session.options.device == "cpu" else 1e-6
    seen = find_difference(context.first.output, again, tolerance)
    if seen:
        yield Failure(
            f"{context.label} gives two different answers to the same input in evaluation mode.",
            (seen, *_modules_in_training(context)),
            "F.dropout needs training=self.training; noise and state do not belong in forward. "
            "Or declare `stochastic = true`.",
            context.location,
        )


@check("C205", "eval-purity", level=2, requires=(*RAN, "C204"))
def eval_purity(context: CaseContext) -> Iterator[Failure]:
    """Running the model in evaluation mode changes nothing.

    Parameters and buffers stay, so that an evaluation between two epochs does not alter what is
    trained or saved; the input stays, because it is the caller's; and no random numbers are
    drawn, which would shift those of the user.

    Update buffers only ``if self.training``; write to a copy of the input.
    """
    first = context.first
    if first.changed:
        shown = ", ".join(first.changed[:_MOST])
        yield Failure(
            f"Running {context.label} in evaluation mode changes what it should only read.",
            (f"{len(first.changed)} changed: {shown}",),
            "Update buffers only if self.training is true; copy the input before writing to it.",
            context.location,
        )
    if first.drew and not context.case.config.stochastic:
        yield Failure(
            f"Running {context.label} in evaluation mode draws random numbers.",
            (f"from the generator of {', '.join(first.drew)}",),
            "Draw them only if self.training is true, or declare `stochastic = true`.",
            context.location,
        )


@check("C206", "train-eval-switch", level=2, requires=BUILT)
def train_eval_switch(context: CaseContext) -> Iterator[Failure]:
    """`train()` and `eval()` reach every part of the model and return it.

    ``model = hub.load(...).eval()`` is in nearly every example. A ``train`` method that returns
    nothing makes that None; one that forgets its children leaves dropout and batch norm as they
    were.

    Call ``return super().train(mode)``.
    """
    model = context.module
    with evaluating(model):
        for name, call, mode in (("train()", model.train, True), ("eval()", model.eval, False)):
            given = call()
            if given is not model:
                yield Failure(
                    f"{context.label}.{name} gives {type(given).__name__}, not the model.",
                    fix="End train and eval with `return self`.",
                    location=context.location,
                )
            behind = [path or "the model" for path, part in model.named_modules()
                      if part.training is not mode]  # fmt: skip
            if behind:
                yield Failure(
                    f"{name} does not reach all of {context.label}.",
                    (f"{len(behind)} parts do not follow: {', '.join(behind[:_MOST])}",),
                    "Call super().train(mode) where train is overridden.",
                    context.location,
                )


@check("C216", "global-state-forward", level=2, requires=RAN)
def global_state_forward(context: CaseContext) -> Iterator[Failure]:
    """Running the model leaves the process as it was.

    What loading must not touch (C109), running must not either: the default type, gradient mode,
    threads, environment variables, warnings filters, the current folder.

    Use context managers, such as ``torch.no_grad()``, and put back what you set.
    """
    changes = context.first.state
    if changes:
        yield Failure(
            f"Running {context.label} changes the process of whoever calls it.",
            tuple(map(str, changes)),
            "Set it in a context manager around the code that needs it.",
            context.location,
        )


def _modules_in_training(context: CaseContext) -> tuple[str, ...]:
    import torch

    model = context.runnable
    if not isinstance(model, torch.nn.Module):
        return ()
    with evaluating(model):
        names = [name or "the model" for name, module in model.named_modules() if module.training]
    return (f"still in training mode after eval(): {', '.join(names[:_MOST])}",) if names else ()
