"""Offline mode of Hugging Face's client, which retries denied requests for minutes otherwise."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "HF_HUB_OFFLINE"
# "Cannot reach URL: offline mode is enabled." (huggingface_hub 0.x and 1.x)
_REFUSED = re.compile(r"Cannot reach (https?://\S+?): offline mode")


@contextlib.contextmanager
def huggingface_offline() -> Iterator[None]:
    """Turn on the offline mode of ``huggingface_hub``, and of what is built on it."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    set_imported = _set_imported(value=True)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
            # It may have been imported meanwhile.
            _set_imported(value=False)
        else:
            os.environ[_VARIABLE] = before
            if set_imported is not None:
                _set_imported(value=set_imported)


def find_refused_url(error: BaseException | None) -> str:
    """The URL that the client refused to reach in offline mode, or "".

    Args:
        error: An error of code that uses the client.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found = _REFUSED.search(str(error))
        if found:
            return found[1]
        error = error.__cause__ or error.__context__
    return ""


def _set_imported(*, value: bool) -> bool | None:
    """Set what the client read from the variable when it was imported; returns what it was."""
    constants = sys.modules.get("huggingface_hub.constants")
    before: bool | None = getattr(constants, _VARIABLE, None)
    if constants is not None:
        setattr(constants, _VARIABLE, value)
    return before
