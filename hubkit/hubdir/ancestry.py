"""Does a commit that is the tip of nothing belong to a repo?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import RefNotFoundError

if TYPE_CHECKING:
    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.refs import RefList


def require_own_commit(client: Client, repo: RepoRef, refs: RefList, sha: str) -> None:
    """Insist that a commit is in the history of a branch or tag of the repo.

    Raises:
        RefNotFoundError: It is not.
    """
    del client, refs
    raise RefNotFoundError(f"{sha} is the tip of no branch or tag of {repo.full_name}.")
