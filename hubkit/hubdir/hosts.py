"""Where a host is really asked, and with which token."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.names import is_loopback

if TYPE_CHECKING:
    from hubkit.facts import RepoRef

_TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}


def base_url(repo: RepoRef) -> str:
    """Address of a repo: its host's, or ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``."""
    scheme = repo.scheme.removeprefix("git+")
    base = f"{scheme}://{repo.host}"
    if scheme == "file":
        return f"{base}/{quote(repo.owner)}/{quote(repo.name)}"
    if scheme == "ssh":
        base = f"ssh://{repo.host}" if "@" in repo.host else f"ssh://git@{repo.host}"
    elif repo.host == GITHUB:
        base = _github()
    return f"{base}/{repo.owner}/{repo.name}"


def rewrite(url: str) -> str:
    """A URL, with ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``."""
    for start in (f"https://{GITHUB}/", f"http://{GITHUB}/"):
        if url.startswith(start):
            return f"{_github()}/{url[len(start) :]}"
    return url


def find_token(url: str) -> str | None:
    """The token for the host that is asked, from the environment.

    GitHub's is ``GITHUB_TOKEN`` or ``GH_TOKEN`` and also goes to ``$HUBKIT_GITHUB_URL``; any
    host's is ``HUBKIT_TOKEN_<HOST>`` with underscores for what is no letter or digit. A token is
    sent encrypted or to this very machine only. ``~/.netrc`` is read where there is none.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_loopback(host):
        return None
    names = [f"HUBKIT_TOKEN_{re.sub(r'[^A-Z0-9]', '_', host.upper())}", *_TOKENS.get(host, ())]
    if parts.netloc == urlsplit(_github()).netloc:
        names += _TOKENS[GITHUB]
    return next(filter(None, (os.environ.get(name) for name in names)), None)


def redact(url: str) -> str:
    """A URL fit to be shown: without credentials, query or fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _github() -> str:
    return os.environ.get("HUBKIT_GITHUB_URL", "").rstrip("/") or f"https://{GITHUB}"
