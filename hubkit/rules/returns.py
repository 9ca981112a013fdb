"""HUB4xx: what entrypoints return."""

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
# The sentence or section of a docstring that says what comes back.
_RETURNED = r"(?i)\breturns?\b[\s:*-]*((?:.*\w.*\n?){1,4})"
_MODEL = r"(?i)model|module|network"
_SEVERAL = r"(?i)\b(?:and|with|tuple|pair|list|both)\b|[,(]"


@rule(
    "HUB401",
    "returns-not-module",
    "warning",
    exempt_kinds=_OTHER_KINDS,
    several="{count} entrypoints return something that is not an nn.Module",
)
def returns_not_module(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint returns something that is not an nn.Module.

    Tools that accept any hub model (benchmarks, converters, feature extractors) call `.eval()` and
    `.to(device)` on the result of `torch.hub.load`. A tuple or a trainer object raises
    AttributeError. If the entrypoint is meant to return something else, such as a tokenizer,
    a transform, or a model with its utilities, declare it in pyproject.toml or hubkit.toml.

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

    Or documented: the docstring says what comes back, such as "Returns: The model and its
    processor". A mention of the returned type, such as "tuple" or "dict", suffices.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        # HUB203 reports coroutine functions.
        is_other = entry.returns.shape == "other" and entry.returns.description != "a coroutine"
        if is_other and not _is_documented(entry):
            yield returns_not_module.finding(
                f"`{entry.name}` returns {entry.returns.description or 'something else'} instead of "
                "an nn.Module",
                entry.returns.location or entry.definition,
                entrypoint=entry.name,
                hint="Return only the module, or declare the kind of the entrypoint: "
                f'`[tool.hubkit.entrypoints.{entry.name}] kind = "bundle"` '
                "(or transform, tokenizer, utility).",
            )


def _is_documented(entry: Entrypoint) -> bool:
    """Whether the docstring says what comes back: the type, or more than a model."""
    text = entry.docstring or ""
    words = entry.returns.description.split()
    noun = re.escape(words[1] if len(words) > 1 else words[0].rpartition(".")[2]) if words else ""
    if (
        noun
        and noun.lower() != entry.name.lower()
        and re.search(rf"\b{noun}\b", text, re.IGNORECASE)
    ):
        return True
    said = re.search(_RETURNED, text)
    return said is not None and (
        re.search(_SEVERAL, said[1]) is not None or not re.search(_MODEL, said[1])
    )


@rule("HUB402", "class-defined-in-hubconf", "warning")
def class_defined_in_hubconf(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py defines an nn.Module.

    torch.hub imports the file under the name `hubconf.py` and does not add it to `sys.modules`, so
    the class cannot be imported again. `torch.save(model)`, `pickle` and passing the model to
    another process raise "Can't pickle: import of module 'hubconf.py' failed".

    Bad:
        # hubconf.py
        class UNet(torch.nn.Module): ...

    Good:
        # hubconf.py
        from unet import UNet as _UNet
    """
    for one in repo.hubconf.module_classes if repo.hubconf else ():
        yield class_defined_in_hubconf.finding(
            f"models of class `{one.name}` cannot be pickled, because hubconf.py defines the class",
            one.location,
            hint=f"Move it to a module of the repo, and import it as `_{one.name.lstrip('_')}`.",
        )


@rule("HUB403", "lazy-repo-import", "error", fixable="sometimes", applicability="unsafe")
def lazy_repo_import(repo: RepoFacts) -> Iterator[Finding]:
    """A method imports a module of the repo after loading.

    The repo is on `sys.path` only while torch.hub.load runs. If `forward` imports a package that
    was not imported before, the first call of the model raises ModuleNotFoundError.

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

    Packages that are imported while the model is loaded are not reported.
    """
    for one in repo.hubconf.late_imports if repo.hubconf else ():
        yield lazy_repo_import.finding(
            f"`{one.module}` is imported after loading, when the repo is no longer on `sys.path`",
            one.location,
            hint="Import it at the top of the file.",
            fix=partial(_hoist, repo, one),
        )


def _hoist(repo: RepoFacts, late: LateImport) -> Fix | None:
    source = edits.source_of(repo, late.location.path)
    node = source.statement(late.location) if source else None
    changes = edits.hoist_import(source, node) if source and node else None
    return Fix("Move it to the top of the file", "unsafe", changes) if changes else None
