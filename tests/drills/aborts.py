"""An abort against whatever else happens to the run."""

from contextlib import ExitStack
from threading import Lock
from typing import Any

from tests.drills import faults
from tests.drills.brokers import in_budget
from tests.drills.lasting import lasts
from tests.drills.people import Person
from tests.drills.registry import PLACEHOLDER, WALKING, drill
from tests.drills.results import Outcome, percentile
from tests.drills.stage import Stage

GROUP = "Aborts"


@drill("abort at a random instant", GROUP, WALKING)
def abort_at_random(stage: Stage) -> Outcome:
    """1,000 runs, each aborted at a random instant of its life: aborted stays aborted, and no posting comes after it.
    Some are finished before; then the abort says so.
    """
    stage.walk(units=3, pause=0.02)
    runs, seconds, ends = stage.times(1000, 8), [], {200: 0, 409: 0}
    people = stage.people(10)
    lock = Lock()

    def live(numbered: tuple[int, Person]) -> None:
        number, person = numbered
        for _ in range(number, runs, len(people)):
            run_id = person.start().run_id
            lasts(person.random.uniform(0, 0.4))
            reply = person.abort(run_id)
            seen = person.look(run_id)
            with lock:
                seconds.append(reply.seconds)
                ends[reply.status] = ends.get(reply.status, 0) + 1
            if reply.status == 200 and seen.document["status"] != "aborted":
                stage.wrong(f"run {run_id} was aborted and is shown as {seen.document['status']}")

    stage.crowd(live, list(enumerate(people)))
    stage.ended()
    stage.no_posting_after_the_end()
    if ends[200] + ends[409] != runs:
        stage.wrong(f"of {runs} aborts the answers were {ends}")
    facts = {"aborted": ends[200], "had finished": ends[409]}
    return Outcome(sum(ends.values()), "runs", seconds, "abort's answer", facts)


@drill("abort against finish", GROUP, WALKING)
def abort_against_finish(stage: Stage) -> Outcome:
    """1,000 runs stand before their end when worker and user are let go at once: one wins, the other is told the truth.
    The user is let go a little earlier or later by chance, so that each wins often.
    """
    stage.walk(units=0, barrier=True)
    runs, seconds, split = stage.times(1000, 10), [], {"aborted": 0, "finished": 0}
    (person,) = stage.people(1)
    lead = 0.004
    with faults.broker(stage.product, timeout=None) as client:
        for _ in range(runs):
            run_id = person.start().run_id
            ready = client.blpop("drill:ready", timeout=60)
            if ready is None or int(ready[1]) != run_id:
                stage.wrong(f"run {run_id} did not come to its barrier ({ready})")
                break
            reply, status = _meet(stage, client, person, run_id, lead)
            seconds.append(reply.seconds)
            split[status] = split.get(status, 0) + 1
            # Whoever wins too often is let go later.
            lead = max(0.0, lead + (0.0002 if status == "finished" else -0.0002))
            _agree(stage, run_id, reply, status)
    stage.ended()
    return Outcome(sum(split.values()), "meetings", seconds, "abort's answer", {f"{k}": v for k, v in split.items()})


def _meet(stage: Stage, client: Any, person: Person, run_id: int, lead: float) -> tuple[Any, str]:
    """Let the worker go by chance around ``lead`` seconds after the user; returns the answer and how the run ended."""
    pause = max(0.0, lead + stage.random.uniform(-0.003, 0.003))

    def side(which: str) -> Any:
        if which == "user":
            return person.abort(run_id)
        lasts(pause)
        return client.lpush(f"drill:go:{run_id}", 1)

    reply, _ = stage.crowd(side, ["user", "worker"])
    return reply, str(person.look(run_id).document["status"])


def _agree(stage: Stage, run_id: int, reply: Any, status: str) -> None:
    expected = {200: "aborted", 409: "finished"}.get(reply.status)
    if expected != status:
        stage.wrong(f"run {run_id}: the abort was answered {reply.status} and the run is {status}")


AWAY: list[tuple[Any, list[str]]] = [
    (faults.frozen, ["redis"]),
    (faults.frozen, ["redis", "worker"]),
    (faults.frozen, ["redis", "worker", "reconciler"]),
    (faults.away, ["redis"]),
    (faults.away, ["worker", "reconciler"]),
    (faults.away, ["redis", "worker", "reconciler"]),
]


@drill("abort while others are away", GROUP, PLACEHOLDER)
def abort_while_away(stage: Stage) -> Outcome:
    """Redis, the workers and the reconciler are frozen, then dead, one of them, two or all: start and abort answer
    within 3 s. The next start of the same person succeeds at once, too.
    """
    seconds: list[float] = []
    for fault, names in AWAY * stage.times(1):
        people = stage.people(8)
        with stage.outage(), ExitStack() as stack:
            for name in names:
                stack.enter_context(fault(stage.product, name))
            for _ in range(2):
                begun = stage.crowd(Person.start, people)
                seconds += in_budget(stage, begun)
                pairs = [(person, reply.run_id) for person, reply in zip(people, begun, strict=True) if reply.run_id]
                seconds += in_budget(stage, stage.crowd(lambda pair: pair[0].abort(pair[1]), pairs), 200)
    faults.heal(stage.product)
    facts = {"p99 while all is well": _calm(stage)}
    return Outcome(len(seconds), "answers", seconds, "answer", facts)


def _calm(stage: Stage) -> str:
    (person,) = stage.people(1)
    seconds = [person.abort(person.start().run_id).seconds for _ in range(stage.times(100))]
    return f"{1000 * (percentile(seconds, 0.99) or 0):.0f} ms"
