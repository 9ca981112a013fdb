"""HUB4xx: what an entrypoint gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts

_OTHER_KINDS = frozenset({"bundle", "transform", "tokenizer", "utility", "class"})


@rule("HUB401", "returns-not-module", "warning", moot_kinds=_OTHER_KINDS)
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
            )
