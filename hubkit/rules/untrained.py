"""HUB5xx and HUB2xx: what an entrypoint does when nobody asked for weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts, UnrequestedDownload


@rule("HUB508", "unconditional-download", "error")
def unconditional_download(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint downloads weights although it is told not to.

    `pretrained=False` is how tests, converters and people behind a proxy get the bare network. A
    download that does not look at it, or looks with `is not None`, fails for them without a network.

    Bad:
        if pretrained is not None:
            state = load_state_dict_from_url(url)

    Good:
        if pretrained:
            state = load_state_dict_from_url(url)

    The entrypoint is followed from `pretrained=False` (or `weights=None`) through the repo's
    functions; only a download that is then certain to happen is reported.
    """
    for names, one in _by_place(repo, switched=True):
        downloads = "downloads" if len(names) == 1 else "download"
        yield unconditional_download.finding(
            f"{quoted(names)} {downloads} weights with `{one.switch}={one.without}` too",
            one.location,
            entrypoint=one.entrypoint,
            hint=f"Ask `if {one.switch}:` first.",
        )


@rule("HUB205", "no-pretrained-switch", "warning")
def no_pretrained_switch(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint always downloads weights, and has no parameter to say otherwise.

    The bare network is what tests, converters and people who train from scratch need. By custom a
    parameter `pretrained` asks for weights.

    Bad:
        def unet():
            model.load_state_dict(load_state_dict_from_url(url))

    Good:
        def unet(pretrained=True):
            if pretrained:
                model.load_state_dict(load_state_dict_from_url(url))
    """
    for names, one in _by_place(repo, switched=False):
        yield no_pretrained_switch.finding(
            f"{quoted(names)} cannot be had without this download",
            one.location,
            entrypoint=one.entrypoint,
            hint="Add a parameter `pretrained`.",
        )


@rule("HUB509", "inner-pretrained", "warning")
def inner_pretrained(repo: RepoFacts) -> Iterator[Finding]:
    """A part of the model is built with pretrained weights, whatever the entrypoint was asked for.

    A backbone made with a literal `pretrained=True` downloads its weights even for
    `pretrained=False`: the bare network needs the internet. With `pretrained=True` they are
    downloaded in vain, since the repo's own weights overwrite them. torchvision's detection models
    had this mistake for a year and now take `weights_backbone`.

    Bad:
        def detector(pretrained=False):
            backbone = torchvision.models.resnet50(pretrained=True)

    Good:
        def detector(pretrained=False, pretrained_backbone=True):
            backbone = torchvision.models.resnet50(
                pretrained=pretrained_backbone and not pretrained
            )

    Only entrypoints with a parameter that asks for weights are followed, and a call under a condition
    that looks at weights is fine. A download that is certain to happen is HUB508's. A backbone that
    is frozen and is never in the repo's own weights needs them: ignore the finding with that reason.
    """
    for one in repo.hubconf.hard_coded_pretrained if repo.hubconf else ():
        if not _is_certain(repo):
            yield inner_pretrained.finding(
                f"`{one.call}` downloads weights even if none are asked for",
                one.location,
                hint="Give the entrypoint a parameter for it, and skip it where the repo's own "
                "weights follow.",
            )


def _is_certain(repo: RepoFacts) -> bool:
    """Whether HUB508 tells of the same download already."""
    return any(one.switch for one in repo.hubconf.unrequested_downloads) if repo.hubconf else False


def _by_place(
    repo: RepoFacts, *, switched: bool
) -> Iterator[tuple[tuple[str, ...], UnrequestedDownload]]:
    """Downloads nobody asked for, one a place, with the entrypoints that come by there."""
    unrequested = [
        one
        for one in (repo.hubconf.unrequested_downloads if repo.hubconf else ())
        if bool(one.switch) is switched
    ]
    for place in dict.fromkeys(one.location for one in unrequested):
        here = [one for one in unrequested if one.location == place]
        yield tuple(one.entrypoint for one in here), here[0]
