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

    from hubkit.facts import Finding, GpuNeed, Location, RepoFacts


# A placeholder as a default.
_MADE_UP = re.compile(r"""['"]/?(?:path[/_]to[/_]|your[/_]|<)""", re.IGNORECASE)
# Longer names of calls are shortened to their last part.
_LONG_NAME = 30


@rule("HUB203", "non-function-entrypoint", "warning", exempt_kinds=frozenset({"class"}))
def non_function_entrypoint(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint is a class, an instance or a coroutine function.

    torch.hub calls any callable. A coroutine function returns a coroutine that is never awaited, so
    no model is built; this is an error. A class makes its constructor the public interface, with no
    place to load weights. An instance shows the help of its class.

    Bad:
        class UNet(torch.nn.Module): ...

        async def unet(pretrained=False): ...

    Good:
        def unet(pretrained=False):
            return _UNet()

    If the class is meant to be loaded, such as a loss, declare it in pyproject.toml or hubkit.toml:
        [tool.hubkit.entrypoints.FocalLoss]
        kind = "class"

    A class that `__all__` of hubconf.py names, or that a document at the root or in `docs` loads, is
    published on purpose and not reported. Of others, the severity is info for an nn.Module class
    with a docstring. HUB305 reports entrypoints made by
    `functools.partial` and `lambda`.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        if entry.returns.description == "a coroutine":
            yield non_function_entrypoint.finding(
                f"`{entry.name}` is a coroutine function: torch.hub.load returns a coroutine that is "
                "never awaited",
                entry.definition,
                entrypoint=entry.name,
                hint="Make it a plain `def`.",
            )
        elif entry.made_by == "instance" or (
            entry.kind == "class"
            and not entry.is_announced
            and entry.parameters is not None
            and entry.returns.shape != "other"
        ):
            is_meant = entry.returns.shape == "module" and bool(entry.docstring)
            what = "an instance of a class" if entry.made_by else "a class"
            yield non_function_entrypoint.finding(
                f"`{entry.name}` is {what}, not a function",
                entry.location,
                entrypoint=entry.name,
                severity="info" if is_meant else "warning",
                hint="Define a function that builds it, or declare it: "
                f'`[tool.hubkit.entrypoints.{entry.name}] kind = "class"`.',
            )


@rule("HUB204", "required-arguments", "info", preview=True)
def required_arguments(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint cannot be called without arguments.

    Tools that accept any hub model, and most new users, call `torch.hub.load(repo, name)`. With
    a required argument they get a TypeError.

    Bad:
        def unet(in_channels): ...

    Good:
        def unet(in_channels=3): ...

    If no default makes sense, document the argument in the docstring and give a value to
    `pytest --hubconf` in hubkit.toml: `[entrypoints.unet] call = { in_channels = 3 }`.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        names = [parameter.name for parameter in entry.parameters or () if parameter.required]
        if names:
            yield required_arguments.finding(
                f"`{entry.name}` requires {quoted(names)}",
                entry.definition,
                entrypoint=entry.name,
                hint="Add a default value if there is a sensible one.",
            )


@rule(
    "HUB206",
    "swallowed-kwargs",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="{count} entrypoints ignore `**kwargs`, so a misspelled argument raises no error",
)
def swallowed_kwargs(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint accepts `**kwargs` and ignores them.

    A misspelled argument raises no error: `torch.hub.load(repo, "unet", pretrianed=True)` returns
    an untrained network.

    Bad:
        def unet(pretrained=False, **kwargs):
            return _UNet()

    Good:
        def unet(pretrained=False, **kwargs):
            return _UNet(**kwargs)

    If the arguments are ignored on purpose, use a name with a leading underscore, such as `**_`. An
    entrypoint that only passes them to a function of the repo which ignores them is reported, too.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        for parameter in entry.parameters or ():
            if parameter.name.startswith("_"):
                continue
            if parameter.ignored_by:
                yield swallowed_kwargs.finding(
                    f"`{entry.name}` passes `**{parameter.name}` to `{parameter.ignored_by}`, which "
                    "ignores them, so a misspelled argument raises no error",
                    entry.definition,
                    entrypoint=entry.name,
                    hint=f"Use them in `{parameter.ignored_by}`, or remove them from both.",
                )
            elif parameter.ignored:
                yield swallowed_kwargs.finding(
                    f"`{entry.name}` ignores `**{parameter.name}`, so a misspelled argument raises no "
                    "error",
                    entry.definition,
                    entrypoint=entry.name,
                    hint=f"Pass them on, or remove `**{parameter.name}`.",
                    fix=partial(remove_keywords, repo, entry),
                )


@rule("HUB207", "reserved-parameter", "error")
def reserved_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """A parameter has the name of a parameter of torch.hub.load.

    `torch.hub.load(repo, "unet", verbose=False)` sets `verbose` of torch.hub.load; the entrypoint
    does not get it. `model=` and `repo_or_dir=` raise TypeError: got multiple values for argument.
    The names are repo_or_dir, model, source, trust_repo, force_reload, verbose and skip_validation.

    Bad:
        def unet(pretrained=False, verbose=True): ...

    Good:
        def unet(pretrained=False, log=True): ...

    Positional-only parameters are not reported.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        for parameter in entry.parameters or ():
            name = parameter.name
            if name not in LOAD_PARAMETERS or parameter.kind in (
                "positional-only",
                "var-positional",
                "var-keyword",
            ):
                continue
            outcome = "raises TypeError" if name in LOAD_POSITIONAL else "does not reach it"
            yield reserved_parameter.finding(
                f"the parameter `{name}` of `{entry.name}` is reserved by torch.hub.load: `{name}=` {outcome}",
                entry.definition,
                entrypoint=entry.name,
                hint="Rename the parameter.",
            )


@rule(
    "HUB208",
    "cuda-by-default",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="{count} entrypoints use a GPU by default",
)
def cuda_by_default(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint uses a GPU by default.

    On a machine without a GPU, such as most CI, loading the model fails.

    Bad:
        def unet(pretrained=False, device="cuda"): ...

        def unet(pretrained=False):
            return _UNet().cuda()

    Good:
        def unet(pretrained=False, device="cpu"): ...

        def unet(pretrained=False):
            return _UNet()              # users move it where they want it

    A default of `"cuda"` is reported whatever the function does with it, unless its body asks
    `torch.cuda.is_available()`. Otherwise the rule follows the entrypoint through the repo's
    functions, with its defaults and with weights. It reports only a `.cuda()` or `.to("cuda")` that
    is certain to run, also in `forward` of the models, and none that depends on
    `torch.cuda.is_available()`.
    """
    needs = repo.hubconf.gpu_needs if repo.hubconf else ()
    defaults: dict[str, list[str]] = {}
    for need in needs:
        if need.parameter:
            defaults.setdefault(need.entrypoint, []).append(need.parameter)
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        named = defaults.get(entry.name, [])
        shown = [f"{one.name}={one.default}" for one in entry.parameters or () if one.name in named]
        if named:
            yield cuda_by_default.finding(
                f"`{entry.name}` uses a GPU by default: {quoted(shown)}",
                entry.definition,
                entrypoint=entry.name,
                hint=f'Change the {"default" if len(named) == 1 else "defaults"} to "cpu".',
                fix=partial(default_to_cpu, repo, entry, named),
            )
    calls: dict[Location, list[GpuNeed]] = {}
    for need in needs:
        if not need.parameter:
            calls.setdefault(need.location, []).append(need)
    for place, here in calls.items():
        names = [one.entrypoint for one in here]
        yield cuda_by_default.finding(
            f"{quoted(names)} {'requires' if len(names) == 1 else 'require'} a GPU: "
            f"`{_shortened(here[0].call)}(…)` does not check whether there is one",
            place,
            entrypoint=names[0],
            hint="Let users move the model, or use the device of the input.",
        )


def _shortened(code: str) -> str:
    return code if len(code) < _LONG_NAME else f"….{code.rpartition('.')[2]}"


@rule("HUB211", "failing-defaults", "warning")
def failing_defaults(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint fails with its own default arguments.

    A default means that the call works without the argument. Here the entrypoint raises an
    exception, or uses a placeholder path. To tools that build every model of a repo, it is broken.

    Bad:
        def custom(path="path/to/model.pt"): ...

        def unet(config=None):
            assert config is not None

    Good:
        def custom(path): ...

        def unet(config): ...

    The rule follows the entrypoint through the repo's functions with its defaults. It reports only
    statements that are certain to raise, and none inside `try`.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    failing = {one.entrypoint: one for one in hubconf.failing_defaults}
    for entry in hubconf.distinct:
        made_up = [one.name for one in entry.parameters or () if _MADE_UP.match(one.default or "")]
        if entry.name in failing:
            found = failing[entry.name]
            message = f"`{entry.name}()` fails with its default arguments: `{found.statement}`"
            place = found.location
        elif made_up:
            message = f"the default of {quoted(made_up)} in `{entry.name}` is a placeholder"
            place = entry.definition
        else:
            continue
        yield failing_defaults.finding(
            message,
            place,
            entrypoint=entry.name,
            hint="Remove the default, or choose one that works.",
        )


@rule("HUB214", "misspelled-parameter", "warning")
def misspelled_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """A parameter, or an argument of a call, is one letter off `pretrained`.

    Users who write `pretrained=True` get a TypeError. If `**kwargs` swallows it, they get a model
    without weights, and no error.

    Bad:
        def unet(pretrianed=False): ...

        _build(pretraind=True)                  # def _build(pretrained=False, **kwargs): ...

    Good:
        def unet(pretrained=False): ...

    The rule reads hubconf.py and the modules that define its entrypoints.
    """
    for one in repo.hubconf.misspelled_names if repo.hubconf else ():
        yield misspelled_parameter.finding(
            f"`{one.name}` is one letter off `{one.correct}`",
            one.location,
            hint=f"Call it `{one.correct}`.",
        )


@rule("HUB212", "mismatched-call", "error")
def mismatched_call(repo: RepoFacts) -> Iterator[Finding]:
    """A call does not match the signature of the called function.

    For example, a parameter was renamed or removed in the package, but hubconf.py still passes it.
    The call raises TypeError.

    Bad:
        def unet(pretrained=False):
            return _build(widht=64)             # def build(width): ...

    Good:
        def unet(pretrained=False):
            return _build(width=64)

    The rule checks all calls in hubconf.py and those that its entrypoints reach. It skips functions
    with an unknown decorator or several definitions, and calls whose TypeError is caught. It also
    reports a dict that is passed as `options=` to a function with `**options`, if the function
    neither reads the key `options` nor passes its keywords on.
    """
    for one in repo.hubconf.rejected_calls if repo.hubconf else ():
        yield mismatched_call.finding(
            f"invalid call: {one.reason}",
            one.location,
            hint="Adapt the call to the signature.",
        )
