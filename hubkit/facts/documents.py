"""What a repo's documents hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts.hubconf import Location


@dataclass(frozen=True, slots=True)
class Snippet:
    """A call of ``torch.hub.load`` shown in a document or docstring.

    Attributes:
        repo: "owner/name", as written.
        ref: What follows the colon; "" when nothing does.
        entrypoint: What it loads, or None when that is no literal.
        keywords: Names of the keyword arguments that go on to the entrypoint.
        location: The call.
    """

    repo: str
    ref: str
    entrypoint: str | None
    keywords: tuple[str, ...]
    location: Location

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit or a tag, and not the branch that everybody gets."""
        return self.ref not in ("", "main", "master")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block in a document.

    Attributes:
        language: What its fence says, in lower case; "" when nothing.
        text: The code.
        line: The line of the document on which it starts.
    """

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class CardField:
    """One key of a card's front matter.

    Attributes:
        key: The key.
        kind: What its value is.
        values: The scalar, or the scalars of a list, as texts; empty for a mapping and for null.
        raw: What is written after the colon on its line.
        location: The key's line.
    """

    key: str
    kind: Literal["scalar", "list", "mapping", "null"]
    values: tuple[str, ...]
    raw: str
    location: Location


@dataclass(frozen=True, slots=True)
class Card:
    """A document that begins with front matter.

    Attributes:
        path: The document.
        fields: Its keys, in order; empty when the front matter cannot be read.
        problem: Why it cannot be read; "" when it can.
        problem_line: Where.
        body: The text after the front matter.
        body_line: The line on which that starts.
    """

    path: str
    fields: tuple[CardField, ...]
    problem: str
    problem_line: int
    body: str
    body_line: int

    def field(self, key: str) -> CardField | None:
        """The field of that key, or None."""
        return next((one for one in self.fields if one.key == key), None)
