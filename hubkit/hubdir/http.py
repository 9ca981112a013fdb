"""HTTP on top of requests: tokens, redirects, retries, time limits and typed errors."""

from __future__ import annotations

import functools
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.logs import log
from hubkit._util.parse import parse_count
from hubkit._util.urls import Url, UrlError, parse_url, parse_web_url, redact
from hubkit.errors import (
    FetchError,
    HubkitError,
    IncompleteDownloadError,
    OfflineError,
    UnreachableError,
)
from hubkit.hubdir.certificates import make_tls_context, warn_of_ignored_settings
from hubkit.hubdir.credentials import find_credential
from hubkit.hubdir.http_errors import (
    busy_error,
    connection_error,
    invalid_url_error,
    proxy_error,
    rate_limit_error,
    root_cause,
    tls_error,
)
from hubkit.hubdir.retry import backoff, is_rate_limited, is_worth_retrying, requested_delay
from hubkit.lazy import import_late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests
    import urllib3

    from hubkit.facts import FetchPolicy
    from hubkit.hubdir.credentials import Credential
    from hubkit.limits import Limit

_BRIEF = 5.0  # seconds to wait for a connection that is optional
_PIECE = 1 << 16  # bytes
_FORBIDDEN, _TOO_MANY = 403, 429
_REFUSALS = (401, _FORBIDDEN, 404)
_BUSY = (408, 429, 500, 502, 503, 504)
_RETRIES = 3
_IN_URLS = "%!#$&'()*+,/:;=?@[]~"  # what stays as it is in a URL that is already encoded


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
        credential: The token or login that was tried, perhaps in an earlier request.
    """

    def __init__(self, response: Any, url: str, credential: Credential | None) -> None:  # noqa: ANN401 - requests stays in here
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = url
        self.credential = credential
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
            raise self._interrupted(error) from None
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
            f"{self.url} was interrupted: {root_cause(error)}.",
            url=self.url,
            hint="Check the network, and try again.",
        )

    def _read_piece(self) -> bytes:
        """What has arrived so far, so that a slow body can be abandoned."""
        import urllib3

        try:
            piece: bytes | None = self._response.raw.read1(_PIECE, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._interrupted(error) from None
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
        self._eager = eager
        self._accepted: str | None = None  # the last scheme that a host accepted

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

    def pause(self, attempt: int) -> None:
        """Wait after an attempt that failed, the first of which is number 0."""
        time.sleep(backoff(attempt, self._policy.pause))

    def _send_again(self, request: _Request) -> Response:
        """Send a request, again if the host hangs up.

        urllib3 could do this too, but logs the whole URL each time, and that may be a signed one.
        """
        for attempt in range(_RETRIES):
            try:
                return self._send_with_credential(request)
            except UnreachableError as error:
                # Silence is not worth another try: it has used up the time.
                if request.once or "Connection aborted" not in str(error.__context__):
                    raise
            self.pause(attempt)
        return self._send_with_credential(request)

    def _send_with_credential(self, request: _Request) -> Response:
        """Send a request with the host's token or login, and without if the host refuses that."""
        credential = find_credential(request.url)
        *schemes, last = self._schemes(credential)
        for scheme in schemes:
            response = self._send(request, scheme, credential)
            limited = is_rate_limited(response.status, response.headers)
            # The limit without a token says nothing about the one with it.
            if scheme if limited else response.status not in _REFUSALS:
                self._accepted = scheme
                return response
            response.close()
        response = self._send(request, last, credential)
        if response.status not in _REFUSALS:
            self._accepted = last
        response.credential = credential
        return response

    def _schemes(self, credential: Credential | None) -> list[str]:
        """The ways to send a credential in the order to try them; "" sends none."""
        if credential is None:
            return [""]
        if credential.is_in_url:
            return ["Basic"]
        secret = ["Basic", "Bearer"] if credential.user is None else ["Basic"]
        schemes = [*secret, ""] if self._eager else ["", secret[-1]]
        return sorted(schemes, key=lambda scheme: scheme != self._accepted)

    def _send(self, request: _Request, scheme: str, credential: Credential | None) -> Response:
        import_late("requests")
        import requests

        connect, read = self._policy.connect_timeout, self._policy.read_timeout
        timeouts = (min(connect, _BRIEF), min(read, _BRIEF)) if request.once else (connect, read)
        url = require_web_url(request.url)
        header = credential.header(scheme) if credential and scheme else None
        log.debug("GET %s%s", url.redacted, " with a login" if header else "")
        session = self._session(retry=not request.once)
        try:
            response = session.request(
                "GET" if request.body is None else "POST",
                str(url),
                headers=request.headers,
                data=request.body,
                auth=functools.partial(_sign, header),
                stream=True,
                timeout=timeouts,
            )
        except HubkitError as error:  # of a redirect or a setting: requests' frames say nothing
            raise error.with_traceback(None) from None
        except requests.exceptions.SSLError as error:
            raise tls_error(_failed_url(error, request), error) from None
        except requests.exceptions.ProxyError as error:
            raise proxy_error(_failed_url(error, request), error) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise invalid_url_error(request.url, error) from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise connection_error(_failed_url(error, request), error) from None
        return Response(response, url.redacted, credential if scheme else None)

    def _session(self, *, retry: bool) -> requests.Session:
        with self._lock:
            if retry not in self._sessions:
                self._sessions[retry] = _make_session(self._policy, retry=retry)
            return self._sessions[retry]


def _make_session(policy: FetchPolicy, *, retry: bool) -> requests.Session:
    """A session with our certificates, retries and checks of redirects."""
    statuses = {*_BUSY, _FORBIDDEN} - (set() if policy.waits else {_FORBIDDEN, _TOO_MANY})
    retries = _retry_class()(
        total=_RETRIES if retry else 0,
        connect=0,
        read=False,
        other=0,
        allowed_methods=None,
        status_forcelist=statuses if retry else (),
        backoff_factor=policy.pause,
        raise_on_status=False,
        respect_retry_after_header=retry and policy.waits,
    )
    warn_of_ignored_settings()
    session = _session_class()(retries)
    session.headers["User-Agent"] = f"hubkit/{__version__}"
    session.hooks["response"].append(check_redirect)
    return session


@functools.cache
def _session_class() -> Callable[[urllib3.Retry], requests.Session]:
    import requests

    class Session(requests.Session):
        """Leaves credentials to `Client`; loads certificates when first needed."""

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
            """Keep the credential from other hosts; those of ~/.netrc have none either."""
            url = prepared_request.url or ""
            leaves: bool = self.should_strip_auth(response.request.url, url)  # type: ignore[no-untyped-call]
            if leaves or not parse_url(url).is_private:
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
            if response is not None and not is_worth_retrying(response.status, response.headers):
                pool: Any = kwargs.get("_pool")
                raise urllib3.exceptions.MaxRetryError(pool, url)
            retries = super().increment(method, url, response, *args, **kwargs)
            if response is not None:
                response.close()  # urllib3 would read the rest of the body, however long
            return retries

        def get_retry_after(self, response: Any) -> float | None:  # noqa: ANN401
            return requested_delay(response.status, response.headers)

    return Retry


def _failed_url(error: Exception, request: _Request) -> str:
    """The URL that could not be requested: after a redirect, its target."""
    return getattr(getattr(error, "request", None), "url", None) or request.url


def _sign(header: str | None, request: Any) -> Any:  # noqa: ANN401 - requests stays in here
    """Add the ``Authorization`` header; without this, requests would read ~/.netrc."""
    if header is not None:
        request.headers["Authorization"] = header
    return request


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
        ) from None


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
        ) from None
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


def _require_ready(response: Response) -> None:
    """Refuse a response that says "later".

    Raises:
        RateLimitedError: It is a rate limit.
        UnreachableError: The host is busy, or broken.
    """
    if is_rate_limited(response.status, response.headers):
        raise rate_limit_error(response)
    if response.status in _BUSY:
        raise busy_error(response)
