"""How what is in the hub dir stands to its hosts today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit.errors import HubkitError, RefNotFoundError, RepoNotFoundError
from hubkit.facts import FetchPolicy
from hubkit.facts.hubdir import RefState
from hubkit.hubdir.inventory import read_asked
from hubkit.hubdir.repos import resolve_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import RepoRef


def fetch_states(wanted: tuple[RepoRef, ...] = ()) -> Iterator[RefState]:
    """How each ref in the hub dir stands to its host; one question for each.

    Args:
        wanted: Only these; one without a ref means all of its refs. All when empty.
    """
    for repo, sha in read_asked():
        if not wanted or any(one in (repo, replace(repo, ref=None)) for one in wanted):
            yield _state(repo, sha)


def _state(repo: RepoRef, sha: str) -> RefState:
    if repo.commit is not None:
        return RefState(repo, "pinned", sha)
    try:
        latest = resolve_ref(repo, FetchPolicy()).sha
    except (RefNotFoundError, RepoNotFoundError) as error:
        return RefState(repo, "gone", sha, detail=error.message)
    except HubkitError as error:
        return RefState(repo, "unknown", sha, detail=error.message)
    return RefState(repo, "current" if latest == sha else "behind", sha, latest)
