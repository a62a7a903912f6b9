"""Passwords, hashed by argon2id with the minimum parameters of OWASP's Password Storage Cheat Sheet.

The Unicode normalization form C is hashed (NIST SP 800-63B, 3.1.1.2): keyboards differ in how they compose an "é".
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.concurrency.compute_pool import HASHING_POOL
from app.text import canonical

# A verification uses 19 MiB of memory; a web process runs two at a time.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$NOSIqQgzzHDPryvTwAnkNQ$KhpE2MInqCR0gf6tZ9ThXYTy2O9iUV43+KBlsbj6jNQ"
"""The hash to verify against if the user has no password, so that the response takes as long."""


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return HASHING_POOL.run(HASHER.hash, canonical(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether this is the password. Takes the same time if there is no hash to verify against.

    Earlier versions hashed a password as it was typed. So a password that normalization changes is also verified as it
    is, whether the user exists or not.
    """
    forms = dict.fromkeys([canonical(password), password])
    return any(_matches(password_hash, form) for form in forms)


def _matches(password_hash: str | None, form: str) -> bool:
    try:
        return HASHING_POOL.run(HASHER.verify, password_hash or DUMMY_HASH, form) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
