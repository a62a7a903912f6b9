"""What the values of settings must look like, and the sentences for those that do not."""

import ipaddress
import re
from functools import lru_cache, partial
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
PLACEHOLDER_WORDS = ("changeme", "changethis", "replaceme", "insecure", "supersecret", "yoursecret", "topsecret")
"""What keys say that were written to be replaced, in examples everywhere."""

WELL_KNOWN_SECRET_KEYS = ("192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",)
"""Keys printed in documentation, this one in Flask's; what everybody can read signs nothing."""


def read_number(env: Env, name: str, default: int, low: int, high: int) -> int:
    """Read a whole number within bounds."""
    sentence = f"{name} must be a whole number from {low} to {high}."
    read = partial(env.int, error_messages={"invalid": sentence})
    return read(name, default, validate=validate.Range(low, high, error=sentence))


def read_choice(env: Env, name: str, default: str, words: tuple[str, ...]) -> str:
    """Read one of these words."""
    return env.str(name, default, validate=validate.OneOf(words, error=f"{name} must be one of: {', '.join(words)}."))


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether this address or name means the machine itself; a name other than localhost does not."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def check_host(host: str) -> None:
    """Raises ValidationError unless this is an address to listen on."""
    if host.lower() != "localhost":
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise ValidationError(f"HOST must be an IP address or localhost, not {host!r}.") from error


def check_database_url(url: str) -> None:
    """Raises ValidationError unless this is empty or a PostgreSQL that psycopg can be asked for."""
    try:
        if url:
            make_conninfo(**connect_arguments(with_driver(url)))
    except (ArgumentError, ValueError, ProgrammingError) as error:
        raise ValidationError("DATABASE_URL must look like postgresql://user:password@host:5432/name.") from error


def connect_arguments(url: str) -> dict[str, Any]:
    """What psycopg is told. Part by part, because as one string SQLAlchemy writes a blank as "+", which libpq does not
    read as one. Raises ArgumentError or ValueError."""
    address: URL = make_url(url)
    if address.get_backend_name() != "postgresql":
        raise ValueError(f"{address.drivername} is not PostgreSQL")
    parts = {**address.query, **address.translate_connect_args(username="user", database="dbname")}
    return {name: str(value) for name, value in parts.items()}


def with_driver(url: str) -> str:
    """Name psycopg, whichever name or driver of PostgreSQL was given."""
    scheme, separator, rest = url.partition("://")
    ours = scheme.partition("+")[0] in ("postgres", "postgresql")
    return f"postgresql+psycopg://{rest}" if separator and ours else url


def check_redis_url(url: str) -> None:
    """Raises ValidationError unless this is empty or a Redis that kombu can be asked for."""
    parts = _split_url(url)
    database = parts.path.strip("/")
    server = parts.scheme in ("redis", "rediss") and parts.hostname and (database.isdecimal() or not database)
    if url and not server and not (parts.scheme == "redis+socket" and parts.path):
        raise ValidationError("REDIS_URL must look like redis://:password@host:6379/0 (or rediss:// for TLS).")


def rate_limit_storage_url(redis_url: str) -> str:
    """The same Redis as the rate limiter's library writes it."""
    if not redis_url.startswith("redis+socket:"):
        return redis_url
    address, _, query = redis_url.partition("?")
    database = parse_qs(query).get("virtual_host", ["0"])[0]
    return f"{address.replace('redis+socket:', 'redis+unix:', 1)}?db={database}"


def check_contact(contact: str) -> None:
    """Raises ValidationError unless this can stand in a header."""
    if not contact.isascii() or not contact.isprintable() or set("()") & set(contact):
        raise ValidationError("CONTACT must be an e-mail or web address.")


def check_public_url(url: str) -> None:
    """Raises ValidationError unless this is empty or scheme, name and port of a web address."""
    parts = _split_url(url)
    extras = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if url and (parts.scheme not in DEFAULT_PORTS or not parts.hostname or extras):
        raise ValidationError("PUBLIC_URL must look like https://jobs.example.org, without a path.")


def normalize_origin(url: str) -> str:
    """An address as a browser writes it in Origin: lower case, without a path and without the scheme's own port."""
    parts = _split_url(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _split_url(url: str) -> SplitResult:
    """Split an address; one that cannot even be split comes back empty, which no check accepts."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else urlsplit("")
    except ValueError:
        return urlsplit("")


def is_weak_key(key: str) -> bool:
    """Whether a key is short, monotonous, known to everybody, or was only ever meant to be replaced."""
    return (
        len(key) < MIN_SECRET_KEY_LENGTH
        or len(set(key)) < MIN_DISTINCT_CHARACTERS
        or key.lower() in WELL_KNOWN_SECRET_KEYS
        or any(words in re.sub(r"[\W_]", "", key.lower()) for words in PLACEHOLDER_WORDS)
    )
