"""The logger of hubkit. Values are escaped, so they cannot forge lines of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hubkit._util.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("hubkit")


def _escape(record: logging.LogRecord) -> bool:
    """Escape the values of a record."""
    if isinstance(record.args, tuple):
        record.args = tuple(_plain(value) for value in record.args)
    elif record.args:
        values: Mapping[str, object] = record.args
        record.args = {name: _plain(value) for name, value in values.items()}
    return True


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else printable(str(value))


log.addFilter(_escape)
