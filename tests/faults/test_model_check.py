"""The short model check: the product passes it, and every mutant fails it.

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
    """A checker with its own databases on the suite's servers."""
    checker = ModelChecker(settings.data_dir)
    yield checker
    checker.close()


def test_product_agrees_with_the_model(checker):
    verdict = checker.check(None, examples=EXAMPLES, until_first=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
    assert verdict["examples"] > EXAMPLES


CASES = [(name, scenario) for name, mutant in MUTANTS.items() for scenario in mutant.scenarios]


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_mutant_is_caught(checker, name, scenario):
    verdict = checker.check(name, scenarios=[scenario])
    assert verdict["difference"], f"not caught: {MUTANTS[name].effect}"
    assert verdict["fault"] is None
    if MUTANTS[name].evidence != Evidence.ANY:
        assert bool(verdict["violations"]) == (MUTANTS[name].evidence == Evidence.TABLES)


def test_code_alone_makes_no_illegal_move_without_the_trigger(checker):
    verdict = checker.check("no trigger", with_illegal_sql=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
