"""Native threads for long computations in the web server, whose requests share one thread."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from gevent.threadpool import ThreadPool

from app.concurrency.greenlets import runs_on_gevent

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ComputePool:
    """A few native threads for pure computation: no database, log, metric or Flask context inside.

    gevent's own pool is left to name resolution: ten slow look-ups would block all other work in it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ThreadPool | None = None

    def run(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Call the function in the pool, and return its result or raise its error. Without gevent, call it directly."""
        if not runs_on_gevent():
            return function(*args, **kwargs)
        # The pool is created at first use, which is after the fork.
        if self._pool is None:
            self._pool = ThreadPool(self.size)
        result, error = self._pool.apply(_catch, (function, args, kwargs))
        if error is not None:
            try:
                raise error
            finally:
                # The error has this frame in its stack: a cycle, which would keep the arguments in memory.
                del error
        return cast(Result, result)


def _catch(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Exception | None]:
    """Return the result or the error. gevent would print a raised error, and its stack may contain a secret."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


HASHING_POOL = ComputePool(2)
"""For argon2."""

PARSING_POOL = ComputePool(2)
"""For parsing the responses of boards while a request waits for them."""
