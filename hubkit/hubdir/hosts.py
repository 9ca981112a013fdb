"""Where a host is really asked, and with which token."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubkit._util.urls import Url, UrlError, parse_url, redact, try_parse
from hubkit.errors import RepoSpecError, UsageError
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from hubkit.facts import RepoRef

__all__ = ["advise_token", "base_url", "find_token", "redact", "rewrite", "token_variables"]

_TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}


def base_url(repo: RepoRef) -> str:
    """Address of a repo: its host's, or ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``.

    Raises:
        UsageError: ``$HUBKIT_GITHUB_URL`` is not a URL.
        RepoSpecError: The repo's host is not one.
    """
    scheme = repo.scheme.removeprefix("git+")
    base = f"{scheme}://{repo.host}"
    if scheme == "file":
        return f"{base}/{quote(repo.owner)}/{quote(repo.name)}"
    if scheme == "ssh":
        base = f"ssh://{repo.host}" if "@" in repo.host else f"ssh://git@{repo.host}"
    elif repo.host == GITHUB:
        base = _github()
    url = f"{base}/{repo.owner}/{repo.name}"
    try:
        parse_url(url)
    except UrlError as error:  # nobody typed it: it comes from a record in the hub dir
        raise RepoSpecError(f"The address of {repo.name} {error}.") from error
    return url


def rewrite(url: str) -> str:
    """A URL, with ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``."""
    parts = try_parse(url)
    is_web = parts is not None and parts.scheme in ("https", "http") and not parts.user
    if parts is None or not is_web or parts.host_key != GITHUB or not parts.path:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{_github()}{parts.path}{query}"


def token_variables(url: Url) -> tuple[str, ...]:
    """The environment variables whose token the host of a URL is sent; the first one counts.

    GitHub's also go to ``$HUBKIT_GITHUB_URL``. Any host has ``HUBKIT_TOKEN_<HOST>`` of its own,
    which no other host or port shares: dots are ``_``, hyphens ``__``, and a port other than the
    scheme's own follows as ``_8443``. A host with an underscore in its name has none.
    """
    if not url.host or not url.is_private or url.transport == "ssh":
        return ()
    own = () if "_" in url.host else (f"HUBKIT_TOKEN_{_spell(url)}",)
    names = (*own, *_TOKENS.get(url.host_key, ()))
    mirror = try_parse(_github())
    if mirror is not None and mirror.origin == url.origin and url.host_key != GITHUB:
        names += _TOKENS[GITHUB]
    return names


def find_token(url: str) -> str | None:
    """The token for the host that is asked, from the environment; see `token_variables`.

    A token is sent encrypted or to this very machine only. ``~/.netrc`` is read where there is
    none.
    """
    parts = try_parse(url)
    if parts is None:
        return None
    return next(filter(None, (os.environ.get(name) for name in token_variables(parts))), None)


def advise_token(url: str) -> str:
    """How to give the host of a URL a token, such as "set GITHUB_TOKEN"; "" where none is sent."""
    parts = try_parse(url)
    if parts is None or not parts.host or not parts.is_private or parts.transport == "ssh":
        return ""
    names = token_variables(parts)
    usual = [name for name in names if not name.startswith("HUBKIT_TOKEN_")]
    chosen = next(iter([*usual, *names]), "")
    return f"set {chosen}" if chosen else f"add {parts.host} to ~/.netrc"


def _spell(url: Url) -> str:
    """The host of a URL as a part of a variable's name; different hosts differ."""
    port = f"_{url.port}" if ":" in url.host_key.rpartition("]")[2] else ""
    if ":" in url.host:  # no other host's name starts with "_"
        return f"_{ip_address(url.host).exploded.upper().replace(':', '_')}{port}"
    return re.sub(r"[.-]", lambda found: "__" if found[0] == "-" else "_", url.host.upper()) + port


def _github() -> str:
    """``$HUBKIT_GITHUB_URL``, or ``https://github.com``.

    Raises:
        UsageError: The variable holds something else than a URL.
    """
    text = os.environ.get("HUBKIT_GITHUB_URL", "").strip().rstrip("/")
    if not text:
        return f"https://{GITHUB}"
    try:
        parse_url(text)
    except UrlError as error:
        raise UsageError(
            f"HUBKIT_GITHUB_URL {error}.", hint="Set it to a URL such as https://host/path."
        ) from error
    return text
