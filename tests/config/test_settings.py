"""Settings: accepted values, and one sentence for each fault."""

import secrets
import ssl
import uuid
from dataclasses import fields, replace
from pathlib import Path

import pytest

from app.api.auth.session_cookie import cookie_name
from app.config.board_times import BoardTimes
from app.config.settings import BOARD_THREADS, CONNECTIONS_PER_TASK, PROJECT, Settings, SettingsError
from app.config.validators import is_loopback, is_weak_key
from tests.support.bare import bare_celery

GOOD_KEY = "a-key-of-more-than-thirty-two-characters"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in ("HOST", "PORT", "AUTH", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "PROXY_HOPS",
                 "WEB_WORKERS", "WEB_DATABASE_CONNECTIONS", "WEB_THREADS", "WEB_WORKER_CLASS", "WORKER_CONCURRENCY",
                 "PREVIEWER_CONCURRENCY", "READER_CONCURRENCY", "INGESTION", "LEASE_SECONDS", "BOARD_SECONDS",
                 "FRESH_SECONDS", "SECOND_LOOKS", "WITNESS_SECONDS", "SECOND_LOOK_SECONDS", "EMPTY_SECONDS",
                 "GONE_SECONDS", "PREVIEW_SECONDS", "RUN_SECONDS", "LOG_FORMAT", "METRICS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def test_defaults(tmp_path):
    found = Settings.from_env()
    assert (found.host, found.port, found.auth) == ("127.0.0.1", 8000, "accounts")
    assert found.data_dir == tmp_path / "data"
    assert (found.embedded_database, found.embedded_redis) == (True, True)
    assert (found.web_workers, found.web_database_connections, found.worker_concurrency) == (2, 16, 2)
    assert (found.previewer_concurrency, found.reader_concurrency) == (1, 2)
    assert (found.ingestion, found.run_seconds) == ("run", 900)
    assert (found.secret_key, found.public_url, found.metrics_token, found.proxy_hops) == (None, None, None, 0)
    assert (found.board_times, found.preview_seconds) == (BoardTimes(), 900)


def test_board_times_follow_their_settings_in_proportion(monkeypatch):
    seconds = {"LEASE": 3, "BOARD": 9, "FRESH": 20, "WITNESS": 4, "SECOND_LOOK": 5, "EMPTY": 6, "GONE": 1}
    for name, value in seconds.items():
        monkeypatch.setenv(f"{name}_SECONDS", str(value))
    monkeypatch.setenv("SECOND_LOOKS", "off")
    times = Settings.from_env().board_times
    assert (times.lease, times.renew, times.snooze, times.reading) == (3, 1, 1, 9)
    assert (times.fresh, times.refresh, times.failed) == (20, 2, 2)
    assert (times.witness, times.second_look, times.empty, times.gone, times.recent) == (4, 5, 6, 1, 28)
    assert (times.second_looks, times.reuse) == (False, 96)
    assert [each.name for each in fields(BoardTimes) if getattr(times, each.name) == each.default] == [
        "exhausted_attempts"
    ]


def test_board_pause_is_short_however_long_the_lease(monkeypatch):
    monkeypatch.setenv("LEASE_SECONDS", "600")
    assert Settings.from_env().board_times.snooze == 10


def test_max_connections_counts_the_processes_of_each_program(monkeypatch):
    few = Settings.from_env()
    more, busy = replace(few, reader_concurrency=5), replace(few, worker_concurrency=5)
    assert more.max_connections - few.max_connections == 3 * (BOARD_THREADS + 1)
    assert busy.max_connections - few.max_connections == 3 * CONNECTIONS_PER_TASK
    ample = replace(few, previewer_concurrency=4)
    assert ample.max_connections - few.max_connections == 3 * CONNECTIONS_PER_TASK


def test_data_dir_defaults_to_a_folder_of_the_checkout(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/name")
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/0")
    monkeypatch.delenv("DATA_DIR")
    assert Settings.from_env().data_dir == PROJECT / "data"
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    assert Settings.from_env().data_dir == Path.cwd() / "elsewhere"


def test_embedded_urls_are_stable_and_their_passwords_private(tmp_path):
    first, second = Settings.from_env(), Settings.from_env()
    assert (first.database_url, first.redis_url) == (second.database_url, second.redis_url)
    assert (tmp_path / "data" / "postgres.password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data" / "redis.password").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_database_url_replaces_the_embedded_postgres(monkeypatch, scheme):
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://u:p@db:5432/name?sslmode=require")
    found = Settings.from_env()
    assert found.database_url == "postgresql+psycopg://u:p@db:5432/name?sslmode=require"
    assert not found.embedded_database


@pytest.mark.parametrize("url", ["redis://cache:6379/0", "rediss://:p@cache:6379/1", "redis+socket:///run/redis.sock"])
def test_redis_url_replaces_the_embedded_redis(monkeypatch, url):
    monkeypatch.setenv("REDIS_URL", url)
    found = Settings.from_env()
    assert (found.redis_url, found.embedded_redis) == (url, False)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2", "nonsense"])
def test_database_url_is_used_with_our_driver(monkeypatch, driver):
    monkeypatch.setenv("DATABASE_URL", f"postgresql+{driver}://u:p@db/name")
    assert Settings.from_env().database_url == "postgresql+psycopg://u:p@db/name"


@pytest.mark.parametrize(
    ("address", "storage"),
    [
        ("redis://:p@cache:6379/1", "redis://:p@cache:6379/1"),
        ("redis+socket://:p@/run/a%20b.sock?virtual_host=2", "redis+unix://:p@/run/a%20b.sock?db=2"),
        ("redis+socket:///run/redis.sock", "redis+unix:///run/redis.sock?db=0"),
    ],
)
def test_rate_limit_storage_url_names_the_same_redis(monkeypatch, address, storage):
    monkeypatch.setenv("REDIS_URL", address)
    assert Settings.from_env().rate_limit_storage_url == storage


@pytest.mark.parametrize(
    "key",
    ["", "short", "a" * 40, "change-me-change-me-change-me-change-me", "please_change_this_before_you_serve",
     "django-insecure-0a1b2c3d4e5f6g7h8i9j0k", "supersecretkeysupersecretkeysuper", "your-secret-key-your-secret-key",
     "abcdefghabcdefghabcdefghabcdefgh", "abcdefghABCDEFGHabcdefghABCDEFGH", "0123456789abcdef" * 2,
     "k7Qz-x2Vw9_" * 3 + "k7Q", "k7Qz-x2Vw9_mB4t8Nf1k" + "k7Qz-x2Vw9_m", "0123456789abcdefghijklmnopqrstuvwxyz",
     "zyxwvutsrqponmlkjihgfedcba987654", "abcdefghijklmnopqrstuvwxyz012345"],
)
def test_secret_key_that_can_be_guessed_is_refused(monkeypatch, key):
    monkeypatch.setenv("SECRET_KEY", key)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Settings.from_env().check_serving()


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe, lambda size: str(uuid.uuid4())])
def test_random_secret_keys_are_accepted(make):
    keys = [make(size) for size in range(24, 64) for _ in range(50)]
    assert [key for key in keys if len(key) >= 32 and is_weak_key(key)] == []


def test_session_cookie_is_named_after_the_port(monkeypatch):
    names = []
    for address in ("https://jobs.example.org", "https://jobs.example.org:8443", "http://jobs.example.org", ""):
        monkeypatch.setenv("PUBLIC_URL", address)
        names.append(cookie_name(Settings.from_env()))
    assert names == ["__Host-session", "__Host-session-8443", "session-8000", "session-8000"]


@pytest.mark.parametrize("fallbacks", ["short", "a" * 40, f"{GOOD_KEY},short"])
def test_secret_key_fallbacks_refuse_a_weak_key(monkeypatch, fallbacks):
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", fallbacks)
    with pytest.raises(SettingsError, match="SECRET_KEY_FALLBACKS"):
        Settings.from_env().check_serving()


def test_redis_over_tls_requires_a_valid_certificate(settings):
    with bare_celery(replace(settings, redis_url="rediss://:p@cache:6379/0")).connection_for_write() as connection:
        assert connection.ssl["ssl_cert_reqs"] is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Jobs.Example.org/", "https://jobs.example.org"),
        ("HTTPS://jobs.example.org:443", "https://jobs.example.org"),
        ("http://jobs.example.org:8080", "http://jobs.example.org:8080"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
def test_public_url_is_normalized_as_browsers_write_it(monkeypatch, written, origin):
    monkeypatch.setenv("PUBLIC_URL", written)
    assert Settings.from_env().public_url == origin


def test_empty_urls_count_as_unset(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("REDIS_URL", "")
    assert Settings.from_env().embedded_database


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"), ("PORT", "0"), ("PORT", "65536"), ("PORT", ""), ("PORT", "80.5"),
        ("WEB_WORKERS", "0"), ("WEB_DATABASE_CONNECTIONS", "many"), ("WORKER_CONCURRENCY", "-1"), ("PROXY_HOPS", "11"),
        ("READER_CONCURRENCY", "0"), ("READER_CONCURRENCY", "129"), ("PREVIEWER_CONCURRENCY", "0"),
        ("INGESTION", "off"), ("INGESTION", ""), ("RUN_SECONDS", "0"), ("LEASE_SECONDS", "0"), ("BOARD_SECONDS", "901"),
        ("FRESH_SECONDS", "0"), ("SECOND_LOOKS", "yes"), ("SECOND_LOOKS", ""), ("WITNESS_SECONDS", "1h"),
        ("SECOND_LOOK_SECONDS", "0"), ("EMPTY_SECONDS", "-1"), ("GONE_SECONDS", "0"), ("PREVIEW_SECONDS", "86401"),
        ("WEB_THREADS", "0"), ("WEB_WORKER_CLASS", "sync"),
        ("AUTH", "none"), ("AUTH", ""), ("LOG_FORMAT", "xml"), ("HOST", "example.org"), ("HOST", ""),
        ("DATABASE_URL", "mysql://u:p@db/name"), ("DATABASE_URL", "sqlite://"), ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql://u:p@db:port/name"),
        ("REDIS_URL", "amqp://cache"), ("REDIS_URL", "cache:6379"), ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "redis://cache:port/0"),
        ("PUBLIC_URL", "jobs.example.org"), ("PUBLIC_URL", "ftp://jobs.example.org"),
        ("PUBLIC_URL", "https://jobs.example.org/app"), ("PUBLIC_URL", "https://["),
        ("PUBLIC_URL", "https://jobs.example.org/#x"), ("PUBLIC_URL", "https://u:p@jobs.example.org"),
        ("DATABASE_URL", "postgresql://u:p@db/name?foo=bar"), ("DATABASE_URL", "postgresql"),
        ("REDIS_URL", "redis://"), ("REDIS_URL", "redis://cache:6379/abc"), ("REDIS_URL", "redis+socket://"),
    ],
)
def test_bad_setting_is_reported_in_one_sentence_that_names_it(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as fault:
        Settings.from_env()
    assert str(fault.value).startswith(f"{name} must ")
    assert "\n" not in str(fault.value)


def test_faults_of_several_settings_are_reported_together(monkeypatch):
    for name in ("PORT", "WEB_WORKERS", "AUTH"):
        monkeypatch.setenv(name, "wrong")
    with pytest.raises(SettingsError) as fault:
        Settings.from_env()
    assert [line.split()[0] for line in str(fault.value).splitlines()] == ["PORT", "AUTH", "WEB_WORKERS"]


def test_settings_error_ends_a_process_with_its_sentence():
    assert issubclass(SettingsError, SystemExit)
    assert SettingsError("PORT must be.").code == "PORT must be."


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"HOST": "0.0.0.0"}, "HOST"),
        ({"HOST": "192.168.1.7"}, "HOST"),
        ({"HOST": "::"}, "HOST"),
        ({"PROXY_HOPS": "1"}, "PROXY_HOPS"),
        ({"PUBLIC_URL": "https://jobs.example.org"}, "PUBLIC_URL"),
    ],
)
def test_local_mode_refuses_settings_of_a_network(monkeypatch, settings, word):
    monkeypatch.setenv("AUTH", "local")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=word):
        Settings.from_env()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_local_mode_listens_on_loopback(monkeypatch, host):
    monkeypatch.setenv("AUTH", "local")
    monkeypatch.setenv("HOST", host)
    Settings.from_env().check_serving()


@pytest.mark.parametrize(
    "key", [None, "", "short", "a" * 64, "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"]
)
def test_accounts_mode_needs_a_strong_secret_key(monkeypatch, key):
    if key is not None:
        monkeypatch.setenv("SECRET_KEY", key)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Settings.from_env().check_serving()


def test_accounts_mode_accepts_a_strong_secret_key(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)
    Settings.from_env().check_serving()


def test_data_dir_that_cannot_be_used_is_reported_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(SettingsError, match="DATA_DIR .* cannot be used") as fault:
        Settings.from_env()
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.255.0.1", True), ("::1", True), ("[::1]", True),
     ("::ffff:127.0.0.1", True), ("0.0.0.0", False), ("::", False), ("example.org", False), ("localhost.evil", False),
     ("", False), ("2130706433", False)],
)
def test_is_loopback(host, loopback):
    assert is_loopback(host) is loopback


def test_web_threads_is_accepted_for_web_database_connections(monkeypatch):
    monkeypatch.setenv("WEB_THREADS", "5")
    assert Settings.from_env().web_database_connections == 5
    monkeypatch.setenv("WEB_DATABASE_CONNECTIONS", "6")
    assert Settings.from_env().web_database_connections == 6
