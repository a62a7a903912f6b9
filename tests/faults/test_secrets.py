"""A whole product is used in every way, and afterwards nothing that it wrote has a secret in it."""

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
"""Where the passwords of the product's own servers stand, for itself to read."""


class Client:
    """curl, which remembers every secret that it was given or gave."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.told: set[str] = set()

    def secret(self, word: str) -> str:
        """A secret that must not be found anywhere."""
        self.told.add(word)
        return word

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes, str]:
        """One request; returns code, body and the cookie that was set."""
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
        """What is no HTTP."""
        with socket.create_connection(("127.0.0.1", self.product.port), timeout=WAIT_TIMEOUT) as connection:
            connection.sendall(words.encode())
            return connection.recv(65536)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Of a product with the settings that the test is marked with."""
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "METRICS_TOKEN")}
    with temporary_folder() as folder, temporary_product(folder, False, **keys, AUTH=request.param) as product:
        product.start()
        client = Client(product)
        for key in keys.values():
            client.secret(key)
        yield client


def outages(client: Client, **headers: str) -> None:
    """Redis and PostgreSQL die under requests; what goes wrong is logged with its reason."""
    product = client.product
    for name in ("redis", "postgres"):
        before = {process.pid for process in product.team(PROCESSES[name])}
        product.main_process(PROCESSES[name]).kill()
        client("POST", "/api/ingestion/start", **headers)
        client("GET", "/readyz", **headers)
        wait_until(lambda: {each.pid for each in product.team(PROCESSES[name])} - before, RECOVERY_SECONDS, name)
        wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS, "recovery")


def rubbish(client: Client) -> None:
    """Requests that are refused, with secrets wherever a client could put one."""
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


def assert_nothing_has(client: Client) -> None:
    """Neither the logs, nor the tables, nor any file of the data folder."""
    product = client.product
    servers = [each for each in product.processes() if each.name() in ("postgres", "redis-server")]
    assert {each.name() for each in servers} == {"postgres", "redis-server"}
    assert not [each for each in servers if set(each.environ().values()) & client.told]
    own = {read_secret(product.data_dir, name) for name in OWN[:2]}
    tables = product.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = str([product.sql(f'SELECT t::text FROM "{name}" t') for (name,) in tables])
    assert "local@localhost" in dump or ANN in dump
    product.stop()
    written = product.printed() + dump
    assert [line for line in written.splitlines() if any(word in line for word in client.told | own)] == []
    files = [path for path in product.data_dir.rglob("*") if path.is_file() and path.name not in OWN]
    assert len(files) > 100  # PostgreSQL's own, and its journal
    needles = re.compile("|".join(map(re.escape, client.told)).encode())
    assert [path for path in files if needles.search(path.read_bytes())] == []


@pytest.mark.parametrize("client", ["local"], indirect=True)
def test_with_one_user_no_secret_is_written_anywhere(client: Client) -> None:
    key = secrets.token_urlsafe(16)
    assert [client("POST", "/api/ingestion/start", Idempotency_Key=key)[0] for _ in range(2)] == [201, 200]
    rubbish(client)
    assert client("POST", "/api/ingestion/abort/1")[0] == 200
    outages(client)
    assert key not in client.product.printed()
    assert_nothing_has(client)


@pytest.mark.parametrize("client", ["accounts"], indirect=True)
def test_with_accounts_no_password_token_or_cookie_is_written_anywhere(client: Client) -> None:
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
    rubbish(client)
    outages(client, Authorization=f"Bearer {token}")
    change = {"current_password": first, "new_password": second}
    assert client("POST", "/api/auth/password", change, Cookie=cookie)[0] == 204
    assert client("GET", "/api/auth/me", Authorization=f"Bearer {token}")[0] == 401
    assert client("POST", "/api/auth/logout", Cookie=cookie)[0] == 204
    for name in ("credential issued", "sign-in refused", "password changed"):
        wait_until(lambda name=name: events(client.product.printed(), name), what=f"the line of {name}")
    assert_nothing_has(client)
