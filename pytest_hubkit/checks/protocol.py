"""Level 1: what ``torch.hub`` requires of an entrypoint, without weights or input."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

from hubkit.facts import Location
from hubkit.runtime.sandbox import Policy
from hubkit.torchhub import LOAD_PARAMETERS, weights_parameters
from pytest_hubkit.case import defaults_of, describe_call, parameters_of
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    PrerequisiteError,
    UndeclaredError,
    check,
)
from pytest_hubkit.failures import describe_download
from pytest_hubkit.models import find_module
from pytest_hubkit.seeds import SEED, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext


@check("C104", "help", level=1, requires=("C101",))
def help_text(context: CaseContext) -> Iterator[Failure]:
    """`torch.hub.help` has something to print.

    It prints the entrypoint's ``__doc__`` and nothing else, so that is all the documentation that
    users see without opening the repo. For a ``functools.partial``, or another object without a
    docstring of its own, it prints the docstring of the class.

    Write a docstring that describes the model, its parameters, its input and its output.
    """
    function = context.function
    text = function.__doc__ or ""
    if not text.strip():
        yield Failure(
            f"torch.hub.help prints nothing for {context.label}: it has no docstring.",
            fix="Describe the model, its parameters, its input and its output.",
        )
    elif not inspect.isclass(function) and text == type(function).__doc__:
        kind = type(function).__name__
        yield Failure(
            f"torch.hub.help prints the help of Python's {kind} for {context.label}.",
            (f"it starts with: {text.strip().splitlines()[0]}",),
            f"Define a function instead: a {kind} has no docstring of its own.",
        )


@check("C105", "signature", level=1, requires=("C101",))
def signature(context: CaseContext) -> Iterator[Failure]:
    """Every parameter can be passed through `torch.hub.load`.

    ``torch.hub.load(repo_or_dir, model, *args, source=..., **kwargs)`` has keywords of its own, so
    a parameter of the same name is never passed on, or raises a TypeError. The arguments in the
    configuration must fit too. A default that is a tensor or a module is shared by all models:
    training one changes the others.

    Rename the parameter, fix ``call``, ``untrained`` or ``trained``, or create the default in the function.
    """
    parameters = parameters_of(context.function)
    for parameter in parameters:
        by_name = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if by_name and parameter.name in LOAD_PARAMETERS:
            yield Failure(
                f"{parameter.name} cannot be passed to {context.label} by name: torch.hub.load "
                "uses the keyword itself.",
                fix=f"Rename the parameter {parameter.name}.",
            )
    yield from _shared_defaults(context, parameters)
    yield from _find_unknown_arguments(context, parameters)
    case = context.case
    if case.config.weights is not None and parameters and not case.has_weights(context.function):
        yield Failure(
            f"{context.label} has no parameter that chooses the weights declared in "
            f"{context.case.place}, such as pretrained or weights.",
            fix="Add `pretrained: bool = False`, or declare `trained`.",
        )


def _shared_defaults(
    context: CaseContext, parameters: tuple[inspect.Parameter, ...]
) -> Iterator[Failure]:
    # Without torch there are no tensors.
    torch: Any = sys.modules.get("torch")
    shared = (torch.Tensor, torch.nn.Module) if torch is not None else ()
    for parameter in parameters:
        if isinstance(parameter.default, shared):
            kind = type(parameter.default).__name__
            yield Failure(
                f"All models of {context.label} share the {kind} that is the default of "
                f"{parameter.name}.",
                fix=f"Use {parameter.name}=None, and create it in the function.",
            )


def _find_unknown_arguments(
    context: CaseContext, parameters: tuple[inspect.Parameter, ...]
) -> Iterator[Failure]:
    config = context.case.config
    declared = {**config.call, **(config.untrained or {}), **(config.trained or {})}
    if not parameters or any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    known = [one.name for one in parameters if one.kind is not one.POSITIONAL_ONLY]
    for name in declared:
        if name not in known:
            yield Failure(
                f"{context.label} has no parameter {name}, which {context.case.place} passes.",
                (f"parameters: {', '.join(known) or 'none'}",),
                "Fix `call`, `untrained` or `trained` there.",
            )


@check("C106", "loads-untrained-offline", level=1, requires=("C101",))
def loads_untrained_offline(context: CaseContext) -> Iterator[Failure]:
    """The model can be built without weights, and nothing is downloaded.

    ``pretrained=False`` or ``weights=None`` promises a model with fresh parameters. Users rely on
    it on clusters without a network, in tests, and when weights are large. Common mistakes are
    ``if pretrained is not None`` and a backbone that is always pretrained.

    The entrypoint is called without a network and with an empty cache. The arguments are
    ``untrained`` in the configuration, or else False or None for the parameters that choose
    weights. Declare the value of a parameter without a default as ``call``.
    """
    if context.case.needs_weights:
        raise NotApplicableError(
            f"it cannot be built without weights, as {context.case.place} declares"
        )
    undeclared = _describe_undeclared(context)
    if undeclared is not None:
        yield undeclared
        return
    found = list(_find_downloads_with_false(context))
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
        # The download was allowed. It is fine if the entrypoint works without it.
        try:
            context.build(policy=Policy())
        except PrerequisiteError:
            yield describe_download(context.build_call, context.attempts[0])


def _describe_undeclared(context: CaseContext) -> Failure | None:
    """The failure of an entrypoint whose required arguments nobody declared."""
    try:
        _ = context.arguments
    except UndeclaredError:
        case, function = context.case, context.function
    else:
        return None
    missing = case.missing_arguments(function, case.config.call)
    shown = {name: context.session.examples.find_value(case.entrypoint, name) for name in missing}
    values = ", ".join(
        f"{name} = {json.dumps(one[1], default=str) if one else '...'}"
        for name, one in shown.items()
    )
    return Failure(
        f"{context.label} cannot be called without {', '.join(missing)}, and no value is declared.",
        tuple(f"{one[0]} passes {name}={one[1]!r}" for name, one in shown.items() if one),
        f"Declare it in {case.place}: call = {{ {values} }}",
    )


def _find_downloads_with_false(context: CaseContext) -> Iterator[Failure]:
    """Users pass False even to a parameter whose default is None."""
    config = context.case.config
    if config.untrained is not None or context.session.options.policy.everything:
        return
    flags = [
        one.name for one in weights_parameters(defaults_of(context.function)) if one.kind == "flag"
    ]
    for name in flags:
        if context.arguments.get(name, False) is not None:
            continue
        arguments = {**context.arguments, name: False}
        call = describe_call(context.case.entrypoint, arguments)
        with (
            contextlib.suppress(Exception, SystemExit),
            seeded(SEED),
            context.session.running(call) as guard,
        ):
            context.session.loaded.call(context.case.entrypoint, **arguments)
        for attempt in guard.attempts[:1]:
            yield Failure(
                f"{call} downloads although it is called without weights: {attempt.target}",
                (f"requested {attempt.origin}",),
                f"Use `if {name}` instead of `if {name} is not None`: False means no weights too.",
                Location(attempt.path, attempt.line) if attempt.path else None,
            )


@check("C107", "returns-declared-kind", level=1, requires=("C101", "C106"))
def returns_declared_kind(context: CaseContext) -> Iterator[Failure]:
    """The entrypoint returns an ``nn.Module``, or the kind of object that is declared.

    ``torch.hub.load(...)`` is nearly always followed by ``.eval()`` and ``.to(device)``. For an
    entrypoint that returns something else, declare ``kind``: a "bundle" holds a module, a
    "transform" is callable, a "tokenizer" is callable or has ``encode``, a "utility" is anything
    but None, and a "class" is a class, or an instance if the entrypoint is the class.
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
            f"{context.call} returns {_describe(value)}, not {_WANTED.get(kind, 'a callable')}.",
            tuple(_classes(value)),
            f"Return it, or declare `kind` in {context.case.place}"
            + (": a bundle holds several objects." if find_module(value) is not None else "."),
        )


_WANTED = {
    "model": "an nn.Module",
    "bundle": "a tuple, list or dict with an nn.Module in it",
    "class": "a class",
    "utility": "anything",
    "tokenizer": "callable and without `encode`",
}


def _classes(value: object) -> Iterator[str]:
    """The classes that an object inherits from, if its class is not a builtin."""
    cls = type(value)
    if cls.__module__ != "builtins":
        yield f"classes: {', '.join(one.__qualname__ for one in cls.__mro__[:-1])}"


def _describe(value: Any) -> str:  # noqa: ANN401
    name = type(value).__name__
    if isinstance(value, tuple | list | dict):
        elements = value.values() if isinstance(value, dict) else value
        inside = ", ".join(type(one).__name__ for one in list(elements)[:4])
        return f"a {name} of {inside or 'nothing'}"
    return "None" if value is None else f"a {name}"
