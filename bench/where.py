"""Where the time of one process goes: of a web process at a request, and of a reader at a board."""

import hashlib
import secrets
import time

from flask import current_app
from sqlalchemy import text

from app.db.execute import run_statement
from app.services.boards.claims import claim_board
from app.services.boards.read_board import read_board
from app.services.boards.readable import all_versions
from app.services.boards.times import board_times
from app.sources.deadline import Deadline
from bench.boards import make_board
from bench.findings import Findings, plain
from bench.profiles import where_time_goes
from tests.support.unpaced_sources import remove_pace

REQUESTS = 3_000
WARM_REQUESTS = 200

BOARDS = 200
WARM_BOARDS = 20
BOARD_SECONDS = 60

MAKE_USER = text("INSERT INTO users (email) VALUES ('where@example.org') RETURNING user_id, epoch")
MAKE_TOKEN = text(
    "INSERT INTO credentials (user_id, epoch, kind, name, secret_hash)"
    " VALUES (:user, :epoch, 'token', 'bench', :hash)"
)


def requests() -> Findings:
    """Measure requests that one thread answers, without a server and a network."""
    token = f"ji_{secrets.token_urlsafe(32)}"
    [user] = run_statement(MAKE_USER)
    run_statement(MAKE_TOKEN, user=user.user_id, epoch=user.epoch, hash=hashlib.sha256(token.encode()).digest())
    client, headers = current_app.test_client(), {"Authorization": f"Bearer {token}"}

    def read(number: int) -> None:
        for _ in range(number):
            assert client.get("/api/ingestion/current-run", headers=headers).status_code == 200

    read(WARM_REQUESTS)
    began = time.perf_counter()
    read(REQUESTS)
    mean = (time.perf_counter() - began) / REQUESTS * 1000
    _, shares = where_time_goes(lambda: read(REQUESTS))
    yield plain(f"GET /current-run in one thread, without a server: where {mean:.2f} ms go", shares)


def reading() -> Findings:
    """Measure the reading of boards by one thread, without a pace."""
    remove_pace()
    _read("warm", WARM_BOARDS)
    seconds, shares = where_time_goes(lambda: _read("sound", BOARDS))
    each = seconds / BOARDS * 1000
    yield plain(f"a board of 40 postings read and stored by one thread: where {each:.0f} ms go", shares)


def _read(name: str, number: int) -> None:
    for board_id in [make_board(f"{name}-{each}") for each in range(number)]:
        claim = claim_board(board_id, all_versions(), board_times())
        assert claim and read_board(claim, Deadline.of(BOARD_SECONDS))
