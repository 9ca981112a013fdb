"""What a host's refusal, or silence, means: which error it becomes, and when to ask again."""

from __future__ import annotations

import random
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from hubkit import limits
from hubkit._util.parse import parse_count
from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    NotThereError,
    RateLimitedError,
    RepoNotFoundError,
    UnreachableError,
)
from hubkit.hubdir.hosts import find_token, redact
from hubkit.hubdir.names import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts import RepoRef

_URL = re.compile(r"\w{1,20}://[^\s'\"]+")
_CENTURY = 100 * 365.25 * 86400  # seconds
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429


def is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer means "not so fast": 429, or 403 in GitHub's way of saying it."""
    if status == _FORBIDDEN:
        return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == _TOO_MANY


def rate_limited(url: str, headers: Mapping[str, str]) -> RateLimitedError:
    """The error for such an answer, with the time when the host will listen again."""
    at = _retry_at(headers)
    when = f" until {time.strftime('%H:%M:%S', time.localtime(at))}" if at else ""
    return RateLimitedError(
        f"{url} is answered to nobody like us{when}: there were too many requests.",
        url=url,
        retry_at=at,
        hint="Wait, or set GITHUB_TOKEN: requests with a token are counted apart.",
    )


def retry_delay(headers: Mapping[str, str], tried: int) -> float:
    """Seconds to wait before asking again: what the host says, else 0.5 s doubled each time."""
    at = _retry_at(headers)
    if at is not None:
        return max(0.0, at - time.time())
    return 0.5 * 2.0 ** (tried - 1) * (1 + random.random() / 4)  # noqa: S311 - spreads the crowd


def refused_repo(repo: RepoRef, url: str, status: int) -> FetchError:
    """The error for a repo that is answered with this status."""
    known = find_token(url) is not None
    where = f"{repo.full_name} on {repo.host}"
    if status == _FORBIDDEN or (status == _UNAUTHORIZED and known):
        return AccessDeniedError(
            f"{repo.host} refuses us {repo.full_name} (status {status}).",
            url=url,
            hint="Look at the token's rights and expiry." if known else "Set GITHUB_TOKEN.",
        )
    if status in (_UNAUTHORIZED, _NOT_FOUND):
        hint = "Look at the spelling."
        if not known:
            hint += " If it is private, set GITHUB_TOKEN, or put the host into ~/.netrc."
        return RepoNotFoundError(
            f"There is no repo {where}, or it is hidden from us.", url=url, hint=hint
        )
    return UnreachableError(f"{url} answered {status}.", url=url)


def refused_file(url: str, status: int) -> FetchError:
    """The error for a file that is answered with this status."""
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDeniedError(
            f"{url} is refused to us (status {status}).",
            url=url,
            hint="Signed links expire: get a new one. Or set the host's token.",
        )
    if status == _NOT_FOUND:
        return NotThereError(f"{url} does not exist.", url=url, hint="Look at the URL.")
    return UnreachableError(f"{url} answered {status}.", url=url)


def bad_certificate(url: str, error: Exception) -> FetchError:
    """The error for a host, or a proxy in between, whose certificate is not trusted."""
    return UnreachableError(
        f"The certificate of {_host(url)} is not accepted: {plain_reason(error)}.",
        url=redact(url),
        hint="Behind a proxy that opens TLS, set REQUESTS_CA_BUNDLE to its certificates.",
    )


def silent_proxy(url: str, error: Exception) -> FetchError:
    """The error for a proxy that does not do its work."""
    return UnreachableError(
        f"The proxy on the way to {_host(url)} does not answer: {plain_reason(error)}.",
        url=redact(url),
        hint="Look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    )


def strange_address(url: str, error: Exception) -> FetchError:
    """The error for a URL, or a proxy's, of a form that cannot be asked for."""
    if "SOCKS support" in str(error):
        return UnreachableError(
            f"The SOCKS proxy on the way to {_host(url)} cannot be spoken to: "
            "PySocks is not installed.",
            url=redact(url),
            hint='Install it: pip install "requests[socks]"',
        )
    shown = redact(url)
    return FetchError(f"{shown} cannot be asked for: {plain_reason(error)}.", url=shown)


def unreachable(url: str, error: Exception) -> FetchError:
    """The error for a host that gave no answer, by what requests, or the system, says of it."""
    return UnreachableError(
        f"{_host(url)} cannot be reached: {plain_reason(error)}.",
        url=redact(url),
        hint="Look at the network. Behind a proxy, set HTTPS_PROXY.",
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def plain_reason(error: BaseException) -> str:
    """The innermost reason, in a few words: requests and urllib3 wrap errors several times."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (arg for arg in reversed(seen.args) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        seen = inner
    text = _URL.sub(lambda found: _shown(found[0]), str(seen))
    return (text.rpartition(": ")[2] or type(seen).__name__).rstrip(".")


def _shown(url: str) -> str:
    """A URL in somebody else's message, without what may be secret."""
    try:
        return redact(url)
    except ValueError:
        return f"{url.partition(':')[0]}://..."


def _skip_long_body(response: Any) -> None:  # noqa: ANN401
    """Hang up on a redirect with a long body: requests would read all of it into memory."""
    size = parse_count(response.headers.get("Content-Length", ""))
    if size is None or size > limits.REDIRECT_BODY.most:
        response.close()


def require_encrypted(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401
    """Follow no redirect from https to http: what arrives unencrypted may be anybody's.

    Raises:
        FetchError: An answer, given as requests' own, leads there.
    """
    if not response.is_redirect:
        return
    _skip_long_body(response)
    try:
        target = urljoin(response.url, response.headers["Location"])
        there = urlsplit(target)
    except ValueError:
        response.close()
        raise
    downgraded = urlsplit(response.url).scheme == "https" and there.scheme == "http"
    if downgraded and not is_loopback(there.hostname or ""):
        response.close()
        raise FetchError(
            f"{redact(response.url)} sends us on to {redact(target)}, which is not encrypted.",
            url=redact(response.url),
            hint="If that is all right, use that address itself.",
        )


def _retry_at(headers: Mapping[str, str]) -> float | None:
    """When the host will answer again, in Unix time; None when it says nothing, or nonsense."""
    after = headers.get("retry-after", "")
    seconds = parse_count(after)
    if seconds is not None:
        return _plausible(time.time() + seconds)
    try:
        return _plausible(parsedate_to_datetime(after[:100]).timestamp())
    except (TypeError, ValueError, OverflowError, OSError):
        reset = parse_count(headers.get("x-ratelimit-reset", ""))
    return None if reset is None else _plausible(float(reset))


def _plausible(at: float) -> float | None:
    """A time within a century; more is a number that means something else."""
    return at if 0 <= at < time.time() + _CENTURY else None
