"""How far something is: a bar on a terminal or in a notebook, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hubkit._util.console import write_line
from hubkit._util.text import format_share, format_size, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

SMALL = 1 << 20  # bytes; smaller files arrive before a bar can be read
BYTES = "B"
EVERY = 5.0  # seconds from one line to the next
_MINUTE, _HOUR = 60, 3600


@contextmanager
def show_progress(
    name: str, total: int | None, *, start: int = 0, wanted: bool = True, unit: str = BYTES
) -> Iterator[Callable[[int], object]]:
    """Show on standard error how far a download is; yield a function that advances it.

    Args:
        name: What is downloaded.
        total: Its size in bytes, None if unknown.
        start: Bytes that exist already.
        wanted: False shows nothing.
        unit: What is counted, in place of bytes.
    """
    stream = sys.stderr
    is_small = unit == BYTES and total is not None and total - start <= SMALL
    if not wanted or is_small or stream is None or getattr(stream, "closed", False):
        yield lambda _: None
        return
    lines = _Lines(printable(name), total, start, stream, unit)
    if start:
        lines.write(f"resuming at {lines.share(start)}")
    if not _can_redraw(stream):
        yield lines.advance
        return
    from tqdm import tqdm

    with tqdm(
        desc=printable(name),
        total=total,
        initial=start,
        unit=unit if unit == BYTES else f" {unit}",
        unit_scale=unit == BYTES,
        unit_divisor=1024,
    ) as bar:
        yield bar.update


def _can_redraw(stream: TextIO) -> bool:
    """Whether a line can be replaced: on a terminal, and by the output of a notebook."""
    is_terminal = getattr(stream, "isatty", bool)()
    return is_terminal or type(stream).__module__.startswith("ipykernel.")


class _Lines:
    """Lines in a log."""

    def __init__(
        self, name: str, total: int | None, start: int, stream: TextIO, unit: str = BYTES
    ) -> None:
        self._name = name
        self._total = total
        self._stream = stream
        self._unit = unit
        self._arrived = self._before = start
        self._at = time.monotonic()

    def advance(self, count: int) -> None:
        """Write a line if the last one is long ago."""
        self._arrived += count
        seconds = time.monotonic() - self._at
        if seconds < EVERY:
            return
        rate = (self._arrived - self._before) / max(seconds, 1e-3)
        left = ""
        if self._total is not None and rate:
            left = f", {_format_seconds((self._total - self._arrived) / rate)} left"
        speed = format_size(int(rate)) if self._unit == BYTES else f"{rate:.1f} {self._unit}"
        self.write(f"{self.share(self._arrived)}, {speed}/s{left}")
        self._before, self._at = self._arrived, time.monotonic()

    def share(self, count: int) -> str:
        """How much has arrived, of how much."""
        if self._unit == BYTES:
            return format_share(count, self._total)
        return f"{count:,} {self._unit}" if self._total is None else f"{count:,} of {self._total:,}"

    def write(self, text: str) -> None:
        """Write a line; a log that cannot be written does not end the download."""
        with suppress(OSError, ValueError):
            write_line(self._stream, f"{self._name}: {text}")
            self._stream.flush()


def _format_seconds(seconds: float) -> str:
    for unit, factor in (("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{seconds:.0f} s"
