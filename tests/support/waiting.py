"""Waiting for a condition; no test sleeps for a time it hopes is long enough."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

WAIT_TIMEOUT = 180
"""How long a test waits for what comes in a second where nothing else goes on: the machine may be slow, and busy."""


def wait_until(
    condition: Callable[[], Found], seconds: float = WAIT_TIMEOUT, what: str = "the condition", pause: float = 0.02
) -> Found:
    """Return the condition's first true value; fails when there is none in time.

    It is asked after ``pause`` seconds and then less and less often, up to ten times that, because asking takes from
    the processor what is waited for.
    """
    longest = 10 * pause
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(pause)
        pause = min(1.3 * pause, longest)
    return found
