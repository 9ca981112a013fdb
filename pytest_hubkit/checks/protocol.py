"""Level 1: what ``torch.hub`` itself asks of an entrypoint. No weights, no input."""

from __future__ import annotations

import contextlib
import inspect
import sys
from typing import TYPE_CHECKING, Any

from hubkit.facts import Location
from hubkit.runtime.sandbox import Policy
from hubkit.torchhub import LOAD_PARAMETERS, weights_kind
from pytest_hubkit.case import describe_call, parameters_of
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    PrerequisiteError,
    check,
)
from pytest_hubkit.failures import describe_download
from pytest_hubkit.inference import find_module
from pytest_hubkit.seeds import SEED, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext


@check("C104", "help", level=1, requires=("C101",))
def help_text(context: CaseContext) -> Iterator[Failure]:
    """`torch.hub.help` has something to print.

    It prints the entrypoint's ``__doc__`` and nothing else, so that is all the documentation that
    a user gets without opening the repo. A ``functools.partial`` or another object without a
    docstring of its own shows the help of its class.

    Write a docstring on the entrypoint: what the model is, each parameter, what it takes and gives.
    """
    function = context.function
    text = function.__doc__ or ""
    if not text.strip():
        yield Failure(
            f"torch.hub.help prints nothing for {context.label}: it has no docstring.",
            fix="Say what the model is, what each parameter does, what it takes and gives.",
            location=context.location,
        )
    elif not inspect.isclass(function) and text == type(function).__doc__:
        kind = type(function).__name__
        yield Failure(
            f"torch.hub.help prints the help of Python's {kind} for {context.label}.",
            (f"it begins: {text.strip().splitlines()[0]}",),
            f"A {kind} has no docstring of its own: write a function that makes the call.",
            location=context.location,
        )


@check("C105", "signature", level=1, requires=("C101",))
def signature(context: CaseContext) -> Iterator[Failure]:
    """Every parameter can be given through `torch.hub.load`.

    ``torch.hub.load(repo_or_dir, model, *args, source=..., **kwargs)`` keeps some keywords for
    itself, so a parameter of such a name never arrives, or raises a TypeError. Arguments that are
    declared in the configuration must fit too. A default that is a tensor or a module is one and
    the same for all models: training one changes the others.

    Rename the parameter; correct ``call`` or ``untrained``; make the default when called.
    """
    parameters = parameters_of(context.function)
    for parameter in parameters:
        by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if by_name and parameter.name in LOAD_PARAMETERS:
            yield Failure(
                f"Nobody can pass {parameter.name} to {context.label} by name: torch.hub.load "
                "takes the keyword for itself.",
                fix=f"Rename the parameter {parameter.name}.",
                location=context.location,
            )
    yield from _shared_defaults(context, parameters)
    yield from _declared_arguments_that_do_not_fit(context, parameters)
    weights = context.case.config.weights
    silent = parameters and not any(weights_kind(one.name) for one in parameters)
    if weights is not None and not weights.call and not context.case.needs_weights and silent:
        yield Failure(
            f"Nobody can ask {context.label} for the weights that {context.case.place} "
            "declares, or for a model without: no parameter is called pretrained or weights.",
            fix="Add `pretrained: bool = False`, or declare `weights.call`.",
            location=context.location,
        )


def _shared_defaults(
    context: CaseContext, parameters: tuple[inspect.Parameter, ...]
) -> Iterator[Failure]:
    # A hubconf that has not imported it has no tensors.
    torch: Any = sys.modules.get("torch")
    shared = (torch.Tensor, torch.nn.Module) if torch is not None else ()
    for parameter in parameters:
        if isinstance(parameter.default, shared):
            kind = type(parameter.default).__name__
            yield Failure(
                f"All models of {context.label} share one {kind}: the default of "
                f"{parameter.name} is made when hubconf is imported.",
                fix=f"Write {parameter.name}=None, and make it inside.",
                location=context.location,
            )


def _declared_arguments_that_do_not_fit(
    context: CaseContext, parameters: tuple[inspect.Parameter, ...]
) -> Iterator[Failure]:
    config = context.case.config
    declared = {**config.call, **(config.untrained or {})}
    if not parameters or any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    known = [one.name for one in parameters if one.kind is not one.POSITIONAL_ONLY]
    for name in declared:
        if name not in known:
            yield Failure(
                f"{context.label} takes no argument {name}, which {context.case.place} passes.",
                (f"it takes {', '.join(known) or 'none'}",),
                "Correct `call` or `untrained` there.",
                location=context.location,
            )


@check("C106", "loads-untrained-offline", level=1, requires=("C101",))
def loads_untrained_offline(context: CaseContext) -> Iterator[Failure]:
    """The model can be built without weights, and then nothing is downloaded.

    ``pretrained=False`` or ``weights=None`` promises a model with fresh parameters. People count
    on it on clusters without network, in tests, and when weights are large; common mistakes are
    ``if pretrained is not None`` and a backbone that is pretrained whatever the caller says.

    The call is made with the network denied and an empty cache. What is passed: ``untrained`` of
    the configuration, else False or None for parameters that are named like it.
    """
    if context.case.needs_weights:
        raise NotApplicableError(f"it is declared to need its weights in {context.case.place}")
    found = list(_downloads_when_told_not_to(context))
    try:
        _ = context.built
    except PrerequisiteError as error:
        if error.code != "C106" or not found:
            raise
        found.append(error.failure)
    yield from found
    if found:
        return
    if context.attempts and context.session.options.policy.everything:
        # It was let through. Who copes without has done nothing wrong.
        try:
            context.build(policy=Policy())
        except PrerequisiteError:
            yield describe_download(context.build_call, context.attempts[0])


def _downloads_when_told_not_to(context: CaseContext) -> Iterator[Failure]:
    """Where weights go by name and None stands for none, people write False all the same."""
    config, parameters = context.case.config, parameters_of(context.function)
    if config.untrained is not None or context.session.options.policy.everything:
        return
    for name in (one.name for one in parameters if one.name == "pretrained"):
        if context.arguments.get(name, False) is not None:
            continue
        told = {**context.arguments, name: False}
        call = describe_call(context.case.entrypoint, told)
        with (
            contextlib.suppress(Exception, SystemExit),
            seeded(SEED),
            context.session.running(call) as guard,
        ):
            context.session.loaded.call(context.case.entrypoint, **told)
        for attempt in guard.attempts[:1]:
            yield Failure(
                f"{call} downloads although no weights were asked for: {attempt.target}",
                (f"requested {attempt.origin}",),
                f"Test {name} for its truth, not by `is not None`: False means no weights too.",
                Location(attempt.path, attempt.line) if attempt.path else context.location,
            )


@check("C107", "returns-declared-kind", level=1, requires=("C101", "C106"))
def returns_declared_kind(context: CaseContext) -> Iterator[Failure]:
    """The entrypoint gives an ``nn.Module``, or what it is declared to give.

    ``torch.hub.load(...)`` is followed by ``.eval()`` and ``.to(device)`` nearly everywhere. An
    entrypoint that gives a tuple, a trainer or a processor should say so with
    ``kind = "bundle"``, "transform", "tokenizer", "utility" or "class": a bundle holds a module, a
    transform can be called, a tokenizer too or has ``encode``, a utility is anything but None, and
    a class is one, or an instance where the entrypoint is the class.
    """
    import torch

    value, kind = context.built, context.case.kind
    fits = {
        "model": isinstance(value, torch.nn.Module),
        "bundle": find_module(value) is not None,
        "class": isinstance(value, type) or inspect.isclass(context.function),
        "utility": value is not None,
        "tokenizer": callable(value) or hasattr(value, "encode"),
    }
    if not fits.get(kind, callable(value)):
        yield Failure(
            f"{context.call} gives {_describe(value)}, not {_WANTED.get(kind, 'a callable')}.",
            tuple(_classes(value)),
            f"Return it, or declare `kind` in {context.case.place}"
            + (": a bundle holds several things." if find_module(value) is not None else "."),
            location=context.location,
        )


_WANTED = {
    "model": "an nn.Module",
    "bundle": "a tuple, list or dict with an nn.Module in it",
    "class": "a class",
    "utility": "anything",
    "tokenizer": "something to call or to encode with",
}


def _classes(value: object) -> Iterator[str]:
    """The classes that an object inherits from, where its own name may not tell enough."""
    cls = type(value)
    if cls.__module__ != "builtins":
        yield f"its classes: {', '.join(one.__qualname__ for one in cls.__mro__[:-1])}"


def _describe(value: Any) -> str:  # noqa: ANN401
    name = type(value).__name__
    if isinstance(value, tuple | list | dict):
        elements = value.values() if isinstance(value, dict) else value
        inside = ", ".join(type(one).__name__ for one in list(elements)[:4])
        return f"a {name} of {inside or 'nothing'}"
    return "None" if value is None else f"a {name}"
