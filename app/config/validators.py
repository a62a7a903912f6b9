"""Validators of settings, with a sentence for each fault."""

import ipaddress
import re
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from environs import Env, ValidationError, validate
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DEFAULT_PORTS = {"http": 80, "https": 443}

MIN_SECRET_KEY_LENGTH = 32
MIN_DISTINCT_CHARACTERS = 8
MIN_REPEATED_CHARACTERS = 8
"""A random key of hexadecimal digits ends with as many of its first ones in 1 of 4,000,000,000 cases."""

PLACEHOLDER_WORDS = ("changeme", "changethis", "replaceme", "insecure", "supersecret", "yoursecret", "topsecret")
"""Words in the example keys of documentation, which are meant to be replaced."""

WELL_KNOWN_SECRET_KEYS = ("192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",)
"""Keys printed in documentation (this one in Flask's); anyone could sign with them."""


def read_number(env: Env, name: str, default: int, low: int, high: int) -> int:
    """Read an integer from ``low`` to ``high``."""
    sentence = f"{name} must be a whole number from {low} to {high}."
    read = partial(env.int, error_messages={"invalid": sentence})
    return read(name, default, validate=validate.Range(low, high, error=sentence))


def read_choice(env: Env, name: str, default: str, words: tuple[str, ...]) -> str:
    """Read a value that must be one of ``words``."""
    return env.str(name, default, validate=validate.OneOf(words, error=f"{name} must be one of: {', '.join(words)}."))


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Return whether this is a loopback address or ``localhost``; no other name counts."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def check_host(host: str) -> None:
    """Check an address to listen on. Raises ValidationError."""
    if host.lower() != "localhost":
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise ValidationError(f"HOST must be an IP address or localhost, not {host!r}.") from error


def check_database_url(url: str) -> None:
    """Check that a URL is empty, or a PostgreSQL URL that psycopg accepts. Raises ValidationError."""
    try:
        if url:
            make_conninfo(**connect_arguments(with_driver(url)))
    except (ArgumentError, ValueError, ProgrammingError) as error:
        raise ValidationError("DATABASE_URL must look like postgresql://user:password@host:5432/name.") from error


def connect_arguments(url: str) -> dict[str, Any]:
    """Return the URL as psycopg's keyword arguments. Raises ArgumentError or ValueError.

    Pass them one by one, not as a URL: SQLAlchemy writes a blank in a URL as "+", which libpq does not decode.
    """
    address: URL = make_url(url)
    if address.get_backend_name() != "postgresql":
        raise ValueError(f"{address.drivername} is not PostgreSQL")
    parts = {**address.query, **address.translate_connect_args(username="user", database="dbname")}
    return {name: str(value) for name, value in parts.items()}


def with_driver(url: str) -> str:
    """Replace the scheme of a PostgreSQL URL, whatever driver it names, by psycopg's."""
    scheme, separator, rest = url.partition("://")
    is_postgresql = scheme.partition("+")[0] in ("postgres", "postgresql")
    return f"postgresql+psycopg://{rest}" if separator and is_postgresql else url


def check_redis_url(url: str) -> None:
    """Check that a URL is empty, or a Redis URL that kombu accepts. Raises ValidationError."""
    parts = _split_url(url)
    database = parts.path.strip("/")
    server = parts.scheme in ("redis", "rediss") and parts.hostname and (database.isdecimal() or not database)
    if url and not server and not (parts.scheme == "redis+socket" and parts.path):
        raise ValidationError("REDIS_URL must look like redis://:password@host:6379/0 (or rediss:// for TLS).")


def rate_limit_storage_url(redis_url: str) -> str:
    """Return the same Redis URL in the notation of the library ``limits``."""
    if not redis_url.startswith("redis+socket:"):
        return redis_url
    address, _, query = redis_url.partition("?")
    database = parse_qs(query).get("virtual_host", ["0"])[0]
    return f"{address.replace('redis+socket:', 'redis+unix:', 1)}?db={database}"


def check_contact(contact: str) -> None:
    """Check that a text can be part of an HTTP header. Raises ValidationError."""
    if not contact.isascii() or not contact.isprintable() or set("()") & set(contact):
        raise ValidationError("CONTACT must be an e-mail or web address.")


def check_public_url(url: str) -> None:
    """Check that a URL is empty, or only scheme, host and port. Raises ValidationError."""
    parts = _split_url(url)
    extras = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if url and (parts.scheme not in DEFAULT_PORTS or not parts.hostname or extras):
        raise ValidationError("PUBLIC_URL must look like https://jobs.example.org, without a path.")


def normalize_origin(url: str) -> str:
    """Return a URL as browsers write it in Origin: lower case, without a path, without the default port."""
    parts = _split_url(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _split_url(url: str) -> SplitResult:
    """Split a URL. If that is impossible, return an empty URL, which every check refuses."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else urlsplit("")
    except ValueError:
        return urlsplit("")


def is_weak_key(key: str) -> bool:
    """Return whether a key is short, repetitive, a sequence, published in documentation, or a placeholder."""
    return (
        len(key) < MIN_SECRET_KEY_LENGTH
        or len(set(key)) < MIN_DISTINCT_CHARACTERS
        or _repeats(key.lower())
        or _counts(key.lower())
        or key.lower() in WELL_KNOWN_SECRET_KEYS
        or any(word in re.sub(r"[\W_]", "", key.lower()) for word in PLACEHOLDER_WORDS)
    )


def _repeats(key: str) -> bool:
    """Return whether the key is a shorter block, repeated; the last repetition may be cut short."""
    return any(key.startswith(key[block:]) for block in range(1, len(key) - MIN_REPEATED_CHARACTERS + 1))


def _counts(key: str) -> bool:
    """Return whether most characters are followed by the next or previous one of their alphabet, as in 0123 or zyx."""
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return any(steps.count(step) > len(steps) / 2 for step in (1, -1))
