"""Rate limits on password attempts and on the detection of boards."""

import hashlib
import hmac
import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from threading import Lock
from typing import Any

import structlog
from flask import Flask, current_app, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from app.api.auth.current_user import current_user_id
from app.api.auth.errors import TooManyRequests
from app.config.settings import Settings
from app.services.accounts.users import normalize_email
from app.services.companies.errors import DetectionBusy, TooManyDetections

log = structlog.get_logger(__name__)

PASSWORDS_PER_IP = parse("30 per 5 minutes")
"""Enough for an office behind one IP address, too few for guessing passwords."""

PASSWORDS_PER_ACCOUNT = parse("10 per 5 minutes")
"""A user who mistypes a few times stays below this."""

DETECTIONS_PER_USER = parse("30 per minute")
"""More than a user can paste, too few for guessing board names."""

IPV6_PREFIX = 56
"""The bits of an IPv6 address that count as one client. Providers assign a /56 or a /48 to a customer."""

MAX_DETECTIONS = 4
"""Simultaneous detections of a process; each may take a minute and 4 MB for a page."""

MAX_DETECTIONS_PER_USER = 2
"""Simultaneous detections of one user in a process. One user alone cannot hold all slots."""

REDIS_RETRY_SECONDS = 5.0
"""Seconds for which Redis is not used after a failure."""

AttemptLimit = tuple[RateLimitItem, str, str]
"""A limit, its scope, and the name that it counts."""


class AttemptLimiter:
    """A counter of attempts in Redis, shared by all processes.

    While Redis is unavailable, each process counts alone.
    """

    def __init__(self, settings: Settings) -> None:
        # A Redis that hangs delays one sign-in by half a second, and then none for REDIS_RETRY_SECONDS.
        options: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
        storage = storage_from_string(
            settings.rate_limit_storage_url, key_prefix="job-ingestion:tries", wrap_exceptions=True, **options
        )
        self._in_redis = MovingWindowRateLimiter(storage)
        self._redis_retry_at = 0.0

    @cached_property
    def _in_process(self) -> MovingWindowRateLimiter:
        """The limiter of this process.

        Created on first use: its storage starts a timer, which must not run before the fork.
        """
        return MovingWindowRateLimiter(MemoryStorage())

    def check(self, limit: RateLimitItem, *names: str) -> None:
        """Count an attempt. Raises TooManyRequests above the limit; a refused attempt does not count."""
        limiter, allowed = self._hit(limit, *names)
        if allowed:
            return
        try:
            seconds = limiter.get_window_stats(limit, *names).reset_time - time.time()
        except StorageError:
            seconds = limit.get_expiry()
        raise TooManyRequests(max(1, int(seconds)))

    def reset(self) -> None:
        """Forget this process's own counts, and that Redis failed."""
        self.__dict__.pop("_in_process", None)
        self._redis_retry_at = 0.0

    def _hit(self, limit: RateLimitItem, *names: str) -> tuple[MovingWindowRateLimiter, bool]:
        if time.monotonic() >= self._redis_retry_at:
            try:
                allowed = self._in_redis.hit(limit, *names)
            except StorageError as error:
                log.warning("redis unavailable, rate limits are per process", reason=str(error))
                self._redis_retry_at = time.monotonic() + REDIS_RETRY_SECONDS
            else:
                if self._redis_retry_at:
                    self.reset()
                return self._in_redis, allowed
        return self._in_process, self._in_process.hit(limit, *names)


class DetectionSlots:
    """The slots of a process for detections. A request that gets none is refused at once."""

    def __init__(self) -> None:
        self._used: Counter[int] = Counter()
        self._lock = Lock()

    @contextmanager
    def hold(self, user_id: int) -> Iterator[None]:
        """Hold a slot of this user during the block. Raises TooManyDetections, DetectionBusy."""
        with self._lock:
            if self._used[user_id] >= MAX_DETECTIONS_PER_USER:
                raise TooManyDetections
            if self._used.total() >= MAX_DETECTIONS:
                raise DetectionBusy("The server is busy checking other job boards. Try again in a moment.")
            self._used[user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._used[user_id] -= 1
                self._used += Counter()  # forgets users without a slot


def init_app(app: Flask) -> None:
    """Create the attempt limiter, and the slots for detections."""
    app.extensions["attempt_limiter"] = AttemptLimiter(app.config["SETTINGS"])
    app.extensions["detection_slots"] = DetectionSlots()


def limit_address_attempts(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit the requests of an IP address to a handler that verifies a password. Raises TooManyRequests.

    Place it above the handler's schema, so that malformed bodies count too.
    """
    return _limited(handler, lambda *_: (PASSWORDS_PER_IP, "address", _client_ip()))


def limit_account_attempts(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit the attempts on one account by a handler that verifies a password. Raises TooManyRequests.

    Place it below the handler's schema: it reads the validated body. The IP address was checked before that. So
    requests that are malformed, or come from a refused address, do not count against the account, which may be
    another person's.
    """
    return _limited(handler, lambda body: (PASSWORDS_PER_ACCOUNT, "account", _account_key(body)))


def limit_detections(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that sends requests to other servers.

    Raises TooManyRequests; TooManyDetections if the user has no slot left; DetectionBusy if the process has none.
    """

    @wraps(handler)
    def with_slot(*args: Any, **kwargs: Any) -> Any:
        with current_app.extensions["detection_slots"].hold(current_user_id()):
            return handler(*args, **kwargs)

    return _limited(with_slot, lambda *_: (DETECTIONS_PER_USER, "detect", f"user {current_user_id()}"))


def _limited(handler: Callable[..., Any], limit_of: Callable[..., AttemptLimit]) -> Callable[..., Any]:
    @wraps(handler)
    def limited(*args: Any, **kwargs: Any) -> Any:
        current_app.extensions["attempt_limiter"].check(*limit_of(*args))
        return handler(*args, **kwargs)

    return limited


def _client_ip() -> str:
    """Return the client's IP address; of IPv6 only its first IPV6_PREFIX bits: clients choose the rest themselves."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _account_key(body: dict[str, Any]) -> str:
    """Return the key of the signed-in user, else of the e-mail address in the body, which need not exist.

    The key is a keyed hash, so that neither Redis nor the log holds the e-mail address.
    """
    account = f"user {g.user_id}" if "user_id" in g else f"email {normalize_email(body['email'])}"
    key = (current_app.config["SECRET_KEY"] or "").encode()
    return hmac.new(key, account.encode(), hashlib.sha256).hexdigest()
