"""HUB4xx: what an entrypoint gives back, and what becomes of it afterwards."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Finding, LateImport, RepoFacts

_OTHER_KINDS = frozenset({"bundle", "transform", "tokenizer", "utility", "class"})


@rule("HUB401", "returns-not-module", "warning", exempt_kinds=_OTHER_KINDS)
def returns_not_module(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint gives back something that is no nn.Module.

    Tools that take any hub model (benchmarks, converters, feature extractors) call `.eval()` and
    `.to(device)` on what `torch.hub.load` gives; on a tuple or a trainer object that ends in
    AttributeError. Sometimes it is meant so: a tokenizer, a transform, a model together with its
    utilities. Then say which, in pyproject.toml or hubkit.toml.

    Bad:
        def detector(pretrained=False):
            ...
            return model, PostProcess()

    Good:
        def detector(pretrained=False):
            ...
            return model

    Or declared:
        [tool.hubkit.entrypoints.detector]
        kind = "bundle"     # or transform, tokenizer, utility, class

    Where the docstring says what comes back, a tuple or a dict for example, users know, and only
    tools do not: an info.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        # A coroutine function is wrong in another way, which HUB203 tells.
        if entry.returns.shape == "other" and entry.returns.description != "a coroutine":
            yield returns_not_module.finding(
                f"`{entry.name}` gives back {entry.returns.description or 'something else'}, "
                "which is no nn.Module: `.eval()` and `.to(device)` fail on it",
                entry.returns.location or entry.definition,
                entrypoint=entry.name,
                hint="Return the module alone, or declare what it is: "
                f'`[tool.hubkit.entrypoints.{entry.name}] kind = "bundle"` '
                "(or transform, tokenizer, utility).",
                severity="info" if _is_documented(entry) else "warning",
            )


def _is_documented(entry: Entrypoint) -> bool:
    """Whether the docstring names what comes back: the "tuple" of "a tuple of 2"."""
    words = entry.returns.description.split()
    noun = words[1] if len(words) > 1 else ""
    return bool(noun) and re.search(rf"\b{noun}\b", entry.docstring or "", re.I) is not None


@rule("HUB402", "class-defined-in-hubconf", "warning")
def class_defined_in_hubconf(repo: RepoFacts) -> Iterator[Finding]:
    """An nn.Module is defined in hubconf.py itself.

    torch.hub imports the file under the name `hubconf.py` and does not register it, so the class
    cannot be found again: `torch.save(model)`, `pickle` and handing the model to another process end
    in "Can't pickle: import of module 'hubconf.py' failed".

    Bad:
        # hubconf.py
        class UNet(torch.nn.Module): ...

    Good:
        # hubconf.py
        from unet import UNet as _UNet
    """
    for one in repo.hubconf.module_classes if repo.hubconf else ():
        yield class_defined_in_hubconf.finding(
            f"models of the class `{one.name}` cannot be pickled or sent to another process, "
            "since it is defined in hubconf.py",
            one.location,
            hint="Move it to a module of the repo and import it from there.",
        )


@rule("HUB403", "lazy-repo-import", "error", fixable="sometimes", applicability="unsafe")
def lazy_repo_import(repo: RepoFacts) -> Iterator[Finding]:
    """A method that runs after loading imports a module of the repo.

    The repo is on the path only while torch.hub.load runs. An import inside `forward` of a package
    that loading did not import ends in ModuleNotFoundError at the first call of the model.

    Bad:
        class UNet(torch.nn.Module):
            def forward(self, x):
                from ops import resample

                return resample(x)

    Good:
        from ops import resample

        class UNet(torch.nn.Module):
            def forward(self, x):
                return resample(x)

    A package that is imported while the model is loaded stays importable, and is not reported.
    """
    for one in repo.hubconf.late_imports if repo.hubconf else ():
        yield lazy_repo_import.finding(
            f"`{one.module}` is imported after loading, when the repo is no longer on the path: "
            "the first call of the model ends in ModuleNotFoundError",
            one.location,
            hint="Import it at the top of the file.",
            fix=partial(_hoist, repo, one),
        )


def _hoist(repo: RepoFacts, late: LateImport) -> Fix | None:
    source = edits.source_of(repo, late.location.path)
    node = source.statement(late.location) if source else None
    changes = edits.hoist_import(source, node) if source and node else None
    return Fix("Move it to the top of the file", "unsafe", changes) if changes else None
