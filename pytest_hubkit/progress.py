"""Say which check runs and what is left, while nothing else is printed."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SILENT = 2.0  # seconds without output after which something is said
_SILENT_IN_LOGS = 3.0  # where each text stays
_FEW = 20  # checks that must have run before the rest is estimated


class Progress:
    """Watches one run of pytest; in xdist's main process, the runs of its workers.

    On a terminal the text stands at the end of the current line until pytest prints again.
    Elsewhere each is a line of its own.

    Args:
        config: The configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        writer = config.get_terminal_writer()
        self._writer = writer
        self._stream = _duplicated(writer._file)  # noqa: SLF001 - tests replace what it was made of
        self._is_terminal = config.pluginmanager.getplugin("terminalreporter").isatty
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._what = "collecting"
        self._total = self._done = self._shown = 0
        self._is_at_start = False  # of a line, though pytest does not know
        self._printed = self._started = time.monotonic()
        # When the first check ended, which starts the child processes.
        self._warm: float | None = None
        self._pdb = False

    def note(self, what: str) -> None:
        """Set what runs now.

        Args:
            what: In a few words.
        """
        if what != self._what:
            self._what, self._started = what, time.monotonic()

    def start(self) -> None:
        """Start to watch."""
        threading.Thread(target=self._watch, name="hubkit-progress", daemon=True).start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests."""
        self._total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Count the tests of xdist's workers, which all collect the same ones."""
        self._total = len(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test starts."""
        self._erase()
        path, _, names = nodeid.partition("::")
        self.note(names.replace("::", ": ") or path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Make way for pytest's own output."""
        self._erase()

    def pytest_runtest_logfinish(self) -> None:
        """A test ended."""
        self._done += 1
        if self._warm is None:
            self._warm = time.monotonic()

    def pytest_enter_pdb(self) -> None:
        """Leave the terminal to the debugger."""
        self._erase()
        self._pdb = True

    def pytest_leave_pdb(self) -> None:
        """Watch again."""
        self._pdb = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Stop."""
        self._ended.set()
        self._erase()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            with self._lock:
                if not (self._pdb or self._ended.is_set()):
                    self._say()

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._printed < (_SILENT if self._is_terminal else _SILENT_IN_LOGS):
            return
        text, column = self._describe(now), self._writer.width_of_current_line
        if not self._is_terminal:
            self._printed = now
            self._stream.write(f"\n{text}\n" if column and not self._is_at_start else f"{text}\n")
            self._is_at_start = True
        else:
            # Where it does not fit, on the next line, on which pytest then goes on.
            does_fit = bool(self._shown) or column + len(text) + 2 < self._writer.fullwidth
            text = f" {text}"[: self._writer.fullwidth - 1]
            self._stream.write(f"{_erasing(self._shown)}{'' if does_fit else chr(10)}{text}")
            self._shown = len(text)
        self._stream.flush()

    def _describe(self, now: float) -> str:
        text = f"{self._what} ({now - self._started:.0f} s)"
        if not self._total:
            return text
        left, done = self._total - self._done, self._done - 1
        text += f", {left} of {self._total} left"
        if self._warm is None or done < _FEW:
            return text
        return f"{text}, about {_duration((self._printed - self._warm) / done * left)}"

    def _erase(self) -> None:
        with self._lock:
            if self._shown:
                self._stream.write(_erasing(self._shown))
                self._stream.flush()
            self._shown, self._printed, self._is_at_start = 0, time.monotonic(), False


def _erasing(count: int) -> str:
    return "\b" * count + " " * count + "\b" * count


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _duplicated(stream: Any) -> Any:  # noqa: ANN401
    """A stream to where another one leads now: pytest redirects its descriptor during tests."""
    try:
        return open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="replace")  # noqa: PTH123
    except (AttributeError, OSError, ValueError):
        return stream


def note_of(config: pytest.Config) -> Callable[[str], object]:
    """A function that says what runs now, for the progress of a run, if it is shown."""
    progress = config.pluginmanager.getplugin(NAME)
    return progress.note if isinstance(progress, Progress) else lambda _: None


NAME = "hubkit-progress"


def register(config: pytest.Config) -> None:
    """Show progress on a terminal, or if ``--hubconf-progress`` is given.

    Not where the repo's own output is shown, nor in xdist's workers.
    """
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or config.getoption("verbose") < -1:
        return
    if config.getoption("capture") == "no":
        return
    if reporter.isatty or config.getoption("hubconf_progress"):
        progress = Progress(config)
        config.pluginmanager.register(progress, NAME)
        progress.start()
