"""Checks that pass together, for less than each would cost.

The model has run on the whole batch. A deep copy of it runs on one row; a second build loads the
saved weights and runs on that row too, from other random numbers. If the row's output is what it
was in the batch, and both copies agree bit for bit, then copying, saving, determinism, purity and
the batch are all fine. That takes two short runs instead of four long ones. If a model of the same
design has shown that copies and rows are fine, one run is enough: the second build's, on the whole
batch. If anything differs, nothing is concluded, and each check runs by itself, so that the right
one fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_hubkit.inference import find_unregistered, watched
from pytest_hubkit.models import evaluating
from pytest_hubkit.seeds import OTHER_SEED, SEED
from pytest_hubkit.tensors import (
    CLOSE,
    compare_rows,
    find_difference,
    has_shape,
    is_same,
)
from pytest_hubkit.values import find_values
from pytest_hubkit.weights import find_unsafe, read_back

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from pytest_hubkit.inference import ObservedRun
    from pytest_hubkit.inputs import Inputs

ROW_TOLERANCE = 1e-4
# Without these checks, the detour would not pay.
CHECKS = frozenset(("C204", "C207", "C209"))


class FastPath(Struct, eq=False):
    """What is known after the copies have run.

    Attributes:
        passed: Codes of checks that pass.
        inputs: The smallest input on which the model is known to behave as usual; None if that is
            the whole batch.
        spare: A copy of the model for C213 to change, until it is taken.
    """

    passed: frozenset[str] = frozenset()
    inputs: Inputs | None = None
    spare: torch.nn.Module | None = None

    def take_spare(self) -> torch.nn.Module | None:
        """The copy, once."""
        spare, self.spare = self.spare, None
        return spare


def take_fast_path(
    first: ObservedRun,
    model: torch.nn.Module,
    copy: Callable[[], torch.nn.Module],
    second: Callable[[], torch.nn.Module],
    run: Callable[[Any, Inputs, int], Any],
    *,
    by_row: bool,
) -> FastPath:
    """Copy, run and compare.

    Args:
        first: The first run of the model.
        model: The model.
        copy: Makes a deep copy of it.
        second: Builds it once more.
        run: Runs a model on input from a seed.
        by_row: Whether a row of a batch has to behave as the whole.
    """
    by_row = by_row and _may_have_rows_only(first)
    inputs = first.inputs.row(first.inputs.batch - 1) if by_row else first.inputs
    spare, made = copy(), list[str]()
    with evaluating(spare):
        output = run(watched(spare, made), inputs, SEED)
    if _differs(first, output, by_row=by_row) or find_shared(model, spare):
        return FastPath()
    other = second()
    if not _restores(model, other) or find_difference(output, run(other, inputs, OTHER_SEED)):
        return FastPath()
    passed = {*CHECKS, *(("C211",) if by_row else ())}
    if not made and not any(find_unregistered(model)):
        passed.add("C214")
    return FastPath(frozenset(passed), inputs if by_row else None, spare)


def take_shortest_path(
    first: ObservedRun,
    model: torch.nn.Module,
    second: Callable[[], torch.nn.Module],
    run: Callable[[Any, Inputs, int], Any],
) -> FastPath:
    """The same for a model whose design is known to be fine in copies, and by rows.

    Args:
        first: The first run of the model.
        model: The model.
        second: Builds it once more.
        run: Runs a model on input from a seed.
    """
    other = second()
    if not _restores(model, other):
        return FastPath()
    if find_difference(first.output, run(other, first.inputs, OTHER_SEED)):
        return FastPath()
    return FastPath(frozenset(("C204", "C207")))


def _may_have_rows_only(first: ObservedRun) -> bool:
    """Whether each tensor of the output has an axis as long as the batch."""
    rows, values = first.inputs.batch, [value for _, value in find_values(first.output)]
    return rows > 1 and all(not isinstance(one, str) and rows in one.shape for one in values)


def _differs(first: ObservedRun, output: Any, *, by_row: bool) -> str:  # noqa: ANN401
    """How the output of a copy differs from that of the model."""
    if not by_row:
        return find_difference(first.output, output, CLOSE)
    rows, number = first.inputs.batch, first.inputs.batch - 1
    found = compare_rows(first.output, output, rows, number, ROW_TOLERANCE)
    return found.difference or ", ".join(found.others)


def _restores(model: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Whether a second model can load the weights of the first, and shares none of them."""
    import torch

    state = model.state_dict()
    if find_unsafe(state):
        return False
    # A copy of each tensor would cost more than all else here.
    loaded = read_back(state, copies=False)
    versions = [one._version for one in loaded.values() if isinstance(one, torch.Tensor)]  # noqa: SLF001
    second.load_state_dict(loaded, strict=True)
    again = second.state_dict()
    if versions != [one._version for one in loaded.values() if isinstance(one, torch.Tensor)]:  # noqa: SLF001
        return False
    return not (_places(loaded) & _places(again) or find_changed(loaded, again))


def _places(state: dict[str, Any]) -> set[int]:
    """Where the tensors of a state dict are in memory."""
    import torch

    tensors = (one for one in state.values() if isinstance(one, torch.Tensor) and has_shape(one))
    return {one.data_ptr() for one in tensors if one.layout is torch.strided and one.numel()}


def find_shared(model: torch.nn.Module, copied: torch.nn.Module) -> list[str]:
    """Parameters that a copy shares with the model."""
    own = {one.data_ptr() for one in model.parameters()
           if has_shape(one) and one.numel() and not one.is_meta}  # fmt: skip
    return [name for name, one in copied.named_parameters()
            if has_shape(one) and one.data_ptr() in own]  # fmt: skip


def find_changed(loaded: dict[str, Any], again: dict[str, Any]) -> list[str]:
    """Entries of a state dict that differ in the model that has loaded it."""
    import torch

    return [
        key
        for key, value in loaded.items()
        if isinstance(value, torch.Tensor) and not is_same(value, again.get(key))
    ]
