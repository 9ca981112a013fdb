"""HUB5xx: files and repos that loading a model reaches for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts

_READERS = re.compile(
    r"open|(?:torch|numpy|torch\.jit)\.load|pathlib\.Path\.(?:open|read_text|read_bytes)"
)
# torch.hub's own (torch/hub.py, _TRUSTED_REPO_OWNERS).
_TRUSTED_OWNERS = ("facebookresearch/", "facebookincubator/", "pytorch/", "fairinternal/")


@rule("HUB507", "cwd-relative-path", "error")
def cwd_relative_path(repo: RepoFacts) -> Iterator[Finding]:
    """A file of the repo is opened by a path that starts from the working directory.

    It works where the author sits, in the root of the repo. torch.hub unpacks the repo into its cache
    and never changes the working directory, so users get FileNotFoundError.

    Bad:
        state = torch.load("weights/unet.pth")

    Good:
        state = torch.load(Path(__file__).parent / "weights" / "unet.pth")

    Reported where the path is spelled out, the repo has the file, and importing hubconf.py or calling
    an entrypoint leads there.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.own_file and _READERS.fullmatch(use.name):
            yield cwd_relative_path.finding(
                f"`{use.own_file}` of this repo is looked for in the user's working directory",
                use.location,
                hint="Start from `Path(__file__).parent`.",
            )


@rule("HUB511", "nested-hub-load", "warning")
def nested_hub_load(repo: RepoFacts) -> Iterator[Finding]:
    """Loading a model loads from another hub repo, without a ref.

    torch.hub asks about every repo by itself. Who trusted this repo is asked again from inside it,
    which without a terminal is an EOFError. And the other repo's default branch may change, or be
    renamed, at any time.

    Bad:
        torch.hub.load("other/repo", "backbone")

    Good:
        torch.hub.load("other/repo:v1.0", "backbone", trust_repo=True)

    Owners whom torch.hub trusts by itself (facebookresearch, facebookincubator, pytorch,
    fairinternal) are not reported.
    """
    for use in repo.hubconf.uses if repo.hubconf else ():
        if use.name != "torch.hub.load" or use.keyword("source") not in (None, "'github'"):
            continue
        other = use.arguments[0] if use.arguments else None
        if other is None or "/" not in other or other.startswith(_TRUSTED_OWNERS):
            continue
        if ":" in other and use.keyword("trust_repo"):
            continue
        yield nested_hub_load.finding(
            f"loading this model loads from `{other}`, "
            + (
                "which torch.hub asks the user about"
                if ":" in other
                else "whatever its newest commit is"
            ),
            use.location,
            hint="Name a tag (`owner/name:v1.0`) and pass `trust_repo=True`, or copy what is needed.",
        )
