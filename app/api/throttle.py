"""How often a password may be tried: by address and by account, over all web processes."""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from typing import Any

from flask import current_app, g, request

from app.extensions import limiter

BY_ADDRESS = "30 per 5 minutes"
"""More than an office behind one address needs; far less than guessing does."""

BY_ACCOUNT = "10 per 5 minutes"
"""Who mistypes a few times never notices it."""


def password_tries(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that is given a password; what is too much is a 429 with Retry-After.

    The address comes first: what it is refused for does not count against the account, which is somebody else's.
    """
    by_address = limiter.shared_limit(BY_ADDRESS, scope="address", key_func=_address)
    by_account = limiter.shared_limit(BY_ACCOUNT, scope="account", key_func=_account)
    limited: Callable[..., Any] = by_account(by_address(handler))
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
