"""The name of a repo on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis import read_snippets, select_own
from hubkit.errors import RepoSpecError, UsageError
from hubkit.hubdir import parse_repo
from hubkit.source.project import is_repo_name, read_recorded_name, read_remote

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts, Snippet


def find_name(facts: RepoFacts, name: str | None = None) -> str:
    """``owner/name`` on GitHub.

    Args:
        facts: The repo.
        name: The name that the user passed. Without one, it comes from the snippets in the repo's
            documents, then from the answers that ``hubkit init`` recorded, then from git's remote:
            a fork keeps the name in its documents.

    Returns:
        The name; "" if it is unknown.

    Raises:
        UsageError: The name that the user passed is not valid.
    """
    if name is not None:
        return require_name(name)
    return _from_documents(facts) or read_recorded_name(facts.files) or read_remote(facts.root)


def require_name(text: str) -> str:
    """The text, if it is a valid name.

    Raises:
        UsageError: It is not.
    """
    if not is_repo_name(text):
        raise UsageError(f"{text!r} is not owner/name", hint="For example: --repo acme/unet")
    return text


def is_usable_ref(ref: str) -> bool:
    """Whether a ref can be used in ``owner/name:ref``, inside quotes of any kind."""
    try:
        return parse_repo(f"owner/name:{ref}").ref == ref and not set(ref) & set("\"'`$\\{}|<>&;()")
    except RepoSpecError:
        return False


def read_own_snippets(facts: RepoFacts) -> tuple[Snippet, ...]:
    """The calls in the repo's documents that load the repo itself."""
    names = frozenset(facts.hubconf.names) if facts.hubconf else ()
    return select_own(read_snippets(facts.files), frozenset(names))


def _from_documents(facts: RepoFacts) -> str:
    own = read_own_snippets(facts)
    return next((one.repo for one in own if is_repo_name(one.repo)), "")
