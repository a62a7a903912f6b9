"""The pace at which hosts are asked, and a small cache: in Redis, where all processes share them."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config.validators import rate_limit_storage_url
from app.sources.errors import RateLimiterUnavailable

THROTTLES_KEPT_SECONDS = 60

PREFIX = "job-ingestion:sources:"

ACQUIRE_SLOT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = due - now
if wait > tonumber(ARGV[2]) then return tostring(-wait) end
local keep = math.ceil((wait + tonumber(ARGV[1])) * 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.6f', due + tonumber(ARGV[1])), 'PX', keep)
return tostring(wait)
"""
"""Takes the next free slot in one step, so that no two callers get the same one; by Redis's clock, the only one that
all machines share. The result is the wait in seconds. If that is too long, it is negative and nothing was taken."""

BLOCK = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""
"""Keeps the longer of two blocks."""


def connect(redis_url: str) -> "redis.Redis":
    """Make a client that costs a second at most when Redis hangs. It connects when it is first asked."""
    url = rate_limit_storage_url(redis_url).removeprefix("redis+")
    once_more = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=once_more)


class RateLimiter:
    """Slots, blocks and cached texts of all processes. Each method raises RateLimiterUnavailable without Redis."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._acquire_slot = client.register_script(ACQUIRE_SLOT)
        self._block = client.register_script(BLOCK)

    def is_available(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def acquire_slot(self, key: str, interval: float, max_wait: float) -> float:
        """Take the next free slot of a key; returns the seconds until it begins.

        A negative number is a wait longer than ``max_wait``; nothing was taken then.
        """
        with _redis_errors():
            return float(self._acquire_slot(keys=[f"{PREFIX}pace:{key}"], args=[interval, max_wait]))

    def block(self, key: str, seconds: float) -> None:
        """Keep every process off a key for so long, or for as long as it is blocked already."""
        name, milliseconds = f"{PREFIX}hold:{key}", math.ceil(seconds * 1000)
        with _redis_errors():
            self._block(keys=[name], args=[milliseconds])

    def blocked_for(self, *keys: str) -> float:
        """Return for how many more seconds one of these keys is blocked; 0 if none is."""
        with _redis_errors(), self._redis.pipeline(transaction=False) as together:
            for key in keys:
                together.pttl(f"{PREFIX}hold:{key}")
            return max(0.0, max(together.execute()) / 1000)

    def record_throttle(self, host: str, place: str) -> int:
        """Note that a place on the host wants fewer requests; returns how many places did so in a row."""
        name = f"{PREFIX}strikes:{host}"
        with _redis_errors(), self._redis.pipeline() as together:
            together.sadd(name, place)
            together.expire(name, THROTTLES_KEPT_SECONDS)
            together.scard(name)
            return int(together.execute()[-1])

    def reset_throttles(self, host: str) -> None:
        """Begin the row anew."""
        with _redis_errors():
            self._redis.delete(f"{PREFIX}strikes:{host}")

    def get(self, name: str) -> str | None:
        """Return the text that was cached under this name, or None."""
        with _redis_errors():
            text = self._redis.get(PREFIX + name)
        return text.decode() if isinstance(text, bytes) else None

    def set(self, name: str, text: str, seconds: int) -> None:
        """Cache a text for so long."""
        with _redis_errors():
            self._redis.set(PREFIX + name, text, ex=seconds)


class CommandRateLimiter:
    """The same for one command while Redis does not run: a pause before each request.

    It ends with the command, so it forgets nothing.
    """

    def __init__(self) -> None:
        self._blocked_until: dict[str, float] = {}
        self._texts: dict[str, str] = {}

    def is_available(self) -> bool:
        """Return True: it needs no server."""
        return True

    def acquire_slot(self, _key: str, interval: float, max_wait: float) -> float:
        """Return the pause before the next request, or a negative number if that is longer than ``max_wait``."""
        return interval if interval <= max_wait else -interval

    def block(self, key: str, seconds: float) -> None:
        """Keep the command off a key for so long."""
        self._blocked_until[key] = time.monotonic() + seconds

    def blocked_for(self, *keys: str) -> float:
        """Return for how many more seconds one of these keys is blocked; 0 if none is."""
        return max(0.0, max(self._blocked_until.get(key, 0.0) for key in keys) - time.monotonic())

    def record_throttle(self, _host: str, _place: str) -> int:
        """Return 1: a command asks few boards, and believes it of each board alone."""
        return 1

    def reset_throttles(self, _host: str) -> None:
        """Do nothing."""

    def get(self, name: str) -> str | None:
        """Return the text that was cached under this name, or None."""
        return self._texts.get(name)

    def set(self, name: str, text: str, _seconds: int) -> None:
        """Cache a text."""
        self._texts[name] = text


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise RateLimiterUnavailable from error
