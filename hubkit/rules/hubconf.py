"""HUB0xx: the file itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts


@rule("HUB001", "hubconf-missing", "error")
def hubconf_missing(repo: RepoFacts) -> Iterator[Finding]:
    """There is no hubconf.py at the root of the repo.

    torch.hub unpacks the repo's archive and opens exactly `hubconf.py` at its root. A hubconf in a
    subfolder is invisible, and every `torch.hub.load` ends in FileNotFoundError.

    Bad:
        src/hubconf.py

    Good:
        hubconf.py
        src/...

    `hubkit init` writes one.
    """
    if repo.problem is not None and repo.problem.kind == "missing":
        yield hubconf_missing.finding(
            "there is no hubconf.py here, so torch.hub cannot load anything from this repo",
            hint="Run `hubkit init` to write one, or check the folder that holds it.",
        )


@rule("HUB002", "hubconf-syntax", "error")
def hubconf_syntax(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py does not parse.

    Users of the model see a SyntaxError from inside torch.hub, before anything of theirs runs.
    Nothing else can be checked until it is fixed.

    Bad:
        def unet(pretrained=False)
            ...

    Good:
        def unet(pretrained=False):
            ...
    """
    if repo.problem is not None and repo.problem.kind != "missing":
        yield hubconf_syntax.finding(
            f"hubconf.py cannot be imported: {repo.problem.message}",
            repo.problem.location,
            hint="Fix this first; nothing else of the repo was checked.",
        )


@rule("HUB009", "no-entrypoints", "error")
def no_entrypoints(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py publishes nothing that torch.hub.load could call.

    Entrypoints are the public functions and classes of hubconf.py: those defined there and those
    imported from the repo's own modules. A name that starts with an underscore is private. Without
    any, `torch.hub.list` shows an empty list, or only imported helpers.

    Bad:
        dependencies = ["torch"]

        def _unet(pretrained=False): ...

    Good:
        dependencies = ["torch"]

        def unet(pretrained=False): ...

    Names that are made at run time (HUB210) count as entrypoints that cannot be seen.
    """
    hubconf = repo.hubconf
    if hubconf is not None and not hubconf.entrypoints and not hubconf.is_open:
        yield no_entrypoints.finding(
            "hubconf.py publishes no entrypoint, so there is nothing that torch.hub.load could call",
            hint="Define a public function in hubconf.py, or import one from the repo's modules.",
        )
