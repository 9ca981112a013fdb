"""From what a user types to the repo that is meant."""

from __future__ import annotations

import functools
import re
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from hubkit.errors import RepoSpecError
from hubkit.facts import RepoRef
from hubkit.facts.hubdir import GITHUB
from hubkit.records import dataclass

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_FOLDER = re.compile(r"[^\x00-\x1f\x7f\\]+")
# https://git-scm.com/docs/git-check-ref-format, as far as one can go wrong by typing.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")
_PAGES = ("tree", "blob", "commit", "releases")
_LOCAL = re.compile(r"[./~]|[A-Za-z]:[\\/]|.*\\")
_SCP = re.compile(r"(\w[\w.-]*@\w[\w.-]*):(?![/\\])(.+)", re.DOTALL)
EXAMPLES = 'Write "owner/name", "owner/name:ref" or "https://host/owner/name".'


@functools.lru_cache(maxsize=256)
def parse_repo(text: str) -> RepoRef:
    """Read what names a repo on a git host.

    ``owner/name[:ref]`` is on GitHub, as in torch.hub; ``host/owner/name[:ref]`` and
    ``https://host/owner/name[:ref]`` are on any host, ``@ref`` says the same as ``:ref``, and
    addresses copied from a browser (``.../tree/<ref>``, ``.../commit/<sha>``,
    ``.../releases/tag/<tag>``) are understood. pip's ``git+https://``, ``git+ssh://`` and
    ``git+file://``, and git's ``git@host:owner/name.git``, are left to the git program.

    Args:
        text: What the user typed.

    Raises:
        RepoSpecError: It names no repo; a local folder, for instance.
    """
    text = text.strip()
    scp = _SCP.fullmatch(text)
    if scp:
        return _from_url(text, f"git+ssh://{scp[1]}/{scp[2]}")
    if text.startswith("git+file://"):
        return _from_file_url(text)
    if re.match(r"(git\+)?https?://|(git\+)?ssh://", text):
        return _from_url(text, re.sub(r"^ssh:", "git+ssh:", text))
    if "://" in text:
        known = "https, git+https, git+ssh and git+file"
        raise _refuse(text, f"Only {known} addresses are understood. {EXAMPLES}")
    if _LOCAL.match(text):
        hint = 'A folder needs a hubconf.py in it; source="local" says that a folder is meant.'
        raise _refuse(text, hint)
    path, ref = _split_ref(text)
    parts = path.split("/")
    if len(parts) > 2 and "." in parts[0]:
        return _build(text, _Place("https", parts[0].lower()), parts[1:], ref)
    if len(parts) != 2:
        raise _refuse(text, EXAMPLES)
    return _build(text, _Place("https", GITHUB), parts, ref)


@dataclass(frozen=True, slots=True)
class _Place:
    scheme: str
    host: str


def _from_url(text: str, address: str) -> RepoRef:
    try:
        url = urlsplit(address)
        host, port = (url.hostname or "").removeprefix("www."), url.port
    except ValueError as error:
        raise _refuse(text, EXAMPLES) from error
    over_ssh = url.scheme == "git+ssh"
    if url.password or (url.username and not over_ssh):
        hint = "Leave the credentials out: they are read from GITHUB_TOKEN or ~/.netrc."
        raise RepoSpecError("The address of a repo must hold no credentials.", hint=hint)
    if url.scheme in ("http", "git+http") and not is_loopback(host):
        raise _refuse(text, "Write https: code that arrives unencrypted may be anybody's.")
    if not host.isascii():  # which might look like another one when people are asked for trust
        raise _refuse(text, "Write the host's name in ASCII, as xn--... where it is not.")
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:]+", host) or host.startswith("-"):
        raise _refuse(text, EXAMPLES)
    if url.scheme.startswith("git+"):
        _require_whole_repo(text, url.fragment)
    path, ref = _split_ref(unquote(url.path).strip("/"))
    parts, shown = _split_page(path.split("/"))
    if parts:
        parts[-1] = parts[-1].removesuffix(".git")
    host = f"[{host}]" if ":" in host else host
    user = f"{url.username}@" if over_ssh and url.username not in (None, "git") else ""
    place = _Place(url.scheme, f"{user}{host}:{port}" if port else f"{user}{host}")
    return _build(text, place, parts, shown if ref is None else ref)


def _from_file_url(text: str) -> RepoRef:
    """A repo on this machine; its path may hold what no name on a host may."""
    url = urlsplit(text)
    _require_whole_repo(text, url.fragment)
    path, cut, ref = url.path.rpartition("@") if "@" in url.path else (url.path, "", "")
    *folders, name = unquote(path).strip("/").split("/")
    whole = all(_FOLDER.fullmatch(part) and part.strip(".") for part in [*folders, name])
    if url.netloc or not folders or not whole:
        hint = "Write git+file:///folder/of/repo: a whole path. An @ in it is written %40."
        raise _refuse(text, hint)
    asked = unquote(ref) if cut else None
    _require_ref(text, asked)
    return RepoRef("/".join(folders), name, asked, "", "git+file")


def _require_whole_repo(text: str, fragment: str) -> None:
    """Refuse pip's ``#subdirectory=``; its ``#egg=`` says nothing that is needed."""
    if "subdirectory" in parse_qs(fragment):
        hint = 'Fetch the repo, and load the folder with source="local".'
        raise RepoSpecError(f"{text!r} is about a part of a repo only.", hint=hint)


def _split_ref(path: str) -> tuple[str, str | None]:
    """Cut at the first ``:`` or ``@``, which no owner or name may hold."""
    match = re.match(r"([^:@]*)[:@](.*)", path, re.DOTALL)
    return (match[1], match[2]) if match else (path, None)


def _split_page(parts: list[str]) -> tuple[list[str], str | None]:
    """Cut off which page of the repo the browser showed; gives the ref that it was about."""
    at = next((i for i, part in enumerate(parts) if i > 1 and part in _PAGES), len(parts))
    page = parts[at : at + 1]
    rest = parts[at + 1 :]
    repo = parts[: at - 1] if parts[at - 1] == "-" else parts[:at]  # GitLab: owner/name/-/tree/ref
    if page == ["blob"]:
        return repo, next(iter(rest), None)  # a path follows: the ref is taken to hold no slash
    if page == ["releases"]:
        return repo, "/".join(rest[1:]) if rest[:1] == ["tag"] else None
    return repo, "/".join(rest) or None


def _build(text: str, place: _Place, parts: list[str], ref: str | None) -> RepoRef:
    if len(parts) < 2 or not all(_PART.fullmatch(p) and p.strip(".") for p in parts):
        raise _refuse(text, EXAMPLES)
    if place.host == GITHUB and len(parts) != 2:
        raise _refuse(text, EXAMPLES)
    _require_ref(text, ref)
    return RepoRef("/".join(parts[:-1]), parts[-1], ref, place.host, place.scheme)


def _require_ref(text: str, ref: str | None) -> None:
    if ref is not None and (not ref or len(ref.encode()) > 200 or _BAD_REF.search(ref)):
        hint = "A ref is the name of a branch or tag, or a commit."
        raise RepoSpecError(f"{ref!r} in {text!r} cannot be a ref.", hint=hint)


def is_loopback(host: str) -> bool:
    """Whether a host name, without port, is this very machine."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse(text: str, hint: str) -> RepoSpecError:
    return RepoSpecError(f"{text!r} names no repo on a git host.", hint=hint)
