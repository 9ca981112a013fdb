"""A repo's branches and tags, as its publisher's host has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Refs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.source.git import Git

_FORMAT = "--format=%(refname)%00%(objectname)%00%(symref)%00%(HEAD)"
_HEADS, _TAGS, _REMOTE = "refs/heads/", "refs/tags/", "refs/remotes/origin/"


def read_refs(git: Git) -> Refs:
    """The branches of ``origin`` as they were last fetched, or the repo's own where it has none.

    Which one is the default is told by ``origin``'s HEAD, by the HEAD of a bare repo, or by being
    the only one.
    """
    said = git.ask("for-each-ref", _FORMAT, _HEADS, _TAGS, _REMOTE).decode("utf-8", "replace")
    rows = [line.split("\0") for line in said.splitlines()]
    tags = {name[len(_TAGS) :]: sha for name, sha, *_ in rows if name.startswith(_TAGS)}
    prefix = _REMOTE if any(row[0].startswith(_REMOTE) for row in rows) else _HEADS
    branches = {
        name[len(prefix) :]: sha
        for name, sha, *_ in rows
        if name.startswith(prefix) and name != f"{_REMOTE}HEAD"
    }
    aim = next((aim for name, _, aim, _ in rows if name == f"{_REMOTE}HEAD"), "")
    default = aim.removeprefix(_REMOTE)
    if prefix == _HEADS:
        at_head = [name[len(_HEADS) :] for name, _, _, mark in rows if mark == "*"]
        named = at_head if git.is_bare else list(branches)
        default = named[0] if len(named) == 1 else ""
    lists_all = prefix == _REMOTE and bool(default) and _fetches_all(git, branches)
    return Refs(default, branches, tags, lists_all)


def _fetches_all(git: Git, branches: Mapping[str, str]) -> bool:
    """Whether a clone has every branch, and not the one alone that it was made of."""
    if len(branches) > 1:
        return True
    said = git.try_to("config", "--get-all", "remote.origin.fetch").stdout
    return b"+refs/heads/*:refs/remotes/origin/*" in said.split()
