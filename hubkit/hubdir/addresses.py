"""Where a repo is: on its host, or on the mirror that ``$HUBKIT_GITHUB_URL`` names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubkit._util.urls import UrlError, parse_url, try_parse
from hubkit.errors import RepoSpecError, UsageError
from hubkit.facts.hubdir import GITHUB

if TYPE_CHECKING:
    from hubkit.facts import RepoRef


def base_url(repo: RepoRef) -> str:
    """The address of a repo: on its host, or ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``.

    Raises:
        UsageError: ``$HUBKIT_GITHUB_URL`` is not a URL.
        RepoSpecError: The repo's host is invalid.
    """
    scheme = repo.scheme.removeprefix("git+")
    base = f"{scheme}://{repo.host}"
    if scheme == "file":
        return f"{base}/{quote(repo.owner)}/{quote(repo.name)}"
    if scheme == "ssh":
        base = f"ssh://{repo.host}" if "@" in repo.host else f"ssh://git@{repo.host}"
    elif repo.host == GITHUB:
        base = github_url()
    url = f"{base}/{repo.owner}/{repo.name}"
    try:
        parse_url(url)
    except UrlError as error:  # it comes from a record in the hub dir
        raise RepoSpecError(f"The address of {repo.name} {error}.") from None
    return url


def apply_mirror(url: str) -> str:
    """A URL, with ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``."""
    parts = try_parse(url)
    is_web = parts is not None and parts.scheme in ("https", "http") and not parts.user
    if parts is None or not is_web or parts.host_key != GITHUB or not parts.path:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{github_url()}{parts.path}{query}"


def github_url() -> str:
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
        ) from None
    return text
