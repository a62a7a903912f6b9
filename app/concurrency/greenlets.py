"""Helpers for a process whose threads are gevent's greenlets. Only the web server is one.

All its requests share one native thread: a request that computes holds up the others; a request that waits does not.
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

    The timer fires when the block waits. Without gevent there is no timer: the timeouts of sockets remain.
    """
    if not runs_on_gevent():
        yield
        return
    with gevent.Timeout(seconds, TimeoutError(f"not done within {seconds} s")):
        yield


def yield_to_others() -> None:
    """Let the other requests of this process run. A client that always sends more would otherwise block them.

    A timer is used, because fifty greenlets that sleep for 0 s run before gevent looks for new clients.
    """
    if runs_on_gevent():
        gevent.sleep(YIELD_SECONDS)
