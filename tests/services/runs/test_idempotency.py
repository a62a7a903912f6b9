"""Starts with an Idempotency-Key: a repeated one returns the same run and changes nothing."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app.config.validators import connect_arguments
from app.extensions import db
from app.services.previews.errors import PreviewNotFound, PreviewOutdated
from app.services.runs import idempotency, queries, start, transitions
from app.services.runs.errors import IdempotencyKeyReused, RunActive
from tests.support.factories import make_user, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.previews import company, finish_preview
from tests.support.statements import watch_statements
from tests.support.waiting import wait_until

LIVES = {
    "pending": [],
    "ingesting": [transitions.claim, transitions.advance],
    "finished": [transitions.claim, transitions.advance, transitions.finish],
    "error": [lambda run_id: transitions.fail(run_id, "The board vanished.")],
    "aborted": [transitions.abort],
}
WAITING_INSERT = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO ingestion_runs%'"
)


@pytest.fixture
def preview_id(user_id, boards) -> int:
    """A finished preview of the user's only company."""
    boards.greenhouse("acme", [])
    company(user_id, "acme")
    return finish_preview(user_id)


def key_of(run_id: int) -> str | None:
    return row(run_id).idempotency_key


@pytest.mark.parametrize("status", LIVES)
def test_start_with_a_used_key_returns_its_run_in_any_status(user_id, status):
    run_id, is_new = start.create_run(user_id, key="k")
    for move in LIVES[status]:
        move(run_id)
    before = row(run_id)
    assert (is_new, before.status, before.idempotency_key) == (True, status, "k")
    assert [start.create_run(user_id, key="k") for _ in range(3)] == [(run_id, False)] * 3
    assert row(run_id) == before
    assert len(timeline(run_id)) == 1 + len(LIVES[status])


def test_start_with_a_used_key_uses_up_no_id(user_id):
    run_id, _ = start.create_run(user_id, key="k")
    transitions.abort(run_id)
    for _ in range(5):
        start.create_run(user_id, key="k")
    assert start.create_run(user_id, key="other") == (run_id + 1, True)


def test_start_without_a_key_is_never_replayed(user_id):
    first, _ = start.create_run(user_id)
    with pytest.raises(RunActive):
        start.create_run(user_id)
    transitions.abort(first)
    second, is_new = start.create_run(user_id)
    assert (second != first, is_new, key_of(second), row(second).request_fingerprint) == (True, True, None, None)


def test_start_with_a_used_key_ignores_another_active_run(user_id):
    first, _ = start.create_run(user_id, key="k")
    transitions.abort(first)
    active, _ = start.create_run(user_id, key="other")
    assert start.create_run(user_id, key="k") == (first, False)
    with pytest.raises(RunActive) as refusal:
        start.create_run(user_id, key="third")
    assert refusal.value.run_id == active


def test_start_with_a_used_key_needs_no_preview(user_id, preview_id):
    run_id, _ = start.create_run(user_id, preview_id, "k")
    transitions.abort(run_id)
    company(user_id, "beta")
    assert start.create_run(user_id, preview_id, "k") == (run_id, False)
    with pytest.raises(PreviewOutdated):
        start.create_run(user_id, preview_id, "other")
    sql("DELETE FROM previews")
    assert row(run_id).preview_id is None
    assert start.create_run(user_id, preview_id, "k") == (run_id, False)
    with pytest.raises(PreviewNotFound):
        start.create_run(user_id, preview_id, "other")


@pytest.mark.parametrize("is_over", [False, True])
def test_start_with_a_used_key_and_another_body_is_refused_first(user_id, preview_id, is_over):
    run_id, _ = start.create_run(user_id, preview_id, "k")
    if is_over:
        transitions.abort(run_id)
    for other in (None, 404):
        with pytest.raises(IdempotencyKeyReused, match=f"started run {run_id} "):
            start.create_run(user_id, other, "k")
    assert sql("SELECT count(*) FROM ingestion_runs") == [(1,)]


def test_start_that_is_refused_stores_no_key(user_id, preview_id):
    active, _ = start.create_run(user_id)
    with pytest.raises(RunActive):
        start.create_run(user_id, key="k")
    transitions.abort(active)
    with pytest.raises(PreviewNotFound):
        start.create_run(user_id, 404, "k")
    run_id, is_new = start.create_run(user_id, preview_id, "k")
    assert (is_new, key_of(run_id)) == (True, "k")


def test_start_scopes_keys_to_their_user(app, user_id):
    other = make_user("other@example.org")
    mine, theirs = start.create_run(user_id, key="k"), start.create_run(other, key="k")
    assert mine[0] != theirs[0]
    assert (mine[1], theirs[1]) == (True, True)
    again = start.create_run(user_id, key="k"), start.create_run(other, key="k")
    assert again == ((mine[0], False), (theirs[0], False))


def test_start_compares_every_character_of_a_key(user_id):
    for key in ("k", "K", "k ", " k", "k" * 255, "k" * 254, '"', "\\", "%", "_"):
        run_id, is_new = start.create_run(user_id, key=key)
        assert is_new, key
        transitions.abort(run_id)


def test_fingerprint_never_changes():
    """Runs store the fingerprint. If an upgrade changed it, every retry of an earlier start would be refused."""
    assert idempotency.fingerprint(None).hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert idempotency.fingerprint(5).hex() == "28d27e592f73ab30c9f43a5050c8d29865797e3ec6c77504b4e7772c14b43a82"


def test_start_copies_in_parallel_make_one_run(app):
    for number in range(3):
        user_id = make_user(f"{number}@example.org")
        outcomes = in_parallel(app, *[lambda: start.create_run(user_id, key="k")] * 20)
        assert len({run_id for run_id, _ in outcomes}) == 1
        assert [is_new for _, is_new in outcomes].count(True) == 1
        assert len(timeline(outcomes[0][0])) == 1


def test_start_with_two_keys_at_once_has_one_winner(app, user_id):
    for number in range(10):
        keys = (f"a{number}", f"b{number}")
        outcomes = in_parallel(app, *[lambda key=key: start.create_run(user_id, key=key) for key in keys])
        [(run_id, is_new)] = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
        [refused] = [outcome for outcome in outcomes if isinstance(outcome, RunActive)]
        assert (is_new, refused.run_id) == (True, run_id)
        transitions.abort(run_id)


def test_start_with_two_bodies_at_once_has_one_winner(app, user_id, preview_id):
    for number in range(10):
        bodies = (None, preview_id)
        calls = [lambda body=body: start.create_run(user_id, body, f"k{number}") for body in bodies]
        outcomes = in_parallel(app, *calls)
        [(run_id, is_new)] = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
        [_] = [outcome for outcome in outcomes if isinstance(outcome, IdempotencyKeyReused)]
        assert is_new
        assert row(run_id).preview_id == bodies[outcomes.index((run_id, True))]
        transitions.abort(run_id)


def test_start_of_two_users_with_one_key_makes_a_run_each(app):
    users = [make_user(f"{name}@example.org") for name in "ab"]
    outcomes = in_parallel(app, *[lambda user_id=user_id: start.create_run(user_id, key="k") for user_id in users * 5])
    for number, user_id in enumerate(users):
        mine = outcomes[number::2]
        assert {run_id for run_id, _ in mine} == {queries.current(user_id)}
        assert [is_new for _, is_new in mine].count(True) == 1


@pytest.mark.parametrize(("end", "is_new"), [("COMMIT", False), ("ROLLBACK", True)])
def test_start_waits_for_its_unfinished_copy(app, settings, user_id, end, is_new):
    """The client gave up the first request, but its statement still runs. The second request waits for the outcome."""
    with psycopg.connect(**connect_arguments(settings.database_url)) as other, ThreadPoolExecutor(1) as pool:
        other.execute(
            "INSERT INTO ingestion_runs (user_id, status, finished_at, idempotency_key, request_fingerprint)"
            " VALUES (%s, 'aborted', now(), 'k', %s)",
            (user_id, idempotency.fingerprint(None)),
        )
        second = pool.submit(lambda: in_parallel(app, lambda: start.create_run(user_id, key="k")))
        wait_until(lambda: sql(WAITING_INSERT), what="the second start's wait for the first")
        other.execute(end)
        [(run_id, found)] = second.result()
    assert (found, key_of(run_id)) == (is_new, "k")
    assert sql("SELECT count(*) FROM ingestion_runs WHERE idempotency_key = 'k'") == [(1,)]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_start_is_never_refused_because_of_its_own_run(app, user_id, after):
    """After a statement of the start, the active run is aborted and a copy of the start succeeds.

    The start is then replayed, or refused because of the aborted run.
    """
    obstacle, _ = start.create_run(user_id)
    copies = []

    def overtake(_statement):
        nonlocal after
        after -= 1
        if after == 0:
            [outcome] = in_parallel(app, lambda: transitions.abort(obstacle) or start.create_run(user_id, key="k"))
            copies.append(outcome)

    with watch_statements(db.engine, after=overtake):
        [outcome] = in_parallel(app, lambda: start.create_run(user_id, key="k"))
    [(copy, is_new)] = copies
    assert is_new
    assert outcome == (copy, False) or outcome.run_id == obstacle


def test_start_against_the_removal_of_its_preview_stores_no_key(app, settings, user_id, preview_id):
    with psycopg.connect(**connect_arguments(settings.database_url)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("DELETE FROM previews")
        submitted = pool.submit(lambda: in_parallel(app, lambda: start.create_run(user_id, preview_id, "k")))
        wait_until(lambda: sql(WAITING_INSERT), what="the start's wait for its preview")
        other.commit()
        [outcome] = submitted.result()
    assert isinstance(outcome, PreviewNotFound)
    assert start.create_run(user_id, None, "k")[1]
