"""How often a password may be tried and boards be looked for, and how many at once."""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

from flask import Flask, current_app, g, request

from app.api.identity import current_user_id
from app.errors import Busy
from app.extensions import limiter

BY_ADDRESS = "30 per 5 minutes"
"""More than an office behind one address needs; far less than guessing does."""

BY_ACCOUNT = "10 per 5 minutes"
"""Who mistypes a few times never notices it."""


MAX_DETECTIONS = 4
"""In a process at a time; each may take a minute, and 4 MB for a page."""

DETECTS = "30 per minute"
"""By user: a person pastes slower, and no list of guessed names gets far."""

MARK = "is_limited"


def password_tries(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that is given a password; what is too much is a 429 with Retry-After.

    The address comes first: what it is refused for does not count against the account, which is somebody else's.
    """
    by_address = limiter.shared_limit(BY_ADDRESS, scope="address", key_func=_address)
    by_account = limiter.shared_limit(BY_ACCOUNT, scope="account", key_func=_account)
    return _marked(by_account(by_address(handler)))


def init_app(app: Flask) -> None:
    """Bind the limiter, and bound the detections of boards."""
    limiter.init_app(app)
    app.extensions["detect_slots"] = BoundedSemaphore(MAX_DETECTIONS)


def detects(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that asks other servers, by user; what is too much is a 429, and no free slot a 503 (Busy)."""

    @wraps(handler)
    def slotted(*args: Any, **kwargs: Any) -> Any:
        slots = current_app.extensions["detect_slots"]
        if not slots.acquire(blocking=False):
            raise Busy("Too many boards are being looked at; try again in a moment.")
        try:
            return handler(*args, **kwargs)
        finally:
            slots.release()

    return _marked(limiter.limit(DETECTS, key_func=lambda: f"user {current_user_id()}")(slotted))


@limiter.request_filter
def is_unlimited() -> bool:
    """Exempt requests without a limit: while Redis is away, flask-limiter pings it in whatever request comes next."""
    return not getattr(current_app.view_functions[request.endpoint or ""], MARK, False)


def _marked(limited: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a handler for ``is_unlimited``; decorators around it keep the mark (functools.wraps)."""
    setattr(limited, MARK, True)
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
    """Who is signed in, else the account that is asked for, whether there is one or not.

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
