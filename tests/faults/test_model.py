"""The model check in its short form; and that it sees: whatever breaks the product in a single place is caught.

``python -m tests.faults.prover`` is the long form.
"""

from collections.abc import Iterator

import pytest
import redis

from app.config.settings import Settings
from tests.faults.mutants import MUTANTS, Evidence
from tests.faults.prover import Prover

EXAMPLES = 10


@pytest.fixture(scope="module")
def prover(settings: Settings, broker: redis.Redis) -> Iterator[Prover]:
    """Checks on databases of its own, on the suite's servers."""
    prover = Prover(settings.data_dir)
    yield prover
    prover.close()


def test_whatever_is_done_in_whatever_order_and_at_once_runs_are_where_they_must_be(prover):
    verdict = prover.check(None, examples=EXAMPLES, until_first=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
    assert verdict["examples"] > EXAMPLES


@pytest.mark.parametrize(("name", "tour"), [(name, tour) for name in MUTANTS for tour in MUTANTS[name].tours])
def test_whatever_breaks_the_product_is_caught(prover, name, tour):
    verdict = prover.check(name, tours=[tour])
    assert verdict["difference"], f"not found: {MUTANTS[name].why}"
    assert verdict["fault"] is None
    if MUTANTS[name].evidence != Evidence.ANY:
        assert bool(verdict["violations"]) == (MUTANTS[name].evidence == Evidence.TABLES)


def test_without_the_trigger_the_code_alone_lets_no_illegal_move_through(prover):
    verdict = prover.check("no trigger", hands=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
