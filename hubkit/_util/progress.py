"""How far something is, or that it runs at all.

On a terminal and in a notebook that is one line, which is replaced; elsewhere a line now and then.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hubkit._util.console import is_quiet, set_status, without_commands, write_line
from hubkit._util.text import format_share, format_size, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

SMALL = 1 << 20  # bytes; smaller files arrive before a bar can be read
BYTES = "B"
EVERY = 5.0  # seconds from one line to the next
AFTER = 1.0  # seconds; what is over sooner is not shown
_REDRAWN = 0.5  # seconds from one text on a terminal to the next
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
    if not wanted or is_small or not _can_show(stream):
        yield lambda _: None
        return
    lines = _Lines(printable(name), total, start, stream, unit)
    if start:
        lines.write(f"resuming at {lines.share(start)}")
    if not _can_redraw(stream):
        yield lines.advance
        return
    from tqdm import tqdm

    with (
        _hidden_wait(),
        tqdm(
            desc=printable(name),
            total=total,
            initial=start,
            unit=unit if unit == BYTES else f" {unit}",
            unit_scale=unit == BYTES,
            unit_divisor=1024,
            delay=0 if unit == BYTES else AFTER,
        ) as bar,
    ):
        yield bar.update


@contextmanager
def show_wait(what: str, *, wanted: bool = True) -> Iterator[Callable[[str], object]]:
    """Show on standard error that something runs and for how long, once it takes over a second.

    Yield a function that sets which part of it runs. Inside of another wait, nothing is shown.

    Args:
        what: What runs, such as "Checking unet".
        wanted: False shows nothing.
    """
    global _wait  # noqa: PLW0603 - a terminal shows one
    stream = sys.stderr
    if not wanted or _wait is not None or not _can_show(stream):
        yield lambda _: None
        return
    _wait = wait = _Wait(printable(what), stream)
    set_status(wait.erase)
    wait.start()
    try:
        yield wait.note
    finally:
        _wait = None
        set_status(None)
        wait.end()


_wait: _Wait | None = None


@contextmanager
def _hidden_wait() -> Iterator[None]:
    """Leave the line to a bar."""
    wait = _wait
    if wait is None:
        yield
        return
    wait.hide()
    try:
        yield
    finally:
        wait.show()


class _Wait:
    """Writes from a thread of its own what the program waits for."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self._what = what
        self._part = ""
        self._stream = stream
        self._redraws = _can_redraw(stream)
        self._started = time.monotonic()
        self._width = 0  # of the text on the terminal
        self._is_hidden = False
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Start to watch."""
        threading.Thread(target=self._watch, name="hubkit-wait", daemon=True).start()

    def note(self, part: str) -> None:
        """Set which part runs."""
        self._part = f": {printable(part)}"

    def hide(self) -> None:
        """Write nothing for now."""
        self.erase()
        self._is_hidden = True

    def show(self) -> None:
        """Write again."""
        self._is_hidden = False

    def end(self) -> None:
        """Stop to watch."""
        self._ended.set()
        self.erase()

    def erase(self) -> None:
        """Remove the text from the terminal, so that another one can be printed."""
        with self._lock:
            if self._width:
                self._write(f"\r{' ' * self._width}\r")
            self._width = 0

    def _watch(self) -> None:
        pause = AFTER if self._redraws else EVERY
        while not self._ended.wait(pause):
            with self._lock:
                if not (self._is_hidden or self._ended.is_set()):
                    self._say()
            pause = _REDRAWN if self._redraws else EVERY

    def _say(self) -> None:
        text = f"{self._what}{self._part} ({time.monotonic() - self._started:.0f} s)"
        if not self._redraws:
            self._write(f"{without_commands(text)}\n")
            return
        import shutil

        text = text[: shutil.get_terminal_size().columns - 1]
        self._write(f"\r{text}{' ' * (self._width - len(text))}")
        self._width = len(text)

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # closed meanwhile
            self._stream.write(text)
            self._stream.flush()


def _can_show(stream: TextIO | None) -> bool:
    if os.environ.get("HUBKIT_NO_PROGRESS"):
        return False
    return not (is_quiet() or stream is None or getattr(stream, "closed", False))


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
