"""Costly requests: large bodies, bodies that never end, and requests in a loop."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

from tests.drills.costs import MAX_REQUEST_SECONDS, End
from tests.drills.hostile_bodies import Body, numbered, repeated
from tests.drills.sleep import sleep_for
from tests.drills.users import User

IMPORT_PATH = "/api/ingestion/companies/import"
MAX_IMPORT_BYTES = 16 * 1024 * 1024
COMPANY = '{"source":"lever","board":"acme","name":"Acme"'

LOOP_SECONDS = 8.0
LOOP_THREADS = 4

HALF_BODIES = 100
LARGE_HALF_BODIES = 8
MAX_HALF_BODY_SECONDS = 20
"""A body has ten seconds to arrive; all of them are sent at once."""

MAX_LIST_SECONDS = 2


def _terms(company: int) -> list[str]:
    return [f"{company}é{number}{'é' * 60}" for number in range(50)]


def _legal_company(number: int) -> str:
    terms = json.dumps(_terms(number), ensure_ascii=False)
    return f'{{"source":"lever","board":"b{number}","name":"Acme","include":{terms},"exclude":{terms}}}'


IMPORTS: dict[str, tuple[Body, int]] = {
    "import: empty companies": (repeated('{"companies":[', "{},", "{}]}", MAX_IMPORT_BYTES), 422),
    "import: equal terms": (
        repeated(f'{{"companies":[{COMPANY},"include":[', '"a",', '"a"]}]}', MAX_IMPORT_BYTES), 422
    ),
    "import: unknown members": (
        numbered('{"companies":[],"a":0', lambda number: f',"m{number}":0', "}", 1_200_000), 422
    ),
    "import: the largest legal one": (numbered('{"companies":[', _legal_company, "]}", 1000, separator=","), 200),
    "import: invalid companies": (
        numbered('{"companies":[', lambda number: f'{{"m{number}":0,"source":0,"name":0}}', "]}", 1000, separator=","),
        422,
    ),
    "import: brackets": (repeated("", "[", "", MAX_IMPORT_BYTES), 400),
}
"""The bodies of imports, and the status with which each is answered."""


def post_body(user: User, path: str, pieces: Iterable[bytes], timeout: float) -> tuple[int | None, int, float]:
    """Send the pieces as one body; return the status, the bytes of the answer, and the seconds."""
    body = b"".join(pieces)
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", user.testbed.port, timeout=timeout)
    began = time.monotonic()
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, len(answer.read()), time.monotonic() - began
    except (OSError, http.client.HTTPException):
        return None, 0, time.monotonic() - began
    finally:
        connection.close()


def import_companies(user: User, name: str) -> list[End]:
    """Import this body; a legal one is also listed and exported."""
    body, expected = IMPORTS[name]
    status, _, seconds = post_body(user, IMPORT_PATH, body(0), 2 * MAX_REQUEST_SECONDS)
    fault = None if status == expected else f"was answered {status}, not {expected}"
    ends = [End("import", seconds, MAX_REQUEST_SECONDS, fault)]
    for path in ("/api/ingestion/companies", "/api/ingestion/companies/export") if expected == 200 else ():
        reply = user.request("GET", path, 2 * MAX_REQUEST_SECONDS)
        fault = None if reply.status == 200 else f"was answered {reply.status}"
        ends.append(End(f"answer of {path}", reply.seconds, MAX_REQUEST_SECONDS, fault))
    return ends


def send_half_bodies(user: User) -> list[End]:
    """Send bodies and stop before their end; each connection must be closed soon."""
    head = f"POST {{}} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user.token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    small = head.format("/api/ingestion/companies", 60_000).encode() + b"[" * 59_000
    large = head.format(IMPORT_PATH, MAX_IMPORT_BYTES).encode()
    began = time.monotonic()
    with ExitStack() as stack:
        for _ in range(LARGE_HALF_BODIES):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", user.testbed.port), timeout=5))
            with suppress(OSError):
                client.sendall(large + b"[" * (MAX_IMPORT_BYTES - 1000))
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", user.testbed.port), timeout=5))
            for _ in range(HALF_BODIES)
        ]
        for client in clients:
            client.sendall(small)
        for client in clients:
            _wait_for_end(client, began + 2 * MAX_HALF_BODY_SECONDS)
        return [End("last answer to half a body", time.monotonic() - began, MAX_HALF_BODY_SECONDS)]


def _wait_for_end(client: socket.socket, until: float) -> None:
    """Receive until the server closes the connection, or until that time."""
    with suppress(OSError):
        client.settimeout(max(0.1, until - time.monotonic()))
        while client.recv(65536):
            pass


def make_tokens(user: User) -> list[End]:
    """Create tokens in a loop, then list them."""
    number = _in_loop(user, lambda: user.request("POST", "/api/auth/credentials", 30, body={"name": "t" * 50}))
    reply = user.request("GET", "/api/auth/credentials", 30)
    fault = None if reply.status == 200 else f"was answered {reply.status}"
    return [End(f"list after {number} tokens", reply.seconds, MAX_LIST_SECONDS, fault)]


def sign_in_in_loop(user: User) -> list[End]:
    """Sign in with unknown e-mail addresses in a loop."""
    body = {"email": "nobody@example.org", "password": "p" * 128}
    number = _in_loop(user, lambda: user.request("POST", "/api/auth/login", 30, body=body))
    return [End(f"{number} sign-ins", LOOP_SECONDS, LOOP_SECONDS)]


def _in_loop(user: User, act: Callable[[], Any]) -> int:
    """Repeat the request for LOOP_SECONDS on LOOP_THREADS threads; return the number of requests."""
    until = time.monotonic() + LOOP_SECONDS

    def repeat(_: int) -> int:
        return sum(1 for _ in _until(until, act))

    return sum(user.testbed.run_concurrently(repeat, range(LOOP_THREADS)))


def _until(moment: float, act: Callable[[], Any]) -> Iterator[None]:
    while time.monotonic() < moment:
        if act().status == 429:
            sleep_for(0.02)
        yield
