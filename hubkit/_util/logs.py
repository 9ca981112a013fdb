"""The logger of hubkit. Values are escaped, so they cannot forge lines of the log."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hubkit._util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def _label(record: logging.LogRecord) -> bool:
    """Label the warnings of a command, which has no other log than the terminal."""
    if record.levelno < logging.WARNING:
        return True
    from hubkit._util.console import running_command

    if running_command():
        record.msg = f"{record.levelname.lower()}: {record.msg}"
    return True


@contextmanager
def print_log(*, debug: bool) -> Iterator[None]:
    """Print the log on standard error, for a command.

    Args:
        debug: Whether to print requests and calls of git too.
    """
    handler, before = logging.StreamHandler(), log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)


log.addFilter(_escape)
log.addFilter(_label)
