"""What would put a finding right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts.hubconf import Location

Applicability = Literal["safe", "unsafe"]
# Whether a rule's findings can be fixed: every one, some, or none.
Fixable = Literal["always", "sometimes", "never"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of text; an insertion when the place is empty.

    Attributes:
        location: What is replaced; its ends are always known.
        text: What stands there then; its line ends become those of the file.
    """

    location: Location
    text: str

    @property
    def is_insertion(self) -> bool:
        """Whether nothing is taken away."""
        place = self.location
        return (place.line, place.column) == (place.end_line, place.end_column)


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together: all are made, or none.

    Attributes:
        message: What they do, as an imperative clause.
        applicability: "safe" when the code does the same otherwise, "unsafe" when that is for its
            author to judge.
        edits: In the order of their places.
    """

    message: str
    applicability: Applicability
    edits: tuple[Edit, ...]
