"""The preview's task and its messages: published at once, again by the reconciler, and harmless when they repeat."""

import json

import pytest

from app.services import publisher
from app.services.companies import companies
from app.services.previews import outbox, removal
from app.worker import reconciler
from tests.support import previews as at
from tests.support.factories import make_run, make_user, row, sql
from tests.support.listings import fail_board, list_board
from tests.support.outages import refusing
from tests.support.outbox import PREVIEWS_QUEUE
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, postings, run_preview, units


def make_previews_due() -> None:
    sql("UPDATE previews SET next_dispatch_at = now() - interval '1 s'")


def test_task_answers_decides_and_finishes(app, broker, user_id):
    company(user_id, "acme", include=("engineer",), exclude=("intern",))
    company(user_id, "beta")
    list_board("acme", ["Engineer", "Intern Engineer", "Cook"])
    fail_board("beta", "gone", "It is gone.")
    preview_id = begin_preview(user_id)
    run_preview(preview_id)
    acme, beta = units(preview_id)
    assert (acme.state, acme.outcome, acme.found, acme.matched, acme.unparsed) == ("listed", "ok", 3, 1, 0)
    assert (beta.state, beta.outcome, beta.detail) == ("failed", "gone", "It is gone.")
    assert [(each.title, each.matched) for each in postings(preview_id)] == [
        ("Engineer", True), ("Intern Engineer", False), ("Cook", False)
    ]
    assert at.preview(preview_id).finished_at is not None


def test_messages_that_come_twice_at_once_change_nothing(app, broker, user_id):
    for number in range(12):
        company(user_id, f"b{number}")
        list_board(f"b{number}", ["Engineer"])
    preview_id = begin_preview(user_id)
    in_parallel(app, *[lambda: run_preview(preview_id)] * 2)
    assert {(unit.state, unit.found) for unit in units(preview_id)} == {("listed", 1)}
    assert len(postings(preview_id)) == 12
    before = (units(preview_id), at.preview(preview_id))
    run_preview(preview_id)
    run_preview(404)
    assert (units(preview_id), at.preview(preview_id)) == before


def test_task_survives_a_database_that_is_unavailable(app, broker, user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE preview_postings RENAME TO elsewhere")
    try:
        run_preview(preview_id)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO preview_postings")
    assert at.preview(preview_id).finished_at is None
    run_preview(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_company_removed_during_a_preview_stays_in_it(app, broker, user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    companies.remove(company_id, user_id)
    list_board("acme", ["Engineer"])
    run_preview(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_preview_removed_during_the_work_leaves_nothing(app, broker, user_id):
    company_id = company(user_id, "acme")
    list_board("acme", ["Engineer"] * 50)
    for number in range(5):
        old = begin_preview(user_id)
        companies.change(company_id, user_id, {"include": [f"term {number}"]})
        _, new = in_parallel(app, lambda: run_preview(old), lambda: begin_preview(user_id))
        sql("DELETE FROM previews WHERE preview_id = :id", id=old)
        # Postings may have been stored before the preview was removed.
        removal.remove_postings()
        assert units(old) == postings(old) == []
        assert len(units(new)) == 1


def test_reconciler_closes_a_preview_past_its_deadline(app, broker, user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    make_previews_due()
    assert outbox.claim_due() == []
    reconciler.reconcile_once()
    assert [(unit.state, unit.outcome) for unit in units(preview_id)] == [("failed", "out_of_time")] * 2
    assert at.preview(preview_id).finished_at is not None


def test_preview_started_without_a_broker_is_published_later(client, broker, user_id):
    company(user_id, "acme")
    with refusing(broker):
        response = client.post("/api/ingestion/dry-run")
        assert response.status_code == 201
        make_previews_due()
        assert reconciler.reconcile_once() is None
    publisher.breaker = publisher.CircuitBreaker()
    reconciler.reconcile_once()
    [message] = broker.lrange(PREVIEWS_QUEUE, 0, -1)
    assert json.loads(message)["headers"]["task"] == "preview.run"
    found = at.preview(response.json["preview_id"])
    assert (found.dispatch_count, found.dispatched_at is not None) == (1, True)
    assert (found.next_dispatch_at - found.dispatched_at).total_seconds() == pytest.approx(30, abs=1)


@pytest.mark.parametrize("table", ["ingestion_runs", "previews"])
def test_reconciler_publishes_previews_despite_a_fault_with_runs(app, broker, user_id, table):
    company(user_id, "acme")
    preview_id, run_id = begin_preview(user_id), make_run("pending", make_user("b@example.org"))
    make_previews_due()
    sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''inner fault''; END'")
    sql(f"CREATE TRIGGER broken BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        with pytest.raises(Exception, match="inner fault"):
            reconciler.reconcile_once()
    finally:
        sql("DROP FUNCTION broken() CASCADE")
    published = (row(run_id).dispatch_count, at.preview(preview_id).dispatch_count)
    assert published == ((0, 1) if table == "ingestion_runs" else (1, 0))
