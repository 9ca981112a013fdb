"""When to send a request again: rate limits, busy hosts, and how long they ask to wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.parse import parse_count

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORBIDDEN, _TOO_MANY = 403, 429
_CENTURY = 100 * 365.25 * 86400  # seconds


def is_rate_limited(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a response is a rate limit: 429, or 403 with the headers that GitHub sends."""
    if status == _FORBIDDEN:
        return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == _TOO_MANY


def requested_delay(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that a host asks to wait, None if it does not say.

    GitHub sends ``x-ratelimit-reset`` with every response; it counts only for a rate limit.
    """
    at = reset_at(headers) if is_rate_limited(status, headers) else _retry_after(headers)
    return None if at is None else max(0.0, at - time.time())


def backoff(attempt: int, pause: float = 0.5) -> float:
    """Seconds to wait after an attempt, the first of which is number 0: doubled each time.

    Args:
        attempt: The number of the attempt.
        pause: How long to wait after the first one.
    """
    import random

    return pause * 2.0**attempt * (1 + random.random() / 4)  # noqa: S311 - spreads the crowd


def is_worth_retrying(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a host may respond differently soon."""
    delay = requested_delay(status, headers)
    is_refused = status == _FORBIDDEN and not is_rate_limited(status, headers)
    return not is_refused and (delay is None or delay <= limits.RETRY_SECONDS.most)


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


def reset_at(headers: Mapping[str, str]) -> float | None:
    """When a rate limit ends, in Unix time; None if the host does not say."""
    reset = parse_count(headers.get("x-ratelimit-reset", ""))
    return _retry_after(headers) or (None if reset is None else _plausible(float(reset)))


def _plausible(at: float) -> float | None:
    """A time if it lies within a century; larger numbers mean something else."""
    return at if 0 <= at < time.time() + _CENTURY else None
