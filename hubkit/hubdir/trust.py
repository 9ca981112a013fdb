"""May the code of a repo run? torch.hub's ``trusted_list``, and what the environment says."""

from __future__ import annotations

import logging
import os
import re
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hubkit.errors import UntrustedRepoError, UsageError
from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.disk import writing
from hubkit.hubdir.layout import within
from hubkit.torchhub import TRUSTED_OWNERS

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import RepoRef
    from hubkit.facts.hubdir import TrustRepo

log = logging.getLogger("hubkit")


def require_trust(repo: RepoRef, trust_repo: TrustRepo) -> bool:
    """Insist that the user trusts a repo; asks on a terminal only.

    Args:
        repo: Whose code is to run.
        trust_repo: True says so, "check" (or None) asks unless it is trusted, False asks always.

    Returns:
        Whether `record_trust` is to follow once the repo has been fetched.

    Raises:
        UntrustedRepoError: The answer was no, or there is no terminal to ask on.
    """
    if trust_repo not in (True, False, None, "check"):
        raise UsageError(
            f"trust_repo cannot be {trust_repo!r}.", hint='It is True, False or "check".'
        )
    trusted = is_trusted(repo)
    if trust_repo is True or (trusted and trust_repo is not False):
        return not trusted
    _ask(repo)
    return not trusted


def is_trusted(repo: RepoRef) -> bool:
    """Whether a repo is trusted by its owner, by the environment or by the list.

    A line of torch.hub's, ``owner_name``, may be read in several ways; it counts for the one whose
    owner holds no underscore, as no ordinary GitHub account does.
    """
    if repo.host == GITHUB and repo.owner in TRUSTED_OWNERS:
        return True
    if any(_allows(pattern, repo) for pattern in _allowlist()):
        return True
    return bool(_find_listed(_lines_for(repo)))


def record_trust(repo: RepoRef) -> None:
    """Remember that a repo is trusted; only warns where the hub dir cannot be written."""
    try:
        add_trust(repo)
    except OSError as error:
        log.warning("The trust in %s is not remembered: %s", repo.full_name, error)


def add_trust(repo: RepoRef) -> None:
    """Put a repo on the list, in hubkit's spelling and in torch.hub's where that is unambiguous.

    Raises:
        CacheWriteError: The list cannot be written.
    """
    lines = _lines_for(repo)
    missing = sorted(lines - _find_listed(lines))
    if not missing:
        return
    path = _list_file()
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # One write to a file opened for appending: several processes may do this at once.
        with path.open("a", encoding="utf-8") as file:
            # Somebody may have edited it, and left the last line without an end.
            end = "" if _ends_with_a_line(path) else "\n"
            file.write(end + "".join(f"{line}\n" for line in missing))


def remove_trust(repo: RepoRef) -> bool:
    """Take a repo off the list; gives whether it was on it.

    Raises:
        CacheWriteError: The list cannot be written.
    """
    lines = _read_lines()
    kept = [line for line in lines if line not in _lines_for(repo)]
    if len(kept) == len(lines):
        return False
    path = _list_file()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with writing(path):
        temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        temporary.replace(path)
    return True


def read_trust() -> tuple[str, ...]:
    """What is on the list: ``owner/name`` by hubkit, ``owner_name`` where only torch.hub put it."""
    lines = dict.fromkeys(_read_lines())
    known = {line.replace("/", "_") for line in lines if "/" in line}
    return tuple(line for line in lines if "/" in line or line not in known)


def _lines_for(repo: RepoRef) -> set[str]:
    lines = {repo.full_name}
    if repo.host == GITHUB and "_" not in repo.owner:
        lines.add(f"{repo.owner}_{repo.name}")
    return lines


def _ends_with_a_line(path: Path) -> bool:
    return path.read_bytes()[-1:] in (b"", b"\n")


def _allows(pattern: str, repo: RepoRef) -> bool:
    """Whether a pattern covers a repo; ``owner/*`` is about GitHub, as ``owner/name`` is.

    A host may be called as an owner is: ``https://acme/evil/repo`` in a local network.
    """
    owner, _, rest = pattern.partition("/")
    about_github = rest and "/" not in rest and not re.search(r"[.:]", owner)
    if about_github and repo.host != GITHUB:
        return False
    return fnmatchcase(repo.full_name, pattern)


def _allowlist() -> list[str]:
    return [item.strip() for item in os.environ.get("HUBKIT_TRUST", "").split(",") if item.strip()]


def _list_file() -> Path:
    return within("trusted_list")


def _find_listed(lines: set[str]) -> set[str]:
    """Which of some lines are on the list. It is asked on each load, and may be long."""
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
        return _list_file().read_bytes()
    except OSError:
        return b""


def _ask(repo: RepoRef) -> None:
    name = repo.full_name
    ways = (
        f"If you do: pass trust_repo=True, run `hubkit trust add {name}`, "
        f"or set HUBKIT_TRUST={name}"
    )
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise UntrustedRepoError(
            f"Nobody has said that the code of {name} is trusted to run on this machine.",
            repo=name,
            hint=ways,
        )
    sys.stderr.write(f"Loading {name} runs its code on this machine. Do you trust it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UntrustedRepoError(f"{name} is not trusted: you said so.", repo=name, hint=ways)
