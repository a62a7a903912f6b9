"""Places are handed over in the order of arrival, and none is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.concurrency.fair_semaphore import FairSemaphore
from tests.support.waiting import PATIENCE_SECONDS, wait_until


def test_a_place_that_is_free_is_taken_at_once():
    limit = FairSemaphore(2)
    assert [limit.acquire(0) for _ in range(3)] == [True, True, False]
    limit.release()
    assert limit.acquire(0)


def test_whoever_waits_longest_is_next_and_nobody_overtakes():
    limit, served = FairSemaphore(1), []
    assert limit.acquire(0)
    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(lambda n=number: limit.acquire(PATIENCE_SECONDS) and served.append(n))
            wait_until(lambda: len(limit._waiting) == number + 1, what="one more that waits")
        for number in range(3):
            limit.release()
            assert not limit.acquire(0), "a latecomer, while somebody has waited"
            wait_until(lambda: len(served) == number + 1, what="the next")
    assert served == [0, 1, 2]


def test_whoever_gives_up_is_passed_over():
    limit = FairSemaphore(1)
    assert limit.acquire(0)
    assert not limit.acquire(0.01)
    limit.release()
    assert limit.acquire(0)


class Interrupted(Exception):
    """Thrown into a wait, as a time limit of Celery's is."""


def test_whoever_is_interrupted_keeps_no_place(monkeypatch):
    limit = FairSemaphore(1)
    assert limit.acquire(0)

    def interrupt(*_):
        raise Interrupted

    monkeypatch.setattr("threading.Event.wait", interrupt)
    with pytest.raises(Interrupted):
        limit.acquire(1)
    monkeypatch.undo()
    limit.release()
    assert limit.acquire(0)
