"""The removal of users: at once for everybody, and in batches of rows."""

import pytest

from app.errors import Unauthenticated
from app.models import CredentialKind
from app.services import removal
from app.services.accounts import credentials, users
from app.services.accounts.errors import SignInRefused
from app.services.runs import start
from app.worker import reconciler
from tests.support.accounts import PASSWORD
from tests.support.factories import make_user, open_transaction, row, sql, timeline
from tests.support.listings import list_board
from tests.support.previews import company, finish_preview
from tests.support.starts import start_run

ANN = "ann@example.org"
TABLES = ("jobs", "job_events", "previews", "ingestion_runs", "run_companies", "companies", "credentials")


@pytest.fixture
def ann(app) -> int:
    """A user with rows in all tables, an active run among them."""
    user_id = users.add(ANN, PASSWORD)
    company(user_id, "acme")
    list_board("acme", ["Cook"])
    start_run(user_id, finish_preview(user_id))
    insert_jobs(user_id, 7)
    credentials.make_token(user_id, "curl")
    return user_id


def insert_jobs(user_id: int, number: int) -> None:
    sql(
        "WITH new AS (INSERT INTO jobs (user_id, run_id, company, external_id, url)"
        " SELECT :user_id, (SELECT max(id) FROM ingestion_runs WHERE user_id = :user_id), 'lever:a', n, 'u'"
        " FROM generate_series(1, :number) n RETURNING id, user_id, coalesce(run_id, 0) AS run_id)"
        " INSERT INTO job_events (job_id, user_id, run_id, kind, revision_id)"
        " SELECT id, user_id, run_id, 'new', 1 FROM new",
        user_id=user_id, number=number,
    )


def left() -> dict[str, int]:
    return {table: sql(f"SELECT count(*) AS n FROM {table}")[0].n for table in TABLES}


def test_removed_user_is_found_by_nobody(ann):
    secret = credentials.make_token(ann, "another").secret
    assert removal.mark_removed(ann)
    assert users.find_by_email(ANN) is None
    assert users.find_by_email(f"removed:{ann}") is None
    assert users.list_users() == []
    assert credentials.find(CredentialKind.TOKEN, secret) is None
    for attempt in (
        lambda: users.find_by_id(ann),
        lambda: credentials.make_token(ann, "late"),
        lambda: start.create_run(ann),
    ):
        with pytest.raises(Unauthenticated):
            attempt()
    with pytest.raises(SignInRefused):
        credentials.sign_in(ANN, PASSWORD, "browser")
    assert not users.set_password(ann, "a whole new password")
    [kept] = sql("SELECT * FROM users")
    assert (kept.email, kept.password_hash, kept.name, kept.epoch) == (f"removed:{ann}", None, None, 1)


def test_removal_frees_the_address_and_happens_once(ann):
    assert removal.mark_removed(ann)
    assert not removal.mark_removed(ann)
    assert users.add(ANN, PASSWORD) != ann


def test_removal_of_the_local_user_lets_a_new_one_begin(user_id):
    removal.mark_removed(user_id)
    assert users.local_user_id() != user_id


def test_removal_aborts_the_active_run_as_its_user(ann):
    removal.mark_removed(ann)
    [run] = sql("SELECT id FROM ingestion_runs")
    assert row(run.id).status == "aborted"
    assert timeline(run.id)[-1].actor == "user"


def test_removal_with_an_old_hash_leaves_a_user_with_a_new_password(ann):
    old_hash = users.find_by_id(ann).password_hash
    users.set_password(ann, "a whole new password")
    assert not removal.mark_removed(ann, old_hash)
    assert users.find_by_id(ann).email == ANN


def test_batches_remove_all_rows_of_removed_users_alone(ann):
    other = make_user("other@example.org")
    company(other, "acme")
    insert_jobs(other, 2)
    removal.mark_removed(ann)
    assert removal.remove_batches(60) == 1
    assert [user.user_id for user in sql("SELECT user_id FROM users")] == [other]
    assert left() == {**dict.fromkeys(TABLES, 0), "jobs": 2, "job_events": 2, "companies": 1}
    assert removal.remove_batches(60) == 0


def test_batches_abort_a_run_that_began_after_the_removal(ann):
    removal.mark_removed(ann)
    sql("INSERT INTO ingestion_runs (user_id) VALUES (:id)", id=ann)
    assert removal.remove_batches(60) == 1
    assert left() == dict.fromkeys(TABLES, 0)


def test_batches_stop_in_time_and_go_on_at_the_next_pass(ann):
    removal.mark_removed(ann)
    assert removal.remove_batches(0) == 0
    assert left()["jobs"] == 7
    with open_transaction(f"SELECT FROM users WHERE user_id = {ann} FOR UPDATE"):
        assert removal.remove_batches(60) == 0, "another remover is at work"
    assert left()["jobs"] == 7
    reconciler.reconcile_once()
    assert left() == dict.fromkeys(TABLES, 0)


def test_batch_removes_a_thousand_jobs_at_most(ann):
    sql("TRUNCATE jobs CASCADE")
    insert_jobs(ann, 2001)
    removal.mark_removed(ann)
    removed = [sql_batch(ann) for _ in range(4)]
    assert removed == [1000, 1000, 1, 0]


def sql_batch(user_id: int) -> int:
    return removal.run_statement(removal.BATCHES[0], owner=user_id)[0].removed


def test_finish_removes_everything_in_the_foreground(ann):
    removal.mark_removed(ann)
    removal.finish(ann)
    assert sql("SELECT FROM users") == []
    assert left() == dict.fromkeys(TABLES, 0)
