"""Passwords by argon2id, with the least parameters that OWASP's password storage cheat sheet recommends."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.concurrency.compute_pool import HASHING_POOL

# 19 MiB a verification, two at a time in a web process.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$NOSIqQgzzHDPryvTwAnkNQ$KhpE2MInqCR0gf6tZ9ThXYTy2O9iUV43+KBlsbj6jNQ"
"""The hash compared with where there is no password, for the time that it takes."""


def hash_password(password: str) -> str:
    """Return the hash to keep. Changes nothing."""
    return HASHING_POOL.run(HASHER.hash, password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether this is the password. Changes nothing.

    It takes the same time where there is none to compare with.
    """
    try:
        return HASHING_POOL.run(HASHER.verify, password_hash or DUMMY_HASH, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
