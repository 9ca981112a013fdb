"""Changing sources line by line, since bytes changed at random seldom parse."""

from __future__ import annotations

import random
import re

_WORD = re.compile(rb"[A-Za-z_]\w*")


def mutate_lines(data: bytes, pool: list[bytes], seed: int) -> bytes:
    """Change a few lines of a source: drop, repeat, move, take from others, rename.

    Args:
        data: The source.
        pool: Lines of other sources.
        seed: Decides everything.
    """
    chance = random.Random(seed)
    lines = data.split(b"\n")
    for _ in range(chance.randint(1, 4)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(6):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines.insert(at, chance.choice(pool))
            case 4:
                lines[at] = chance.choice((b"    ", b"", b"\t")) + lines[at].lstrip()
            case _:
                lines[at] = _rename(lines[at], lines[other], chance)
    return b"\n".join(lines)


def _rename(line: bytes, other: bytes, chance: random.Random) -> bytes:
    """A line with one of its words replaced by a word of another."""
    words, others = list(_WORD.finditer(line)), _WORD.findall(other)
    if not words or not others:
        return line
    word, new = chance.choice(words), bytes(chance.choice(others))
    return line[: word.start()] + new + line[word.end() :]
