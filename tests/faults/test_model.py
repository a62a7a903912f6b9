"""The model check in its short form; and that it sees: whatever breaks the product in a single place is caught.

``python -m tests.faults.prover`` is the long form.
"""

import shutil
from collections.abc import Iterator

import pytest
import redis

from app.config import PROJECT, Settings
from tests.faults.mutants import MUTANTS, REFEREED, SEEN_IN_TABLES, SHORT, applied, tour_of
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


@pytest.mark.parametrize("name", SHORT)
def test_whatever_breaks_the_product_is_caught(prover, name):
    verdict = prover.check(name, tours=[tour_of(name)])
    assert verdict["difference"], f"nobody noticed: {MUTANTS[name].why}"
    assert verdict["fault"] is None
    if name in REFEREED:
        assert verdict["violations"] == [], "the database did not refuse"
    if name in SEEN_IN_TABLES:
        assert verdict["violations"], "the history checker did not see it"


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_still_fits_the_code(name, tmp_path):
    for folder in ("app", "migrations"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert applied(tmp_path, name)


def test_without_the_trigger_the_code_alone_lets_no_illegal_move_through(prover):
    verdict = prover.check("no trigger", hands=False)
    assert (verdict["difference"], verdict["fault"]) == (None, None)
