"""One client over requests: timeouts, retries, tokens that stay with their host, typed errors."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.logs import log
from hubkit._util.parse import parse_count
from hubkit._util.urls import parse_url
from hubkit.errors import (
    FetchError,
    IncompleteDownloadError,
    OfflineError,
    UnreachableError,
)
from hubkit.hubdir.answers import (
    bad_certificate,
    check_redirect,
    is_rate_limited,
    plain_reason,
    rate_limited,
    require_web,
    retry_delay,
    silent_proxy,
    still_busy,
    strange_address,
    unreachable,
)
from hubkit.hubdir.hosts import find_token, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from hubkit.facts import FetchPolicy
    from hubkit.limits import Limit

_HURRY = 5.0  # seconds of silence after which a connection that we can do without is given up
_TRIES = 4
_PIECE = 1 << 16  # bytes
_BUSY = (408, 429, 500, 502, 503, 504)
_CLOSED_DOOR = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def is_offline(policy: FetchPolicy) -> bool:
    """Whether no socket may be opened: the policy says so, or ``$HUBKIT_OFFLINE`` does."""
    return policy.offline or os.environ.get("HUBKIT_OFFLINE", "").lower() not in ("", "0", "false")


class Answer:
    """What a host answered; the body has not been read yet.

    Attributes:
        status: The HTTP status.
        headers: Names are looked up in any case.
        url: What was asked for, fit to be shown.
        hops: What answered, one redirect after the other, fit to be shown; `url` comes first.
    """

    def __init__(self, response: Any, url: str) -> None:  # noqa: ANN401 - requests stays in here
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = url
        self.hops = tuple(redact(one.url) for one in (*response.history, response))
        # Some hosts compress though asked not to.
        encoding = self.headers.get("Content-Encoding", "identity")
        self._encoded = encoding != "identity"
        if encoding.count(",") >= limits.ENCODINGS.most:
            response.close()
            raise UnreachableError(
                f"{url} sends a body in several layers of compression.",
                url=url,
                hint="Check the URL: hosts of files and repos do not do this.",
            )
        response.raw.decode_content = self._encoded

    @property
    def size(self) -> int | None:
        """Length of the body in bytes as announced, None when unknown."""
        return None if self._encoded else parse_count(self.headers.get("Content-Length", ""))

    def read_into(self, buffer: memoryview) -> int:
        """Read part of the body; gives the number of bytes, 0 at the end.

        Raises:
            IncompleteDownloadError: The body ended early or stopped coming.
        """
        import urllib3

        if self._encoded:
            buffer = buffer[:_PIECE]  # urllib3 before 2.6 decompresses all that it reads
        try:
            count: int = self._response.raw.readinto(buffer)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise IncompleteDownloadError(
                f"{self.url} stopped in the middle: {plain_reason(error)}.", url=self.url
            ) from error
        return count

    def read_pieces(self, limit: Limit) -> Iterator[bytes]:
        """The body, decoded, piece by piece as it comes.

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
                raise self._endless(f"sends more than {limit.most} bytes")
            if time.monotonic() >= deadline:
                raise self._endless(f"sends its answer too slowly: {size} bytes in {seconds} s")
            yield piece

    def _endless(self, what: str) -> UnreachableError:
        return UnreachableError(
            f"{self.url} {what}.",
            url=self.url,
            hint="A host of repos does not do this: check the address and the network.",
        )

    def _read_piece(self) -> bytes:
        """What has arrived, as soon as anything has, so that a slow body can be given up."""
        import urllib3

        raw = self._response.raw
        read = getattr(raw, "read1", raw.read)  # urllib3 before 2.0 has no read1
        try:
            piece: bytes | None = read(_PIECE, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise IncompleteDownloadError(
                f"{self.url} stopped in the middle: {plain_reason(error)}.", url=self.url
            ) from error
        return piece or b""

    def hang_up(self) -> None:
        """End the body at once, also for another thread that waits for more of it."""
        # It may have ended by itself, and urllib3 before 2.3 cannot: the timeout does it then.
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.raw.shutdown()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class _Question(Struct, frozen=True):
    url: str
    headers: dict[str, str]
    body: bytes | None
    once: bool


class Client:
    """Asks hosts; use it as a context manager, for one piece of work.

    Args:
        policy: Whether to open a socket at all, and for how long to wait.
        eager: Show the token at once rather than when a door is closed without one.

    Raises:
        OfflineError: The policy, or the environment, says that no socket may be opened.
    """

    def __init__(self, policy: FetchPolicy, *, eager: bool = False) -> None:
        if is_offline(policy):
            raise OfflineError(
                "Something has to be fetched, and hubkit is offline.",
                hint="Allow it: unset HUBKIT_OFFLINE.",
            )
        self._policy = policy
        self._session = _make_session()
        self._schemes = ["Basic", "Bearer", ""] if eager else ["", "Bearer"]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @contextmanager
    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        once: bool = False,
    ) -> Iterator[Answer]:
        """Ask for a URL, again when the host is busy, and with a token where one helps.

        Args:
            url: What to ask for.
            headers: More headers than the usual ones.
            body: Makes it a POST; for questions, which may be asked twice.
            once: We can do without: take the first answer, and wait for it briefly.

        Raises:
            UnreachableError: There was no answer.
            RateLimitedError: The host wants us to come back later.
        FetchError: It is not a URL that can be asked for.
        """
        answer = self._ask_again(_Question(url, dict(headers or {}), body, once))
        try:
            yield answer
        finally:
            answer.close()

    def _ask_again(self, question: _Question) -> Answer:
        if question.once:
            return self._ask_with_token(question)
        for tried in range(1, _TRIES + 1):
            last = tried == _TRIES
            try:
                answer = self._ask_with_token(question)
            except UnreachableError as error:
                if last or not _is_passing(error.__cause__):
                    raise
                delay = retry_delay({}, tried)
            else:
                limited = is_rate_limited(answer.status, answer.headers)
                if answer.status not in _BUSY and not limited:
                    return answer
                delay = retry_delay(answer.headers, tried, limited=limited)
                answer.close()
                if limited and (last or delay > limits.RETRY_SECONDS.most):
                    raise rate_limited(answer.hops[-1], answer.headers)
                if last or delay > limits.RETRY_SECONDS.most:
                    long = delay if delay > limits.RETRY_SECONDS.most else None
                    raise still_busy(answer.url, answer.status, tried, long)
            log.debug("Asking %s again in %.1f s", redact(question.url), delay)
            time.sleep(delay)
        raise AssertionError("the last try returns or raises")

    def _ask_with_token(self, question: _Question) -> Answer:
        token = find_token(question.url)
        schemes = self._schemes if token else [""]
        for scheme in schemes[:-1]:
            answer = self._ask(question, _sign(scheme, token))
            closed = answer.status in _CLOSED_DOOR
            if not closed or is_rate_limited(answer.status, answer.headers):
                self._schemes = [scheme, *(s for s in schemes if s != scheme)]
                return answer
            answer.close()
        return self._ask(question, _sign(schemes[-1], token))

    def _ask(self, question: _Question, auth: Callable[[Any], Any] | None) -> Answer:
        import requests

        connect, read = self._policy.connect_timeout, self._policy.read_timeout
        timeouts = (min(connect, _HURRY), min(read, _HURRY)) if question.once else (connect, read)
        url = require_web(question.url)
        try:
            # requests drops the Authorization header when a redirect leads to another host.
            response = self._session.request(
                "GET" if question.body is None else "POST",
                str(url),
                headers=question.headers,
                data=question.body,
                auth=auth if url.is_private or url.user else _send_nothing,
                stream=True,
                timeout=timeouts,
            )
        except FetchError:
            raise
        except requests.exceptions.SSLError as error:
            raise bad_certificate(question.url, error) from error
        except requests.exceptions.ProxyError as error:
            raise silent_proxy(question.url, error) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise strange_address(question.url, error) from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise unreachable(question.url, error) from error
        return Answer(response, url.redacted)


def _make_session() -> requests.Session:
    """A session that checks redirects, and sends no credentials of ~/.netrc unencrypted."""
    import requests

    class Session(requests.Session):
        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
            if not parse_url(prepared_request.url or "").is_private:
                prepared_request.headers.pop("Authorization", None)

    session = Session()
    session.headers["User-Agent"] = f"hubkit/{__version__}"
    session.hooks["response"].append(check_redirect)
    return session


def _is_passing(error: BaseException | None) -> bool:
    """Whether the host hung up, which is worth another try; silence used up the time."""
    return "Connection aborted" in str(error)


def _send_nothing(request: Any) -> Any:  # noqa: ANN401 - requests stays in here
    return request


def _sign(scheme: str, token: str | None) -> Callable[[Any], Any] | None:
    """What puts the token into a request; None leaves it to requests, which reads ~/.netrc."""
    if not scheme or not token:
        return None

    def sign(request: Any) -> Any:  # noqa: ANN401 - requests stays in here
        import base64

        said = token
        if scheme == "Basic":
            # The user name that GitHub asks for; other hosts take any.
            said = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        request.headers["Authorization"] = f"{scheme} {said}"
        return request

    return sign
