"""From what a user types to the repo that is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from hubkit.errors import RepoSpecError
from hubkit.facts import RepoRef
from hubkit.facts.repos import GITHUB

_PART = re.compile(r"[A-Za-z0-9_.-]+")
# https://git-scm.com/docs/git-check-ref-format, as far as one can go wrong by typing.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")
_PAGES = ("tree", "blob", "commit", "releases")
_LOCAL = re.compile(r"[./~]|[A-Za-z]:[\\/]|.*\\")
EXAMPLES = 'Write "owner/name", "owner/name:ref" or "https://host/owner/name".'


def parse_repo(text: str) -> RepoRef:
    """Read what names a repo on a git host.

    ``owner/name[:ref]`` is on GitHub, as in torch.hub; ``host/owner/name[:ref]`` and
    ``https://host/owner/name[:ref]`` are on any host, ``@ref`` says the same as ``:ref``, and
    addresses copied from a browser (``.../tree/<ref>``, ``.../commit/<sha>``,
    ``.../releases/tag/<tag>``) are understood.

    Args:
        text: What the user typed.

    Raises:
        RepoSpecError: It names no repo; a local folder, for instance.
    """
    text = text.strip()
    if re.match(r"https?://", text):
        return _from_url(text)
    if "://" in text or re.match(r"[\w.-]+@[\w.-]+:", text):
        raise _refuse(text, f"Only https addresses are understood. {EXAMPLES}")
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


def _from_url(text: str) -> RepoRef:
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").removeprefix("www."), url.port
    except ValueError as error:
        raise _refuse(text, EXAMPLES) from error
    if url.username or url.password:
        hint = "Leave the credentials out: they are read from GITHUB_TOKEN or ~/.netrc."
        raise RepoSpecError("The address of a repo must hold no credentials.", hint=hint)
    if url.scheme == "http" and not is_loopback(host):
        raise _refuse(text, "Write https: code that arrives unencrypted may be anybody's.")
    path, ref = _split_ref(unquote(url.path).strip("/"))
    parts, shown = _split_page(path.split("/"))
    if parts:
        parts[-1] = parts[-1].removesuffix(".git")
    place = _Place(url.scheme, f"{host}:{port}" if port else host)
    return _build(text, place, parts, ref or shown)


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
    if ref is not None and (not ref or len(ref.encode()) > 200 or _BAD_REF.search(ref)):
        hint = "A ref is the name of a branch or tag, or a commit."
        raise RepoSpecError(f"{ref!r} in {text!r} cannot be a ref.", hint=hint)
    return RepoRef("/".join(parts[:-1]), parts[-1], ref, place.host, place.scheme)


def is_loopback(host: str) -> bool:
    """Whether a host name, without port, is this very machine."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse(text: str, hint: str) -> RepoSpecError:
    return RepoSpecError(f"{text!r} names no repo on a git host.", hint=hint)
