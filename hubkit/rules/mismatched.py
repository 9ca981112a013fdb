"""HUB2xx: entrypoints that are out of step with the code that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


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
