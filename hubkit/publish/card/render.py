"""A card made from facts, or refreshed: only what hubkit writes changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit.errors import UsageError
from hubkit.publish.card.front import given_value, refresh_front, require_card, wanted_keys
from hubkit.publish.card.markers import find_regions, render_region, replace_regions
from hubkit.publish.card.sections import CONFORMANCE, SECTIONS, TITLES, prose
from hubkit.publish.card.told import find_told
from hubkit.rules.card_keys import site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.publish.card.facts import CardFacts
    from hubkit.rules.card_keys import Site

    Parts = Mapping[str, Callable[[CardFacts], str]]


class CardRequest(Struct, frozen=True):
    """What is asked of a card.

    Attributes:
        path: Where it is, or will be, relative to the repo.
        site: For which site its front matter is; None takes what the card has, or Hugging Face's
            for a new one; "" leaves front matter alone.
        given: Keys of the front matter that are to have just these values.
        added: Parts to append where the card lacks them.
        conformance: What the part of that name is to hold; None leaves it as it is.
    """

    path: str
    site: Site | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    conformance: str | None = None


class CardDraft(Struct, frozen=True):
    """A card as it should be.

    Attributes:
        path: Where it is, relative to the repo.
        before: What is there; None for a new one.
        after: What should be.
        stale: Parts whose contents differ, "front matter" among them.
        lacking: Parts that hubkit could write and that the card does not have.
        has_parts: Whether hubkit has written any of what is there.
    """

    path: str
    before: bytes | None
    after: bytes
    stale: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    has_parts: bool = True


def draft_card(facts: CardFacts, request: CardRequest, before: bytes | None) -> CardDraft:
    """A card as it should be.

    Args:
        facts: What it says.
        request: What is asked for.
        before: What is there; None for nothing.

    Raises:
        UsageError: What is there cannot be refreshed; nothing is lost.
        UsageError: A part is asked for that there is not.
    """
    parts: dict[str, Callable[[CardFacts], str]] = {**SECTIONS}
    if request.conformance is not None:
        table = request.conformance
        parts[CONFORMANCE] = lambda _: table
    _require_parts(request, parts)
    if before is None:
        site: Site = "huggingface" if request.site is None else request.site
        after = _new_card(facts, parts, site)
        wanted, given = wanted_keys(facts, site), _given(request)
        after = refresh_front(after, request.path, wanted, given)
        return CardDraft(request.path, None, after.encode(), (request.path,))
    return _refresh(facts, request, before, parts)


def _refresh(facts: CardFacts, request: CardRequest, before: bytes, parts: Parts) -> CardDraft:
    text = _decode(before, request.path)
    newline = "\r\n" if "\r\n" in text else "\n"
    site = _site(text, request)
    regions = find_regions(text, request.path)
    # Only what stands there is rendered: a part may need what nothing tells.
    written = {name: parts[name](facts).replace("\n", newline) for name in regions if name in parts}
    stale = [name for name, content in written.items() if regions[name].text != content]
    lacking = tuple(name for name in parts if name not in regions)
    # A card without any part has never been written by hubkit: it gets what it says nothing of.
    told = find_told(text, request.path) if not regions else frozenset(lacking)
    added = tuple(n for n in lacking if n in request.added or n not in told)
    after = replace_regions(text, regions, written)
    for name in added:
        after = _append(after, name, parts[name](facts), site, newline)
    wanted, given = wanted_keys(facts, site), _given(request)
    fronted = refresh_front(after, request.path, wanted, given, newline)
    stale += [*added, *(["front matter"] if fronted != after else [])]
    left = tuple(name for name in lacking if name not in added)
    return CardDraft(request.path, before, fronted.encode(), tuple(stale), left, bool(regions))


def _require_parts(request: CardRequest, parts: Parts) -> None:
    for name in request.added:
        if name == CONFORMANCE and name not in parts:
            raise UsageError(
                "the part `conformance` is written from a report",
                hint="Give it too: --report FILE",
            )
        if name not in parts:
            raise UsageError(f"a card has no part {name!r}", hint=f"There are {', '.join(TITLES)}.")


def _given(request: CardRequest) -> dict[str, str]:
    return {key: given_value(key, value) for key, value in request.given.items()}


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no UTF-8: {error.reason} at byte {error.start}.",
            hint="Save it as UTF-8. Nothing was written.",
        ) from None


def _site(text: str, request: CardRequest) -> Site:
    """For which site the front matter is."""
    card = require_card(text, request.path)
    have: Site = site_of(card) if card else ""
    if request.site and have and request.site != have:
        raise UsageError(
            f"{request.path} has front matter for {have}, not for {request.site}.",
            hint="A card for the other site needs a file of its own: --file PATH",
        )
    return have if request.site is None else request.site


def _append(text: str, name: str, content: str, site: Site, newline: str) -> str:
    level = "###" if site == "pytorch-hub" else "##"
    title = _title(name, site)
    gap = "" if not text or text.endswith(("\n\n", "\r\n\r\n")) else "\n"
    gap = f"\n{gap}" if text and not text.endswith("\n") else gap
    return text + f"{gap}{level} {title}\n\n{render_region(name, content)}".replace("\n", newline)


def _title(name: str, site: Site) -> str:
    # pytorch/hub's scripts/sanity_check.py asks for a section of that name.
    return "Example" if name == "usage" and site == "pytorch-hub" else TITLES[name]


def _new_card(facts: CardFacts, parts: Parts, site: Site) -> str:
    """The text of a first card below its front matter."""
    about = prose(facts.summary) or f"Models for PyTorch Hub, from {facts.source.repo}."
    is_hub = site == "pytorch-hub"
    text = f"### Model Description\n\n{about}\n" if is_hub else f"# {facts.name}\n\n{about}\n"
    for name, render in parts.items():
        text = _append(text, name, render(facts), site, "\n")
    return text
