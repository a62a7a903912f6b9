"""The number of a user's sessions and tokens: its limits, pages of it, and the removal of expired ones."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from app.models import MAX_SESSIONS, MAX_TOKENS, CredentialKind
from app.services.accounts import credentials, users
from app.services.accounts.errors import TooManyTokens
from app.worker import reconciler
from tests.support.accounts import PASSWORD
from tests.support.factories import make_user, open_transaction, sql
from tests.support.parallel import during_open_transaction, in_parallel

ANN = "ann@example.org"


def insert_credentials(
    user_id: int, number: int, kind: str = "token", expires_at: str = "NULL", epoch: int = 0
) -> None:
    """Insert credentials beside the trigger, as an earlier version left them."""
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE credentials DISABLE TRIGGER USER"))
        connection.execute(
            text(
                "INSERT INTO credentials (user_id, kind, name, secret_hash, epoch, expires_at)"
                f" SELECT :user_id, :kind, 'old', uuid_send(gen_random_uuid()), {epoch}, {expires_at}"
                " FROM generate_series(1, :number)"
            ),
            {"user_id": user_id, "kind": kind, "number": number},
        )
        connection.execute(text("ALTER TABLE credentials ENABLE TRIGGER USER"))


def count(kind: CredentialKind) -> int:
    return sql("SELECT count(*) FROM credentials WHERE kind = :kind", kind=kind.value)[0].count


def test_make_token_refuses_one_more_than_the_maximum(user_id):
    for number in range(MAX_TOKENS):
        credentials.make_token(user_id, f"token {number}")
    with pytest.raises(TooManyTokens, match="There are already 50 tokens, the maximum"):
        credentials.make_token(user_id, "one more")
    assert count(CredentialKind.TOKEN) == MAX_TOKENS
    credentials.make_token(make_user("other@example.org"), "of another user")


def test_make_token_in_parallel_stays_within_the_maximum(app, user_id):
    insert_credentials(user_id, MAX_TOKENS - 3)
    outcomes = in_parallel(app, *[lambda: credentials.make_token(user_id, "new")] * 12)
    assert sum(isinstance(outcome, TooManyTokens) for outcome in outcomes) == 9
    assert count(CredentialKind.TOKEN) == MAX_TOKENS


def during_an_open_insert(app, user_id: int, kind: str, call: Callable[[], Any]) -> Any:
    """Return the result or the error of a call that begins before another credential of the user is committed."""
    values = f"({user_id}, '{kind}', 'first', uuid_send(gen_random_uuid()), 0)"
    insertion = f"INSERT INTO credentials (user_id, kind, name, secret_hash, epoch) VALUES {values}"
    return during_open_transaction(app, insertion, call)


def test_make_token_counts_one_that_commits_meanwhile(app, user_id):
    insert_credentials(user_id, MAX_TOKENS - 1)
    outcome = during_an_open_insert(app, user_id, "token", lambda: credentials.make_token(user_id, "second"))
    assert isinstance(outcome, TooManyTokens)


def test_sign_in_counts_a_session_that_commits_meanwhile(app):
    ann = users.add(ANN, PASSWORD)
    insert_credentials(ann, MAX_SESSIONS - 1, kind="session")
    session = during_an_open_insert(app, ann, "session", lambda: credentials.sign_in(ANN, PASSWORD, "second"))
    assert credentials.find(CredentialKind.SESSION, session.secret)
    assert count(CredentialKind.SESSION) == MAX_SESSIONS


@pytest.mark.parametrize(
    "others",
    [{"expires_at": "now() - interval '1 s'"}, {"kind": "session"}, {"epoch": -1}],
    ids=["expired", "sessions", "from before a change of the password"],
)
def test_make_token_counts_valid_tokens_alone(user_id, others):
    insert_credentials(user_id, MAX_TOKENS, **others)
    assert credentials.make_token(user_id, "new").secret


def test_make_token_is_possible_again_after_a_revocation(user_id):
    insert_credentials(user_id, MAX_TOKENS + 2)
    [*_, oldest], _ = credentials.list_for_user(user_id)
    for credential_id in range(oldest.credential_id, oldest.credential_id + 2):
        credentials.revoke(credential_id, user_id)
        with pytest.raises(TooManyTokens):
            credentials.make_token(user_id, "too early")
    credentials.revoke(oldest.credential_id + 2, user_id)
    credentials.make_token(user_id, "in time")


def test_sign_in_beyond_the_maximum_ends_the_oldest_session(app):
    ann = users.add(ANN, PASSWORD)
    insert_credentials(ann, MAX_SESSIONS + 20, kind="session")
    insert_credentials(ann, 1)
    before = [each.credential_id for each in sql("SELECT credential_id FROM credentials ORDER BY 1")]
    session = credentials.sign_in(ANN, PASSWORD, "new")
    left = [each.credential_id for each in sql("SELECT credential_id FROM credentials ORDER BY 1")]
    assert left == [*before[21:], session.credential_id]
    assert count(CredentialKind.SESSION) == MAX_SESSIONS


def test_sign_in_in_parallel_keeps_the_maximum_of_sessions(app):
    ann = users.add(ANN, PASSWORD)
    insert_credentials(ann, MAX_SESSIONS - 1, kind="session")
    insert_credentials(make_user("other@example.org"), 5, kind="session")
    sessions = in_parallel(app, *[lambda: credentials.sign_in(ANN, PASSWORD, "new")] * 6)
    assert count(CredentialKind.SESSION) == MAX_SESSIONS + 5
    assert all(credentials.find(CredentialKind.SESSION, each.secret) for each in sessions)


def test_list_for_user_pages_through_all_newest_first(user_id):
    insert_credentials(user_id, 5)
    paged, after = [], None
    while True:
        page, after = credentials.list_for_user(user_id, after, limit=2)
        paged += [each.credential_id for each in page]
        if after is None:
            break
    assert paged == [each.credential_id for each in sql("SELECT credential_id FROM credentials ORDER BY 1 DESC")]


def test_reconcile_removes_expired_credentials_of_all_users(app, broker):
    for email in (ANN, "bob@example.org"):
        user_id = make_user(email)
        for kind in ("session", "token"):
            insert_credentials(user_id, 2, kind, "now() - interval '1 s'")
            insert_credentials(user_id, 1, kind, "now() + interval '1 h'")
        insert_credentials(user_id, 1)
    reconciler.reconcile_once()
    assert sql("SELECT count(*) FROM credentials WHERE expires_at < now()") == [(0,)]
    assert sql("SELECT count(*) FROM credentials") == [(6,)]


def test_remove_expired_takes_a_bounded_batch_and_no_locked_row(user_id, monkeypatch):
    insert_credentials(user_id, credentials.MAX_EXPIRED + 2, "session", "now() - interval '1 s'")
    locked = "SELECT * FROM credentials ORDER BY expires_at, credential_id LIMIT 1 FOR UPDATE"
    with open_transaction(locked):
        assert [credentials.remove_expired() for _ in range(3)] == [credentials.MAX_EXPIRED, 1, 0]
    assert credentials.remove_expired() == 1


def test_remove_expired_reads_an_index(user_id):
    insert_credentials(user_id, 2_000, "session", "now() + interval '1 h'")
    sql("ANALYZE credentials")
    plan = sql(f"EXPLAIN {credentials.REMOVE_EXPIRED.compile(db.engine, compile_kwargs={'literal_binds': True})}")
    search = next(number for number, line in enumerate(plan) if "ix_credentials_expires_at" in line[0])
    # Without the condition, PostgreSQL would read the whole index in its order.
    assert "Index Cond: (expires_at <= " in plan[search + 1][0]


def test_session_ends_by_the_clock(app, shift_clock):
    user_id = users.add(ANN, PASSWORD)
    secret = credentials.sign_in(ANN, PASSWORD, "Firefox").secret
    shift_clock(credentials.SESSION_SECONDS - 60)
    assert credentials.find(CredentialKind.SESSION, secret).user_id == user_id
    assert credentials.remove_expired() == 0
    shift_clock(credentials.SESSION_SECONDS)
    assert credentials.find(CredentialKind.SESSION, secret) is None
    assert credentials.list_for_user(user_id) == ([], None)
    assert credentials.remove_expired() == 1


def test_token_ends_by_the_clock_and_makes_room_for_another(user_id, shift_clock):
    issued = [credentials.make_token(user_id, "for a day", expires_in_days=1) for _ in range(MAX_TOKENS)]
    shift_clock(24 * 3600)
    assert {credentials.find(CredentialKind.TOKEN, each.secret) for each in issued} == {None}
    assert credentials.find(CredentialKind.TOKEN, credentials.make_token(user_id, "next", expires_in_days=1).secret)


def test_times_of_a_session_follow_the_clock(app, shift_clock):
    shift_clock(-365 * 24 * 3600)
    before = sql("SELECT clock_now()")[0][0]
    users.add(ANN, PASSWORD)
    credentials.find(CredentialKind.SESSION, credentials.sign_in(ANN, PASSWORD, "Firefox").secret)
    [found] = sql(
        "SELECT users.created_at AS added, last_login, credentials.created_at, last_used_at, clock_now() AS after,"
        " expires_at - make_interval(secs => :lifetime) AS began FROM users JOIN credentials USING (user_id)",
        lifetime=credentials.SESSION_SECONDS,
    )
    assert before <= found.added <= found.last_login <= found.created_at <= found.last_used_at <= found.after
    assert before <= found.began <= found.after
