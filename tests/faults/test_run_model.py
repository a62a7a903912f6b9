"""The short model check of boards and runs: the product passes it, and the mutants of its first promises fail it.

``python -m tests.faults.run_model`` is the long form, with all mutants and many sequences.
"""

import ast
from collections.abc import Iterator

import pytest
import redis

from app.config.settings import PROJECT, Settings
from tests.faults.model_check import ModelChecker
from tests.faults.rewriting import modules
from tests.faults.run_model.mutants import MODULES, MUTANTS, break_code
from tests.faults.run_model.scenarios import all_scenarios

EXAMPLES = 5
SHORT = ("failures", "an early reading", "leases", "readings end at once", "partial listings", "lost messages")
"""The scenarios of the short check, beside its random sequences."""

CAUGHT_HERE = (
    "a run is retried without its owner",
    "a part shares the run's lock",
    "a want is answered by a reading that began too early",
    "the last board's question is asked on the snapshot of the answer",
    "a lease is not renewed",
    "a miss is counted from a partial listing",
    "unchanged jobs are written",
)
SERVICES = PROJECT / "app" / "services"
TREES = modules(SERVICES)


@pytest.fixture(scope="module")
def checker(settings: Settings, broker: redis.Redis) -> Iterator[ModelChecker]:
    """A checker with its own databases on the suite's servers."""
    checker = ModelChecker(settings.data_dir, *MODULES)
    yield checker
    checker.close()


def test_product_agrees_with_the_model_of_boards_and_runs(checker):
    verdict = checker.check(None, examples=EXAMPLES, scenarios=SHORT, until_first=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
    assert verdict["examples"] >= EXAMPLES + len(SHORT)


@pytest.mark.parametrize("name", CAUGHT_HERE)
def test_mutant_of_boards_and_runs_is_caught(checker, name):
    verdict = checker.check(name, scenarios=MUTANTS[name].scenarios)
    assert verdict["difference"], f"not caught: {MUTANTS[name].effect}"
    assert verdict["fault"] is None


def test_mutants_change_the_code_and_name_scenarios():
    for name, mutant in MUTANTS.items():
        for path in break_code(TREES, name):
            broken, TREES[path] = TREES[path], ast.parse((SERVICES / path).read_text())
            assert ast.unparse(broken) != ast.unparse(TREES[path]), name
            compile(ast.unparse(broken), str(path), "exec")
        assert set(mutant.scenarios) <= all_scenarios().keys(), name
