"""The rate limits of hosts and a small cache, in Redis, where all processes share them."""

import hashlib
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config.validators import rate_limit_storage_url
from app.sources.errors import RateLimiterUnavailable

THROTTLES_KEPT_SECONDS = 60

MAX_THROTTLES_KEPT = 10
"""The most throttled paths that are recorded for one host. Three suffice to block it."""

MAX_KEY_LENGTH = 200
"""Characters. A longer key, made from a stranger's address, is replaced by its digest."""

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
"""Acquire the next free slot atomically, so that two callers never get the same one.

The script uses the clock of Redis, the only one that all machines share. It returns the wait in seconds. If the wait is
too long, the result is negative, and no slot was acquired."""

BLOCK = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""
"""Block a key, unless it is already blocked for longer."""


RECORD_THROTTLE = """
if redis.call('SCARD', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SADD', KEYS[1], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('SCARD', KEYS[1])
"""
"""Record a path, unless there are many already. Returns the number of paths."""


def connect(redis_url: str) -> "redis.Redis":
    """Make a client that connects on first use. Its timeouts add up to one second if Redis hangs."""
    url = rate_limit_storage_url(redis_url).removeprefix("redis+")
    retry_once = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=retry_once)


class RateLimiter:
    """The slots, blocks and cached texts of all processes. Each method raises RateLimiterUnavailable without Redis."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._acquire_slot = client.register_script(ACQUIRE_SLOT)
        self._block = client.register_script(BLOCK)
        self._record_throttle = client.register_script(RECORD_THROTTLE)

    def is_available(self) -> bool:
        """Return whether Redis is available."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def acquire_slot(self, key: str, interval: float, max_wait: float) -> float:
        """Acquire the next free slot of a key. Returns the seconds until it starts.

        A negative number means that the wait would exceed ``max_wait``. Then no slot was acquired.
        """
        with _redis_errors():
            return float(self._acquire_slot(keys=[_name("pace", key)], args=[interval, max_wait]))

    def block(self, key: str, seconds: float) -> None:
        """Block a key for all processes, for this many seconds. A longer block stays."""
        name, milliseconds = _name("hold", key), math.ceil(seconds * 1000)
        with _redis_errors():
            self._block(keys=[name], args=[milliseconds])

    def blocked_for(self, *keys: str) -> float:
        """Return the seconds until none of these keys is blocked; 0 if none is."""
        with _redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.pttl(_name("hold", key))
            return max(0.0, max(pipeline.execute()) / 1000)

    def waits(self, keys: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Return for each key the seconds until it is not blocked, and the seconds until its next free slot.

        Nothing is acquired. All keys together take one round trip.
        """
        names = list(keys)
        with _redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for key in names:
                pipeline.pttl(_name("hold", key))
                pipeline.get(_name("pace", key))
            (seconds, microseconds), *found = pipeline.execute()
        now = seconds + microseconds / 1_000_000
        blocks, slots = found[::2], found[1::2]
        return {
            key: (max(0.0, block / 1000), max(0.0, float(slot or 0) - now))
            for key, block, slot in zip(names, blocks, slots, strict=True)
        }

    def record_throttle(self, host: str, path: str) -> int:
        """Record that a path of the host is throttled. Returns the number of paths throttled since the last success.

        At most MAX_THROTTLES_KEPT are counted. The record expires after THROTTLES_KEPT_SECONDS.
        """
        limits = [MAX_THROTTLES_KEPT, THROTTLES_KEPT_SECONDS]
        with _redis_errors():
            return int(self._record_throttle(keys=[_name("strikes", host)], args=[_short(path), *limits]))

    def reset_throttles(self, host: str) -> None:
        """Delete the record of throttled paths, after a success."""
        with _redis_errors():
            self._redis.delete(_name("strikes", host))

    def get(self, name: str) -> str | None:
        """Return the text that was cached under this name, or None."""
        with _redis_errors():
            text = self._redis.get(PREFIX + _short(name))
        return text.decode() if isinstance(text, bytes) else None

    def set(self, name: str, text: str, seconds: int) -> None:
        """Cache a text for this many seconds."""
        with _redis_errors():
            self._redis.set(PREFIX + _short(name), text, ex=seconds)


class CommandRateLimiter:
    """The rate limiter of one command while Redis is unavailable: a pause before each request.

    Cached texts live as long as the command.
    """

    def __init__(self) -> None:
        self._blocked_until: dict[str, float] = {}
        self._texts: dict[str, str] = {}

    def is_available(self) -> bool:
        """Return True, because it needs no server."""
        return True

    def acquire_slot(self, _key: str, interval: float, max_wait: float) -> float:
        """Return the pause before the next request, or a negative number if it exceeds ``max_wait``."""
        return interval if interval <= max_wait else -interval

    def block(self, key: str, seconds: float) -> None:
        """Block a key for this many seconds."""
        self._blocked_until[key] = time.monotonic() + seconds

    def blocked_for(self, *keys: str) -> float:
        """Return the seconds until none of these keys is blocked; 0 if none is."""
        return max(0.0, max(self._blocked_until.get(key, 0.0) for key in keys) - time.monotonic())

    def waits(self, keys: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Return for each key the seconds until it is not blocked, and 0: a command has no queue."""
        return {key: (self.blocked_for(key), 0.0) for key in keys}

    def record_throttle(self, _host: str, _path: str) -> int:
        """Return 1: a command reads few boards, so it blocks each board and never the whole host."""
        return 1

    def reset_throttles(self, _host: str) -> None:
        """Do nothing, because nothing is recorded."""

    def get(self, name: str) -> str | None:
        """Return the text that was cached under this name, or None."""
        return self._texts.get(name)

    def set(self, name: str, text: str, _seconds: int) -> None:
        """Cache a text."""
        self._texts[name] = text


def _name(kind: str, key: str) -> str:
    return f"{PREFIX}{kind}:{_short(key)}"


def _short(key: str) -> str:
    """Return a key of bounded length, the same for the same key."""
    return key if len(key) <= MAX_KEY_LENGTH else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise RateLimiterUnavailable from error
