"""HUB2xx: how entrypoints can be called."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.rules.fixes import default_to_cpu, remove_keywords
from hubkit.rules.registry import rule
from hubkit.torchhub import LOAD_PARAMETERS, LOAD_POSITIONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


# A default that stands for "put yours here".
_MADE_UP = re.compile(r"""['"]/?(?:path[/_]to[/_]|your[/_]|<)""", re.IGNORECASE)
# Longer calls are known by their last part.
_TELLING = 30


@rule("HUB203", "non-function-entrypoint", "warning", exempt_kinds=frozenset({"class"}))
def non_function_entrypoint(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint is a class, an instance or a coroutine function.

    torch.hub calls whatever has the name. A coroutine function gives back a coroutine that nobody
    awaits, so no model is ever built: an error. A class gives no place for weights and freezes the
    constructor as the interface; an instance shows its class's help.

    Bad:
        class UNet(torch.nn.Module): ...

        async def unet(pretrained=False): ...

    Good:
        def unet(pretrained=False):
            return _UNet()

    A class that is meant to be loaded, such as a loss, is declared in pyproject.toml or hubkit.toml:
        [tool.hubkit.entrypoints.FocalLoss]
        kind = "class"

    A documented class derived from nn.Module is only an info. What `functools.partial` and `lambda`
    make is HUB305's.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        if entry.returns.description == "a coroutine":
            yield non_function_entrypoint.finding(
                f"`{entry.name}` is a coroutine function: torch.hub.load gives back a coroutine "
                "that was never awaited",
                entry.definition,
                entrypoint=entry.name,
                hint="Make it a plain `def`.",
            )
        elif entry.made_by == "instance" or (
            entry.kind == "class"
            and entry.parameters is not None
            and entry.returns.shape != "other"
        ):
            is_meant = entry.returns.shape == "module" and bool(entry.docstring)
            what = "an instance of a class" if entry.made_by else "a class"
            yield non_function_entrypoint.finding(
                f"`{entry.name}` is {what}, so its constructor is what users call and see the help of",
                entry.location,
                entrypoint=entry.name,
                severity="info" if is_meant else "warning",
                hint="Publish a function that builds it, or declare it: "
                f'`[tool.hubkit.entrypoints.{entry.name}] kind = "class"`.',
            )


@rule("HUB204", "required-arguments", "info", preview=True)
def required_arguments(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint cannot be called without arguments.

    Tools that take any hub model build it with `torch.hub.load(repo, name)`, and so do most users at
    first. With a required argument they meet a TypeError.

    Bad:
        def unet(in_channels): ...

    Good:
        def unet(in_channels=3): ...

    Where no default makes sense, say in the docstring what to give, and for `pytest --hubconf` in
    hubkit.toml: `[entrypoints.unet] call = { in_channels = 3 }`.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        names = [parameter.name for parameter in entry.parameters or () if parameter.required]
        if names:
            yield required_arguments.finding(
                f"`{entry.name}` cannot be called without {quoted(names)}",
                entry.definition,
                entrypoint=entry.name,
                hint="Give a default if there is a sensible one.",
            )


@rule("HUB206", "swallowed-kwargs", "warning", fixable="sometimes", applicability="unsafe")
def swallowed_kwargs(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint takes `**kwargs` and never looks at them.

    A misspelt argument passes without a word: `torch.hub.load(repo, "unet", pretrianed=True)` gives
    an untrained network.

    Bad:
        def unet(pretrained=False, **kwargs):
            return _UNet()

    Good:
        def unet(pretrained=False, **kwargs):
            return _UNet(**kwargs)

    Keywords that are to be ignored on purpose, for callers that pass too many, are called `**_` or
    start with an underscore: those are not reported.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        for parameter in entry.parameters or ():
            if parameter.ignored and not parameter.name.startswith("_"):
                yield swallowed_kwargs.finding(
                    f"`{entry.name}` takes `**{parameter.name}` and never looks at them: a misspelt "
                    "argument passes unnoticed",
                    entry.definition,
                    entrypoint=entry.name,
                    hint=f"Pass them on, or remove `**{parameter.name}`.",
                    fix=partial(remove_keywords, repo, entry),
                )


@rule("HUB207", "reserved-parameter", "error")
def reserved_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """A parameter has a name that torch.hub.load keeps for itself.

    `torch.hub.load(repo, "unet", verbose=False)` sets torch.hub's own `verbose`; the entrypoint's
    never gets it. `model=` and `repo_or_dir=` end in TypeError: got multiple values for argument.
    The names are repo_or_dir, model, source, trust_repo, force_reload, verbose and skip_validation.

    Bad:
        def unet(pretrained=False, verbose=True): ...

    Good:
        def unet(pretrained=False, log=True): ...

    A positional-only parameter cannot be meant by name and is not reported.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        for parameter in entry.parameters or ():
            name = parameter.name
            if name not in LOAD_PARAMETERS or parameter.kind in (
                "positional-only",
                "var-positional",
                "var-keyword",
            ):
                continue
            outcome = (
                "is torch.hub.load's own and ends in TypeError"
                if name in LOAD_POSITIONAL
                else "is taken by torch.hub.load itself and never arrives"
            )
            yield reserved_parameter.finding(
                f"`{entry.name}` has a parameter `{name}`: `{name}=` {outcome}",
                entry.definition,
                entrypoint=entry.name,
                hint="Give the parameter another name.",
            )


@rule("HUB208", "cuda-by-default", "warning", fixable="sometimes", applicability="unsafe")
def cuda_by_default(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint wants a GPU unless told otherwise.

    On a machine without one, the first call ends in an error, and so do CI and every tool that loads
    models without arguments.

    Bad:
        def unet(pretrained=False, device="cuda"): ...

        def unet(pretrained=False):
            return _UNet().cuda()

    Good:
        def unet(pretrained=False, device="cpu"): ...

        def unet(pretrained=False):
            return _UNet()              # users move it where they want it

    The entrypoint is followed through the repo's functions with its own defaults, and asked for
    weights; only a `.cuda()` or `.to("cuda")` that is then certain to run is reported, in `forward`
    of the networks that it builds too. What depends on `torch.cuda.is_available()` is fine.
    """
    needs = repo.hubconf.gpu_needs if repo.hubconf else ()
    for need in needs:
        entry = repo.hubconf.entrypoint(need.entrypoint) if repo.hubconf else None
        if entry is not None and need.parameter:
            default = {one.name: one.default for one in entry.parameters or ()}[need.parameter]
            yield cuda_by_default.finding(
                f"`{entry.name}` wants a GPU by default: `{need.parameter}={default}`",
                need.location,
                entrypoint=entry.name,
                hint='Make "cpu" the default.',
                fix=partial(default_to_cpu, repo, entry, need.parameter),
            )
    calls = [one for one in needs if not one.parameter]
    for place in dict.fromkeys(one.location for one in calls):
        here = [one for one in calls if one.location == place]
        names = [one.entrypoint for one in here]
        yield cuda_by_default.finding(
            f"{quoted(names)} {'wants' if len(names) == 1 else 'want'} a GPU: "
            f"`{_shortened(here[0].call)}(…)` runs without asking whether there is one",
            place,
            entrypoint=names[0],
            hint="Leave it to the user to move the model, or use the device of what is given.",
        )


def _shortened(code: str) -> str:
    return code if len(code) < _TELLING else f"….{code.rpartition('.')[2]}"


@rule("HUB211", "failing-defaults", "warning")
def failing_defaults(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint has a default for every parameter and fails with them.

    A default says that the call works without the argument. Here it ends in an exception that the
    entrypoint itself raises, or goes on with a made-up path. Tools that build every model of a repo
    cannot tell it from a broken one.

    Bad:
        def custom(path="path/to/model.pt"): ...

        def unet(config=None):
            assert config is not None

    Good:
        def custom(path): ...

        def unet(config): ...

    The entrypoint is followed through the repo's functions with its own defaults; only what is
    certain to raise is reported, and nothing inside `try`.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    failing = {one.entrypoint: one for one in hubconf.failing_defaults}
    for entry in hubconf.entrypoints:
        made_up = [one.name for one in entry.parameters or () if _MADE_UP.match(one.default or "")]
        if entry.name in failing:
            found = failing[entry.name]
            message = f"`{entry.name}()` fails with its own defaults: `{found.statement}`"
            place = found.location
        elif made_up:
            message = f"the default of {quoted(made_up)} in `{entry.name}` is a made-up path"
            place = entry.definition
        else:
            continue
        yield failing_defaults.finding(
            message,
            place,
            entrypoint=entry.name,
            hint="Remove the default of what must be given, or choose one that works.",
        )


@rule("HUB212", "mismatched-call", "error")
def mismatched_call(repo: RepoFacts) -> Iterator[Finding]:
    """A call does not fit the function of the repo that it reaches.

    A parameter was renamed or removed in the package, and hubconf.py, which no test imports, still
    gives the old one. Whoever gets there meets a TypeError.

    Bad:
        def unet(pretrained=False):
            return _build(widht=64)             # def build(width): ...

    Good:
        def unet(pretrained=False):
            return _build(width=64)

    All calls in hubconf.py are compared, and those that its entrypoints lead to. A function behind an
    unknown decorator, one of which there are several, and a call whose TypeError is caught are left
    out. A dict given under the name of `**options` becomes an entry `options` in them, which is
    reported where the function neither looks for such an entry nor hands its keywords on.
    """
    for one in repo.hubconf.rejected_calls if repo.hubconf else ():
        yield mismatched_call.finding(
            f"this call cannot work: {one.reason}",
            one.location,
            hint="Give what the signature takes now.",
        )
