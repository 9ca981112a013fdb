"""Trusted repos: torch.hub's ``trusted_list``, and ``$HUBKIT_TRUST``."""

from __future__ import annotations

import builtins
import os
import sys
from contextlib import suppress
from types import BuiltinFunctionType
from typing import TYPE_CHECKING

from hubkit._util.logs import log
from hubkit._util.paths import open_regular, read_file
from hubkit._util.text import printable
from hubkit.errors import HubkitError, UntrustedRepoError, UsageError
from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.layout import find_torch_folder, hub_path, is_made_by_hubkit, writing
from hubkit.torchhub import DEFAULT_BRANCHES, TRUSTED_OWNERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubkit.facts import RepoRef
    from hubkit.facts.hubdir import TrustRepo


def require_trust(repo: RepoRef, trust_repo: TrustRepo, *, is_cached: bool = False) -> bool:
    """Require that the user trusts a repo; ask if the user can answer.

    Args:
        repo: The repo whose code is to run.
        trust_repo: True trusts it, "check" (or None) asks unless it is trusted, False always asks.
        is_cached: Whether a copy in the hub dir will do.

    Returns:
        Whether to call `record_trust` after the repo has been fetched.

    Raises:
        UntrustedRepoError: The user did not trust it, or cannot be asked.
    """
    if trust_repo not in (True, False, None, "check"):
        raise UsageError(
            f"trust_repo cannot be {trust_repo!r}.", hint='Use True, False or "check".'
        )
    trusted = is_trusted(repo)
    if trust_repo is True or (trusted and trust_repo is not False):
        return not trusted
    if trust_repo is not False and _has_torch_fetched(repo, is_cached=is_cached):
        return _is_plain(repo)
    _ask(repo)
    return not trusted


def find_legacy_folders(repo: RepoRef) -> list[Path]:
    """The folders that torch.hub made for a repo: each of them counts as trust."""
    found = hub_path().glob(f"{repo.owner}_{repo.name}_*")
    github = repo.host == GITHUB
    return sorted(one for one in found if github and one.is_dir() and not is_made_by_hubkit(one))


def _has_torch_fetched(repo: RepoRef, *, is_cached: bool) -> bool:
    """Whether torch.hub made a folder for a repo, which it takes for trust.

    Two repos may share the name of a folder. Then it only means trust in the code in it.
    """
    refs = [repo.ref] if repo.ref else DEFAULT_BRANCHES
    return (is_cached or _is_plain(repo)) and any(find_torch_folder(repo, ref) for ref in refs)


def require_moved_trust(repo: RepoRef, moved_to: RepoRef, trust_repo: TrustRepo) -> None:
    """Require that the user trusts the owner that a repo's host redirected to.

    Args:
        repo: The requested repo, which is trusted.
        moved_to: The repo that the code came from.
        trust_repo: True trusts it and logs a warning; otherwise ask.

    Raises:
        UntrustedRepoError: The user did not trust it, or cannot be asked.
    """
    if is_trusted(moved_to):
        return
    what = f"{repo.full_name} now redirects to {moved_to.full_name}"
    log.warning("%s, which is not a trusted repository", what)
    if trust_repo is not True:
        _ask(moved_to, f"{what}. ")
        record_trust(moved_to)


def is_trusted(repo: RepoRef) -> bool:
    """Whether a repo is trusted by its owner, by the environment or by the list.

    A line of torch.hub's, ``owner_name``, counts only if it is unambiguous: in ``user_company_repo`` the
    owner may be ``user`` or ``user_company``.
    """
    if repo.host == GITHUB and repo.owner in TRUSTED_OWNERS:
        return True
    if any(matches_pattern(pattern, repo) for pattern in _allowlist()):
        return True
    return bool(_find_listed(_lines_for(repo)))


def record_trust(repo: RepoRef) -> None:
    """Add a repo to the list; log a warning if the hub dir cannot be written."""
    try:
        add_trust(repo)
    except OSError as error:
        log.warning("%s cannot be added to the trusted repositories: %s", repo.full_name, error)


def add_trust(repo: RepoRef) -> None:
    """Add a repo to the list, in hubkit's spelling and in torch.hub's.

    torch.hub's line may be ambiguous. hubkit does not read it then, but torch.hub does, and should ask
    no more than once. Owners with an underscore are rare, and torch.hub would take them for others.

    Raises:
        CacheWriteError: The list cannot be written.
    """
    lines = _lines_for(repo)
    if repo.host == GITHUB and "_" not in repo.owner:
        lines.add(f"{repo.owner}_{repo.name}")
    missing = sorted(lines - _find_listed(lines))
    if not missing:
        return
    path = _list_file()
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A single write in append mode: several processes may do this at the same time.
        descriptor = open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        with open(descriptor, "r+b", buffering=0) as file:  # noqa: PTH123 - it is open already
            # A user may have edited it and left the last line without a newline.
            end = b"" if file.read()[-1:] in (b"", b"\n") else b"\n"
            file.write(end + b"".join(f"{line}\n".encode() for line in missing))


def ensure_trusted_list() -> None:
    """Make an empty list if there is none, as torch.hub does: programs open it."""
    path = _list_file()
    if path.exists():
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT))


def remove_trust(repo: RepoRef) -> bool:
    """Remove a repo from the list; return whether it was on it.

    Raises:
        CacheWriteError: The list cannot be written.
    """
    lines = _read_lines()
    # Remove torch.hub's line even if it is ambiguous: torch.hub would trust both repos.
    removed = {repo.full_name, *([f"{repo.owner}_{repo.name}"] if repo.host == GITHUB else [])}
    kept = [line for line in lines if line not in removed]
    if len(kept) == len(lines):
        return False
    from hubkit._util.atomic import write_file

    path = _list_file()
    with writing(path):
        write_file(path, "".join(f"{line}\n" for line in kept))
    return True


def read_trust() -> tuple[str, ...]:
    """The list: ``owner/name`` from hubkit, ``owner_name`` from torch.hub alone."""
    lines = dict.fromkeys(_read_lines())
    known = {line.replace("/", "_") for line in lines if "/" in line}
    return tuple(line for line in lines if "/" in line or line not in known)


def _lines_for(repo: RepoRef) -> set[str]:
    lines = {repo.full_name}
    if _is_plain(repo):
        lines.add(f"{repo.owner}_{repo.name}")
    return lines


def _is_plain(repo: RepoRef) -> bool:
    """Whether torch.hub spells no other repo like this one."""
    return repo.host == GITHUB and "_" not in repo.full_name


def matches_pattern(pattern: str, repo: RepoRef) -> bool:
    """Whether a pattern matches a repo.

    ``owner/name`` matches on GitHub and ``host/owner/name`` on that host. ``*`` in place of the host
    matches subdomains only, as in ``*.example.org``. A ``*`` at the end matches groups too, and a single
    ``*`` everything.
    """
    if pattern == "*":
        return True
    parts, names = pattern.split("/"), repo.full_name.split("/")
    is_hosted = len(parts) > 2 or any(mark in parts[0] for mark in ".:")
    if is_hosted != (repo.host != GITHUB) or len(names) < len(parts):
        return False
    if is_hosted and not _covers_host(parts.pop(0), names.pop(0)):
        return False
    if len(names) > len(parts) and (not parts or parts[-1] not in ("*", "**")):
        return False
    from fnmatch import fnmatchcase

    return all(fnmatchcase(name, part) for name, part in zip(names, parts, strict=False))


def _covers_host(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:].lower())
    return host == pattern.lower()


def _allowlist() -> list[str]:
    return [item.strip() for item in os.environ.get("HUBKIT_TRUST", "").split(",") if item.strip()]


def _list_file() -> Path:
    return hub_path("trusted_list")


def _find_listed(lines: set[str]) -> set[str]:
    """Those of some lines that are on the list. It may be long, and every load looks here."""
    text = b"\n%s\n" % _read_list()
    exactly = {line for line in lines if f"\n{line}\n".encode() in text}
    if all(line.encode() not in text for line in lines - exactly):
        return exactly
    return lines & set(_read_lines())


def _read_lines() -> list[str]:
    text = _read_list().decode("utf-8", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_list() -> bytes:
    try:
        return read_file(_list_file(), follow=True)
    except OSError:
        return b""


_TRIES = 3  # a program that answers may never say yes or no


def _ask(repo: RepoRef, why: str = "") -> None:
    """Ask whether to trust a repo.

    Args:
        repo: The repo whose code is to run.
        why: The start of the question, with a space at its end.
    """
    ensure_trusted_list()
    read_answer = _find_prompt()
    name = repo.full_name
    refused = UntrustedRepoError(
        f"Untrusted repository. {why}{name} is not a trusted repository.",
        repo=name,
        hint=f"To trust it, pass trust_repo=True, run `hubkit trust add {name}`, "
        f"or set HUBKIT_TRUST={name}",
    )
    if read_answer is None:
        raise refused
    question = printable(
        f"{why}The repository {name}{_describe_commit(repo)} does not belong to the list of trusted "
        "repositories. Loading it runs its code on this machine. Do you trust this repository and "
        "wish to add it to the trusted list of repositories (y/N)? "
    )
    for _ in range(_TRIES):
        try:
            answer = read_answer(question).strip().lower()
        except (EOFError, NotImplementedError, RuntimeError):  # a notebook that nobody watches
            break
        if answer in ("y", "yes"):
            return
        if answer in ("n", "no", ""):
            break
    raise refused


def _find_prompt() -> Callable[[str], str] | None:
    """How to ask the user: ``input`` if a notebook or a program replaced it, else on a terminal."""
    if not isinstance(builtins.input, BuiltinFunctionType):
        return builtins.input
    outputs = [stream for stream in (sys.stderr, sys.stdout) if stream and stream.isatty()]
    if not outputs or not (sys.stdin and sys.stdin.isatty()):
        return None

    def ask(question: str) -> str:
        outputs[0].write(question)
        outputs[0].flush()
        return sys.stdin.readline()

    return ask


def _describe_commit(repo: RepoRef) -> str:
    """The commit that would run, such as " at 1a2b…"; "" if it is unknown."""
    from hubkit.facts import FetchPolicy
    from hubkit.hubdir.repos import find_cached, resolve_ref

    cached = find_cached(repo)
    try:
        sha = cached.sha if cached else resolve_ref(repo, FetchPolicy()).sha
    except HubkitError:  # the load reports it, once the user has answered
        return ""
    return f" at commit {sha}" if sha else ""
