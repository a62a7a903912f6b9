"""Settings from the environment: read and checked once at start, with all faults reported together."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environs import Env, EnvValidationError

from app.config.board_times import DAY, HOUR, BoardTimes
from app.config.validators import (
    MIN_SECRET_KEY_LENGTH,
    check_contact,
    check_database_url,
    check_host,
    check_public_url,
    check_redis_url,
    is_loopback,
    is_weak_key,
    normalize_origin,
    rate_limit_storage_url,
    read_choice,
    read_number,
    with_driver,
)
from app.db.engine import SPARE_CONNECTIONS, engine_options
from app.embedded.postgres import database_url as embedded_database_url
from app.embedded.redis import redis_url as embedded_redis_url

PROJECT = Path(__file__).resolve().parents[2]

MAX_BODY_BYTES = 64 * 1024
"""Larger request bodies are refused with 413. The largest legitimate one is a company with all its filters."""

MAX_IMPORT_BYTES = 16 * 1024 * 1024
"""The same limit for an import of companies; no export is larger (``app/schemas/companies.py``)."""

BOARD_THREADS = 8
"""Boards that one process of a reader reads at a time, each in a thread that may hold a connection."""

CONNECTIONS_PER_READER = BOARD_THREADS + 1
"""Connections of one process that reads boards: one for each thread, and one that renews the leases. Threads whose
reading is over share them."""

CONNECTIONS_PER_TASK = 2
"""Connections of one process that works on runs or previews: its only thread needs one, and one is spare."""

CONNECTIONS_PER_NODE = 1
"""Connections of the main process of a worker, previewer or reader, for its heartbeats."""

CONNECTIONS_OF_RECONCILER = 3

OPERATORS_CONNECTIONS = 20
"""Connections left for commands, psql, and another worker on the same machine."""


class SettingsError(SystemExit):
    """The settings are wrong; the message has one sentence for each fault.

    gunicorn, celery and flask let a ``SystemExit`` pass. The message is printed without a stack trace, and the exit
    code is 1.
    """


@dataclass(frozen=True)
class Settings:
    """All settings of an installation; ``from_env`` defines the default and the range of each."""

    host: str
    """HOST: the address the web server listens on. With AUTH=local, it must be a loopback address."""
    port: int
    """PORT: the port the web server listens on."""
    data_dir: Path
    """DATA_DIR: the folder of the embedded PostgreSQL and Redis, with their sockets."""
    auth: str
    """AUTH: ``local`` (one user, no sign-in, this machine only) or ``accounts``."""
    secret_key: str | None
    """SECRET_KEY: signs session cookies; serving with AUTH=accounts requires 32 characters or more."""
    secret_key_fallbacks: tuple[str, ...]
    """SECRET_KEY_FALLBACKS: earlier values of SECRET_KEY, separated by commas; their signatures are still accepted."""
    database_url: str
    """DATABASE_URL: the PostgreSQL to use; the embedded one if unset."""
    redis_url: str
    """REDIS_URL: the Redis to use; the embedded one if unset."""
    embedded_database: bool
    embedded_redis: bool
    public_url: str | None
    """PUBLIC_URL: the address that users open, if not HOST:PORT; sets the trusted host and our own origin."""
    proxy_hops: int
    """PROXY_HOPS: the exact number of proxies in front; their X-Forwarded-* headers are trusted."""
    web_workers: int
    """WEB_WORKERS: the number of web processes."""
    web_database_connections: int
    """WEB_DATABASE_CONNECTIONS: PostgreSQL connections of each web process; formerly WEB_THREADS."""
    web_worker_class: str
    """WEB_WORKER_CLASS: gunicorn's worker class, ``gevent`` or ``gthread``."""
    worker_concurrency: int
    """WORKER_CONCURRENCY: the number of runs that ``make run`` carries out at a time."""
    previewer_concurrency: int
    """PREVIEWER_CONCURRENCY: the number of processes in which ``make run`` works on previews."""
    reader_concurrency: int
    """READER_CONCURRENCY: the number of processes in which ``make run`` reads boards, eight boards in each."""
    ingestion: str
    """INGESTION: ``run`` (runs are carried out) or ``noop`` (a placeholder that logs the run's id)."""
    log_format: str
    """LOG_FORMAT: ``json`` (one object per line) or ``console`` (for people; the default in a terminal)."""
    metrics_token: str | None
    """METRICS_TOKEN: the bearer token for reading /metrics and the details of /readyz from outside this machine."""
    contact: str | None
    """CONTACT: an e-mail or web address for the operators of sources, sent to them in the User-Agent header."""
    source_base_urls: str
    """SOURCE_BASE_URLS: a JSON object of base URLs that replace those of sources (``app/sources/base_urls.py``)."""
    lease_seconds: int
    """LEASE_SECONDS: the seconds after which a dead worker's board is read by another; renewed three times as often."""
    board_seconds: int
    """BOARD_SECONDS: the most seconds that one reading of a board may take."""
    fresh_seconds: int
    """FRESH_SECONDS: the age up to which a reading of a board serves others; a tenth of it after *Refresh*."""
    second_looks: bool
    """SECOND_LOOKS: ``on`` if missing postings cause a second look, ``off`` if they wait for the next reading."""
    witness_seconds: int
    """WITNESS_SECONDS: the least seconds between two readings that together close a missing posting."""
    second_look_seconds: int
    """SECOND_LOOK_SECONDS: the least seconds between two second looks at a board."""
    empty_seconds: int
    """EMPTY_SECONDS: the least seconds between the first and the third reading of a board that became empty."""
    gone_seconds: int
    """GONE_SECONDS: the least seconds between two answers that a board does not exist, if both are to count."""
    preview_seconds: int
    """PREVIEW_SECONDS: the seconds after which a preview ends, even if boards are still unread."""
    run_seconds: int
    """RUN_SECONDS: the seconds, from its begin, after which a run goes on without the boards that are still unread."""

    @classmethod
    def from_env(cls) -> "Settings":
        """Read and check the settings. Raises SettingsError with one sentence for each fault."""
        env = Env(eager=False)
        in_terminal = sys.stderr.isatty()
        values: dict[str, Any] = {
            "host": env.str("HOST", "127.0.0.1", validate=check_host),
            "port": read_number(env, "PORT", 8000, 1, 65535),
            "data_dir": Path(env.str("DATA_DIR", "") or PROJECT / "data").resolve(),
            "auth": read_choice(env, "AUTH", "accounts", ("accounts", "local")),
            "secret_key": env.str("SECRET_KEY", "") or None,
            "secret_key_fallbacks": tuple(filter(None, map(str.strip, env.str("SECRET_KEY_FALLBACKS", "").split(",")))),
            "database_url": env.str("DATABASE_URL", "", validate=check_database_url),
            "redis_url": env.str("REDIS_URL", "", validate=check_redis_url),
            "public_url": env.str("PUBLIC_URL", "", validate=check_public_url) or None,
            "proxy_hops": read_number(env, "PROXY_HOPS", 0, 0, 10),
            "web_workers": read_number(env, "WEB_WORKERS", 2, 1, 64),
            "web_database_connections": read_number(env, _web_connections_variable(), 16, 1, 128),
            "web_worker_class": read_choice(env, "WEB_WORKER_CLASS", "gevent", ("gevent", "gthread")),
            "worker_concurrency": read_number(env, "WORKER_CONCURRENCY", 2, 1, 128),
            "previewer_concurrency": read_number(env, "PREVIEWER_CONCURRENCY", 1, 1, 128),
            "reader_concurrency": read_number(env, "READER_CONCURRENCY", 2, 1, 128),
            "ingestion": read_choice(env, "INGESTION", "run", ("run", "noop")),
            "log_format": read_choice(env, "LOG_FORMAT", "console" if in_terminal else "json", ("json", "console")),
            "metrics_token": env.str("METRICS_TOKEN", "") or None,
            "contact": env.str("CONTACT", "", validate=check_contact) or None,
            "source_base_urls": env.str("SOURCE_BASE_URLS", ""),
            "lease_seconds": read_number(env, "LEASE_SECONDS", 30, 1, 600),
            "board_seconds": read_number(env, "BOARD_SECONDS", 90, 1, 900),
            "fresh_seconds": read_number(env, "FRESH_SECONDS", 600, 1, DAY),
            "second_looks": read_choice(env, "SECOND_LOOKS", "on", ("on", "off")) == "on",
            "witness_seconds": read_number(env, "WITNESS_SECONDS", HOUR, 1, 30 * DAY),
            "second_look_seconds": read_number(env, "SECOND_LOOK_SECONDS", 6 * HOUR, 1, 30 * DAY),
            "empty_seconds": read_number(env, "EMPTY_SECONDS", DAY, 1, 30 * DAY),
            "gone_seconds": read_number(env, "GONE_SECONDS", 6 * HOUR, 1, 30 * DAY),
            "preview_seconds": read_number(env, "PREVIEW_SECONDS", 900, 1, DAY),
            "run_seconds": read_number(env, "RUN_SECONDS", 900, 1, DAY),
        }
        try:
            env.seal()
        except EnvValidationError as error:
            raise SettingsError("\n".join(_messages(error))) from error
        return cls(**_with_defaults(values)).checked()

    def checked(self) -> "Settings":
        """Return these settings if they are consistent. Raises SettingsError if they are not."""
        faults = []
        if self.auth == "local" and not is_loopback(self.host):
            faults.append(f"AUTH=local serves this machine only: set HOST to 127.0.0.1, not {self.host}.")
        if self.auth == "local" and self.proxy_hops:
            faults.append("AUTH=local allows no proxy: unset PROXY_HOPS, or use AUTH=accounts.")
        if self.auth == "local" and self.public_url:
            faults.append("AUTH=local allows no public address: unset PUBLIC_URL, or use AUTH=accounts.")
        if faults:
            raise SettingsError("\n".join(faults))
        return self

    @property
    def max_connections(self) -> int:
        """The most PostgreSQL connections that the processes of ``make run`` use, and some for operators."""
        web = self.web_workers * (self.web_database_connections + SPARE_CONNECTIONS)
        worker = self.worker_concurrency * CONNECTIONS_PER_TASK + CONNECTIONS_PER_NODE
        previewer = self.previewer_concurrency * CONNECTIONS_PER_TASK + CONNECTIONS_PER_NODE
        reader = self.reader_concurrency * CONNECTIONS_PER_READER + CONNECTIONS_PER_NODE
        return web + worker + previewer + reader + CONNECTIONS_OF_RECONCILER + OPERATORS_CONNECTIONS

    @property
    def board_times(self) -> BoardTimes:
        """The times of boards. Those that have no setting of their own keep their proportion to another."""
        return BoardTimes(
            lease=self.lease_seconds,
            renew=self.lease_seconds / 3,
            snooze=min(10, self.lease_seconds / 3),
            reading=self.board_seconds,
            fresh=self.fresh_seconds,
            refresh=self.fresh_seconds / 10,
            failed=self.fresh_seconds / 10,
            reuse=24 * self.witness_seconds,
            second_looks=self.second_looks,
            witness=self.witness_seconds,
            second_look=self.second_look_seconds,
            empty=self.empty_seconds,
            gone=self.gone_seconds,
            recent=28 * self.gone_seconds,
        )

    @property
    def is_public_https(self) -> bool:
        """True if users reach the product by TLS; only then can a cookie be Secure."""
        return (self.public_url or "").startswith("https:")

    @property
    def rate_limit_storage_url(self) -> str:
        """The URL of Redis in the notation of the library ``limits``."""
        return rate_limit_storage_url(self.redis_url)

    def check_serving(self, *addresses: str) -> None:
        """Check the settings that only a web server needs. Raises SettingsError.

        ``addresses`` are those that the server listens on: gunicorn's and Flask's own options may override HOST.
        """
        if self.auth == "local" and (outside := [address for address in addresses if not is_loopback(address)]):
            raise SettingsError(f"AUTH=local serves this machine only: listen on 127.0.0.1, not on {outside[0]}.")
        keys = [self.secret_key or "", *self.secret_key_fallbacks]
        if self.auth == "accounts" and any(map(is_weak_key, keys)):
            raise SettingsError(
                "AUTH=accounts needs a SECRET_KEY (and SECRET_KEY_FALLBACKS, if set) of at least"
                f" {MIN_SECRET_KEY_LENGTH} random characters; create a key with:"
                " python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )

    def flask_config(self) -> dict[str, Any]:
        """Return the configuration of Flask and its extensions."""
        return {
            "SETTINGS": self,
            "PAGE_FOLDER": PROJECT / "frontend" / "dist",
            "SECRET_KEY": self.secret_key,
            "SECRET_KEY_FALLBACKS": list(self.secret_key_fallbacks),
            "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": engine_options(self.web_database_connections),
            "API_TITLE": "Job Ingestion",
            "API_VERSION": "1",
            "OPENAPI_VERSION": "3.1.0",
            "API_SPEC_OPTIONS": {
                "info": {"description": "Start, watch and abort ingestion runs."},
                # A session or a token; with AUTH=local neither is required.
                "security": [{"session": []}, {"token": []}, *([{}] if self.auth == "local" else [])],
            },
        }


def _web_connections_variable() -> str:
    """Return the variable that is set: WEB_DATABASE_CONNECTIONS, or its former name WEB_THREADS."""
    names = ("WEB_DATABASE_CONNECTIONS", "WEB_THREADS")
    return next((name for name in names if os.environ.get(name)), names[0])


def _messages(error: EnvValidationError) -> list[str]:
    messages: Any = error.error_messages
    return [message for faults in messages.values() for message in faults]


def _with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Fill in the embedded servers' URLs where none is given, and normalize the other URLs."""
    database, redis = values["database_url"], values["redis_url"]
    return {
        **values,
        "embedded_database": not database,
        "embedded_redis": not redis,
        "database_url": with_driver(database) if database else _embedded_url(embedded_database_url, values["data_dir"]),
        "public_url": normalize_origin(values["public_url"]) if values["public_url"] else None,
        "redis_url": redis or _embedded_url(embedded_redis_url, values["data_dir"]),
    }


def _embedded_url(make_url: Callable[[Path], str], data_dir: Path) -> str:
    try:
        return make_url(data_dir)
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR {data_dir} cannot be used ({error.strerror}): make it writable for this user,"
            " or set DATA_DIR to another folder."
        ) from error
