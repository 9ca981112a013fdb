"""A chain of copies, which shows at once what several checks would show one by one.

The model has run on the whole batch. A deep copy of it runs on one row; a second build takes the
saved weights and runs on that row too, from other random numbers. Where the row gives what it gave
in the batch, and both copies agree bit for bit, nothing can be wrong with copying, with saving, with
chance, with state that runs leave behind or with the batch. That takes two short runs where the
checks alone take four long ones. Where anything differs nothing is shown, and each check
looks for itself, so that the one to blame says so.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_hubkit.comparing import CLOSE, compare, find_difference, find_rows, is_same
from pytest_hubkit.forwards import evaluating
from pytest_hubkit.made_inside import find_unregistered, watched
from pytest_hubkit.saving import find_unsafe, read_back
from pytest_hubkit.seeds import OTHER_SEED
from pytest_hubkit.trees import find_tensors, has_shape

if TYPE_CHECKING:
    import torch

    from pytest_hubkit.forwards import Forward
    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.subject import Subject

ROWS_APART = 1e-4
# Without one of these to be shown, a chain would be a detour.
_LINKS = frozenset(("C204", "C207", "C209"))


class Chain(Struct, eq=False):
    """What a chain of copies has shown.

    Attributes:
        shown: Codes of checks of which it is known that they find nothing.
        inputs: The smallest input on which the model is known to do what it does; None for none
            smaller than the whole.
        spare: A copy of the model for C213 to change, until it is taken.
    """

    shown: frozenset[str] = frozenset()
    inputs: Inputs | None = None
    spare: torch.nn.Module | None = None

    def take_spare(self) -> torch.nn.Module | None:
        """The copy, once."""
        spare, self.spare = self.spare, None
        return spare


def follow(subject: Subject) -> Chain:
    """Copy, run and compare; nothing is shown where anything fails.

    Args:
        subject: The case.
    """
    chosen = subject.selected >= _LINKS and not subject.case.config.stochastic
    if not chosen or subject.conformance.options.device != "cpu":
        return Chain()
    try:
        return _follow(subject)
    except Exception:  # noqa: BLE001 - the check that is to blame says so
        return Chain()


def _follow(subject: Subject) -> Chain:
    model, first = subject.module, subject.first
    if subject.runnable is not model:
        return Chain()
    by_row = _has_rows_only(subject)
    inputs = first.inputs.row(first.inputs.batch - 1) if by_row else first.inputs
    spare, made = deep_copy(subject), list[str]()
    with evaluating(spare):
        given = subject.run(watched(spare, made), inputs)
    if _differs(first, given, by_row=by_row) or find_shared(model, spare):
        return Chain()
    if not _restores(model, subject.second_module):
        return Chain()
    if find_difference(given, subject.run(subject.second_module, inputs, OTHER_SEED)):
        return Chain()
    shown = set(_LINKS)
    if by_row:
        shown.add("C211")
    if not made and not any(find_unregistered(model)):
        shown.add("C214")
    kept = spare if "C213" in subject.selected else None
    return Chain(frozenset(shown), inputs if by_row else None, kept)


def _has_rows_only(subject: Subject) -> bool:
    """Whether the model gives a row for each row that it takes, and nothing else."""
    rows, tensors = subject.first.inputs.batch, dict(find_tensors(subject.first.output))
    # Where rows may differ more than usual, one tells less than the whole.
    if rows < 2 or subject.case.config.tolerance:
        return False
    return 0 < len(tensors) == len(find_rows(subject.first.output, rows, 0))


def _differs(first: Forward, given: Any, *, by_row: bool) -> str:  # noqa: ANN401
    """How what a copy gives differs from what the model itself gave."""
    if not by_row:
        return find_difference(first.output, given, CLOSE)
    rows = find_rows(first.output, first.inputs.batch, first.inputs.batch - 1)
    return compare(rows, dict(find_tensors(given)), ROWS_APART)


def _restores(model: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Whether a second model takes the weights of the first and then has them."""
    state = model.state_dict()
    if find_unsafe(state):
        return False
    loaded = read_back(state)
    second.load_state_dict(loaded, strict=True)
    return not find_changed(loaded, second.state_dict())


def deep_copy(subject: Subject) -> torch.nn.Module:
    """A deep copy of the model as it is.

    Args:
        subject: The case.
    """
    with subject.running(), subject.conformance.loaded.active():
        return copy.deepcopy(subject.module)


def find_shared(model: torch.nn.Module, copied: torch.nn.Module) -> list[str]:
    """Parameters of a copy that are the model's own."""
    own = {one.data_ptr() for one in model.parameters()
           if has_shape(one) and one.numel() and not one.is_meta}  # fmt: skip
    return [name for name, one in copied.named_parameters()
            if has_shape(one) and one.data_ptr() in own]  # fmt: skip


def find_changed(loaded: dict[str, Any], again: dict[str, Any]) -> list[str]:
    """Entries of a state dict that the model which has loaded it does not have like that."""
    import torch

    return [
        key
        for key, value in loaded.items()
        if isinstance(value, torch.Tensor) and not is_same(value, again.get(key))
    ]
