"""HTTP on top of requests: tokens, redirects, retries, time limits and typed errors."""

from __future__ import annotations

import os
import random
import re
import time
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.logs import log
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from hubkit.facts import FetchPolicy, RepoRef
    from hubkit.limits import Limit

_BRIEF = 5.0  # seconds of silence after which a connection that we can do without is given up
_TRIES = 4
_PIECE = 1 << 16  # bytes
_RETRIED = (408, 429, 500, 502, 503, 504)
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def is_offline(policy: FetchPolicy) -> bool:
    """Whether no socket may be opened: the policy says so, or ``$HUBKIT_OFFLINE`` does."""
    return policy.offline or os.environ.get("HUBKIT_OFFLINE", "").lower() not in ("", "0", "false")


class Response:
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
                f"{self.url} stopped in the middle: {root_cause(error)}.", url=self.url
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
                f"{self.url} stopped in the middle: {root_cause(error)}.", url=self.url
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


class _Request(Struct, frozen=True):
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
    ) -> Iterator[Response]:
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
        answer = self._send_with_retries(_Request(url, dict(headers or {}), body, once))
        try:
            yield answer
        finally:
            answer.close()

    def _send_with_retries(self, request: _Request) -> Response:
        if request.once:
            return self._send_with_token(request)
        for tried in range(1, _TRIES + 1):
            last = tried == _TRIES
            try:
                answer = self._send_with_token(request)
            except UnreachableError as error:
                if last or not _is_transient(error.__cause__):
                    raise
                delay = retry_delay({}, tried)
            else:
                limited = is_rate_limited(answer.status, answer.headers)
                if answer.status not in _RETRIED and not limited:
                    return answer
                delay = retry_delay(answer.headers, tried, limited=limited)
                answer.close()
                if limited and (last or delay > limits.RETRY_SECONDS.most):
                    raise rate_limit_error(answer.hops[-1], answer.headers)
                if last or delay > limits.RETRY_SECONDS.most:
                    long = delay if delay > limits.RETRY_SECONDS.most else None
                    raise busy_error(answer.url, answer.status, tried, long)
            log.debug("Asking %s again in %.1f s", redact(request.url), delay)
            time.sleep(delay)
        raise AssertionError("the last try returns or raises")

    def _send_with_token(self, request: _Request) -> Response:
        token = find_token(request.url)
        schemes = self._schemes if token else [""]
        for scheme in schemes[:-1]:
            answer = self._send(request, _sign(scheme, token))
            closed = answer.status in _REFUSALS
            if not closed or is_rate_limited(answer.status, answer.headers):
                self._schemes = [scheme, *(s for s in schemes if s != scheme)]
                return answer
            answer.close()
        return self._send(request, _sign(schemes[-1], token))

    def _send(self, request: _Request, auth: Callable[[Any], Any] | None) -> Response:
        import requests

        connect, read = self._policy.connect_timeout, self._policy.read_timeout
        timeouts = (min(connect, _BRIEF), min(read, _BRIEF)) if request.once else (connect, read)
        url = require_web_url(request.url)
        try:
            # requests drops the Authorization header when a redirect leads to another host.
            response = self._session.request(
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


def _is_transient(error: BaseException | None) -> bool:
    """Whether the host hung up, which is worth another try; silence used up the time."""
    return "Connection aborted" in str(error)


def _no_auth(request: Any) -> Any:  # noqa: ANN401 - requests stays in here
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


def rate_limit_error(url: str, headers: Mapping[str, str]) -> RateLimitedError:
    """The error for such an answer, with the time when the host will listen again.

    Args:
        url: What answered, fit to be shown: after a redirect that is where it led.
        headers: Those of the answer.
    """
    at = _reset_at(headers)
    when = f" until {time.strftime('%H:%M:%S', time.localtime(at))}" if at else ""
    advice = "" if find_token(url) else token_advice(url)
    return RateLimitedError(
        f"Rate limited by {_host_of(url)}{when}: too many requests for {url}.",
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


def busy_error(url: str, status: int, tried: int, delay: float | None) -> UnreachableError:
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


def repo_error(repo: RepoRef, url: str, status: int) -> FetchError:
    """The error for a repo that is answered with this status."""
    known = find_token(url) is not None
    advice = token_advice(url)
    host = _host_of(url) if repo.host in ("", _host_of(url)) else f"{repo.host} ({_host_of(url)})"
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


def file_error(url: str, status: int) -> FetchError:
    """The error for a file that is answered with this status."""
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDeniedError(
            f"{_host_of(url)} denies access to {url} (status {status}).",
            url=url,
            hint=f"Signed links expire: get a new one.{_or_token(url)}",
        )
    if status == _NOT_FOUND:
        return NotThereError(f"{url} does not exist.", url=url, hint="Check the URL.")
    return UnreachableError(f"{url} answered {status}.", url=url)


def certificate_error(url: str, error: Exception) -> FetchError:
    """The error for a host, or a proxy in between, whose certificate is not trusted."""
    return UnreachableError(
        f"The certificate of {_host_of(url)} is not accepted: {root_cause(error)}.",
        url=redact(url),
        hint="Behind a proxy that opens TLS, set REQUESTS_CA_BUNDLE to its certificates.",
    )


def proxy_error(url: str, error: Exception) -> FetchError:
    """The error for a proxy that does not do its work."""
    return UnreachableError(
        f"The proxy on the way to {_host_of(url)} does not answer: {root_cause(error)}.",
        url=redact(url),
        hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    )


def invalid_url_error(url: str, error: Exception) -> FetchError:
    """The error for a URL, or a proxy's, of a form that cannot be asked for."""
    if "SOCKS support" in str(error):
        return UnreachableError(
            f"The SOCKS proxy on the way to {_host_of(url)} cannot be spoken to: "
            "PySocks is not installed.",
            url=redact(url),
            hint='Install it: pip install "requests[socks]"',
        )
    shown = redact(url)
    return FetchError(f"{shown} cannot be asked for: {root_cause(error)}.", url=shown)


def connection_error(url: str, error: Exception) -> FetchError:
    """The error for a host that gave no answer, by what requests, or the system, says of it."""
    return UnreachableError(
        f"{_host_of(url)} cannot be reached: {root_cause(error)}.",
        url=redact(url),
        hint="Check the network. Behind a proxy, set HTTPS_PROXY.",
    )


def _or_token(url: str) -> str:
    if find_token(url):
        return " Or check the rights and the expiry of the token."
    advice = token_advice(url)
    return f" Or {advice}." if advice else ""


def _host_of(url: str) -> str:
    parts = try_parse(url)
    return parts.host_key if parts else redact(url)


def root_cause(error: BaseException) -> str:
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


def require_web_url(url: str) -> Url:
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


def apply_mirror(url: str) -> str:
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
    own = () if "_" in url.host else (f"HUBKIT_TOKEN_{_variable_part(url)}",)
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


def token_advice(url: str) -> str:
    """How to give the host of a URL a token, such as "set GITHUB_TOKEN"; "" where none is sent."""
    parts = try_parse(url)
    if parts is None or not parts.host or not parts.is_private or parts.transport == "ssh":
        return ""
    names = token_variables(parts)
    usual = [name for name in names if not name.startswith("HUBKIT_TOKEN_")]
    chosen = next(iter([*usual, *names]), "")
    return f"set {chosen}" if chosen else f"add {parts.host} to ~/.netrc"


def _variable_part(url: Url) -> str:
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
