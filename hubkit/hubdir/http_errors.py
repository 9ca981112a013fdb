"""Typed errors for what goes wrong with requests, each with what to do next."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.text import plural
from hubkit._util.urls import redact, try_parse
from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    NotThereError,
    RateLimitedError,
    RepoNotFoundError,
    UnreachableError,
)
from hubkit.hubdir.credentials import token_advice
from hubkit.hubdir.retry import requested_delay, reset_at

if TYPE_CHECKING:
    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Response

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_URL = r"\w{1,20}://[^\s'\"]+"


def rate_limit_error(response: Response) -> RateLimitedError:
    """The error for a rate limit, with the time when it ends."""
    url, at = response.hops[-1], reset_at(response.headers)
    when = f" until {time.strftime('%H:%M:%S', time.localtime(at))}" if at else ""
    # The target of a redirect gets no token.
    may_help = response.credential is None and _host_of(url) == _host_of(response.url)
    advice = token_advice(url) if may_help else ""
    return RateLimitedError(
        f"Rate limited by {_host_of(url)}{when}: too many requests for {url}.",
        url=url,
        status=response.status,
        retry_at=at,
        hint=f"Wait, or {advice} for a higher limit." if advice else "Wait.",
    )


def busy_error(response: Response) -> UnreachableError:
    """The error for a host that answers with a temporary status, and does so again."""
    times = plural(response.requests, "request")
    delay = requested_delay(response.status, response.headers)
    is_long = delay is not None and delay > limits.RETRY_SECONDS.most
    wants = f" and asked to wait {delay:.0f} s" if is_long else ""
    return UnreachableError(
        f"{response.url} returned status {response.status}{wants} ({times}).",
        url=response.url,
        status=response.status,
        hint="Try again later.",
    )


def repo_error(repo: RepoRef, response: Response) -> FetchError:
    """The error for a repo whose request was refused."""
    url, status, used = response.url, response.status, response.credential
    advice = token_advice(url)
    host = _host_of(url) if repo.host in ("", _host_of(url)) else f"{repo.host} ({_host_of(url)})"
    if status == _FORBIDDEN or (status == _UNAUTHORIZED and used):
        need = f"To use a token, {advice}." if advice else "Check your permissions."
        return AccessDeniedError(
            f"{host} denies access to {repo.full_name} (status {status}).",
            url=url,
            status=status,
            hint=used.check if used else need,
        )
    if status in (_UNAUTHORIZED, _NOT_FOUND):
        hint = "Check the spelling."
        if used:
            hint += f" {used.check}"
        elif advice:
            hint += f" If the repo is private, {advice}."
        return RepoNotFoundError(
            f"There is no repo {repo.full_name} on {host}, or it is private.",
            url=url,
            status=status,
            hint=hint,
        )
    return UnreachableError(f"{url} returned status {status}.", url=url, status=status)


def file_error(response: Response) -> FetchError:
    """The error for a file whose request was refused."""
    url, status = response.url, response.status
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDeniedError(
            f"{_host_of(url)} denies access to {url} (status {status}).",
            url=url,
            status=status,
            hint=f"If this is a signed link, it may have expired: get a new one.{_or_token(response)}",
        )
    if status == _NOT_FOUND:
        return NotThereError(f"{url} does not exist.", url=url, hint="Check the URL.")
    return UnreachableError(f"{url} returned status {status}.", url=url, status=status)


def tls_error(url: str, error: Exception) -> FetchError:
    """The error for a host, or a proxy in between, that is not trusted or does not speak TLS."""
    cause = _innermost(error)
    reason = getattr(cause, "verify_message", "")
    if not reason:
        reason = (getattr(cause, "reason", None) or root_cause(error)).lower().replace("_", " ")
        return UnreachableError(
            f"{_host_of(url)} cannot be reached over TLS: {reason}.",
            url=redact(url),
            hint="Check that the host and port are those of an https address.",
        )
    return UnreachableError(
        f"The certificate of {_host_of(url)} is not trusted: {reason.rstrip('.')}.",
        url=redact(url),
        hint="If a proxy inspects TLS, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to its certificates.",
    )


def proxy_error(url: str, error: Exception) -> FetchError:
    """The error for a proxy that does not work."""
    return UnreachableError(
        f"The proxy for {_host_of(url)} does not respond: {root_cause(error)}.",
        url=redact(url),
        hint=f"Check {_proxy_variable(url)} and NO_PROXY.",
    )


def invalid_url_error(url: str, error: Exception) -> FetchError:
    """The error for a URL, or a proxy's URL, that cannot be requested."""
    if "SOCKS support" in str(error):
        return UnreachableError(
            f"The SOCKS proxy for {_host_of(url)} needs PySocks, which is not installed.",
            url=redact(url),
            hint='Install it: pip install "requests[socks]"',
        )
    shown = redact(url)
    return FetchError(f"{shown} cannot be requested: {root_cause(error)}.", url=shown)


def connection_error(url: str, error: Exception) -> FetchError:
    """The error for a host that did not respond."""
    return UnreachableError(
        f"{_host_of(url)} cannot be reached: {root_cause(error)}.",
        url=redact(url),
        hint=f"Check the network. Behind a proxy, set {_proxy_variable(url)}.",
    )


def _proxy_variable(url: str) -> str:
    """The variable with the proxy for a URL, as it is spelled if it is set."""
    usual = f"{url.partition(':')[0]}_proxy".lower()
    names = (name for known in (usual, "all_proxy") for name in (known, known.upper()))
    return next((name for name in names if os.environ.get(name)), usual.upper())


def _or_token(response: Response) -> str:
    if response.credential:
        return f" {response.credential.check}"
    advice = token_advice(response.url)
    return f" Or {advice}." if advice else ""


def _host_of(url: str) -> str:
    parts = try_parse(url)
    return parts.host_key if parts else redact(url)


def _innermost(error: BaseException) -> BaseException:
    """The error that requests and urllib3 have wrapped, several times."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (arg for arg in reversed(seen.args) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return seen
        seen = inner


def root_cause(error: BaseException) -> str:
    """The innermost message."""
    seen = _innermost(error)
    text = re.sub(_URL, lambda found: redact(found[0]), str(seen))
    return (text.rpartition(": ")[2] or type(seen).__name__).rstrip(".")
