"""From a ref to its commit: one request to git's own list of refs, no REST API.

The list comes in git's protocol version 0, https://git-scm.com/docs/http-protocol: one answer
holds everything, where version 2 takes a second round trip to get less. Only when the list is
long, as where hosts keep two refs for each pull request, is version 2 asked for what is wanted.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.text import did_you_mean
from hubkit.errors import RefNotFoundError, UnreachableError
from hubkit.facts import ResolvedRef
from hubkit.facts.hubdir import is_full_sha
from hubkit.hubdir.answers import refused_repo
from hubkit.hubdir.hosts import base_url
from hubkit.hubdir.moves import find_move, require_repo
from hubkit.hubdir.pktline import read_packets
from hubkit.hubdir.protocol import ask, fetch_abilities

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client

LONG = 512 << 10  # bytes; about 8,000 refs, which take longer than two more round trips
SHORTEST_SHA = 7  # digits; what git itself shows
_PREFIXES = ("refs/heads/", "refs/tags/")
_HEX = re.compile(rf"[0-9a-fA-F]{{{SHORTEST_SHA},}}")


class RefList(Struct, frozen=True):
    """What a repo offers.

    Attributes:
        commits: Full ref name to commit, branches and tags only; tags lead to their commit.
        head: Full name of the default branch; "" when HEAD is detached or there is none.
        moved_to: The repo of another owner that the host redirected to.
    """

    commits: dict[str, str]
    head: str
    moved_to: RepoRef | None = None


def fetch_refs(client: Client, repo: RepoRef) -> RefList:
    """Ask a host for the refs of a repo.

    Raises:
        RepoNotFoundError: There is no such repo, or it is hidden.
        AccessDeniedError: The host refuses us.
        UnreachableError: There was no answer, or none that git would understand.
    """
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    pieces: list[bytes] = []
    size = 0
    with client.get(url) as answer:
        if answer.status != 200:
            raise refused_repo(repo, answer.url, answer.status)
        require_repo(repo, answer.hops)
        moved = find_move(repo, answer.hops)
        asked = False
        for piece in answer.read_pieces(limits.REFS_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > LONG and not asked:
                asked = True
                # A host that speaks version 0 alone is heard out.
                with contextlib.suppress(ValueError):
                    return replace(fetch_wanted(client, repo), moved_to=moved)
    try:
        return replace(read_refs(pieces), moved_to=moved)
    except ValueError as error:
        raise UnreachableError(
            f"{answer.url} is not the answer of a git host: {error}.",
            url=answer.url,
            hint="A proxy or a login page may have answered in its place.",
        ) from error


def fetch_wanted(client: Client, repo: RepoRef) -> RefList:
    """Ask a host, in version 2, for the refs that matter to a repo's ref.

    That is the default branch, or the branch or tag of that name; all branches and tags where it
    may be a commit, or where there is none of that name.

    Raises:
        ValueError: The host does not speak version 2.
    """
    if "ls-refs" not in fetch_abilities(client, repo):
        raise ValueError("the host does not list refs")
    ref = repo.ref or ""
    if not _HEX.fullmatch(ref):
        wanted = [prefix + ref for prefix in ("", *_PREFIXES)] if ref else []
        refs = _list_wanted(client, repo, wanted)
        if (refs.commits.keys() & set(wanted)) if ref else refs.head:
            return refs
    return _list_wanted(client, repo, _PREFIXES)


def _list_wanted(client: Client, repo: RepoRef, prefixes: Iterable[str]) -> RefList:
    """The refs whose full names start so, and HEAD."""
    asked = ["peel", "symrefs", *(f"ref-prefix {prefix}" for prefix in ("HEAD", *prefixes))]
    entries: list[tuple[str, str]] = []
    head = ""
    for line in ask(client, repo, "ls-refs", asked):
        sha, name, *marks = line.decode("utf-8", "replace").split()
        _require_few(len(entries))
        if not is_full_sha(sha):
            raise ValueError(f"{sha!r} is no commit")
        said = dict(mark.partition(":")[::2] for mark in marks)
        entries.append((name, said.get("peeled", sha)))
        if name == "HEAD":
            head = said.get("symref-target", "")
            entries.append((head, sha))
    return list_refs(entries, head)


def read_refs(pieces: Iterable[bytes]) -> RefList:
    """Read a ref advertisement, in one or more pieces.

    Raises:
        ValueError: It is none.
    """
    entries: list[tuple[str, str]] = []
    head = ""
    for number, line in enumerate(read_packets(pieces)):
        _require_few(number)
        if line.startswith(b"#"):
            continue
        entry, _, capabilities = line.rstrip(b"\n").partition(b"\0")
        sha, _, name = entry.decode("utf-8", "replace").partition(" ")
        if not is_full_sha(sha) or not name:
            raise ValueError(f"packet {number} holds no ref")
        if capabilities:
            match = re.search(r"symref=HEAD:(\S+)", capabilities.decode("utf-8", "replace"))
            head = match[1] if match else ""
        if name == "HEAD" or name.startswith(_PREFIXES):
            entries.append((name, sha))
    return list_refs(entries, head)


def _require_few(count: int) -> None:
    if count > limits.REFS_COUNT.most:
        raise ValueError(f"it lists more than {limits.REFS_COUNT.most} refs")


def list_refs(entries: Iterable[tuple[str, str]], head: str) -> RefList:
    """What a repo offers, from all that it holds.

    Args:
        entries: Full ref names and what they lead to, as git lists them: HEAD among them, and
            each tag object before the commit that it leads to, which has "^{}" at its name's end.
        head: Full name of the default branch; "" when the host did not say.
    """
    commits: dict[str, str] = {}
    head_sha = ""
    for name, sha in entries:
        if name == "HEAD":
            head_sha = sha
        elif name.startswith(_PREFIXES):
            commits[name.removesuffix("^{}")] = sha
    if head not in commits:
        head = _guess_head(commits, head_sha)
    return RefList(commits, head)


def find_ref(refs: RefList, repo: RepoRef) -> ResolvedRef | None:
    """Which commit is meant; None for a full commit hash that is the tip of nothing.

    A full hash is that commit, whatever branches and tags are called.

    Raises:
        RefNotFoundError: There is no such branch or tag, or several commits could be meant.
    """
    if repo.ref is None:
        return _find_default(refs, repo)
    if repo.commit is not None:
        is_tip = repo.commit in refs.commits.values()
        return ResolvedRef(repo, "", repo.commit) if is_tip else None
    named = _find_named(refs, repo)
    if named is not None:
        return named
    ref = repo.ref.lower()
    if _HEX.fullmatch(ref):
        found = {sha for sha in refs.commits.values() if sha.startswith(ref)}
        if len(found) == 1:
            return ResolvedRef(repo, "", found.pop())
        if found:
            raise RefNotFoundError(
                f"{repo.ref} could be several commits of {repo.full_name}.",
                hint="Write more digits of it.",
            )
    raise _no_such_ref(refs, repo, repo.ref)


def _guess_head(commits: dict[str, str], sha: str) -> str:
    """The default branch of a host that only says which commit HEAD is."""
    names = [name for name, tip in commits.items() if tip == sha and name.startswith(_PREFIXES[0])]
    usual = [name for name in ("refs/heads/main", "refs/heads/master") if name in names]
    return next(iter([*usual, *names]), "")


def _find_default(refs: RefList, repo: RepoRef) -> ResolvedRef:
    if not refs.head:
        raise RefNotFoundError(
            f"{repo.full_name} has no default branch; it may be empty.",
            hint=f'Name a branch or tag: "{repo.full_name}:ref".',
        )
    return ResolvedRef(repo, refs.head, refs.commits[refs.head])


def _find_named(refs: RefList, repo: RepoRef) -> ResolvedRef | None:
    ref = repo.ref or ""
    if ref in refs.commits:
        return ResolvedRef(repo, ref, refs.commits[ref])
    found = [prefix + ref for prefix in _PREFIXES if prefix + ref in refs.commits]
    if len(found) > 1 and refs.commits[found[0]] != refs.commits[found[1]]:
        warnings.warn(
            f"{ref} is both a branch and a tag of {repo.full_name}; the branch is taken. "
            f'Write "refs/heads/{ref}" or "refs/tags/{ref}" to say which.',
            stacklevel=2,
        )
    return ResolvedRef(repo, found[0], refs.commits[found[0]]) if found else None


def _no_such_ref(refs: RefList, repo: RepoRef, ref: str) -> RefNotFoundError:
    names = [name.split("/", 2)[2] for name in refs.commits]
    hint = did_you_mean(ref, names[: limits.SUGGESTIONS.most], most=3)
    if not hint and names:
        hint = f"The default branch is {refs.head.removeprefix(_PREFIXES[0])}."
    return RefNotFoundError(
        f"{repo.full_name} has no branch or tag {ref!r}.", hint=hint, url=base_url(repo)
    )
