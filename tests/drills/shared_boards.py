"""Boards for everybody: users preview the same adverse boards while the product's processes are killed and frozen.

Afterwards a checker compares what the product says of each posting with what the boards said.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from app.extensions import db
from tests.drills import bystanders, faults
from tests.drills.adverse_boards import AdverseBoard, AdverseBoards
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.sleep import sleep_for
from tests.drills.soak import HARMLESS_ERRORS
from tests.drills.testbed import LOST_WORKER, Testbed, create_product
from tests.drills.users import User
from tests.faults.board_audit import CLOSINGS, audit
from tests.faults.postgres_log import deadlocks
from tests.support.boards import environment
from tests.support.product import Product, temporary_folder

GROUP = "Boards"

USERS, BOARDS = 5, 30
BOARDS_OF_USER = 20
TURMOIL_SECONDS = 120
MIN_TURMOIL_SECONDS = 20

LEASE_SECONDS = 4
WITNESS_SECONDS = 5
SECOND_LOOK_SECONDS = 10
EMPTY_SECONDS = 12
GONE_SECONDS = 4
FRESH_SECONDS = 10
PREVIEW_SECONDS = 45
MAX_PREVIEW_SECONDS = PREVIEW_SECONDS + 2 * BOARDS + 30
"""The deadline of a preview, and the time in which a restarted product closes it."""

MAX_ROUNDS = 10
"""The readings after the turmoil, by which each posting must be told rightly: empty and gone boards need the most."""

SETTINGS = {
    "LEASE_SECONDS": LEASE_SECONDS,
    "BOARD_SECONDS": 6,
    "FRESH_SECONDS": FRESH_SECONDS,
    "WITNESS_SECONDS": WITNESS_SECONDS,
    "SECOND_LOOK_SECONDS": SECOND_LOOK_SECONDS,
    "EMPTY_SECONDS": EMPTY_SECONDS,
    "GONE_SECONDS": GONE_SECONDS,
    "PREVIEW_SECONDS": PREVIEW_SECONDS,
}
EXPECTED_ERRORS = (*LOST_WORKER, b"Couldn't ack")
API = "/api/ingestion/dry-run"

OFFERED = """
WITH open AS (SELECT * FROM postings WHERE closed_at IS NULL)
SELECT board,
       ARRAY(SELECT external_id FROM open WHERE open.board_id = boards.board_id AND missing_since IS NULL),
       ARRAY(SELECT external_id FROM open WHERE open.board_id = boards.board_id AND missing_since IS NOT NULL)
FROM boards
"""
CLOSED = f"""
SELECT board, external_id, first.began_at, first.ended_at, last.began_at, last.ended_at, closings.reason, first_id,
       last_id
FROM ({CLOSINGS}) AS closings JOIN postings USING (posting_id) JOIN boards ON boards.board_id = postings.board_id
JOIN listings AS first ON first.listing_id = first_id JOIN listings AS last ON last.listing_id = last_id
"""
READINGS = """
SELECT board, count(*) FILTER (WHERE state <> 'reading'),
       (SELECT count(*) FROM preview_companies AS units WHERE units.board_id = boards.board_id)
FROM boards LEFT JOIN listings USING (board_id) GROUP BY boards.board_id, board
"""

Fault = Callable[[Testbed], Any]


def _kill_reader_child(testbed: Testbed) -> None:
    testbed.random.choice(faults.children(testbed.product, "reader")).kill()


def _freeze_reader(testbed: Testbed) -> None:
    """Freeze the readers until their leases are over, so that others claim their boards."""
    with faults.frozen(testbed.product, "reader"):
        sleep_for(LEASE_SECONDS + 2)


FAULTS: dict[str, Fault] = {
    **{
        f"kill {name}": lambda testbed, name=name: faults.kill(testbed.product, name)
        for name in ("postgres", "redis", "previewer", "reader")
    },
    "kill a child of reader": _kill_reader_child,
    "freeze reader": _freeze_reader,
    "end PostgreSQL's sessions": lambda testbed: faults.cut_postgres(testbed.product),
    "flush Redis": lambda testbed: faults.flush_redis(testbed.product),
}


@drill("boards for everybody", GROUP, NONE)
def boards_for_everybody(options: DrillOptions) -> Outcome:
    """Five users preview 30 boards, often refreshed, that shrink, empty, flap, vanish, hang, break, change and repost,
    while readers, previewers, PostgreSQL and Redis are killed and frozen. Every preview ends; no posting is closed that
    its board still showed; afterwards each posting is told as its board offers it; no board is read more than asked.
    """
    randomness = random.Random(f"{options.seed}/boards")
    seconds = max(MIN_TURMOIL_SECONDS, TURMOIL_SECONDS * options.scale)
    boards = AdverseBoards(BOARDS, randomness)
    settings = {name: str(value) for name, value in SETTINGS.items()}
    with boards.server.serving(), temporary_folder() as folder:
        with create_product(Product, folder, **environment(boards.server.url), **settings) as product:
            product.start()
            testbed = Testbed(product, 1)
            testbed.reset(options.seed)
            testbed.expected += EXPECTED_ERRORS
            testbed.max_wait = None
            try:
                return _play(testbed, boards, seconds)
            finally:
                with testbed.app.app_context():
                    db.engine.dispose()


def _play(testbed: Testbed, boards: AdverseBoards, seconds: float) -> Outcome:
    users = testbed.users(USERS, boards=0)
    for user in users:
        for name in user.random.sample(sorted(boards.boards), BOARDS_OF_USER):
            _choose(user, name)
    began = time.monotonic()
    injected, changes, ends = Counter[str](), Counter[str](), list[float]()
    with _previewing(testbed, users, ends), _disturbed(testbed, boards, changes):
        while time.monotonic() < began + seconds:
            sleep_for(testbed.random.uniform(1, 6))
            name = testbed.random.choice(sorted(FAULTS))
            try:
                FAULTS[name](testbed)
                injected[name] += 1
            except HARMLESS_ERRORS:
                injected["without a target"] += 1
        faults.recover(testbed.product)
    boards.become_honest()
    faults.recover(testbed.product)
    rounds = _read_until_right(testbed, boards, users)
    looks = (time.monotonic() - began) / SECOND_LOOK_SECONDS + 1
    found = [*_wrong_closings(testbed, boards), *_needless_readings(testbed, boards, looks, injected.total())]
    return _outcome(testbed, boards, found, ends, {"rounds": rounds, "faults": injected, "changes": changes})


def _choose(user: User, board: str) -> None:
    body = {"source": "greenhouse", "board": board, "name": board, "include": ["Cook", "Garden"], "exclude": ["Head"]}
    reply = user.request("POST", f"{bystanders.API}/companies", 30, body=body)
    if reply.status != 201:
        raise RuntimeError(f"{board} was not added: {reply.status} {reply.document}")


@contextmanager
def _previewing(testbed: Testbed, users: Sequence[User], ends: list[float]) -> Iterator[None]:
    """Let each user make one preview after the other inside this block, and wait for the last ones at its end."""
    over = Event()

    def make_previews(user: User) -> None:
        while not over.is_set():
            if seconds := _preview(testbed, user, refresh=user.random.random() < 0.6):
                ends.append(seconds)
            sleep_for(user.random.uniform(0, 3))

    with ThreadPoolExecutor(len(users)) as pool:
        loads = [pool.submit(make_previews, user) for user in users]
        try:
            yield
        finally:
            over.set()
        for load in loads:
            load.result()


@contextmanager
def _disturbed(testbed: Testbed, boards: AdverseBoards, changes: Counter[str]) -> Iterator[None]:
    """Disturb the boards at random instants inside this block."""
    over, randomness = Event(), testbed.random_for("adversary")

    def disturb() -> None:
        while not over.wait(randomness.uniform(0.05, 0.6)):
            changes[boards.disturb()] += 1

    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(disturb)
        try:
            yield
        finally:
            over.set()
        load.result()


def _preview(testbed: Testbed, user: User, refresh: bool) -> float | None:
    """Make a preview, and return the seconds until its end; None if the product was away. A missed end is recorded."""
    began = time.monotonic()
    reply = user.request("POST", API, 30, body={"refresh": refresh})
    if reply.status not in (200, 201):
        if reply.status not in (None, 503):
            testbed.record_violation(f"a preview was answered {reply.status} {reply.document}")
        return None
    path = f"{API}/{reply.document['preview_id']}"
    while time.monotonic() < began + MAX_PREVIEW_SECONDS:
        shown = user.request("GET", path, 30)
        if shown.status == 200 and shown.document["is_finished"]:
            return time.monotonic() - began
        if shown.status not in (None, 200, 503):
            testbed.record_violation(f"{path} was answered {shown.status} {shown.document}")
            return None
        sleep_for(bystanders.POLL_INTERVAL_SECONDS)
    testbed.record_violation(f"{path} did not end within {MAX_PREVIEW_SECONDS} s")
    return None


def _read_until_right(testbed: Testbed, boards: AdverseBoards, users: Sequence[User]) -> int:
    """Refresh all previews until the product tells each posting rightly; return the rounds that this took."""
    wrong: list[str] = []
    for number in range(MAX_ROUNDS):
        began = time.monotonic()
        testbed.run_concurrently(lambda user: _preview(testbed, user, refresh=True), users)
        wrong = _wrong_postings(testbed, boards)
        if not wrong:
            return number + 1
        sleep_for(max(0.0, began + WITNESS_SECONDS + 0.5 - time.monotonic()))
    testbed.violations += wrong
    return MAX_ROUNDS


def _wrong_postings(testbed: Testbed, boards: AdverseBoards) -> list[str]:
    """Return a sentence for each board whose open postings are not those that it offers in truth."""
    found = []
    for name, offered, missing in testbed.product.sql(OFFERED):
        truth = boards.boards[name].truth()
        if set(offered) != truth or missing:
            lacks, excess = sorted(truth - set(offered))[:5], sorted(set(offered) - truth)[:5]
            found.append(f"{name}: wrongly closed {lacks}, wrongly open {excess}, still missing {missing[:5]}")
    return found


def _wrong_closings(testbed: Testbed, boards: AdverseBoards) -> list[str]:
    """Return a sentence for each closing one of whose witnesses had the posting."""
    found = []
    for name, external_id, *times, reason, first_id, last_id in testbed.product.sql(CLOSED):
        for listing_id, began, ended in ((first_id, *times[:2]), (last_id, *times[2:])):
            if _showed(boards.boards[name], int(external_id), began, ended):
                found.append(f"{name}: {external_id} was closed as {reason}, but listing {listing_id} showed it")
    return found


def _showed(board: AdverseBoard, external_id: int, began: Any, ended: Any) -> bool:
    """Return whether every response between the two times had the posting, and there was one."""
    within = [each.ids for each in board.responses if began <= each.at <= ended]
    return bool(within) and all(ids is not None and external_id in ids for ids in within)


def _needless_readings(testbed: Testbed, boards: AdverseBoards, looks: float, interruptions: int) -> list[str]:
    """Return a sentence for each board that was read more often than asked, or requested more often than read.

    An interruption repeats at most one request for each thread that read the board.
    """
    found = []
    for name, readings, units in testbed.product.sql(READINGS):
        requests = len(boards.boards[name].responses)
        if requests > readings + interruptions:
            found.append(f"{name}: {requests} requests for {readings} readings and {interruptions} interruptions")
    return found


def _outcome(
    testbed: Testbed, boards: AdverseBoards, found: list[str], ends: list[float], facts: dict[str, Any]
) -> Outcome:
    product = testbed.product
    with product.connect() as connection:
        found += audit(connection, WITNESS_SECONDS, EMPTY_SECONDS, GONE_SECONDS)
    found += deadlocks(product.output())
    states = dict(product.sql("SELECT state, count(*) FROM listings GROUP BY state ORDER BY state"))
    events = dict(product.sql("SELECT kind, count(*) FROM posting_events GROUP BY kind ORDER BY kind"))
    facts = {
        **{name: dict(sorted(value.items())) if isinstance(value, Counter) else value for name, value in facts.items()},
        "requests": sum(len(board.responses) for board in boards.boards.values()),
        "listings": states,
        "events": events,
        "closings": dict(product.sql("SELECT reason, count(*) FROM posting_events WHERE kind = 'closed' GROUP BY 1")),
    }
    return Outcome(len(ends), "previews", ends, "preview's end", facts, [*found, *testbed.verdict()])
