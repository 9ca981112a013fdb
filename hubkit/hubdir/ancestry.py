"""Does a commit that is the tip of nothing belong to a repo?

Hosts keep a repo and its forks in one store and hand out any commit of it by hash, so that the
archive of a commit exists proves nothing. What proves it is the history of the repo's own branches
and tags: git is asked for those commits from the tips down to the one in question ("want" the
tips, "have" that one, https://git-scm.com/docs/protocol-v2#_fetch) without any files, and if one
of them has it as a parent, it belongs. That takes neither git nor the REST API, and as much data
as there are commits since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import RefNotFoundError
from hubkit.hubdir.packs import read_parents
from hubkit.hubdir.protocol import ask, fetch_abilities

if TYPE_CHECKING:
    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.refs import RefList

_DATA, _ERROR = 1, 3


def require_own_commit(client: Client, repo: RepoRef, refs: RefList, sha: str) -> None:
    """Insist that a commit is in the history of a branch or tag of the repo.

    Args:
        client: Asks the host.
        repo: The repo.
        refs: Its branches and tags.
        sha: The whole hash of the commit, which is the tip of none of them.

    Raises:
        RefNotFoundError: It is not, or the host does not let us find out.
    """
    head = refs.commits.get(refs.head, "")
    others = sorted(set(refs.commits.values()) - {head})
    try:
        arguments = _say(client, repo)
        # The default branch first: most commits that people pin are on it.
        belongs = any(
            sha in read_parents(_fetch_history(client, repo, [*arguments, *_ask(tips, sha)]))
            for tips in ([head], others)
            if any(tips)
        )
    except ValueError as error:
        raise RefNotFoundError(
            f"Whether the commit {sha} belongs to {repo.full_name} cannot be told: {error}.",
            hint="Name a branch or tag, or pass skip_validation=True if you know the commit.",
        ) from error
    if not belongs:
        raise RefNotFoundError(
            f"The commit {sha} is on no branch or tag of {repo.full_name}.",
            hint="If it is of a fork, name the fork. skip_validation=True takes it as it is.",
        )


def _ask(tips: list[str], sha: str) -> list[str]:
    return [*(f"want {tip}" for tip in tips), f"have {sha}", "done"]


def _say(client: Client, repo: RepoRef) -> list[str]:
    """What to say in front of a question, given what the host can do."""
    can = fetch_abilities(client, repo).get("fetch", "")
    said = ["ofs-delta", "no-progress"]
    return [*said, "filter tree:0"] if "filter" in can.split() else said


def _fetch_history(client: Client, repo: RepoRef, arguments: list[str]) -> bytearray:
    """The pack that answers a question."""
    pack = bytearray()
    for line in ask(client, repo, "fetch", arguments):
        if line[0] == _DATA:
            pack += line[1:]
        elif line[0] == _ERROR:
            raise ValueError(f"the host says {line[1:200].decode('utf-8', 'replace').strip()!r}")
    return pack
