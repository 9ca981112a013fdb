"""The repo's licence, and what Hugging Face calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.rules.card_keys import HF_LICENCES
from hubkit.scaffold.licenses import read_license

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts

_SUFFIXES = ("-only", "-or-later")


class Licence(Struct, frozen=True):
    """A licence.

    Attributes:
        spdx: Its SPDX identifier.
        file: The file that holds its text, relative to the repo; "" for none.
    """

    spdx: str
    file: str

    @property
    def on_hugging_face(self) -> str:
        """The identifier there; "other" for what is none of those."""
        name = self.spdx.lower()
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        return name if name in HF_LICENCES else "other"


def read_licence(facts: RepoFacts, declared: object) -> Licence | None:
    """The repo's licence; None when nothing tells.

    Args:
        facts: The repo.
        declared: What its pyproject.toml says: SPDX where the text is none that is well known.
    """
    file, spdx = read_license(facts.root)
    if (not spdx or spdx.startswith("LicenseRef-")) and isinstance(declared, str):
        spdx = declared.strip()
    return Licence(spdx, file) if spdx else None
