"""Helpers for the web server, the only process whose threads are gevent's greenlets.

All its requests share one native thread, so a request that computes blocks the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent import monkey

YIELD_SECONDS = 1e-6
"""The shortest sleep, in seconds, that ends on the next turn of gevent's loop."""


def runs_on_gevent() -> bool:
    """Return whether gevent has patched this process (gunicorn.conf.py does)."""
    return monkey.is_module_patched("threading")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after this many seconds.

    The timer can only fire while the block waits for something. Without gevent there is none, and only socket timeouts
    apply.
    """
    if not runs_on_gevent():
        yield
        return
    with gevent.Timeout(seconds, TimeoutError(f"not done within {seconds} s")):
        yield


def yield_to_others() -> None:
    """Let other requests run. Otherwise a client that keeps sending would block them.

    A timer is used, because fifty greenlets that sleep for 0 s run before gevent looks for new clients.
    """
    if runs_on_gevent():
        gevent.sleep(YIELD_SECONDS)
