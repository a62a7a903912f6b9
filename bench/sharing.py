"""Boards that many users share, measured on the whole product: readings, throughput, waiting and log."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from bench.board_server import requested
from bench.boards_load import (
    add_and_remove,
    begin_preview,
    boards_testbed,
    call,
    companies_at,
    finished_previews,
    import_repeatedly,
    locked_board,
    preview_repeatedly,
)
from bench.findings import Finding, Findings, at_least, at_most, plain
from bench.in_process import run_beside
from bench.load_generator import LoadResult, run_load, start_and_abort
from bench.process_memory import status_bytes
from bench.testbed import Testbed
from tests.support.product import Product

USERS = 10
KINDS = {"sound": 80, "hanging": 5, "missing": 10, "partial": 5}
"""The shared boards, by kind."""

BEGIN_SECONDS = 3
"""Seconds between the previews of two users."""

MANY_BOARDS = 1_000
WARM_BOARDS = 100
"""Boards that are read before the memory of the readers is first measured."""

MIN_RATE = 40
"""Boards that are read per second."""

FLAT = 1.05
"""The growth of memory that counts as none."""

LOG_BOARDS, LOG_POSTINGS = 50, 1_000

LOCKED_SECONDS = 10
MAX_LOCKED_MS = 100
LOCKED_CLIENTS = 2
"""Clients of each kind while a board is locked."""

PAUSE_SECONDS = 0.1
"""Seconds between two requests of one of them: without a pause they would measure the processor."""

IMPORTED = 20
"""Companies of an import while a board of theirs is locked."""

FRESH_BOARDS, FRESH_POSTINGS = 300, 20
FRESH_PREVIEWS = 5
MAX_PREVIEW_SECONDS, MAX_PREVIEW_MB = 2, 2


@dataclass(frozen=True)
class Previewed:
    """A finished preview: its seconds from the request to the end, and the log that was written meanwhile."""

    seconds: float
    log_bytes: int


def shared() -> Findings:
    """Measure the readings of boards that users share: they begin one after the other, and some boards fail."""
    boards = [f"{kind}-{number}" for kind, count in KINDS.items() for number in range(count)]
    with boards_testbed(20) as (testbed, url):
        began, tokens = time.monotonic(), testbed.tokens[:USERS]
        for token in tokens:
            _import(testbed, token, boards)
        previews = []
        for token in tokens:
            previews.append(begin_preview(testbed.product, token))
            time.sleep(BEGIN_SECONDS)
        finished_previews(testbed.product, previews, 600)
        seconds = time.monotonic() - began
        requests, product = requested(url), testbed.product
        [(readings, read)] = product.sql("SELECT count(*), count(DISTINCT board_id) FROM listings")
        totals = {str(call(product, token, "GET", f"dry-run/{number}")["totals"])
                  for token, number in zip(tokens, previews, strict=True)}
    kinds = Counter({kind: sum(requests[board] for board in boards if board.startswith(kind)) for kind in KINDS})
    by_kind = ", ".join(f"{kind} {count} boards: {kinds[kind]} requests" for kind, count in KINDS.items())
    what = f"{USERS} users, the same {len(boards)} boards, within 10 minutes"
    found = f"{readings} readings of {read} boards in {seconds:.0f} s"
    yield at_most(what, len(boards), "readings", readings, found)
    yield plain("requests for listings at the server", by_kind)
    yield at_most("different totals of the users' previews", 1, "", len(totals), str(len(totals)))


def many_boards() -> Findings:
    """Measure the rate of reading boards of one host without pace, and the readers' memory."""
    with boards_testbed(40) as (testbed, _):
        _preview(testbed, 0, [f"warm-{number}" for number in range(WARM_BOARDS)])
        memory, rates = [_reader_memory(testbed.product)], []
        for user in (1, 2):
            done = _preview(testbed, user, [f"sound-{user}-{number}" for number in range(MANY_BOARDS)])
            rates.append(MANY_BOARDS / done.seconds)
            memory.append(_reader_memory(testbed.product))
        failed = testbed.product.sql("SELECT count(*) FROM preview_companies WHERE state <> 'listed'")[0][0]
    what = f"{MANY_BOARDS:,} boards of 40 postings at one host without pace"
    found = f"{rates[0]:.0f} a second, the next {MANY_BOARDS:,}: {rates[1]:.0f}"
    yield at_least(what, MIN_RATE, "a second", rates[0], found)
    yield at_most(f"{what}: boards not listed", 0, "", failed, str(failed))
    sizes = " → ".join(f"{size / 1e6:.0f}" for size in memory)
    counts = f"after {WARM_BOARDS}, {WARM_BOARDS + MANY_BOARDS:,} and {WARM_BOARDS + 2 * MANY_BOARDS:,} boards"
    is_flat = memory[2] <= FLAT * memory[1]
    yield Finding(f"{what}: resident memory of the largest reader {counts}", "flat", f"{sizes} MB", is_flat)


def unchanged() -> Findings:
    """Measure the log of a second reading of unchanged boards that answer 200."""
    with boards_testbed(LOG_POSTINGS) as (testbed, _):
        yield from run_beside(testbed.product.environment, "unchanged", str(LOG_BOARDS))


def reading() -> Findings:
    """Measure where the time of one reader goes."""
    with boards_testbed(40) as (testbed, _):
        yield from run_beside(testbed.product.environment, "reading")


def locked() -> Findings:
    """Measure requests of users, one board of whom is locked as while it is stored."""
    boards = [f"sound-{number}" for number in range(IMPORTED)]
    with boards_testbed(1) as (testbed, _):
        for token in _tokens(testbed, 0) + _tokens(testbed, 1):
            _import(testbed, token, boards)
        _preview(testbed, 5 * LOCKED_CLIENTS, boards)
        free = _load(testbed, boards)
        with locked_board(testbed.product, boards[0]):
            held = _load(testbed, boards)
        deadlocks = testbed.product.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    for kind, result in held.items():
        p99 = f"p99 {result.ms(99):.1f} ms, without the lock {free[kind].ms(99):.1f} ms; {result.failed} failed"
        what = f"{kind} while a board of theirs is stored for {LOCKED_SECONDS} s ({result.rate:.0f} a second)"
        is_met = result.ms(99) <= MAX_LOCKED_MS and not result.failed
        yield Finding(what, f"p99 ≤ {MAX_LOCKED_MS} ms, 0 failed", p99, is_met)
    yield at_most("deadlocks meanwhile", 0, "", deadlocks[0][0], str(deadlocks[0][0]))


def fresh_preview() -> Findings:
    """Measure a preview whose boards are all fresh, from the request to its end."""
    boards = [f"sound-{number}" for number in range(FRESH_BOARDS)]
    with boards_testbed(FRESH_POSTINGS) as (testbed, _):
        _preview(testbed, 0, boards)
        testbed.product.sql("VACUUM ANALYZE")
        done = [_preview(testbed, user, boards) for user in range(1, FRESH_PREVIEWS + 1)]
        counted = "SELECT count(*) / (SELECT count(*) FROM previews) FROM preview_postings"
        postings = testbed.product.sql(counted)[0][0]
    what = f"a preview of {FRESH_BOARDS} companies and {postings:,} postings, all boards fresh"
    seconds, written = [each.seconds for each in done], [each.log_bytes / 1e6 for each in done]
    found = f"{median(seconds):.2f} s, slowest {max(seconds):.2f} s"
    yield at_most(what, MAX_PREVIEW_SECONDS, "s", median(seconds), found)
    log = f"{median(written):.2f} MB, most {max(written):.2f} MB"
    yield at_most(f"{what}: log", MAX_PREVIEW_MB, "MB", median(written), log)


def _import(testbed: Testbed, token: str, boards: list[str]) -> None:
    call(testbed.product, token, "POST", "companies/import", {"companies": companies_at(boards)})


def _preview(testbed: Testbed, user: int, boards: list[str]) -> Previewed:
    """Give a user companies at these boards and preview them."""
    product, token = testbed.product, testbed.tokens[user]
    _import(testbed, token, boards)
    before, began = _log_position(product), time.time()
    [ended] = finished_previews(product, [begin_preview(product, token)], 600)
    return Previewed(ended - began, _log_position(product) - before)


def _log_position(product: Product) -> int:
    return int(product.sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0][0])


def _reader_memory(product: Product) -> int:
    """Return the resident memory of the largest process that reads boards, in bytes."""
    return max(status_bytes(process.pid, "VmRSS") for process in product.processes_matching("unpaced_worker"))


def _load(testbed: Testbed, boards: list[str]) -> dict[str, LoadResult]:
    """Run all kinds of requests at the same time; return the result of each kind."""
    tokens = [_tokens(testbed, kind) for kind in range(5)]
    scripts = {
        "starting runs": [start_and_abort(token) for token in tokens[0]],
        "starting previews": [preview_repeatedly(token) for token in tokens[1]],
        "adding": [add_and_remove(token, boards[0]) for token in tokens[2]],
        "importing": [import_repeatedly(token, boards) for token in tokens[3]],
        "importing in reverse": [import_repeatedly(token, boards[::-1]) for token in tokens[4]],
    }
    with ThreadPoolExecutor(len(scripts)) as pool:
        port = testbed.product.port
        seconds, pause = LOCKED_SECONDS - 1, PAUSE_SECONDS
        loads = {kind: pool.submit(run_load, port, each, seconds, pause=pause) for kind, each in scripts.items()}
        return {kind: load.result() for kind, load in loads.items()}


def _tokens(testbed: Testbed, kind: int) -> list[str]:
    """Return the tokens of the users who make this kind of requests."""
    return testbed.tokens[kind * LOCKED_CLIENTS:][:LOCKED_CLIENTS]
