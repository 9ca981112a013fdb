"""The fuzz targets take their own seeds, and a few changes of them, without atheris."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.mutate import mutate_lines
from tests.fuzz.targets import TARGETS, read_seeds


@pytest.mark.parametrize("target", TARGETS)
def test_targets_take_seeds_and_changes_of_them(target: str) -> None:
    seeds = list(read_seeds(target))
    assert seeds
    pool = [line for seed in seeds for line in seed.split(b"\n")]
    chance = random.Random(0)
    for number in range(20):
        seed = chance.choice(seeds)
        TARGETS[target](seed)
        TARGETS[target](mutate_lines(seed, pool, number))
        TARGETS[target](seed[chance.randrange(len(seed)) :])
