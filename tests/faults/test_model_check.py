"""The model check in its short form; and that it sees: whatever breaks the product in a single place is caught.

``python -m tests.faults.model_check`` is the long form.
"""

from collections.abc import Iterator

import pytest
import redis

from app.config.settings import Settings
from tests.faults.model_check import ModelChecker
from tests.faults.mutants import MUTANTS, Evidence

EXAMPLES = 10


@pytest.fixture(scope="module")
def checker(settings: Settings, broker: redis.Redis) -> Iterator[ModelChecker]:
    """Checks on databases of its own, on the suite's servers."""
    checker = ModelChecker(settings.data_dir)
    yield checker
    checker.close()


def test_whatever_is_done_in_whatever_order_and_at_once_runs_are_where_they_must_be(checker):
    verdict = checker.check(None, examples=EXAMPLES, until_first=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
    assert verdict["examples"] > EXAMPLES


@pytest.mark.parametrize(("name", "scenario"), [(name, scenario) for name in MUTANTS for scenario in MUTANTS[name].scenarios])
def test_whatever_breaks_the_product_is_caught(checker, name, scenario):
    verdict = checker.check(name, scenarios=[scenario])
    assert verdict["difference"], f"not found: {MUTANTS[name].why}"
    assert verdict["fault"] is None
    if MUTANTS[name].evidence != Evidence.ANY:
        assert bool(verdict["violations"]) == (MUTANTS[name].evidence == Evidence.TABLES)


def test_without_the_trigger_the_code_alone_lets_no_illegal_move_through(checker):
    verdict = checker.check("no trigger", with_illegal_sql=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
