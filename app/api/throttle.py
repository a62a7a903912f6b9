"""How often a password may be tried: by address and by account, over all web processes."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import g, request

from app.extensions import limiter

BY_ADDRESS = "30 per 5 minutes"
"""More than an office behind one address needs; far less than guessing does."""

BY_ACCOUNT = "10 per 5 minutes"
"""Who mistypes a few times never notices it."""


def password_tries(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler that is given a password; what is too much is a 429 with Retry-After."""
    by_account = limiter.shared_limit(BY_ACCOUNT, scope="account", key_func=_account)
    by_address = limiter.shared_limit(BY_ADDRESS, scope="address", key_func=_address)
    limited: Callable[..., Any] = by_address(by_account(handler))
    return limited


def _address() -> str:
    return request.remote_addr or "unknown"


def _account() -> str:
    """The account that is asked for, whether there is one or not; hashed, as Redis need not know who signs in."""
    given: Any = request.get_json(silent=True)
    named = given.get("email") if isinstance(given, dict) else None
    account = named.strip().lower() if isinstance(named, str) else f"user {g.get('user_id')}"
    return hashlib.sha256(account.encode(errors="replace")).hexdigest()
