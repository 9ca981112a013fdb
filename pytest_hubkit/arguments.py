"""What ``--hubconf`` adds to pytest's command line.

pytest reads this in every run of everybody who has hubkit installed: it imports nothing of hubkit.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

DEVICES = ("cpu", "cuda", "mps", "meta")
_LEVELS = ("1", "2", "3")


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options to pytest's command line.

    Args:
        group: Where they are shown.
    """
    _add_selection(group)
    group.addoption(
        "--hubconf-network",
        choices=("deny", "cache", "allow"),
        default="deny",
        help="deny (default): no network, loopback included, and nothing cached. cache: no network, "
        "and pretrained weights come from --hubconf-weights or the hub dir. allow: they are "
        "downloaded.",
    )
    group.addoption(
        "--hubconf-loopback",
        action="store_true",
        help="Let entrypoints connect to this machine, for servers that the tests start.",
    )
    group.addoption(
        "--hubconf-weights",
        metavar="DIR",
        help="The folder of checkpoints to use instead of those in the hub dir.",
    )
    group.addoption(
        "--hubconf-device",
        choices=DEVICES,
        default="cpu",
        help="Where models run (default: cpu). What is measured in child processes runs on cpu.",
    )
    group.addoption(
        "--hubconf-update",
        action="store_true",
        help="Keep the outputs of this run in tests/hubkit/golden.",
    )
    group.addoption(
        "--hubconf-keep",
        metavar="N",
        type=_read_count,
        default=1,
        help="How many entrypoints may have their models in memory at a time (default: 1); more "
        "saves building them again where tests run in random order.",
    )
    group.addoption(
        "--hubconf-report",
        metavar="[FORMAT=]FILE",
        action="append",
        default=[],
        help="Write a report when all is done: json, markdown, badge (an SVG image) or endpoint "
        "(for shields.io); by the file's name when no format is given. May be repeated.",
    )


def _add_selection(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--hubconf-level",
        metavar="N",
        type=read_level,
        default=3,
        help="Run levels 1 to N: 1 protocol, 2 behaviour, 3 reproducible and portable (default).",
    )
    group.addoption(
        "--hubconf-select",
        metavar="CODES",
        type=read_words,
        default=(),
        help="Run these checks only: codes, prefixes or names, such as C1,C204,golden-output.",
    )
    group.addoption(
        "--hubconf-ignore",
        metavar="CODES",
        type=read_words,
        default=(),
        help="Leave these checks out.",
    )
    group.addoption(
        "--hubconf-slow",
        action="store_true",
        help="Run also what takes seconds a model: export, compile, TorchScript, ONNX.",
    )
    group.addoption(
        "--hubconf-all",
        action="store_true",
        help="Run all levels on all entrypoints, whatever `representative` says.",
    )
    group.addoption(
        "--hubconf-shard",
        metavar="I/N",
        type=read_shard,
        default=(1, 1),
        help="Run the I-th of N parts of the entrypoints, such as 2/3.",
    )


def _read_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def read_words(text: str) -> tuple[str, ...]:
    """Codes or names, separated by commas; codes in capitals."""
    words = (word.strip() for word in text.split(","))
    return tuple(word.upper() if word[1:].isdigit() or len(word) == 1 else word
                 for word in words if word)  # fmt: skip


def read_level(text: str) -> int:
    """A level: "2" or "L2".

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    digit = text.upper().removeprefix("L")
    if digit not in _LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is no level: 1, 2 or 3")
    return int(digit)


def read_shard(text: str) -> tuple[int, int]:
    """A part of several: "2/3".

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard: write 1/3, 2/3 or 3/3")
    return int(part), int(parts)
