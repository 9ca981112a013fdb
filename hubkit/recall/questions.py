"""What was asked of a repo's files, and what they answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from hubkit.facts.files import Files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.facts import Entry, EntryKind, Gap, Refs

    # The method and its arguments.
    Question = tuple[str | int | tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Witness(Files):
    """Files that note what they are asked.

    Attributes:
        files: Who answers.
        answers: A digest of each answer, in the order of the questions.
    """

    files: Files
    answers: dict[Question, bytes] = field(default_factory=dict)

    def _ask(self, method: str, *arguments: str | int | tuple[str, ...]) -> Any:  # noqa: ANN401 - any method's
        question = (method, *arguments)
        try:
            answer = getattr(self.files, method)(*arguments)
        except (OSError, ValueError) as error:
            self.answers.setdefault(question, _digest(error))
            raise
        if question not in self.answers:
            self.answers[question] = _digest(answer)
        return answer

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.files.root

    @property
    def ref(self) -> str:
        """The commit that was asked for."""
        return self.files.ref

    @property
    def is_tracked(self) -> bool:
        """Whether git tells what is in the tree."""
        return self.files.is_tracked

    def paths(self) -> tuple[str, ...]:
        """Every file, link and submodule."""
        return cast("tuple[str, ...]", self._ask("paths"))

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that end in one of the suffixes."""
        return cast("tuple[str, ...]", self._ask("paths_ending", suffixes))

    def entry(self, path: str) -> Entry | None:
        """What lies at a path."""
        return cast("Entry | None", self._ask("entry", path))

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return cast("frozenset[str]", self._ask("names", folder))

    def strays(self, folder: str) -> frozenset[str]:
        """Names in a folder that the tree lacks."""
        return cast("frozenset[str]", self._ask("strays", folder))

    def all_names(self, folder: str) -> frozenset[str]:
        """Names in a folder, in the tree or beside it."""
        return cast("frozenset[str]", self._ask("all_names", folder))

    def detour(self, path: str) -> Gap | None:
        """The link or the submodule on the way to a path."""
        return cast("Gap | None", self._ask("detour", path))

    def gap(self, path: str) -> Gap | None:
        """Why consumers lack a file."""
        return cast("Gap | None", self._ask("gap", path))

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every link, or every submodule."""
        return cast("tuple[str, ...]", self._ask("of_kind", kind))

    def pointers(self) -> frozenset[str]:
        """Files of which archives hold an LFS pointer."""
        return cast("frozenset[str]", self._ask("pointers"))

    def refs(self) -> Refs | None:
        """The repo's branches and tags."""
        return cast("Refs | None", self._ask("refs"))

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return cast("bool", self._ask("is_file", path))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return cast("bool", self._ask("is_folder", path))

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        return cast("bytes", self._ask("read", path, limit))


def has_same_answers(files: Files, answers: Mapping[Question, bytes]) -> bool:
    """Whether files answer as they did, to as many questions as it takes to tell.

    Args:
        files: The files.
        answers: The questions, and a digest of each answer.
    """
    for (method, *arguments), digest in answers.items():
        try:
            answer: object = getattr(files, str(method))(*arguments)
        except (OSError, ValueError) as error:
            answer = error
        if _digest(answer) != digest:
            return False
    return True


def _digest(answer: object) -> bytes:
    if isinstance(answer, bytes):
        data = b"bytes" + answer
    elif isinstance(answer, frozenset):
        data = repr(sorted(answer)).encode("utf-8", "surrogatepass")
    else:
        data = repr(answer).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()
