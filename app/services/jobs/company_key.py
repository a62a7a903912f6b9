"""The key of a board in ``jobs.company``: the same everywhere and for ever."""

from hashlib import sha256

MAX_KEY_LENGTH = 100
"""The length of the column."""

KEPT_LENGTH = 83
DIGEST_LENGTH = 16


def company_key(source: str, board: str) -> str:
    """Return ``source:board``, or its first 83 characters, ``~`` and 16 hex digits of its SHA-256 if it is too long."""
    key = f"{source}:{board}"
    if len(key) <= MAX_KEY_LENGTH:
        return key
    return f"{key[:KEPT_LENGTH]}~{sha256(key.encode()).hexdigest()[:DIGEST_LENGTH]}"
