"""A hub repo, read."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.facts.files import Files
    from hubkit.facts.findings import Suppression
    from hubkit.facts.hubconf import Hubconf, HubconfProblem


@dataclass(frozen=True, slots=True)
class Limits:
    """What the author declares about the archives that hosts make of the repo.

    Attributes:
        archive_mb: How many megabytes (10^6 bytes) the files of an archive may have.
        lfs_in_archives: Whether the host puts LFS objects into archives.
    """

    archive_mb: float = 50
    lfs_in_archives: bool = False


@dataclass(frozen=True, slots=True)
class RepoFacts:
    """A hub repo, read.

    Attributes:
        files: Its files, of which only those in the hubconf's reach were read; others, such as
            its documents, can be.
        hubconf: Its hubconf, or None; then ``problem`` says why.
        problem: What kept the hubconf from being read, or None.
        packages: Top-level import names that the repo itself provides.
        suppressions: Comments in the hubconf's reach that ask for findings to be left out.
        unreadable: Modules of the repo that the hubconf needs and that do not parse.
        sources: Text of the hubconf and of the modules that it reaches, by path, with newlines
            normalised: what locations count in.
        limits: What the author declares about archives.
        before: The repo at the commit that it is compared with, or None.
    """

    files: Files
    hubconf: Hubconf | None
    problem: HubconfProblem | None
    packages: frozenset[str]
    suppressions: tuple[Suppression, ...]
    unreadable: tuple[HubconfProblem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    before: RepoFacts | None = None

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.files.root
