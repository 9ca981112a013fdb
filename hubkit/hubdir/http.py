"""HTTP on top of requests: tokens, redirects, retries, time limits and typed errors."""

from __future__ import annotations

import functools
import os
import re
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.parse import parse_count
from hubkit._util.urls import Url, UrlError, parse_url, parse_web_url, redact, try_parse
from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    IncompleteDownloadError,
    NotThereError,
    OfflineError,
    RateLimitedError,
    RepoNotFoundError,
    RepoSpecError,
    UnreachableError,
    UsageError,
)
from hubkit.facts.hubdir import GITHUB
from hubkit.lazy import import_late

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    import requests
    import urllib3

    from hubkit.facts import FetchPolicy, RepoRef
    from hubkit.limits import Limit

_BRIEF = 5.0  # seconds to wait for a connection that is optional
_PIECE = 1 << 16  # bytes
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429
_REFUSALS = (_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND)
_BUSY = (408, _TOO_MANY, 500, 502, 503, 504)
_RETRIES = 3
_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}
_URL = r"\w{1,20}://[^\s'\"]+"
_IN_URLS = "%!#$&'()*+,/:;=?@[]~"  # what stays as it is in a URL that is already encoded
_CENTURY = 100 * 365.25 * 86400  # seconds


def is_offline(policy: FetchPolicy) -> bool:
    """Whether the policy or ``$HUBKIT_OFFLINE`` forbids to open a socket."""
    return policy.offline or os.environ.get("HUBKIT_OFFLINE", "").lower() not in ("", "0", "false")


class Response:
    """The response of a host; its body has not been read yet.

    Attributes:
        status: The HTTP status.
        headers: The headers; names ignore case.
        url: The requested URL, redacted.
        hops: The redacted URLs of all redirects, from `url` to the last one.
    """

    def __init__(self, response: Any, url: str) -> None:  # noqa: ANN401 - requests stays in here
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = url
        self.hops = tuple(redact(one.url) for one in (*response.history, response))
        # Some hosts compress although the request forbids it.
        encoding = self.headers.get("Content-Encoding", "identity")
        self._encoded = encoding != "identity"
        if encoding.count(",") >= limits.ENCODINGS.most:
            response.close()
            raise UnreachableError(
                f"{url} sent a response with several layers of compression.",
                url=url,
                hint="Git hosts do not do this. Check the URL.",
            )
        response.raw.decode_content = self._encoded

    @property
    def size(self) -> int | None:
        """Announced length of the body in bytes, None if unknown."""
        return None if self._encoded else parse_count(self.headers.get("Content-Length", ""))

    @property
    def requests(self) -> int:
        """How many requests the last hop took, retries included."""
        retries = self._response.raw.retries
        return 1 + len(retries.history if retries else ())

    def read_into(self, buffer: memoryview) -> int:
        """Read part of the body; return the number of bytes, 0 at the end.

        Raises:
            IncompleteDownloadError: The body ended early or stopped arriving.
        """
        import urllib3

        if self._encoded:
            buffer = buffer[:_PIECE]  # urllib3 before 2.6 decompresses all that it reads
        try:
            count: int = self._response.raw.readinto(buffer)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._interrupted(error) from error
        return count

    def read_pieces(self, limit: Limit) -> Iterator[bytes]:
        """The decoded body, piece by piece as it arrives.

        Raises:
            IncompleteDownloadError: The body ended early.
            UnreachableError: It is longer than the limit, in bytes, or takes too long.
        """
        seconds = limits.ANSWER_SECONDS.most
        deadline = time.monotonic() + seconds
        size = 0
        while piece := self._read_piece():
            size += len(piece)
            if size > limit.most:
                raise self._endless(f"sent more than {limit.most} bytes")
            if time.monotonic() >= deadline:
                raise self._endless(f"sent its response too slowly: {size} bytes in {seconds} s")
            yield piece

    def hang_up(self) -> None:
        """End the body now, also for another thread that waits for more of it."""
        # It may have ended already, and urllib3 before 2.3 cannot shut it down: then the timeout
        # ends it.
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.raw.shutdown()

    def close(self) -> None:
        """Release the connection."""
        self._response.close()

    def _endless(self, what: str) -> UnreachableError:
        return UnreachableError(
            f"{self.url} {what}.",
            url=self.url,
            hint="Git hosts do not do this. Check the address and the network.",
        )

    def _interrupted(self, error: Exception) -> IncompleteDownloadError:
        return IncompleteDownloadError(
            f"{self.url} was interrupted: {root_cause(error)}.", url=self.url
        )

    def _read_piece(self) -> bytes:
        """What has arrived so far, so that a slow body can be abandoned."""
        import urllib3

        try:
            piece: bytes | None = self._response.raw.read1(_PIECE, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._interrupted(error) from error
        return piece or b""


class _Request(Struct, frozen=True):
    url: str
    headers: dict[str, str]
    body: bytes | None
    once: bool


class Client:
    """Sends requests; use it as a context manager, for one piece of work.

    Args:
        policy: Whether sockets may be opened at all, and the timeouts.
        eager: Send the token with the first request instead of after a refusal.

    Raises:
        OfflineError: The policy or the environment forbids to open a socket.
    """

    def __init__(self, policy: FetchPolicy, *, eager: bool = False) -> None:
        if is_offline(policy):
            raise OfflineError(
                "Network access is needed, but hubkit is offline.",
                hint="To go online, unset HUBKIT_OFFLINE.",
            )
        self._policy = policy
        self._sessions: dict[bool, requests.Session] = {}
        self._lock = threading.Lock()
        self._schemes = ["Basic", "Bearer", ""] if eager else ["", "Bearer"]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions.values():
            session.close()

    @contextmanager
    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        once: bool = False,
    ) -> Iterator[Response]:
        """Request a URL: retried if the host is busy, with a token if the host wants one.

        Args:
            url: The URL.
            headers: Headers in addition to the usual ones.
            body: Makes it a POST, which must be safe to repeat.
            once: The request is optional: take the first response, and wait briefly.

        Raises:
            UnreachableError: There was no response.
            RateLimitedError: The host limits the rate of requests.
            FetchError: It is not a URL that can be requested.
        """
        request = _Request(url, dict(headers or {}), body, once)
        response = self._send_again(request)
        try:
            if not once:
                _require_ready(response)
            yield response
        finally:
            response.close()

    def _send_again(self, request: _Request) -> Response:
        """Send a request, again if the host hangs up.

        urllib3 could do this too, but logs the whole URL each time, and that may be a signed one.
        """
        for attempt in range(_RETRIES):
            try:
                return self._send_with_token(request)
            except UnreachableError as error:
                # Silence is not worth another try: it has used up the time.
                if request.once or "Connection aborted" not in str(error.__cause__):
                    raise
            time.sleep(backoff(attempt))
        return self._send_with_token(request)

    def _send_with_token(self, request: _Request) -> Response:
        token = find_token(request.url)
        schemes = self._schemes if token else [""]
        for scheme in schemes[:-1]:
            response = self._send(request, _sign(scheme, token))
            is_refused = response.status in _REFUSALS
            if not is_refused or is_rate_limited(response.status, response.headers):
                self._schemes = [scheme, *(s for s in schemes if s != scheme)]
                return response
            response.close()
        return self._send(request, _sign(schemes[-1], token))

    def _send(self, request: _Request, auth: Callable[[Any], Any] | None) -> Response:
        import_late("requests")
        import requests

        connect, read = self._policy.connect_timeout, self._policy.read_timeout
        timeouts = (min(connect, _BRIEF), min(read, _BRIEF)) if request.once else (connect, read)
        url = require_web_url(request.url)
        session = self._session(retry=not request.once)
        try:
            # requests drops the Authorization header when a redirect leads to another host.
            response = session.request(
                "GET" if request.body is None else "POST",
                str(url),
                headers=request.headers,
                data=request.body,
                auth=auth if url.is_private or url.user else _no_auth,
                stream=True,
                timeout=timeouts,
            )
        except FetchError:
            raise
        except requests.exceptions.SSLError as error:
            raise certificate_error(request.url, error) from error
        except requests.exceptions.ProxyError as error:
            raise proxy_error(request.url, error) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise invalid_url_error(request.url, error) from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise connection_error(request.url, error) from error
        return Response(response, url.redacted)

    def _session(self, *, retry: bool) -> requests.Session:
        with self._lock:
            if retry not in self._sessions:
                self._sessions[retry] = _make_session(retry=retry)
            return self._sessions[retry]


def _make_session(*, retry: bool) -> requests.Session:
    """A session with our certificates, retries and checks of redirects."""
    retries = _retry_class()(
        total=_RETRIES if retry else 0,
        connect=0,
        read=False,
        other=0,
        allowed_methods=None,
        status_forcelist=(*_BUSY, _FORBIDDEN) if retry else (),
        backoff_factor=0.5,
        raise_on_status=False,
        respect_retry_after_header=retry,
    )
    session = _session_class()(retries)
    session.headers["User-Agent"] = f"hubkit/{__version__}"
    session.hooks["response"].append(check_redirect)
    return session


@functools.cache
def _session_class() -> Callable[[urllib3.Retry], requests.Session]:
    import requests

    class Session(requests.Session):
        """Sends no credentials of ~/.netrc unencrypted; loads certificates when first needed."""

        def __init__(self, retries: urllib3.Retry) -> None:
            super().__init__()
            self.adapters.clear()
            self._retries = retries

        def get_adapter(self, url: str) -> Any:  # noqa: ANN401
            scheme = "https://" if url.lower().startswith("https://") else "http://"
            if scheme not in self.adapters:
                adapter = _adapter_class()(encrypted=scheme == "https://", retries=self._retries)
                self.mount(scheme, adapter)
            return super().get_adapter(url)

        def rebuild_auth(self, prepared_request: Any, response: Any) -> None:  # noqa: ANN401
            super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
            if not parse_url(prepared_request.url or "").is_private:
                prepared_request.headers.pop("Authorization", None)

    return Session


@functools.cache
def _adapter_class() -> Callable[..., requests.adapters.HTTPAdapter]:
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        """Uses the certificates of `make_tls_context` in place of certifi's."""

        def __init__(self, *, encrypted: bool, retries: urllib3.Retry) -> None:
            self._context: dict[str, Any] = {}
            if encrypted:
                self._context["ssl_context"] = make_tls_context()
            super().__init__(max_retries=retries)

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            super().init_poolmanager(*args, **(kwargs | self._context))

        def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            kwargs |= self._context
            if proxy.lower().startswith("https:"):
                kwargs["proxy_ssl_context"] = kwargs.get("ssl_context") or make_tls_context()
            return super().proxy_manager_for(proxy, **kwargs)

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return super().send(request, *args, **{**kwargs, "verify": True})

        def cert_verify(self, *args: object) -> None:
            """Leave verification to the context."""

    return Adapter


@functools.cache
def _retry_class() -> type[urllib3.Retry]:
    import urllib3

    class Retry(urllib3.Retry):
        """Retries responses of busy hosts, if they do not ask for too long a delay."""

        def increment(
            self,
            method: Any = None,  # noqa: ANN401
            url: Any = None,  # noqa: ANN401
            response: Any = None,  # noqa: ANN401
            *args: Any,  # noqa: ANN401
            **kwargs: Any,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            if response is not None and not _is_worth_retrying(response.status, response.headers):
                pool: Any = kwargs.get("_pool")
                raise urllib3.exceptions.MaxRetryError(pool, url)
            retries = super().increment(method, url, response, *args, **kwargs)
            if response is not None:
                response.close()  # urllib3 would read the rest of the body, however long
            return retries

        def get_retry_after(self, response: Any) -> float | None:  # noqa: ANN401
            return requested_delay(response.status, response.headers)

    return Retry


def make_tls_context() -> ssl.SSLContext:
    """The certificates to trust: those of the system, unless environment variables name others.

    ``$SSL_CERT_FILE``, ``$SSL_CERT_DIR``, ``$REQUESTS_CA_BUNDLE`` and ``$CURL_CA_BUNDLE`` add up.

    Raises:
        UsageError: A variable does not lead to certificates.
    """
    import ssl

    variables = {name: os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)}
    if variables:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for name, value in variables.items():
            for path in value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value]:
                _load_certificates(context, name, path)
        return context
    import truststore

    system: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not _has_system_certificates():
        import certifi

        system.load_verify_locations(certifi.where())
    return system


def _load_certificates(context: ssl.SSLContext, name: str, path: str) -> None:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - may hold what no Path may
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{name} is {path!r}, which contains no certificates.",
            hint=f"Set {name} to a file or folder of PEM certificates, or unset it.",
        ) from error


def _has_system_certificates() -> bool:
    """Whether the system has a store of certificates; small container images have none."""
    import ssl
    import sys

    if sys.platform in ("darwin", "win32"):
        return True
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and os.listdir(paths.capath)))  # noqa: PTH208


def _no_auth(request: Any) -> Any:  # noqa: ANN401 - requests stays in here
    return request


def _sign(scheme: str, token: str | None) -> Callable[[Any], Any] | None:
    """Return what adds the token to a request; None leaves it to requests, which reads ~/.netrc."""
    if not scheme or not token:
        return None

    def sign(request: Any) -> Any:  # noqa: ANN401 - requests stays in here
        import base64

        credentials = token
        if scheme == "Basic":
            # GitHub asks for this user name; other hosts accept any.
            credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        request.headers["Authorization"] = f"{scheme} {credentials}"
        return request

    return sign


def is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a response is a rate limit: 429, or 403 with the headers that GitHub sends."""
    if status == _FORBIDDEN:
        return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == _TOO_MANY


def requested_delay(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that a host asks to wait, None if it does not say.

    GitHub sends ``x-ratelimit-reset`` with every response; it counts only for a rate limit.
    """
    at = _reset_at(headers) if is_rate_limited(status, headers) else _retry_after(headers)
    return None if at is None else max(0.0, at - time.time())


def backoff(attempt: int) -> float:
    """Seconds to wait after an attempt, the first of which is number 0: 0.5, doubled each time."""
    import random

    return 0.5 * 2.0**attempt * (1 + random.random() / 4)  # noqa: S311 - spreads the crowd


def _is_worth_retrying(status: int, headers: Mapping[str, str]) -> bool:
    delay = requested_delay(status, headers)
    is_refused = status == _FORBIDDEN and not is_rate_limited(status, headers)
    return not is_refused and (delay is None or delay <= limits.RETRY_SECONDS.most)


def _require_ready(response: Response) -> None:
    """Refuse a response that says "later".

    Raises:
        RateLimitedError: It is a rate limit.
        UnreachableError: The host is busy, or broken.
    """
    if is_rate_limited(response.status, response.headers):
        raise rate_limit_error(response.hops[-1], response.status, response.headers)
    if response.status in _BUSY:
        raise busy_error(response)


def rate_limit_error(url: str, status: int, headers: Mapping[str, str]) -> RateLimitedError:
    """The error for a rate limit, with the time when it ends.

    Args:
        url: The redacted URL that responded; after a redirect, its target.
        status: The status of the response.
        headers: The headers of the response.
    """
    at = _reset_at(headers)
    when = f" until {time.strftime('%H:%M:%S', time.localtime(at))}" if at else ""
    advice = "" if find_token(url) else token_advice(url)
    return RateLimitedError(
        f"Rate limited by {_host_of(url)}{when}: too many requests for {url}.",
        url=url,
        status=status,
        retry_at=at,
        hint=f"Wait, or {advice} for a higher limit." if advice else "Wait.",
    )


def busy_error(response: Response) -> UnreachableError:
    """The error for a host that answers with a temporary status, and does so again."""
    times = "1 request" if response.requests == 1 else f"{response.requests} requests"
    delay = requested_delay(response.status, response.headers)
    is_long = delay is not None and delay > limits.RETRY_SECONDS.most
    wants = f" and asked to wait {delay:.0f} s" if is_long else ""
    return UnreachableError(
        f"{response.url} returned status {response.status}{wants} ({times}).",
        url=response.url,
        status=response.status,
        hint="Try again later.",
    )


def repo_error(repo: RepoRef, url: str, status: int) -> FetchError:
    """The error for a repo whose request got this status."""
    has_token = find_token(url) is not None
    advice = token_advice(url)
    host = _host_of(url) if repo.host in ("", _host_of(url)) else f"{repo.host} ({_host_of(url)})"
    if status == _FORBIDDEN or (status == _UNAUTHORIZED and has_token):
        need = f"To use a token, {advice}." if advice else "Check your permissions."
        return AccessDeniedError(
            f"{host} denies access to {repo.full_name} (status {status}).",
            url=url,
            status=status,
            hint="Check the permissions and expiration date of the token." if has_token else need,
        )
    if status in (_UNAUTHORIZED, _NOT_FOUND):
        hint = "Check the spelling."
        if not has_token and advice:
            hint += f" If the repo is private, {advice}."
        return RepoNotFoundError(
            f"There is no repo {repo.full_name} on {host}, or it is private.",
            url=url,
            status=status,
            hint=hint,
        )
    return UnreachableError(f"{url} returned status {status}.", url=url, status=status)


def file_error(url: str, status: int) -> FetchError:
    """The error for a file whose request got this status."""
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDeniedError(
            f"{_host_of(url)} denies access to {url} (status {status}).",
            url=url,
            status=status,
            hint=f"If this is a signed link, it may have expired: get a new one.{_or_token(url)}",
        )
    if status == _NOT_FOUND:
        return NotThereError(f"{url} does not exist.", url=url, hint="Check the URL.")
    return UnreachableError(f"{url} returned status {status}.", url=url, status=status)


def certificate_error(url: str, error: Exception) -> FetchError:
    """The error for a host, or a proxy in between, with an untrusted certificate."""
    return UnreachableError(
        f"The certificate of {_host_of(url)} is not trusted: {root_cause(error)}.",
        url=redact(url),
        hint="If a proxy inspects TLS, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to its certificates.",
    )


def proxy_error(url: str, error: Exception) -> FetchError:
    """The error for a proxy that does not work."""
    return UnreachableError(
        f"The proxy for {_host_of(url)} does not respond: {root_cause(error)}.",
        url=redact(url),
        hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
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
        hint="Check the network. Behind a proxy, set HTTPS_PROXY.",
    )


def _or_token(url: str) -> str:
    if find_token(url):
        return " Or check the permissions and expiration date of the token."
    advice = token_advice(url)
    return f" Or {advice}." if advice else ""


def _host_of(url: str) -> str:
    parts = try_parse(url)
    return parts.host_key if parts else redact(url)


def root_cause(error: BaseException) -> str:
    """The innermost message: requests and urllib3 wrap errors several times."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (arg for arg in reversed(seen.args) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        seen = inner
    text = re.sub(_URL, lambda found: redact(found[0]), str(seen))
    return (text.rpartition(": ")[2] or type(seen).__name__).rstrip(".")


def _skip_long_body(response: Any) -> None:  # noqa: ANN401
    """Close a redirect with a long body: requests would read all of it into memory."""
    size = parse_count(response.headers.get("Content-Length", ""))
    if size is None or size > limits.REDIRECT_BODY.most:
        response.close()


def require_web_url(url: str) -> Url:
    """Require that all libraries read a URL in the same way, before anything is sent.

    Raises:
        FetchError: They may not.
    """
    try:
        return parse_web_url(url)
    except UrlError as error:
        shown = redact(url)
        raise FetchError(
            f"The address {shown} {error}.", url=shown, hint="Write https://host/path."
        ) from error


def check_redirect(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401
    """Check the target of a redirect before requests follows it.

    Our own parser reads the target, and requests gets the result. A redirect from https to http is
    refused: what arrives unencrypted may have been changed.

    Raises:
        FetchError: The target is not a URL, or is not encrypted.
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
            hint="Nothing was sent there. Ask the operator of the host.",
        ) from error
    if here.is_encrypted and not target.is_private:
        response.close()
        raise FetchError(
            f"{shown} redirects to {target.redacted}, which is unencrypted.",
            url=shown,
            hint="If you accept that, use that address directly.",
        )
    response.headers["Location"] = quote(str(target), safe=_IN_URLS)


def _decode(location: str) -> str:
    """Decode a header: most hosts send UTF-8, which http.client reads as Latin-1."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The time in ``Retry-After`` as Unix time; None if it is missing or absurd."""
    after = headers.get("retry-after", "")
    seconds = parse_count(after)
    if seconds is not None:
        return _plausible(time.time() + seconds)
    from email.utils import parsedate_to_datetime

    try:
        return _plausible(parsedate_to_datetime(after[:100]).timestamp())
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _reset_at(headers: Mapping[str, str]) -> float | None:
    reset = parse_count(headers.get("x-ratelimit-reset", ""))
    return _retry_after(headers) or (None if reset is None else _plausible(float(reset)))


def _plausible(at: float) -> float | None:
    """A time if it lies within a century; larger numbers mean something else."""
    return at if 0 <= at < time.time() + _CENTURY else None


_TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}


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
        base = _github()
    url = f"{base}/{repo.owner}/{repo.name}"
    try:
        parse_url(url)
    except UrlError as error:  # it comes from a record in the hub dir
        raise RepoSpecError(f"The address of {repo.name} {error}.") from error
    return url


def apply_mirror(url: str) -> str:
    """A URL, with ``$HUBKIT_GITHUB_URL`` in place of ``https://github.com``."""
    parts = try_parse(url)
    is_web = parts is not None and parts.scheme in ("https", "http") and not parts.user
    if parts is None or not is_web or parts.host_key != GITHUB or not parts.path:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{_github()}{parts.path}{query}"


def token_variables(url: Url) -> tuple[str, ...]:
    """The environment variables whose token is sent to the host of a URL; the first one wins.

    GitHub's also apply to ``$HUBKIT_GITHUB_URL``. Each host has its own ``HUBKIT_TOKEN_<HOST>``, which no
    other host or port shares: ``_`` for dots, ``__`` for hyphens, and a suffix such as ``_8443`` for a port
    other than the default. A host with an underscore in its name has none.
    """
    if not url.host or not url.is_private or url.transport == "ssh":
        return ()
    own = () if "_" in url.host else (f"HUBKIT_TOKEN_{_variable_part(url)}",)
    names = (*own, *_TOKENS.get(url.host_key, ()))
    mirror = try_parse(_github())
    if mirror is not None and mirror.origin == url.origin and url.host_key != GITHUB:
        names += _TOKENS[GITHUB]
    return names


def find_token(url: str) -> str | None:
    """The token for a URL's host, from the environment; see `token_variables`.

    A token is only sent encrypted, or to this machine. Without a token, ``~/.netrc`` is used.
    """
    parts = try_parse(url)
    if parts is None:
        return None
    return next(filter(None, (os.environ.get(name) for name in token_variables(parts))), None)


def token_advice(url: str) -> str:
    """How to set a token for the host of a URL, such as "set GITHUB_TOKEN"; "" if none is sent."""
    parts = try_parse(url)
    if parts is None or not parts.host or not parts.is_private or parts.transport == "ssh":
        return ""
    names = token_variables(parts)
    usual = [name for name in names if not name.startswith("HUBKIT_TOKEN_")]
    chosen = next(iter([*usual, *names]), "")
    return f"set {chosen}" if chosen else f"add {parts.host} to ~/.netrc"


def _variable_part(url: Url) -> str:
    """The host of a URL as part of a variable's name; different hosts have different names."""
    port = f"_{url.port}" if ":" in url.host_key.rpartition("]")[2] else ""
    if ":" in url.host:  # no other host's name starts with "_"
        from ipaddress import ip_address

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
