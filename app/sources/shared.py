"""What all processes share about hosts, in Redis: when each may be asked next, and what its robots.txt says.

Nothing here is worth keeping: without Redis each process paces itself, and is polite on its own.
"""

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar
from urllib.parse import parse_qs

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

STRIKES_KEPT_SECONDS = 60

PREFIX = "job-ingestion:sources:"

RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = due - now
if wait > tonumber(ARGV[2]) then return tostring(-wait) end
local keep = math.ceil((wait + tonumber(ARGV[1])) * 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.6f', due + tonumber(ARGV[1])), 'PX', keep)
return tostring(wait)
"""
"""Takes the host's next free moment, all in one step, so that no two callers get the same one; by Redis's clock, the
only one that all machines share. The answer is the wait in seconds; if it would be too long, it is negative and nothing
was taken."""


def connect(redis_url: str) -> "redis.Redis":
    """A client that costs a second at most when Redis hangs. It connects when it is first asked."""
    # Celery writes the address of a socket in another way.
    address, _, query = redis_url.partition("?")
    if address.startswith("redis+socket:"):
        database = parse_qs(query).get("virtual_host", ["0"])[0]
        redis_url = f"{address.replace('redis+socket:', 'unix:', 1)}?db={database}"
    once_more = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=once_more)


class Shared:
    """Paces and a small cache, by Redis while it answers, else by this process alone."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._reserve = client.register_script(RESERVE)
        self._lock = Lock()
        self._alone = False
        self._due: dict[str, float] = {}
        self._kept: dict[str, tuple[float, str]] = {}
        self._strikes: dict[str, set[str]] = {}
        self._held: dict[str, float] = {}

    def reserve(self, host: str, pace_seconds: float, most_seconds: float) -> float:
        """Take the host's next free moment; returns how long to wait for it, in seconds.

        A negative number: it would be that long, which is more than ``most_seconds``, and nothing was taken.
        """
        key = f"{PREFIX}pace:{host}"
        return self._ask(
            lambda: float(self._reserve(keys=[key], args=[pace_seconds, most_seconds])),
            lambda: self._reserve_here(host, pace_seconds, most_seconds),
        )

    def hold(self, name: str, seconds: float) -> None:
        """Keep every process off this host or board for so long."""
        key, milliseconds = f"{PREFIX}hold:{name}", math.ceil(seconds * 1000)

        def there() -> None:
            # Only ever longer: of two answers the one that asks for more is heard.
            self._redis.set(key, 1, px=milliseconds, nx=True)
            self._redis.pexpire(key, milliseconds, gt=True)

        self._ask(there, lambda: self._held.update({name: max(self._held.get(name, 0.0), time.monotonic() + seconds)}))

    def held(self, *names: str) -> float:
        """For how many seconds one of these is still to be kept off; 0 if none is."""

        def there() -> float:
            with self._redis.pipeline(transaction=False) as together:
                for name in names:
                    together.pttl(f"{PREFIX}hold:{name}")
                return max(0.0, max(together.execute()) / 1000)

        return self._ask(there, lambda: max(0.0, max(self._held.get(name, 0.0) for name in names) - time.monotonic()))

    def strike(self, host: str, place: str) -> int:
        """Note that a place on the host wants fewer requests; returns how many places did so in a row."""
        name = f"{PREFIX}strikes:{host}"

        def there() -> int:
            with self._redis.pipeline() as together:
                together.sadd(name, place)
                together.expire(name, STRIKES_KEPT_SECONDS)
                together.scard(name)
                return int(together.execute()[-1])

        return self._ask(there, lambda: self._strike_here(host, place))

    def forgive(self, host: str) -> None:
        """The row is interrupted."""
        self._ask(lambda: self._redis.delete(f"{PREFIX}strikes:{host}"), lambda: self._strikes.pop(host, None))

    def recall(self, name: str) -> str | None:
        """What was kept under this name and is not too old, or None."""
        return self._ask(lambda: _text(self._redis.get(PREFIX + name)), lambda: self._recall_here(name))

    def keep(self, name: str, text: str, seconds: int) -> None:
        """Keep a text for so long."""
        self._ask(
            lambda: self._redis.set(PREFIX + name, text, ex=seconds),
            lambda: self._kept.__setitem__(name, (time.monotonic() + seconds, text)),
        )

    def _ask(self, there: Callable[[], Result], here: Callable[[], Result]) -> Result:
        try:
            result = there()
        except redis.RedisError as error:
            if not self._alone:
                log.warning("hosts are paced by this process alone", reason=str(error))
            self._alone = True
            return here()
        self._alone = False
        return result

    def _reserve_here(self, host: str, pace_seconds: float, most_seconds: float) -> float:
        with self._lock:
            now = time.monotonic()
            due = max(now, self._due.get(host, 0.0))
            if due - now > most_seconds:
                return now - due
            self._due[host] = due + pace_seconds
            return due - now

    def _strike_here(self, host: str, place: str) -> int:
        with self._lock:
            self._strikes.setdefault(host, set()).add(place)
            return len(self._strikes[host])

    def _recall_here(self, name: str) -> str | None:
        until, text = self._kept.get(name, (0.0, ""))
        return text if until > time.monotonic() else None


def _text(value: object) -> str | None:
    return value.decode() if isinstance(value, bytes) else None
