"""HUB3xx: the text that ``torch.hub.help`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.hubconf import read_docstring
from hubkit.rules.registry import rule
from hubkit.rules.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Finding, RepoFacts


@rule("HUB301", "missing-docstring", "warning")
def missing_docstring(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint has no docstring.

    `torch.hub.help` returns the docstring and nothing else: no signature, no default values. Without
    one, users read the repo's source to find out how to call the model.

    Bad:
        def unet(pretrained=False):
            ...

    Good:
        def unet(pretrained=False):
            \"""U-Net for binary segmentation of MRI slices.

            Args:
                pretrained: Load weights trained on LGG (31 MB).
            \"""
            ...

    For a re-exported entrypoint the docstring belongs to where it is defined.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        # Without parameters, the definition was not found, and neither was its docstring.
        if entry.parameters is not None and not (entry.docstring or "").strip():
            yield missing_docstring.finding(
                f"`{entry.name}` has no docstring, so torch.hub.help has nothing to say about it",
                entry.definition,
                entrypoint=entry.name,
                hint="Say in a docstring what it gives and what its parameters mean.",
            )


@rule("HUB302", "undocumented-parameter", "warning")
def undocumented_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """The docstring of an entrypoint never mentions one of its parameters.

    `torch.hub.help` prints the docstring without the signature, so users cannot even learn that
    the parameter exists.

    Bad:
        def unet(pretrained=False, width=64):
            \"""U-Net.

            Args:
                pretrained: Load weights.
            \"""

    Good:
        def unet(pretrained=False, width=64):
            \"""U-Net.

            Args:
                pretrained: Load weights.
                width: Channels of the first layer; must be 64 when pretrained.
            \"""

    Any style will do, and so will a sentence that names the parameter. `*args`, `**kwargs` and
    names with a leading underscore are not asked for.
    """
    for entry in repo.hubconf.entrypoints if repo.hubconf else ():
        names = _undocumented(entry)
        if names:
            yield undocumented_parameter.finding(
                f"the docstring of `{entry.name}` does not mention {quoted(names)}: "
                "torch.hub.help shows users no signature besides",
                entry.definition,
                entrypoint=entry.name,
                hint="Say what it means under `Args:`."
                if len(names) == 1
                else "Say what they mean under `Args:`.",
            )


def _undocumented(entry: Entrypoint) -> list[str]:
    if not entry.docstring or not entry.docstring.strip():
        return []
    facts = read_docstring(entry.docstring)
    known = facts.described | facts.mentions
    return [
        parameter.name
        for parameter in entry.parameters or ()
        if parameter.kind not in ("var-positional", "var-keyword")
        and not parameter.name.startswith("_")
        and parameter.name not in known
    ]
