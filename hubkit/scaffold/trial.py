"""Build the proposed models in a child process, and load the weights that the repo has for them.

This is the only part of init that runs the repo's code. `hubkit.scaffold.trial_child` is the other
side.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.process import Call, ChildError, run_child
from hubkit.analysis import write_literal
from hubkit.scaffold.entrypoints import write_builder
from hubkit.scaffold.model_weights import Checkpoint, fits_name
from hubkit.scaffold.proposals import Check, set_default, suggest_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.facts import Files
    from hubkit.scaffold.discovery import Discovery
    from hubkit.scaffold.proposals import Proposal

_SECONDS = 180.0  # for all models
_START_SECONDS = 60.0  # for the child to import torch and to end


class TrialModel(Struct, frozen=True):
    """A model to try.

    Attributes:
        name: Its entrypoint.
        imports: The import block of a hubconf with this entrypoint alone.
        builder: The name in it that builds the model.
        config: The name in it of the class of its configuration, or "".
        by_position: Arguments that are passed by position.
        lacking: Arguments for which the repo shows no value.
        starts: Sets of arguments as source, the best first.
        weights: Files with its name.
    """

    name: str
    imports: str
    builder: str
    config: str
    by_position: tuple[str, ...]
    lacking: tuple[str, ...]
    starts: tuple[dict[str, str], ...]
    weights: tuple[str, ...]


class TrialRequest(Struct, frozen=True):
    """What the child process gets: the models, and the checkpoints that they may load."""

    root: str
    models: tuple[TrialModel, ...]
    files: tuple[str, ...]
    seconds: float


class TrialResult(Struct, frozen=True):
    """What came of a trial.

    Attributes:
        name: The entrypoint.
        state: "loads" if it loads weights strictly, "builds" if it can be built and there are no
            weights for it, "fails" if its own code fails, else "unknown".
        reason: Why it is "unknown" or "fails".
        arguments: The arguments that work, as source.
        tensors: How many tensors its state dict has.
        path: The file that it loads.
        key: The key of the state dict in the file; "" if the file is the state dict.
        prefix: What precedes the names of the state dict.
        misfit: A file with its name that it does not load.
        others: Other files that it can load, and the arguments that this takes, as source, if
            they differ.
    """

    name: str
    state: Literal["loads", "builds", "fails", "unknown"] = "unknown"
    reason: str = ""
    arguments: dict[str, str] = {}
    tensors: int = 0
    path: str = ""
    key: str = ""
    prefix: str = ""
    misfit: str = ""
    others: dict[str, str] = {}


class TrialReply(Struct, frozen=True):
    """The results; files that cannot be read with the reasons; and the keys of those that can."""

    results: tuple[TrialResult, ...]
    unreadable: dict[str, str]
    keys: dict[str, str]


def why_not_tried() -> str:
    """Why models cannot be built here; "" if they can."""
    return "" if find_spec("torch") else "torch is not installed"


def mark_untried(found: Discovery, reason: str) -> Discovery:
    """Say of each proposal why it was not built.

    Args:
        found: The target.
        reason: The reason.
    """
    check = Check("unknown", reason)
    proposals = tuple(replace(one, check=check) for one in found.proposals)
    return replace(found, proposals=proposals)


def try_models(found: Discovery, files: Files) -> Discovery:
    """Build the proposals, and load the weights of the repo. This runs the repo's code.

    Arguments become those with which the weights load. Models that fail come last.

    Args:
        found: The target.
        files: Its files.
    """
    drafts = [one.draft for one in found.leftovers if one.draft]
    weights = tuple(one.path for one in found.weights if not one.is_pointer)
    names = tuple(one.name for one in (*found.proposals, *drafts))
    ranked = sorted(found.proposals, key=lambda one: not _named(one, names, weights))
    tried = [*ranked[: limits.TRIED_MODELS.most], *(drafts if weights else ())]
    models = [_model(one, names, weights) for one in tried]
    reply = _run(TrialRequest(str(files.root), tuple(models), weights, _SECONDS), models)
    results = {one.name: one for one in reply.results}
    return _merge(found, results, reply)


def _model(one: Proposal, names: tuple[str, ...], weights: Iterable[str]) -> TrialModel:
    imports, builder, config = write_builder(one)
    return TrialModel(
        one.name,
        imports,
        builder,
        config,
        tuple(a.name for a in one.arguments if a.by_position),
        tuple(a.name for a in one.arguments if not (a.default or a.trial)),
        one.starts[: limits.TRIED_STARTS.most],
        _named(one, names, weights),
    )


def _named(one: Proposal, names: tuple[str, ...], weights: Iterable[str]) -> tuple[str, ...]:
    """The files that are called as an entrypoint."""
    return tuple(path for path in weights if fits_name(one.name, names, path))


def _run(request: TrialRequest, models: Sequence[TrialModel]) -> TrialReply:
    """Run the child. If it dies, try the halves of the models to find the one that kills it."""
    deadline = time.monotonic() + request.seconds
    left = replace(request, models=tuple(models), seconds=max(0.0, deadline - time.monotonic()))
    call = Call(
        "hubkit.scaffold.trial_child:main",
        left,
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # nothing is left in the repo
        timeout=left.seconds + _START_SECONDS,
    )
    try:
        return run_child(call, TrialReply).reply
    except ChildError as error:
        if len(models) == 1:
            failed = TrialResult(models[0].name, "fails", f"building it {error.reason}")
            return TrialReply((failed,), {}, {})
    seconds = max(0.0, deadline - time.monotonic()) / 2
    half = len(models) // 2
    parts = [
        _run(replace(request, seconds=seconds), part) for part in (models[:half], models[half:])
    ]
    return TrialReply(
        tuple(one for part in parts for one in part.results),
        parts[0].unreadable | parts[1].unreadable,
        parts[0].keys | parts[1].keys,
    )


def _merge(found: Discovery, results: dict[str, TrialResult], reply: TrialReply) -> Discovery:
    published = {one.path for one in found.weights if one.is_published}
    checked = [_apply(one, results.get(one.name), published) for one in found.proposals]
    leftovers = []
    for left in found.leftovers:
        result = results.get(left.draft.name) if left.draft else None
        if left.draft and result and result.state == "loads":
            checked.append(_apply(left.draft, result, published))
        else:
            has_reason = result and result.tensors and result.reason
            leftovers.append(replace(left, reason=result.reason) if result and has_reason else left)
    proposals = tuple(sorted(checked, key=lambda one: one.check.rank))
    weights = tuple(
        replace(
            one,
            was_tried=True,
            is_plain=one.path not in reply.unreadable and not one.is_pointer,
            problem=reply.unreadable.get(one.path, ""),
            fits=next((_fits(r, one.path) for r in results.values() if one.path in r.others), ""),
            key=reply.keys.get(one.path, one.key),
            prefix=next((r.prefix for r in results.values() if r.path == one.path), one.prefix),
        )
        for one in found.weights
    )
    return replace(
        found,
        proposals=proposals,
        leftovers=tuple(leftovers),
        weights=weights,
        proposed=suggest_names(proposals),
    )


def _fits(result: TrialResult, path: str) -> str:
    """What loads a file that is not published."""
    arguments = result.others[path]
    return f"{result.name} can load it {f'with {arguments}' if arguments else f'in place of {result.path}'}"


def _apply(one: Proposal, result: TrialResult | None, published: set[str]) -> Proposal:
    """A proposal with what its trial showed."""
    if result is None:
        reason = f"only the first {limits.TRIED_MODELS.most} models are built"
        return replace(one, check=Check("unknown", reason))
    check = Check(result.state, result.reason, result.path)
    changed = {name: write_literal(source) for name, source in result.arguments.items()}
    # What only builds keeps its required arguments.
    arguments = tuple(
        set_default(a, changed[a.name])
        if a.name in changed and (a.default or check.state == "loads")
        else a
        for a in one.arguments
    )
    checkpoint = one.checkpoint
    if result.state == "loads":
        checkpoint = None
        if result.path in published:
            checkpoint = Checkpoint(path=result.path, key=result.key, prefix=result.prefix)
    elif checkpoint and checkpoint.url and result.state == "builds":
        check = Check("unknown", "init does not download weights")
    if result.state == "builds" and not result.tensors:
        check = Check("fails", "it has no weights")
    ordered = tuple(sorted(arguments, key=lambda a: bool(a.default)))
    return replace(one, arguments=ordered, checkpoint=checkpoint, check=check)
