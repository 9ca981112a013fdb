"""What a host's refusal, or silence, means: which error it becomes, and when to ask again."""

from __future__ import annotations

import random
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hubkit import limits
from hubkit._util.parse import parse_count
from hubkit._util.urls import Url, UrlError, parse_url, parse_web_url, try_parse
from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    NotThereError,
    RateLimitedError,
    RepoNotFoundError,
    UnreachableError,
)
from hubkit.hubdir.hosts import advise_token, find_token, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts import RepoRef

_URL = re.compile(r"\w{1,20}://[^\s'\"]+")
_IN_URLS = "%!#$&'()*+,/:;=?@[]~"  # what is not encoded in a URL that is one already
_FORM = "Write https://host/path."
_CENTURY = 100 * 365.25 * 86400  # seconds
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429


def is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer means "not so fast": 429, or 403 in GitHub's way of saying it."""
    if status == _FORBIDDEN:
        return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == _TOO_MANY


def rate_limited(url: str, headers: Mapping[str, str]) -> RateLimitedError:
    """The error for such an answer, with the time when the host will listen again.

    Args:
        url: What answered, fit to be shown: after a redirect that is where it led.
        headers: Those of the answer.
    """
    at = _reset_at(headers)
    when = f" until {time.strftime('%H:%M:%S', time.localtime(at))}" if at else ""
    advice = "" if find_token(url) else advise_token(url)
    return RateLimitedError(
        f"Rate limited by {_host(url)}{when}: too many requests for {url}.",
        url=url,
        retry_at=at,
        hint=f"Wait, or {advice} for a higher limit." if advice else "Wait.",
    )


def retry_delay(headers: Mapping[str, str], tried: int, *, limited: bool = False) -> float:
    """Seconds to wait before asking again: what the host says, else 0.5 s doubled each time.

    Args:
        headers: Those of the answer.
        tried: How many tries there were.
        limited: Whether the answer is a rate limit. GitHub sends ``x-ratelimit-reset`` with every
            answer; only then is it about this one.
    """
    at = _reset_at(headers) if limited else _retry_after(headers)
    if at is not None:
        return max(0.0, at - time.time())
    return 0.5 * 2.0 ** (tried - 1) * (1 + random.random() / 4)  # noqa: S311 - spreads the crowd


def still_busy(url: str, status: int, tried: int, delay: float | None) -> UnreachableError:
    """The error for a host that answers with a status that may pass, and did not in time.

    Args:
        url: What was asked, fit to be shown.
        status: The status.
        tried: How many requests were made.
        delay: Seconds that the host wants us to wait, when that is too long.
    """
    times = "1 request" if tried == 1 else f"{tried} requests"
    wants = "" if delay is None else f" and asks to wait for {delay:.0f} s"
    return UnreachableError(
        f"{url} answered {status}{wants} ({times}).", url=url, hint="Try again later."
    )


def refused_repo(repo: RepoRef, url: str, status: int) -> FetchError:
    """The error for a repo that is answered with this status."""
    known = find_token(url) is not None
    advice = advise_token(url)
    host = _host(url) if repo.host in ("", _host(url)) else f"{repo.host} ({_host(url)})"
    if status == _FORBIDDEN or (status == _UNAUTHORIZED and known):
        need = f"To use a token, {advice}." if advice else "Check your rights."
        return AccessDeniedError(
            f"{host} denies access to {repo.full_name} (status {status}).",
            url=url,
            hint="Check the rights and the expiry of the token." if known else need,
        )
    if status in (_UNAUTHORIZED, _NOT_FOUND):
        hint = "Check the spelling."
        if not known and advice:
            hint += f" If the repo is private, {advice}."
        return RepoNotFoundError(
            f"There is no repo {repo.full_name} on {host}, or it is private.", url=url, hint=hint
        )
    return UnreachableError(f"{url} answered {status}.", url=url)


def refused_file(url: str, status: int) -> FetchError:
    """The error for a file that is answered with this status."""
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDeniedError(
            f"{_host(url)} denies access to {url} (status {status}).",
            url=url,
            hint=f"Signed links expire: get a new one.{_or_token(url)}",
        )
    if status == _NOT_FOUND:
        return NotThereError(f"{url} does not exist.", url=url, hint="Check the URL.")
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
        hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
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
        hint="Check the network. Behind a proxy, set HTTPS_PROXY.",
    )


def _or_token(url: str) -> str:
    if find_token(url):
        return " Or check the rights and the expiry of the token."
    advice = advise_token(url)
    return f" Or {advice}." if advice else ""


def _host(url: str) -> str:
    parts = try_parse(url)
    return parts.host_key if parts else redact(url)


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
    text = _URL.sub(lambda found: redact(found[0]), str(seen))
    return (text.rpartition(": ")[2] or type(seen).__name__).rstrip(".")


def _skip_long_body(response: Any) -> None:  # noqa: ANN401
    """Hang up on a redirect with a long body: requests would read all of it into memory."""
    size = parse_count(response.headers.get("Content-Length", ""))
    if size is None or size > limits.REDIRECT_BODY.most:
        response.close()


def require_web(url: str) -> Url:
    """Insist that a URL is one that everybody reads alike, before anything is sent.

    Raises:
        FetchError: It is not.
    """
    try:
        return parse_web_url(url)
    except UrlError as error:
        shown = redact(url)
        raise FetchError(f"The address {shown} {error}.", url=shown, hint=_FORM) from error


def check_redirect(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401
    """Check where a redirect leads before requests follows it.

    The target is read by our own parser, and requests is handed what that made of it. A redirect
    from https to http is refused: what arrives unencrypted may have been changed by anybody.

    Raises:
        FetchError: An answer, given as requests' own, leads to a place that is not a URL, or is
            not encrypted.
    """
    if not response.is_redirect:
        return
    _skip_long_body(response)
    shown = redact(response.url)
    try:
        here = parse_url(response.url)
        target = parse_web_url(_decode(response.headers["Location"]), here)
    except UrlError as error:
        response.close()
        raise FetchError(
            f"{shown} redirects to an address that {error}.",
            url=shown,
            hint="Nothing was sent there. Ask whoever runs the host.",
        ) from error
    if here.is_encrypted and not target.is_private:
        response.close()
        raise FetchError(
            f"{shown} redirects to {target.redacted}, which is not encrypted.",
            url=shown,
            hint="If that is all right, use that address itself.",
        )
    response.headers["Location"] = quote(str(target), safe=_IN_URLS)


def _decode(location: str) -> str:
    """A header as it was meant: most hosts send UTF-8, which http.client reads as Latin-1."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """When the host will answer again, in Unix time; None when it says nothing, or nonsense."""
    after = headers.get("retry-after", "")
    seconds = parse_count(after)
    if seconds is not None:
        return _plausible(time.time() + seconds)
    try:
        return _plausible(parsedate_to_datetime(after[:100]).timestamp())
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _reset_at(headers: Mapping[str, str]) -> float | None:
    reset = parse_count(headers.get("x-ratelimit-reset", ""))
    return _retry_after(headers) or (None if reset is None else _plausible(float(reset)))


def _plausible(at: float) -> float | None:
    """A time within a century; more is a number that means something else."""
    return at if 0 <= at < time.time() + _CENTURY else None
