"""Passwords by argon2id, with the least parameters that OWASP's password storage cheat sheet recommends."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 19 MiB a verification: sixteen threads at once take 300 MiB, not a gigabyte as with the library's defaults.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$NOSIqQgzzHDPryvTwAnkNQ$KhpE2MInqCR0gf6tZ9ThXYTy2O9iUV43+KBlsbj6jNQ"
"""What is compared with where there is no password, for the time that it takes."""


def hash_password(password: str) -> str:
    """The hash to keep. Changes nothing."""
    return HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. It takes the same time where there is none to compare with. Changes nothing."""
    try:
        return HASHER.verify(password_hash or NOBODYS_HASH, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
