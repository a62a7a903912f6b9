"""A product whose every part was used has no secret in its logs, tables and files."""

import json
import re
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from app.embedded.data_dir import read_secret
from tests.faults.test_recovery import PROCESSES
from tests.support.lines import events
from tests.support.product import RECOVERY_SECONDS, Product, temporary_folder, temporary_product
from tests.support.waiting import WAIT_TIMEOUT, wait_until

ANN = "ann@example.org"
OWN = ("postgres.password", "redis.password", "redis.conf")
"""The files with the passwords of the product's own servers."""


class Client:
    """An HTTP client that collects every secret that it sends or receives."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.secrets: set[str] = set()

    def secret(self, word: str) -> str:
        """Collect a secret, and return it."""
        self.secrets.add(word)
        return word

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes, str]:
        """Send a request; return the status, the body and the cookie of the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Content-Type": "application/json"} if data is not None else {}
        request = urllib.request.Request(f"{self.product.url}{path}", data, named, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=WAIT_TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
            return answer.status, answer.read(), cookie

    def garbage(self, words: str) -> bytes:
        """Send bytes that are not HTTP; return the answer."""
        with socket.create_connection(("127.0.0.1", self.product.port), timeout=WAIT_TIMEOUT) as connection:
            connection.sendall(words.encode())
            return connection.recv(65536)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of a product with the AUTH of the test's parameter."""
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "METRICS_TOKEN")}
    with temporary_folder() as folder, temporary_product(folder, False, **keys, AUTH=request.param) as product:
        product.start()
        client = Client(product)
        for key in keys.values():
            client.secret(key)
        yield client


def outages(client: Client, **headers: str) -> None:
    """Kill Redis and PostgreSQL and send requests, so that errors are logged with their reasons."""
    product = client.product
    for name in ("redis", "postgres"):
        before = set(product.processes_matching(PROCESSES[name]))
        product.main_process(PROCESSES[name]).kill()
        client("POST", "/api/ingestion/start", **headers)
        client("GET", "/readyz", **headers)
        wait_until(lambda: set(product.processes_matching(PROCESSES[name])) - before, RECOVERY_SECONDS, name)
        wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS, "recovery")


def invalid_requests(client: Client) -> None:
    """Send requests that are refused, with a secret in every place where a client could put one."""
    word, port = client.secret(secrets.token_urlsafe(24)), client.product.port
    for method, path, body in (
        ("GET", f"/api/ingestion/runs?token={word}", None),
        ("POST", f"/api/ingestion/start?access_token={word}", {"preview_id": word}),
        ("POST", "/api/auth/login", f'{{"email": "x", "password": "{word}'.encode()),
        ("POST", "/api/auth/login", {"email": "x", "password": word, "more": word}),
        ("POST", "/api/auth/password", {"current_password": word, "new_password": word}),
        ("PATCH", "/api/ingestion/companies/1", {word: word}),
        ("GET", "/metrics", None),
    ):
        client(method, path, body, Authorization=f"Bearer {word}", Cookie=f"session-{port}={word}.{word}")
    for line in (f"GET / HTTP/9.9\r\nAuthorization: Bearer {word}", f"GET / HTTP/1.1\r\nCookie {word}", f"{word} / x"):
        client.garbage(f"{line}\r\n\r\n")


def assert_no_secret_is_stored(client: Client) -> None:
    """Assert that no log, table or file of the data folder contains a secret."""
    product = client.product
    servers = [each for each in product.processes() if each.name() in ("postgres", "redis-server")]
    assert {each.name() for each in servers} == {"postgres", "redis-server"}
    assert not [each for each in servers if set(each.environ().values()) & client.secrets]
    own = {read_secret(product.data_dir, name) for name in OWN[:2]}
    tables = product.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = str([product.sql(f'SELECT t::text FROM "{name}" t') for (name,) in tables])
    assert "local@localhost" in dump or ANN in dump
    product.stop()
    written = product.output() + dump
    assert [line for line in written.splitlines() if any(word in line for word in client.secrets | own)] == []
    files = [path for path in product.data_dir.rglob("*") if path.is_file() and path.name not in OWN]
    assert len(files) > 100  # PostgreSQL's files, with its WAL
    needles = re.compile("|".join(map(re.escape, client.secrets)).encode())
    assert [path for path in files if needles.search(path.read_bytes())] == []


@pytest.mark.parametrize("client", ["local"], indirect=True)
def test_no_secret_is_stored_with_one_user(client: Client) -> None:
    key = secrets.token_urlsafe(16)
    assert [client("POST", "/api/ingestion/start", Idempotency_Key=key)[0] for _ in range(2)] == [201, 200]
    invalid_requests(client)
    assert client("POST", "/api/ingestion/abort/1")[0] == 200
    outages(client)
    assert key not in client.product.output()
    assert_no_secret_is_stored(client)


@pytest.mark.parametrize("client", ["accounts"], indirect=True)
def test_no_password_token_or_cookie_is_stored_with_accounts(client: Client) -> None:
    first, second, wrong = (client.secret(secrets.token_urlsafe(16)) for _ in range(3))
    assert client.product.command("users", "add", ANN, "--password-stdin", stdin=f"{first}\n").returncode == 0
    token = client.secret(client.product.command("users", "token", ANN).stdout.strip())
    assert client("POST", "/api/auth/login", {"email": ANN, "password": wrong})[0] == 401
    _, _, cookie = client("POST", "/api/auth/login", {"email": ANN, "password": first})
    client.secret(cookie.partition("=")[2].partition(".")[0])
    _, shown, _ = client("POST", "/api/auth/credentials", {"name": "cron"}, Cookie=cookie)
    made = client.secret(json.loads(shown)["token"])
    for secret in (token, made):
        assert client("POST", "/api/ingestion/start", Authorization=f"Bearer {secret}")[0] in (201, 409)
    invalid_requests(client)
    outages(client, Authorization=f"Bearer {token}")
    change = {"current_password": first, "new_password": second}
    assert client("POST", "/api/auth/password", change, Cookie=cookie)[0] == 204
    assert client("GET", "/api/auth/me", Authorization=f"Bearer {token}")[0] == 401
    assert client("POST", "/api/auth/logout", Cookie=cookie)[0] == 204
    for name in ("credential issued", "sign-in refused", "password changed"):
        wait_until(lambda name=name: events(client.product.output(), name), what=f"the log line {name}")
    assert_no_secret_is_stored(client)
