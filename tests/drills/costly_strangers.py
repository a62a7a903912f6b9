"""Costly strangers: boards, websites and users that try to make the product use memory or time without bound.

``python -m tests.drills.costly_strangers [names]`` runs only the attacks whose names contain one of the words, and
prints the table of costs.
"""

import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import psutil

from app.extensions import db
from tests.drills import bystanders, costly_requests, faults, hostile_boards
from tests.drills.bystanders import PreviewEnd, preview_small_board, steady_requests
from tests.drills.costs import (
    HEAD,
    MAX_BOARD_SECONDS,
    MAX_DETECTION_SECONDS,
    MAX_POSTINGS_SECONDS,
    MAX_REQUEST_SECONDS,
    MAX_SMALL_BOARD_SECONDS,
    Cost,
    End,
    slow_answers,
    violations,
)
from tests.drills.hostile_servers import hostile_servers
from tests.drills.memory import Peaks, private_memory, watched_memory
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed, create_product
from tests.drills.users import Reply, User
from tests.support.product import Product, temporary_folder
from tests.support.reports import table
from tests.support.waiting import wait_until

GROUP = "Costly strangers"

GRACE_SECONDS = 15
"""Seconds beyond a limit after which an attack is given up."""

RETAINED_MB = 20
"""A process that has kept more than this of earlier attacks is replaced, because it would hide the next one's cost."""

PROCESSES = {"web": 2, "worker": 2, "previewer": 1, "reader": 2}
"""The web processes, and the children of the other programs (``ENVIRONMENT`` in ``tests/drills/testbed.py``)."""

MIN_ATTACK_SECONDS = 2.0
"""Other users are measured for this long at least."""

SLOW_BOARDS = 8
"""As many as a reader's child reads at a time."""

HANGING_DETECTIONS = 12
"""More than all web processes do at a time."""

DETECT_PATH = "/api/ingestion/companies/detect"


@dataclass(frozen=True)
class Stage:
    """The place of one attack: the product, the attacking user, and the memory so far."""

    testbed: Testbed
    attacker: User
    peaks: Peaks

    def is_over(self) -> bool:
        """Return True if a process was stopped, so that the attack can be given up."""
        return bool(self.peaks.stopped)


@dataclass(frozen=True)
class Attack:
    """An attack, and the source of the small board that another user previews meanwhile."""

    name: str
    act: Callable[[Stage], list[End]]
    source: str = "greenhouse"
    boards: int = 1
    """The number of hostile boards that one preview reads at a time."""


def _read_board(name: str, stage: Stage) -> list[End]:
    """Let a web process detect a hostile board, and at the same time a reader read one for a preview."""
    board = hostile_boards.BOARDS[name]
    bystanders.choose_board(
        stage.attacker, board.source, hostile_boards.token(board.source, name, "worker"), board.terms
    )
    with ThreadPoolExecutor(2) as pool:
        token = hostile_boards.token(board.source, name, "web")
        detecting = pool.submit(_detect, stage.attacker, board.source, token)
        preview = bystanders.preview(stage.attacker, MAX_BOARD_SECONDS + GRACE_SECONDS, stage.is_over)
        detection = detecting.result()
        return [
            End("detection", detection.seconds, MAX_DETECTION_SECONDS, wrong_answer(board, detection)),
            End("preview", preview.seconds, MAX_BOARD_SECONDS, wrong_outcome(board, preview)),
            *(_show_postings(stage.attacker, preview.preview_id) if preview.found else ()),
        ]


def _show_postings(user: User, preview_id: int | None) -> list[End]:
    """Let the user read what was stored of a hostile board: a page, a search without a match, and a whole posting."""
    path = f"/api/ingestion/dry-run/{preview_id}/postings"
    page = user.request("GET", f"{path}?limit=200", MAX_REQUEST_SECONDS)
    search = user.request("GET", f"{path}?search={'z' * 200}", MAX_REQUEST_SECONDS)
    replies = {"page of postings": page, "search": search}
    if page.status == 200 and page.document["postings"]:
        posting_id = page.document["postings"][0]["posting_id"]
        replies["whole posting"] = user.request("GET", f"{path}/{posting_id}", MAX_REQUEST_SECONDS)
    return [
        End(what, reply.seconds, MAX_POSTINGS_SECONDS, None if reply.status == 200 else f"was answered {reply.status}")
        for what, reply in replies.items()
    ]


def _detect(user: User, source: str, board: str) -> Reply:
    timeout = MAX_DETECTION_SECONDS + GRACE_SECONDS
    return user.request("POST", DETECT_PATH, timeout, body={"source": source, "board": board})


def wrong_answer(board: hostile_boards.Board, reply: Reply) -> str | None:
    """Return a sentence if the answer is no answer of a detection, or if it refuses a sound board."""
    code = (reply.document or {}).get("code")
    wrong = reply.status not in ((200,) if board.is_sound else (200, 422))
    return f"was answered {reply.status} {code or ''}" if wrong else None


def wrong_outcome(board: hostile_boards.Board, end: PreviewEnd) -> str | None:
    """Return a sentence if the preview did not end, or if a sound board was not read."""
    wrong = not end.is_finished or (board.is_sound and end.outcome != "ok")
    return f"ended as {end.outcome}, {end.detail}" if wrong else None


def _read_slow_boards(stage: Stage) -> list[End]:
    """Let one user preview eight boards that hang and begin many detections that hang; then another user detects."""
    for number in range(SLOW_BOARDS):
        name = sorted(hostile_boards.SLOW)[number % len(hostile_boards.SLOW)]
        bystanders.choose_board(stage.attacker, "lever", hostile_boards.token("lever", name, f"{number}"))
    with ThreadPoolExecutor(HANGING_DETECTIONS + 1) as pool:
        preview = pool.submit(bystanders.preview, stage.attacker, MAX_BOARD_SECONDS + GRACE_SECONDS, stage.is_over)
        boards = [
            hostile_boards.token("recruitee", "slow-silent", f"{number}") for number in range(HANGING_DETECTIONS)
        ]
        hanging = [pool.submit(_detect, stage.attacker, "recruitee", board) for board in boards]
        sleep_for(2)
        small = hostile_boards.token("greenhouse", hostile_boards.SMALL_NAME, "detected")
        reply = _detect(stage.testbed.users(1)[0], "greenhouse", small)
        fault = None if reply.status == 200 else f"was answered {reply.status} {reply.document}"
        ends = [End("detection of another user", reply.seconds, MAX_SMALL_BOARD_SECONDS, fault)]
        ends += [End("hanging detection", each.result().seconds, MAX_DETECTION_SECONDS) for each in hanging]
        found = preview.result()
        return [*ends, End("preview", found.seconds, MAX_BOARD_SECONDS, None if found.is_finished else "did not end")]


def _of_user(act: Callable[[User], list[End]]) -> Callable[[Stage], list[End]]:
    return lambda stage: act(stage.attacker)


def _board_attack(name: str, board: hostile_boards.Board) -> Attack:
    source = board.source if board.source in hostile_boards.SMALL_BOARDS else "greenhouse"
    return Attack(f"{board.source}: {name.rstrip('a-')}", partial(_read_board, name), source)


def _do_nothing(_stage: Stage) -> list[End]:
    sleep_for(MIN_ATTACK_SECONDS)
    return []


ATTACKS: list[Attack] = [
    # The machine's own figures, to compare with.
    Attack("no attack", _do_nothing, "lever"),
    *(_board_attack(name, board) for name, board in hostile_boards.BOARDS.items() if not board.is_slow),
    *(
        Attack(name, _of_user(partial(costly_requests.import_companies, name=name)))
        for name in costly_requests.IMPORTS
    ),
    Attack("bodies half sent", _of_user(costly_requests.send_half_bodies)),
    Attack("tokens in a loop", _of_user(costly_requests.make_tokens)),
    Attack("sign-ins in a loop", _of_user(costly_requests.sign_in_in_loop)),
    Attack("slow boards and hanging detections", _read_slow_boards, "lever", SLOW_BOARDS),
]


@drill("costly strangers", GROUP, NONE)
def costly_strangers(options: DrillOptions) -> Outcome:
    """Hostile boards, websites, imports and loops of requests, one after the other, against the whole product. Each
    takes a web process at most 100 MB, a child of another program and its session of PostgreSQL at most 150 MB, and
    ends at its deadline. Meanwhile another user's answers come within 2 s (p99 250 ms), and their small board at the
    same source is read within 30 s.
    """
    attacks = ATTACKS[:: max(1, round(1 / options.scale))]
    return outcome_of(*_play(attacks, options.seed))


def outcome_of(costs: Sequence[Cost], logged: Sequence[str]) -> Outcome:
    """Return the outcome of these attacks, with the table of costs."""
    seconds = [each for cost in costs for each in cost.answers.seconds]
    found = [sentence for cost in costs for sentence in violations(cost)]
    found += [f"all attacks: {sentence}" for sentence in slow_answers(seconds)]
    errors = sum(len(cost.answers.errors) for cost in costs)
    slowest = f"{max(seconds, default=0):.1f} s"
    facts = {"requests of another user": len(seconds), "errors": errors, "slowest answer": slowest}
    rows = [HEAD, *(cost.row() for cost in costs)]
    return Outcome(len(costs), "attacks", seconds, "another user's answer", facts, [*found, *logged], rows)


def _play(attacks: Sequence[Attack], seed: str) -> tuple[list[Cost], list[str]]:
    """Run the attacks against a product of their own; return their costs and the violations in its log."""
    with hostile_servers() as bases, temporary_folder() as folder:
        with create_product(Product, folder, SOURCE_BASE_URLS=bases) as product:
            product.start()
            testbed = Testbed(product, 1)
            testbed.reset(seed)
            testbed.expected += LOST_WORKER
            testbed.max_wait = None
            try:
                other = testbed.users(1)[0]
                usual = _warm_up(testbed)
                costs = [_measure(testbed, other, attack, number, usual) for number, attack in enumerate(attacks)]
                return costs, testbed.verdict()
            finally:
                with testbed.app.app_context():
                    db.engine.dispose()


def _warm_up(testbed: Testbed) -> dict[str, float]:
    """Use the product a little; return the memory of its processes afterwards, the largest of each group."""
    for source in hostile_boards.SMALL_BOARDS:
        user = testbed.users(1)[0]
        end = preview_small_board(user, source, "warm", MAX_SMALL_BOARD_SECONDS)
        token = hostile_boards.token(source, hostile_boards.SMALL_NAME, "warm")
        if end.outcome != "ok" or _detect(user, source, token).status != 200:
            raise RuntimeError(f"the small board of {source} cannot be read: {end}")
    return {name: max(_sizes(testbed.product, name).values()) for name in PROCESSES}


def _sizes(product: Product, name: str) -> dict[int, float]:
    return {process.pid: private_memory(process.pid) for process in faults.children(product, name)}


def _has_children(product: Product, name: str, number: int) -> bool:
    return len(_sizes(product, name)) >= number


def _measure(testbed: Testbed, other: User, attack: Attack, number: int, usual: dict[str, float]) -> Cost:
    """Run one attack; return its cost. Print it, because the whole drill takes minutes."""
    cost = Cost(attack.name, attack.boards)
    attacker, third = testbed.users(2)
    began = time.monotonic()
    with watched_memory(testbed.product) as cost.peaks, steady_requests(other) as cost.answers:
        with ThreadPoolExecutor(2) as pool:
            ends = pool.submit(attack.act, Stage(testbed, attacker, cost.peaks))
            limit = MAX_SMALL_BOARD_SECONDS + GRACE_SECONDS
            small_board = pool.submit(preview_small_board, third, attack.source, f"{number}", limit)
            cost.ends, cost.small_board = ends.result(), small_board.result()
        sleep_for(max(0.0, began + MIN_ATTACK_SECONDS - time.monotonic()))
    print(f"    {' | '.join(map(str, cost.row()))}", flush=True)
    testbed.product.sql("DELETE FROM users WHERE user_id = ANY(%s)", [attacker.user_id, third.user_id])
    _replace_processes(testbed.product, usual, is_unfinished=bool(violations(cost)))
    return cost


def _replace_processes(product: Product, usual: dict[str, float], is_unfinished: bool) -> None:
    """Replace the processes that are still large, or all that may still work on an attack."""
    for name, number in PROCESSES.items():
        for pid, size in _sizes(product, name).items():
            if is_unfinished or size > usual[name] + RETAINED_MB:
                with suppress(psutil.Error):
                    psutil.Process(pid).send_signal(signal.SIGKILL)
                    wait_until(lambda pid=pid: not psutil.pid_exists(pid), 30, f"the end of {name} {pid}")
        wait_until(partial(_has_children, product, name, number), 30, f"the processes of {name}")
    faults.recover(product)


def main() -> int:
    """Run the attacks that the command line names, and print the table of costs; return the exit code."""
    words = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    attacks = [attack for attack in ATTACKS if not words or any(word in attack.name for word in words)]
    outcome = outcome_of(*_play(attacks, secrets.token_hex(4)))
    print(table(outcome.table[0], outcome.table[1:]), *outcome.violations, sep="\n")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
