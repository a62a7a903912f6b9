"""The differences of a process whose threads are gevent's greenlets, which is the web server and no other.

There all requests share one thread: a request that computes holds up the others, and one that waits does not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


TICK = 1e-6
"""Seconds after which a timer fires on the next turn of the loop."""


def is_cooperative() -> bool:
    """Return whether gevent has patched this process (gunicorn.conf.py does)."""
    return monkey.is_module_patched("threading")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after this many seconds.

    The timer fires when the block waits. Without gevent there is no timer: the timeouts of sockets remain.
    """
    if not is_cooperative():
        yield
        return
    with gevent.Timeout(seconds, TimeoutError(f"not done within {seconds} s")):
        yield


def let_others_run() -> None:
    """Give way to the other requests of this process. A client that always has more to say would keep its turn.

    By a timer, because fifty greenlets that sleep for 0 s run before gevent looks for new clients.
    """
    if is_cooperative():
        gevent.sleep(TICK)


def _outcome(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Exception | None]:
    """Return the error, too: gevent prints one that is raised, and its stack may name what is secret."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


class ComputePool:
    """A few native threads for pure computing: no database, log, metric or Flask context inside.

    gevent's own pool is left to name resolution, ten slow look-ups of which would hold up everything else in it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ThreadPool | None = None

    def run(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Return what the function returns, or raise what it raises. Without gevent it runs in the calling thread."""
        if not is_cooperative():
            return function(*args, **kwargs)
        if self._pool is None:  # first used after the fork
            self._pool = ThreadPool(self.size)
        result, error = self._pool.apply(_outcome, (function, args, kwargs))
        if error is not None:
            raise error
        return cast(Result, result)


HASHING = ComputePool(2)
"""For argon2."""

PARSING = ComputePool(2)
"""For the answers of boards that a request waits for."""
