"""The model card: rendered from the repo's own facts, and refreshed from them.

``facts`` gathers, ``sections`` and ``usage`` write the parts, ``front`` the front matter,
``markers`` finds the parts in a card, ``render`` puts all together. Nothing asks a host, runs the
repo's code, or needs torch.
"""

from hubkit.publish.card.facts import CardFacts, card_paths, gather_facts
from hubkit.publish.card.judge import judge_card
from hubkit.publish.card.markers import Source, find_source
from hubkit.publish.card.render import CardDraft, CardRequest, draft_card
from hubkit.publish.card.usage import render_arguments

__all__ = [
    "CardDraft",
    "CardFacts",
    "CardRequest",
    "Source",
    "card_paths",
    "draft_card",
    "find_source",
    "gather_facts",
    "judge_card",
    "render_arguments",
]
