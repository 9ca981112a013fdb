"""What users write to name a repo or a folder.

A folder is written as a folder: ``./x``, ``../x``, ``/x``, ``~/x``, a `pathlib.Path`, or any text
with ``source="local"``. All other text names a repo, even if a folder of that name exists: the code
of a folder runs without trust and ignores lock files, so a folder must not replace a repo.
"""

from __future__ import annotations

import functools
import os
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.paths import is_folder_spec
from hubkit.errors import RepoSpecError
from hubkit.facts import RepoRef
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from hubkit._util.urls import Url

_SOURCES = ("github", "local")


def parse_spec(spec: str | os.PathLike[str], source: str = "github") -> RepoRef | Path:
    """Read a spec as a repo or a folder, without looking at either.

    Args:
        spec: What the user wrote.
        source: "github" follows the rule of this module, "local" takes any text as a folder.

    Returns:
        A `RepoRef` for a repo on a git host, a `Path` for a folder.

    Raises:
        RepoSpecError: It is neither, or the source is unknown.
    """
    if source.lower() not in _SOURCES:
        raise RepoSpecError(f"Unknown source {source!r}.", hint='Use "github" or "local".')
    if not isinstance(spec, str):
        return Path(spec)
    if source.lower() == "local" or is_folder_spec(spec):
        return Path(os.path.expanduser(spec))  # noqa: PTH111 - Path raises for ~nobody

    try:
        return parse_repo(spec)
    except RepoSpecError as error:
        if os.path.exists(spec):  # noqa: PTH110 - accepts text with a NUL
            error.hint = folder_hint(spec)
        raise


def folder_hint(spec: str) -> str:
    """How to write a folder whose name was read as a repo."""
    return f'To use the folder, pass "./{spec}".'


def has_folder(spec: str | os.PathLike[str]) -> bool:
    """Whether the working directory has a hub repo in a folder of that name."""
    return os.path.isfile(f"{os.fspath(spec)}/hubconf.py")  # noqa: PTH113 - part of every load


# What every load needs is no regular expression: compiling one takes half a millisecond.
_PART = frozenset(f"{string.ascii_letters}{string.digits}_.-")
_FILE_URL_PART = r"[^\x00-\x1f\x7f\\]+"
# https://git-scm.com/docs/git-check-ref-format, the rules that matter for typed text.
_BAD_REF = r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$"
_PAGES = ("tree", "blob", "commit", "releases")
_HOST_AND_PORT = r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+/[^/]+/"
# Hosts that also serve their pages at "www.".
_WITH_WWW = ("bitbucket.org", "codeberg.org", GITHUB, "gitlab.com")
_SCHEMES = ("https", "http", "git+https", "git+http", "git+ssh")
_WHOLE_PATH = (
    "Use git+file:///folder/of/repo, with an absolute path. "
    "In the path, write : as %3A, @ as %40 and a space as %20."
)
EXAMPLES = 'Use "owner/name", "owner/name:ref" or "https://host/owner/name".'


@functools.lru_cache(maxsize=256)
def parse_repo(text: str) -> RepoRef:
    """Read the name of a repo on a git host.

    ``owner/name[:ref]`` is on GitHub, as in torch.hub; ``host/owner/name[:ref]`` and
    ``https://host/owner/name[:ref]`` are on any host; ``@ref`` means the same as ``:ref``. Addresses
    copied from a browser work too (``.../tree/<ref>``, ``.../commit/<sha>``, ``.../releases/tag/<tag>``).
    The git program fetches pip's ``git+https://``, ``git+ssh://`` and ``git+file://`` addresses, and git's
    ``git@host:owner/name.git``.

    Raises:
        RepoSpecError: It does not name a repo; it may be a folder.
    """
    text = text.strip()
    start = text.partition(":")[0]
    if "://" in text or "@" in start:
        from hubkit._util.urls import expand_scp

        address = expand_scp(text)
        if "://" in address:
            return _from_address(text, _parse_address(text, address))
    if "/" not in start and re.match(_HOST_AND_PORT, text):
        return _from_address(text, _parse_address(text, f"https://{text}"))
    if is_folder_spec(text) or "\\" in text:
        hint = "This is a folder. Use a repo on a git host."
        raise _not_a_repo(text, hint)
    path, ref = _split_ref(text)
    parts = path.split("/")
    if len(parts) > 2 and "." in parts[0]:
        host = _parse_address(text, f"https://{parts[0]}/").host_key
        return _build(text, _Place("https", host), parts[1:], ref)
    if len(parts) != 2:
        raise _not_a_repo(text, EXAMPLES)
    return _build(text, _Place("https", GITHUB), parts, ref)


class _Place(Struct, frozen=True):
    scheme: str
    host: str


def _parse_address(text: str, address: str) -> Url:
    """Parse an address; refuse what libraries may read differently."""
    from hubkit._util.urls import UrlError, parse_url  # few users write addresses

    try:
        url = parse_url(address)
    except UrlError as error:
        shown = _shown(text) if "://" in text else repr(text)
        hint = _WHOLE_PATH if text.startswith("git+file:") else EXAMPLES
        raise RepoSpecError(f"The address {shown} {error}.", hint=hint) from None
    return replace(url, scheme="git+ssh") if url.scheme == "ssh" else url


def _from_address(text: str, url: Url) -> RepoRef:
    if url.scheme == "git+file":
        return _from_file_url(text, url)
    if url.scheme not in _SCHEMES:
        known = "https, git+https, git+ssh and git+file"
        raise _not_a_repo(text, f"Only {known} addresses are supported. {EXAMPLES}")
    over_ssh = url.scheme == "git+ssh"
    if ":" in url.user or (url.user and not over_ssh):
        hint = "Remove the credentials. hubkit reads tokens from the environment or ~/.netrc."
        raise RepoSpecError("The address of a repo must not contain credentials.", hint=hint)
    if not url.is_private:
        raise _not_a_repo(
            text, "Use https: code that is sent unencrypted can be changed in transit."
        )
    if url.scheme.startswith("git+"):
        _require_whole_repo(text, url.fragment)
    path, ref = _split_ref(unquote(url.path).strip("/"))
    parts, page_ref = _split_page(path.split("/"))
    if parts:
        parts[-1] = parts[-1].removesuffix(".git")
    host = url.host_key
    if host.removeprefix("www.") in _WITH_WWW:
        host = host.removeprefix("www.")
    user = f"{url.user}@" if url.user not in ("", "git") else ""
    return _build(
        text, _Place(url.scheme, f"{user}{host}"), parts, page_ref if ref is None else ref
    )


def _from_file_url(text: str, url: Url) -> RepoRef:
    """A repo on this machine; its path may contain characters that names on hosts may not."""
    _require_whole_repo(text, url.fragment)
    drive = re.match("/[A-Za-z]:/", url.path)
    start = drive.end() if drive else 0
    path, ref = _split_ref(url.path[start:])
    *folders, name = unquote(url.path[:start] + path).strip("/").split("/")
    whole = all(re.fullmatch(_FILE_URL_PART, part) and part.strip(".") for part in [*folders, name])
    if not folders or not whole:
        raise _not_a_repo(text, _WHOLE_PATH)
    named_ref = None if ref is None else unquote(ref)
    _require_ref(text, named_ref)
    return RepoRef("/".join(folders), name, named_ref, "", "git+file")


def _require_whole_repo(text: str, fragment: str) -> None:
    """Refuse pip's ``#subdirectory=``; ignore its ``#egg=``."""
    if "subdirectory" in parse_qs(fragment):
        hint = 'Fetch the repo, and load the subfolder with source="local".'
        raise RepoSpecError(f"{_shown(text)!r} is only part of a repo.", hint=hint)


def _split_ref(path: str) -> tuple[str, str | None]:
    """Split at the first ``:`` or ``@``, which no owner or name contains."""
    ends = [at for mark in ":@" if (at := path.find(mark)) >= 0]
    return (path[: min(ends)], path[min(ends) + 1 :]) if ends else (path, None)


def _split_page(parts: list[str]) -> tuple[list[str], str | None]:
    """Drop the page of the repo that the browser showed; return the repo and the page's ref."""
    at = next((i for i, part in enumerate(parts) if i > 1 and part in _PAGES), len(parts))
    page = parts[at : at + 1]
    rest = parts[at + 1 :]
    repo = parts[: at - 1] if parts[at - 1] == "-" else parts[:at]  # GitLab: owner/name/-/tree/ref
    if page == ["blob"]:
        return repo, next(iter(rest), None)  # a path follows: assume that the ref has no slash
    if page == ["releases"]:
        return repo, "/".join(rest[1:]) if rest[:1] == ["tag"] else None
    return repo, "/".join(rest) or None


def _is_bad(ref: str) -> bool:
    return not ref.isalnum() and re.search(_BAD_REF, ref) is not None


def _build(text: str, place: _Place, parts: list[str], ref: str | None) -> RepoRef:
    if len(parts) < 2 or not all(_PART.issuperset(p) and p.strip(".") for p in parts):
        raise _not_a_repo(text, EXAMPLES)
    if place.host == GITHUB and len(parts) != 2:
        raise _not_a_repo(text, EXAMPLES)
    _require_ref(text, ref)
    return RepoRef("/".join(parts[:-1]), parts[-1], ref, place.host, place.scheme)


def _require_ref(text: str, ref: str | None) -> None:
    if ref is not None and (not ref or len(ref.encode()) > 200 or _is_bad(ref)):
        hint = "A ref is a branch, a tag or a commit."
        raise RepoSpecError(f"{ref!r} in {_shown(text)!r} is not a ref.", hint=hint)


def _not_a_repo(text: str, hint: str) -> RepoSpecError:
    return RepoSpecError(f"{_shown(text)!r} is not a repo on a git host.", hint=hint)


def _shown(text: str) -> str:
    """The text for messages; an address without its credentials."""
    from hubkit._util.urls import redact

    return redact(text) if "://" in text else text
