"""How old what is written down is. Clocks are set back and differ: the future tells nothing."""

from __future__ import annotations

import time


def is_recent(at: float | None, max_age: float | None) -> bool:
    """Whether something that was so at a time need not be asked about again.

    Args:
        at: Unix time in seconds when the host was last asked, None when unknown.
        max_age: Seconds after which it is asked again; None for never.
    """
    return max_age is None or 0 <= time.time() - (at or 0) <= max_age


def is_since(at: float | None, began: float) -> bool:
    """Whether a time lies between another one and now."""
    return began <= (at or 0) <= time.time()
