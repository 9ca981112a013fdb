"""One client over requests: timeouts, retries, tokens that stay with their host, typed errors."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hubkit import __version__
from hubkit._util.logs import log
from hubkit.errors import (
    FetchError,
    IncompleteDownloadError,
    OfflineError,
    UnreachableError,
)
from hubkit.hubdir.answers import (
    bad_certificate,
    is_rate_limited,
    plain_reason,
    rate_limited,
    require_encrypted,
    retry_delay,
    silent_proxy,
    strange_address,
    unreachable,
)
from hubkit.hubdir.hosts import find_token, redact
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hubkit.facts import FetchPolicy

PATIENCE = 60.0  # seconds: a host that wants us to wait for longer is told to the user instead
_HURRY = 5.0  # seconds of silence after which a connection that we can do without is given up
_TRIES = 4
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
    """

    def __init__(self, response: Any, url: str) -> None:  # noqa: ANN401 - requests stays in here
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = url
        # Some hosts compress though asked not to.
        self._encoded = self.headers.get("Content-Encoding", "identity") != "identity"
        response.raw.decode_content = self._encoded

    @property
    def size(self) -> int | None:
        """Length of the body in bytes as announced, None when unknown."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isdigit() and not self._encoded else None

    def read_into(self, buffer: memoryview) -> int:
        """Read part of the body; gives the number of bytes, 0 at the end.

        Raises:
            IncompleteDownloadError: The body ended early or stopped coming.
        """
        import urllib3

        try:
            count: int = self._response.raw.readinto(buffer)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise IncompleteDownloadError(
                f"{self.url} stopped in the middle: {plain_reason(error)}.", url=self.url
            ) from error
        return count

    def read(self, limit: int) -> bytes:
        """The whole body, decoded.

        Raises:
            IncompleteDownloadError: The body ended early.
            UnreachableError: It is longer than the limit, in bytes.
        """
        return b"".join(self.read_pieces(limit))

    def read_pieces(self, limit: int) -> Iterator[bytes]:
        """The body, decoded, piece by piece as it comes; the same errors."""
        import requests

        size = 0
        try:
            for piece in self._response.iter_content(1 << 16):
                size += len(piece)
                if size > limit:
                    raise UnreachableError(f"{self.url} does not end.", url=self.url)
                yield piece
        except requests.RequestException as error:
            raise IncompleteDownloadError(
                f"{self.url} stopped in the middle: {plain_reason(error)}.", url=self.url
            ) from error

    def hang_up(self) -> None:
        """End the body at once, also for another thread that waits for more of it."""
        # It may have ended by itself, and urllib3 before 2.3 cannot: the timeout does it then.
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.raw.shutdown()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


@dataclass(frozen=True, slots=True)
class _Question:
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
        import requests

        self._policy = policy
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"hubkit/{__version__}"
        self._session.hooks["response"].append(require_encrypted)
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
                delay = retry_delay(answer.headers, tried)
                answer.close()
                if limited and (last or delay > PATIENCE):
                    raise rate_limited(answer.url, answer.headers)
                if last or delay > PATIENCE:
                    raise UnreachableError(
                        f"{answer.url} answered {answer.status} again and again.", url=answer.url
                    )
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
        try:
            # requests drops the Authorization header when a redirect leads to another host.
            response = self._session.request(
                "GET" if question.body is None else "POST",
                question.url,
                headers=question.headers,
                data=question.body,
                auth=auth,
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
        return Answer(response, redact(question.url))


def _is_passing(error: BaseException | None) -> bool:
    """Whether the host hung up, which is worth another try; silence used up the time."""
    return "Connection aborted" in str(error)


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
