"""What `hubkit check` would find in a card as it should be, before it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from hubkit.config import Config
from hubkit.lint import lint_repo
from hubkit.source import Overlay

if TYPE_CHECKING:
    from hubkit.facts import Finding, RepoFacts
    from hubkit.publish.card.render import CardDraft

_RULES = ("HUB804", "HUB805")


class _CardAlone(Overlay):
    """The repo's files, of which the card is the only document."""

    __slots__ = ()

    def paths(self) -> tuple[str, ...]:
        """The card."""
        return tuple(self.changes)


def judge_card(facts: RepoFacts, draft: CardDraft) -> tuple[Finding, ...]:
    """What the rules about cards find.

    Args:
        facts: The repo.
        draft: The card.
    """
    files = _CardAlone(facts.files, {draft.path: draft.after})
    return lint_repo(structs.replace(facts, files=files), Config(select=_RULES)).findings
