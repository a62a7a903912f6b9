"""Simultaneous starts, and starts with the same Idempotency-Key."""

from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User

GROUP = "Starts"


@drill("double start", GROUP, PRODUCT)
def double_start(testbed: Testbed) -> Outcome:
    """One user sends 50 starts at once: one is answered 201, the others 409 with the same run. Each round ends with an
    abort of the run.
    """
    rounds, seconds = testbed.scaled(100), []
    for number in range(rounds):
        (user,) = testbed.users(1, delay=6)
        replies = testbed.run_concurrently(User.start, [user] * 50)
        seconds += [reply.seconds for reply in replies]
        _check_one_winner(testbed, replies, number)
        for reply in replies:
            if reply.status == 201:
                user.abort(reply.run_id)
    return Outcome(rounds, "rounds of 50", seconds, "answer")


def _check_one_winner(testbed: Testbed, replies: list[Reply], number: int) -> None:
    statuses = sorted(str(reply.status) for reply in replies)
    if statuses != ["201"] + ["409"] * (len(replies) - 1):
        testbed.record_violation(f"round {number}: {statuses}")
    if len({reply.run_id for reply in replies}) != 1:
        testbed.record_violation(f"round {number}: the answers name the runs {({reply.run_id for reply in replies})}")


@drill("one key at once", GROUP, PRODUCT)
def one_key_at_once(testbed: Testbed) -> Outcome:
    """20 starts are sent at once with one Idempotency-Key: one is answered 201, the others 200 with the same run."""
    rounds, seconds = testbed.scaled(20), []
    (user,) = testbed.users(1)
    for number in range(rounds):
        replies = testbed.run_concurrently(lambda each: each.start(f"key-{number}"), [user] * 20)
        seconds += [reply.seconds for reply in replies]
        if sorted(str(reply.status) for reply in replies) != ["200"] * 19 + ["201"]:
            testbed.record_violation(f"round {number}: {sorted(str(reply.status) for reply in replies)}")
        if len({reply.run_id for reply in replies}) != 1:
            testbed.record_violation(f"round {number}: more than one run")
        user.abort(replies[0].run_id)
    return Outcome(rounds, "rounds of 20", seconds, "answer")


@drill("key misused", GROUP, PRODUCT)
def key_misused(testbed: Testbed) -> Outcome:
    """A key that is used again with another body is refused (422). The same key of another user starts that user's own
    run. A refused start stores nothing, so the first run stays the only one.
    """
    rounds, seconds = testbed.scaled(20), []
    first, second = testbed.users(2)
    for number in range(rounds):
        key = f"misused-{number}"
        ours, other = first.start(key), second.start(key)
        misuse = first.start(key, body={"preview_id": 1_000_000 + number})
        seconds.append(misuse.seconds)
        if (ours.status, other.status, misuse.status) != (201, 201, 422):
            testbed.record_violation(f"round {number}: {ours.status}, {other.status}, {misuse.status}")
        if ours.run_id == other.run_id:
            testbed.record_violation(f"round {number}: two users got run {ours.run_id}")
        again = first.start(key)
        if (again.status, again.run_id) != (200, ours.run_id):
            testbed.record_violation(f"round {number}: the replay was {again.status} {again.document}")
        first.abort(ours.run_id)
        second.abort(other.run_id)
    return Outcome(rounds, "misuses", seconds, "answer")
