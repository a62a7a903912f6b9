"""Waiting for a condition, instead of sleeping for a guessed time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

WAIT_TIMEOUT = 180
"""Seconds that a test waits for an event that normally takes about one: the machine may be slow and busy."""


def wait_until(
    condition: Callable[[], Found], seconds: float = WAIT_TIMEOUT, what: str = "the condition", pause: float = 0.02
) -> Found:
    """Return the condition's first true value. Raises AssertionError after ``seconds`` without one.

    The pauses between checks grow from ``pause`` seconds to ten times that, because checking takes processor time
    from the awaited work.
    """
    max_pause = 10 * pause
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(pause)
        pause = min(1.3 * pause, max_pause)
    return found
