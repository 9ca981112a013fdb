"""What a repo is called where it is published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.parse import find_value, parse_toml
from hubkit._util.urls import github_repo
from hubkit.analysis import read_snippets, select_own
from hubkit.config import read_config
from hubkit.errors import RepoSpecError, UsageError
from hubkit.hubdir import parse_repo
from hubkit.source.git import find_git

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[\w.-]+")


def find_name(repo: RepoFacts, given: str | None = None) -> str:
    """``owner/name`` on GitHub, as far as anything tells.

    Args:
        repo: The repo.
        given: What the user says; it goes before what the snippets in the repo's documents load
            from, the answers that ``hubkit init`` recorded, and git's remote, in that order. A fork
            so keeps the name that its documents have.

    Returns:
        The name; "" when nothing tells.

    Raises:
        UsageError: ``given`` is no such name.
    """
    if given is not None:
        return require_name(given)
    return _from_documents(repo) or _from_record(repo) or find_remote(repo)


def require_name(text: str) -> str:
    """The name, if it is one.

    Raises:
        UsageError: It is none.
    """
    if not _SLUG.fullmatch(text):
        raise UsageError(f"{text!r} is not owner/name", hint="Such as --repo acme/unet.")
    return text


def is_writable(ref: str) -> bool:
    """Whether a ref can be written behind ``owner/name:``, within quotes of any kind."""
    try:
        return parse_repo(f"owner/name:{ref}").ref == ref and not set(ref) & set("\"'`$\\{}|<>&;()")
    except RepoSpecError:
        return False


def find_remote(repo: RepoFacts) -> str:
    """``owner/name`` of the repo that git's ``origin`` is on GitHub; "" when it is none."""
    git = find_git(repo.root)
    done = git.try_to("config", "--get", "remote.origin.url") if git else None
    said = done.stdout.decode("utf-8", "replace").strip() if done else ""
    name = "/".join(github_repo(said) or ())
    return name if _SLUG.fullmatch(name) else ""


def _from_documents(repo: RepoFacts) -> str:
    names = frozenset(entry.name for entry in repo.hubconf.entrypoints) if repo.hubconf else ()
    own = select_own(read_snippets(repo.files), frozenset(names))
    return next((one.repo for one in own if _SLUG.fullmatch(one.repo)), "")


def _from_record(repo: RepoFacts) -> str:
    config = read_config(repo.files)
    if not config.text:
        return ""
    keys = () if config.path == "hubkit.toml" else ("tool", "hubkit")
    slug = find_value(parse_toml(config.text), *keys, "init", "repo")
    return slug if isinstance(slug, str) and _SLUG.fullmatch(slug) else ""
