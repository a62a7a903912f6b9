"""Limits on trying passwords and on detecting boards: how often, and how many at a time."""

import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Iterator
from functools import wraps
from threading import BoundedSemaphore
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
from app.services.companies.errors import DetectionBusy

log = structlog.get_logger(__name__)

BY_ADDRESS = parse("30 per 5 minutes")
"""More than an office behind one address needs; far less than guessing does."""

BY_ACCOUNT = parse("10 per 5 minutes")
"""A person who mistypes a few times never notices it."""

DETECTS = parse("30 per minute")
"""By user: a person pastes slower, and no list of guessed names gets far."""

MAX_DETECTIONS = 4
"""In a process at a time; each may take a minute, and 4 MB for a page."""

REDIS_PAUSE = 5.0
"""Seconds for which a Redis that does not answer is left alone."""

Limits = Iterator[tuple[RateLimitItem, str, str]]


class PasswordRateLimits:
    """Counts tries in Redis, for all processes; while Redis is away, each process counts for itself."""

    def __init__(self, settings: Settings) -> None:
        # A Redis that hangs costs one sign-in half a second, and then none for REDIS_PAUSE.
        options: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
        storage = storage_from_string(
            settings.rate_limit_storage_url, key_prefix="job-ingestion:tries", wrap_exceptions=True, **options
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def check(self, limit: RateLimitItem, *names: str) -> None:
        """Count a try. Raises TooManyRequests if it is one too many, which does not count then."""
        counter, allowed = self._hit(limit, *names)
        if allowed:
            return
        try:
            seconds = counter.get_window_stats(limit, *names).reset_time - time.time()
        except StorageError:
            seconds = limit.get_expiry()
        raise TooManyRequests(max(1, int(seconds)))

    def reset(self) -> None:
        """Forget what this process has counted for itself, and that Redis was away."""
        self._own.storage.reset()
        self._away_until = 0.0

    def _hit(self, limit: RateLimitItem, *names: str) -> tuple[MovingWindowRateLimiter, bool]:
        if time.monotonic() >= self._away_until:
            try:
                allowed = self._shared.hit(limit, *names)
            except StorageError as error:
                log.warning("tries are counted by this process alone", reason=str(error))
                self._away_until = time.monotonic() + REDIS_PAUSE
            else:
                if self._away_until:
                    self.reset()
                return self._shared, allowed
        return self._own, self._own.hit(limit, *names)


def init_app(app: Flask) -> None:
    """Make the counter of tries, and bound the detections of boards."""
    app.extensions["tries"] = PasswordRateLimits(app.config["SETTINGS"])
    app.extensions["detect_slots"] = BoundedSemaphore(MAX_DETECTIONS)


def password_tries(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that is given a password; what is too much is a 429 with Retry-After.

    The address comes first: what it is refused for does not count against the account, which is somebody else's.
    """

    def limits() -> Limits:
        yield BY_ADDRESS, "address", _address()
        yield BY_ACCOUNT, "account", _account()

    return _limited(handler, limits)


def limits_detection(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that asks other servers, by user; what is too much is a 429, and no free slot a 503 (Busy)."""

    def limits() -> Limits:
        yield DETECTS, "detect", f"user {current_user_id()}"

    @wraps(handler)
    def slotted(*args: Any, **kwargs: Any) -> Any:
        slots = current_app.extensions["detect_slots"]
        if not slots.acquire(blocking=False):
            raise DetectionBusy("Too many boards are being looked at; try again in a moment.")
        try:
            return handler(*args, **kwargs)
        finally:
            slots.release()

    return _limited(slotted, limits)


def _limited(handler: Callable[..., Any], limits: Callable[[], Limits]) -> Callable[..., Any]:
    @wraps(handler)
    def limited(*args: Any, **kwargs: Any) -> Any:
        for limit, scope, name in limits():
            current_app.extensions["tries"].check(limit, scope, name)
        return handler(*args, **kwargs)

    return limited


def _address() -> str:
    """The peer's address; of an IPv6 one the half that is not its own to choose."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _account() -> str:
    """Return the key of the signed-in user, else of the account that is tried, which need not exist.

    As a keyed hash: neither Redis nor the log need know who signs in.
    """
    account = f"user {g.user_id}" if "user_id" in g else f"email {_given_email()}"
    key = (current_app.config["SECRET_KEY"] or "").encode()
    return hmac.new(key, account.encode(errors="replace"), hashlib.sha256).hexdigest()


def _given_email() -> str:
    try:
        given: Any = request.get_json(silent=True)
    except RecursionError:
        given = None
    email = given.get("email") if isinstance(given, dict) else None
    return email.strip().lower() if isinstance(email, str) else ""
