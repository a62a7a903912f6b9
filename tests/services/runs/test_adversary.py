"""Whatever boards and users do between two runs and during them, the jobs are true and the counts add up."""

import os

import pytest

from app.services.runs import taking_in
from tests.support.adversary import World
from tests.support.audits import find_recorded_violations, recorded
from tests.support.clock import restore_clock

FIRST_SEED = int(os.environ.get("ADVERSARY_SEED", "0"))
SEEDS = int(os.environ.get("ADVERSARY_SEEDS", "16"))
STEPS = 6


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_jobs_are_true_whatever_boards_and_users_do(boards, broker, monkeypatch, seed):
    if seed % 2:
        monkeypatch.setattr(taking_in, "MAX_PART", 2)
    world = World(seed, boards, broker.flushall)
    try:
        with recorded() as connection:
            for _ in range(STEPS):
                world.step()
            assert find_recorded_violations(connection) == []
    finally:
        print("\n".join(world.log))
        restore_clock()
