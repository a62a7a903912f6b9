"""Sleeping in drills. Nothing else in the drills calls ``time.sleep``."""

import time


def sleep_for(seconds: float) -> None:
    """Sleep while a fault lasts or a user pauses. The duration is part of the drill.

    Never sleep to wait for a condition: use ``wait_until``.
    """
    time.sleep(seconds)
