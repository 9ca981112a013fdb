"""Whatever people write around the parts of a card, it stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubkit.publish.card import find_regions, render_region, replace_regions

# Without fences and markers of their own, which are refused or left alone as a whole.
WORDS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=60).filter(
    lambda text: "```" not in text and "~~~" not in text and "hubkit:" not in text
)
CONTENTS = st.text(st.sampled_from("ab |`-<>!\u2028é"), max_size=30).map(lambda text: f"{text}\n")


@given(WORDS, WORDS, WORDS, CONTENTS, CONTENTS, st.sampled_from(["\n", "\r\n"]))
def test_only_parts_change(
    above: str, between: str, below: str, old: str, new: str, newline: str
) -> None:
    def card(content: str) -> str:
        parts = [
            render_region(name, content).replace("\n", newline) for name in ("usage", "weights")
        ]
        return f"{above}\n{parts[0]}{between}\n{parts[1]}{below}"

    if "```" in old or "```" in new:
        return
    text = card(old)
    regions = find_regions(text, "card.md")
    assert [*regions] == ["usage", "weights"]
    assert {one.text for one in regions.values()} == {old.replace("\n", newline)}
    written = dict.fromkeys(regions, new.replace("\n", newline))
    changed = replace_regions(text, regions, written)
    assert changed == card(new)
    again = find_regions(changed, "card.md")
    assert replace_regions(changed, again, written) == changed
