"""The fair semaphore grants slots in the order of arrival and loses none."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.concurrency.fair_semaphore import FairSemaphore
from tests.support.waiting import WAIT_TIMEOUT, wait_until


def test_acquire_gets_a_free_place_at_once():
    semaphore = FairSemaphore(2)
    assert [semaphore.acquire(0) for _ in range(3)] == [True, True, False]
    semaphore.release()
    assert semaphore.acquire(0)


def test_acquire_serves_in_the_order_of_arrival():
    semaphore, served = FairSemaphore(1), []
    assert semaphore.acquire(0)
    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(lambda n=number: semaphore.acquire(WAIT_TIMEOUT) and served.append(n))
            wait_until(lambda: len(semaphore._waiting) == number + 1, what="another waiting caller")
        for number in range(3):
            semaphore.release()
            assert not semaphore.acquire(0), "a later caller must not overtake"
            wait_until(lambda: len(served) == number + 1, what="the next caller")
    assert served == [0, 1, 2]


def test_acquire_that_timed_out_is_skipped():
    semaphore = FairSemaphore(1)
    assert semaphore.acquire(0)
    assert not semaphore.acquire(0.01)
    semaphore.release()
    assert semaphore.acquire(0)


class Interrupted(Exception):
    """An exception raised inside a wait, like Celery's time limit."""


def test_acquire_that_is_interrupted_keeps_no_place(monkeypatch):
    semaphore = FairSemaphore(1)
    assert semaphore.acquire(0)

    def interrupt(*_):
        raise Interrupted

    monkeypatch.setattr("threading.Event.wait", interrupt)
    with pytest.raises(Interrupted):
        semaphore.acquire(1)
    monkeypatch.undo()
    semaphore.release()
    assert semaphore.acquire(0)
