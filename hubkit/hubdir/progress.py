"""The bar that is shown while something large arrives."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hubkit._util.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = 1 << 20  # bytes: what is smaller is there before a bar can be read


@contextmanager
def show_progress(
    name: str, total: int | None, *, start: int = 0, wanted: bool = True
) -> Iterator[Callable[[int], object]]:
    """Show a bar on standard error, if that is a terminal; yields what to call with each count.

    Args:
        name: What arrives.
        total: Bytes in all, None when unknown.
        start: Bytes that are there already.
        wanted: False shows nothing.
    """
    worth_it = total is None or total - start > SMALL
    if not (wanted and worth_it and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda _: None
        return
    from tqdm import tqdm

    with tqdm(
        desc=printable(name),
        total=total,
        initial=start,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
    ) as bar:
        yield bar.update
