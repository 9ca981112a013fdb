"""Resolve a ref to its commit, and notice repos that have moved.

One request gets git's own list of refs; no REST API is needed. The list uses version 0 of git's
protocol, https://git-scm.com/docs/http-protocol: one response holds everything, and version 2 would
need a second round trip. If the list is long, because the host keeps two refs for each pull
request for example, version 2 gets only the refs that are needed.

A host may redirect a repo to another owner: it was renamed, transferred or taken over. Users trust
an owner, and a redirect does not extend that trust. The redirect is noticed where refs and archives
are fetched, and recorded beside the code; the user must then trust the new owner too.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.logs import log
from hubkit._util.text import did_you_mean
from hubkit._util.urls import parse_url
from hubkit.errors import FetchError, RefNotFoundError, RepoSpecError, UnreachableError
from hubkit.facts import ResolvedRef
from hubkit.facts.hubdir import is_abbreviated_sha, is_full_sha
from hubkit.hubdir.addresses import base_url
from hubkit.hubdir.http_errors import repo_error
from hubkit.hubdir.protocol import fetch_capabilities, read_packets, run_command
from hubkit.hubdir.spec import parse_repo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit._util.urls import Url
    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client

LONG = 512 << 10  # bytes; about 8,000 refs, which take longer than two round trips
_PREFIXES = ("refs/heads/", "refs/tags/")


class RefList(Struct, frozen=True):
    """The refs of a repo.

    Attributes:
        commits: Full ref name to commit, branches and tags only; a tag maps to its commit.
        head: Full name of the default branch; "" if HEAD is detached or missing.
        moved_to: The repo of another owner that the host redirected to.
    """

    commits: dict[str, str]
    head: str
    moved_to: RepoRef | None = None


def fetch_refs(client: Client, repo: RepoRef) -> RefList:
    """Fetch the refs of a repo.

    Raises:
        RepoNotFoundError: There is no such repo, or it is private.
        AccessDeniedError: The host denies access.
        UnreachableError: The host did not respond, or not with a list of refs.
    """
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    pieces: list[bytes] = []
    size = 0
    with client.get(url) as response:
        if response.status != 200:
            raise repo_error(repo, response)
        require_repo(repo, response.hops)
        moved = find_move(repo, response.hops)
        is_long = False
        for piece in response.read_pieces(limits.REFS_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > LONG and not is_long:
                is_long = True
                # If the host only supports version 0, read on.
                with contextlib.suppress(ValueError):
                    return replace(fetch_matching_refs(client, repo), moved_to=moved)
    try:
        return replace(read_refs(pieces), moved_to=moved)
    except ValueError as error:
        raise UnreachableError(
            f"{response.url} did not return a list of refs: {error}.",
            url=response.url,
            hint="A proxy or a login page may have responded instead.",
        ) from None


def fetch_matching_refs(client: Client, repo: RepoRef) -> RefList:
    """Fetch the refs that matter for a repo's ref, with version 2.

    That is the default branch, or the branch or tag of that name. If the ref may be a commit, or if
    nothing has its name, that is all branches and tags.

    Raises:
        ValueError: The host does not support version 2.
    """
    if "ls-refs" not in fetch_capabilities(client, repo):
        raise ValueError("the host does not list refs")
    ref = repo.ref or ""
    if not is_abbreviated_sha(ref.lower()):
        wanted = [prefix + ref for prefix in ("", *_PREFIXES)] if ref else []
        refs = _list_refs(client, repo, wanted)
        if (refs.commits.keys() & set(wanted)) if ref else refs.head:
            return refs
    return _list_refs(client, repo, _PREFIXES)


def _list_refs(client: Client, repo: RepoRef, prefixes: Iterable[str]) -> RefList:
    """HEAD, and the refs whose full names have one of the prefixes."""
    arguments = ["peel", "symrefs", *(f"ref-prefix {prefix}" for prefix in ("HEAD", *prefixes))]
    entries: list[tuple[str, str]] = []
    head = ""
    for line in run_command(client, repo, "ls-refs", arguments):
        sha, name, *fields = line.decode("utf-8", "replace").split()
        _require_few(len(entries))
        if not is_full_sha(sha):
            raise ValueError(f"{sha!r} is not a commit")
        attributes = dict(field.partition(":")[::2] for field in fields)
        entries.append((name, attributes.get("peeled", sha)))
        if name == "HEAD":
            head = attributes.get("symref-target", "")
            entries.append((head, sha))
    return make_ref_list(entries, head)


def read_refs(pieces: Iterable[bytes]) -> RefList:
    """Parse a ref advertisement, in one or more pieces.

    Raises:
        ValueError: It is not one.
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
            raise ValueError(f"packet {number} contains no ref")
        if capabilities:
            match = re.search(r"symref=HEAD:(\S+)", capabilities.decode("utf-8", "replace"))
            head = match[1] if match else ""
        if name == "HEAD" or name.startswith(_PREFIXES):
            entries.append((name, sha))
    return make_ref_list(entries, head)


def _require_few(count: int) -> None:
    if count > limits.REFS_COUNT.most:
        raise ValueError(f"it lists more than {limits.REFS_COUNT.most} refs")


def make_ref_list(entries: Iterable[tuple[str, str]], head: str) -> RefList:
    """Make a `RefList` of everything that a repo lists.

    Args:
        entries: Full ref names and objects, as git lists them: HEAD included, and each tag object
            followed by its commit, with "^{}" at the end of the name.
        head: Full name of the default branch; "" if the host did not name it.
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
    """Find the commit of a ref; None for a full commit hash that is not the tip of anything.

    A full hash is that commit, even if a branch or tag has the same name.

    Raises:
        RefNotFoundError: There is no such branch or tag, or the hash is ambiguous.
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
    if is_abbreviated_sha(ref):
        found = {sha for sha in refs.commits.values() if sha.startswith(ref)}
        if len(found) == 1:
            return ResolvedRef(repo, "", found.pop())
        if found:
            raise RefNotFoundError(
                f"{repo.ref} is ambiguous: several commits of {repo.full_name} start with it.",
                hint="Use more digits of it.",
            )
    raise _no_such_ref(refs, repo, repo.ref)


def _guess_head(commits: dict[str, str], sha: str) -> str:
    """The default branch of a host that only gives the commit of HEAD."""
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
            f"{ref} is both a branch and a tag of {repo.full_name}; using the branch. "
            f'Write "refs/heads/{ref}" or "refs/tags/{ref}" to choose.',
            stacklevel=2,
        )
    return ResolvedRef(repo, found[0], refs.commits[found[0]]) if found else None


def _no_such_ref(refs: RefList, repo: RepoRef, ref: str) -> RefNotFoundError:
    names = [name.split("/", 2)[2] for name in refs.commits]
    hint = did_you_mean(ref, names[: limits.SUGGESTIONS.most], most=3)
    if not hint and names:
        hint = f"The default branch is {refs.head.removeprefix(_PREFIXES[0])}."
    what = "branch or tag"
    if re.fullmatch("[0-9a-f]{7,39}", ref):
        what = "branch, tag or commit"
        hint = (
            f"If it's a commit from a forked repo, load it from the fork, by its full hash. {hint}"
        )
    return RefNotFoundError(
        f"{repo.full_name} has no {what} {ref!r}.", hint=hint.strip(), url=base_url(repo)
    )


def find_move(repo: RepoRef, hops: Sequence[str]) -> RepoRef | None:
    """The repo of another owner, or on another host, that a redirect led to; None if there is none.

    Args:
        repo: The requested repo.
        hops: The requested URL, inside the repo's, and the URLs of redirects.
    """
    base = parse_url(base_url(repo))
    tail = parse_url(hops[0]).path.removeprefix(base.path)
    moves = [move for hop in hops[1:] if (move := _parse_move(repo, base, parse_url(hop), tail))]
    return moves[-1] if moves else None


def fetch_move(client: Client, repo: RepoRef) -> RepoRef | None:
    """As `find_move`, for a repo that git fetches: git follows redirects silently.

    None also if the host does not respond: git may have access that hubkit has not.
    """
    if repo.scheme not in ("git+https", "git+http"):
        return None
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    try:
        with client.get(url, once=True) as response:
            return find_move(repo, response.hops)
    except UnreachableError as error:
        log.debug("Cannot check whether %s redirects: %s", repo.full_name, error.message)
        return None


def address_of(moved: RepoRef) -> str:
    """The address of a repo in a record, for `parse_repo`."""
    return f"https://{moved.host}/{moved.owner}/{moved.name}"


def require_repo(repo: RepoRef, hops: Sequence[str]) -> None:
    """Require that a redirect to another host leads to a repo, whose owner can be trusted or not.

    Raises:
        FetchError: It does not.
    """
    base, last = parse_url(base_url(repo)), parse_url(hops[-1])
    tail = parse_url(hops[0]).path.removeprefix(base.path)
    if last.origin != base.origin and _repo_path(last, tail) is None:
        raise FetchError(
            f"{hops[0]} redirects to {hops[-1]}, which is not the address of a repo.",
            url=hops[0],
            hint="If the repo is there, use that address.",
        )


def _parse_move(repo: RepoRef, base: Url, hop: Url, tail: str) -> RepoRef | None:
    path = _repo_path(hop, tail)
    if path is None:
        return None
    root = base.path.removesuffix(f"/{repo.owner}/{repo.name}")
    if hop.origin == base.origin and path.startswith(f"{root}/"):
        text = f"https://{repo.host}{path.removeprefix(root)}"
    else:
        text = f"https://{hop.host_key}{path}"
    try:
        moved = parse_repo(text)
    except RepoSpecError:
        return None
    is_same = (moved.host, moved.owner.lower()) == (repo.host, repo.owner.lower())
    return None if is_same else moved


def _repo_path(hop: Url, tail: str) -> str | None:
    """The path of a repo, from a path inside it; hosts often drop the ``.git``."""
    for end in (tail, tail.removeprefix(".git")):
        if end and hop.path.endswith(end):
            return hop.path.removesuffix(end)
    return None
