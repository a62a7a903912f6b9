"""The work on a preview: every board is listed once, despite failures, lost workers and duplicate messages."""

import json
from threading import Event

import pytest

from app.extensions import db
from app.services import publisher
from app.services.companies import companies
from app.services.previews import completion, leases, lifecycle, list_company, outbox, removal, results, worker
from app.worker import reconciler
from tests.support import previews as at
from tests.support.boards import Reply, job
from tests.support.factories import make_run, make_user, row, sql
from tests.support.outages import refusing
from tests.support.outbox import PREVIEWS_QUEUE
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, expire_leases, finish_preview, postings, run_preview, units
from tests.support.waiting import wait_until


def make_previews_due() -> None:
    sql("UPDATE previews SET next_dispatch_at = now() - interval '1 s'")


def test_preview_lists_each_board_and_filters_each_posting(boards, user_id):
    engineer = job(1, "Engineer", "&lt;p&gt;Build.&lt;/p&gt;")
    boards.greenhouse("acme", [engineer, job(2, "Intern Engineer"), job(3, "Cook")])
    boards.greenhouse("beta", [])
    company(user_id, "acme", include=("engineer",), exclude=("intern",))
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    run_preview(preview_id)
    acme, beta = units(preview_id)
    assert (acme.state, acme.outcome, acme.found, acme.taken, acme.unread) == ("listed", "ok", 3, 1, 0)
    assert (acme.is_complete, acme.lease_until, acme.attempt) == (True, None, 1)
    assert (beta.state, beta.outcome, beta.found, beta.taken) == ("listed", "empty", 0, 0)
    assert [(each.title, each.taken, each.rule_kind, each.rule_term) for each in postings(preview_id)] == [
        ("Engineer", True, "include", "engineer"),
        ("Intern Engineer", False, "exclude", "intern"),
        ("Cook", False, "not_included", None),
    ]
    first = postings(preview_id)[0]
    assert (first.external_id, first.url, first.location) == ("1", "https://example.org/jobs/1", "Berlin")
    assert (first.department, first.description) == ("Research", "Build.")
    assert first.posted_at.isoformat() == "2026-01-02T08:04:05+00:00"
    assert at.preview(preview_id).finished_at is not None


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "not_found"), (410, "gone"), (403, "forbidden"), (429, "throttled")]
)
def test_failed_board_stores_its_reason_and_affects_no_other(boards, user_id, status, outcome):
    boards.fault("acme", status, **({"retry_after": "3600"} if status == 429 else {}))
    boards.lever("beta", [])
    company(user_id, "acme")
    company(user_id, "beta", source="lever")
    # Both boards are on one host. After a throttled request, the host gets no request for the other board either.
    failed, listed = units(finish_preview(user_id))
    assert (failed.state, failed.outcome, failed.found) == ("failed", outcome, None)
    assert failed.detail.endswith(".")
    assert (failed.retry_at is not None) == (outcome == "throttled")
    if outcome != "throttled":
        assert listed.state == "listed"
    found = companies.list_for_user(user_id)[0]
    assert (found.outcome, found.outcome_detail, found.postings) == (outcome, failed.detail, None)


def test_response_in_an_unknown_format_is_a_failure_not_empty(boards, user_id):
    boards.answer("/v1/boards/acme/jobs", Reply(200, b"<html>Hello</html>", {"Content-Type": "text/html"}))
    company(user_id, "acme")
    [unit] = units(finish_preview(user_id))
    assert (unit.state, unit.outcome) == ("failed", "changed")


def test_unstorable_listing_is_tried_again(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE preview_postings ADD CONSTRAINT odd CHECK (title <> 'Engineer')")
    try:
        run_preview(preview_id)
    finally:
        sql("ALTER TABLE preview_postings DROP CONSTRAINT odd")
    [unit] = units(preview_id)
    assert (unit.state, unit.outcome, unit.attempt) == ("waiting", None, 1)
    sql("UPDATE preview_companies SET not_before = now()")
    run_preview(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_odd_texts_ids_and_times_are_stored(boards, user_id):
    odd_jobs = [
        job(1, "Engi\u0000neer \ud800", "x\u0000y z"),
        job("y" * 300, "Too long an id"),
        job(3, "🙂 日本語", department=None),
        job(3, "The same once more"),
        job(4, "O'Brien \\ \"quoted\" %_{}", first_published="9999-12-31T23:59:59-12:00"),
        job(5, "Early", first_published="0001-01-01T00:00:00+14:00", updated_at="never"),
    ]
    boards.greenhouse("acme", odd_jobs)
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    [unit] = units(preview_id)
    assert (unit.state, unit.outcome, unit.found) == ("listed", "ok", len(postings(preview_id)))
    assert unit.unread >= 1
    assert unit.is_complete is False
    found = {each.external_id: each for each in postings(preview_id)}
    assert found["1"].title.replace(" ", "").startswith("Engineer")
    assert found["3"].title == "🙂 日本語"
    assert found["4"].title == "O'Brien \\ \"quoted\" %_{}"
    assert "y" * 255 not in found


def test_unchanged_board_reuses_its_postings_and_filters_again(boards, user_id):
    path = boards.greenhouse("acme", [job(1, "Engineer", "Text"), job(2, "Cook", "Soup")], etag='"one"')
    company_id = company(user_id, "acme")
    first = finish_preview(user_id)
    companies.change(company_id, user_id, {"include": ["cook"]})
    second = finish_preview(user_id)
    third = finish_preview(user_id)
    assert [asked.headers.get("if-none-match") for asked in boards.requests if asked.path == path] == [
        None, '"one"', '"one"'
    ]
    columns = ("external_id", "title", "url", "location", "department", "posted_at", "updated_at", "description")
    reused, again = ([[getattr(each, name) for name in columns] for each in postings(one)] for one in (second, third))
    assert again == reused
    assert [(each.description, each.location) for each in postings(third)] == [("Text", "Berlin"), ("Soup", "Berlin")]
    assert [(each.title, each.taken, each.rule_kind) for each in postings(third)] == [
        ("Engineer", False, "not_included"), ("Cook", True, "include")
    ]
    [unit] = units(third)
    assert (unit.found, unit.taken, unit.is_complete, unit.outcome) == (2, 1, True, "ok")
    assert second > first


def test_request_is_unconditional_if_the_listing_is_not_stored(boards, user_id):
    path = boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    boards.fault("acme", 410)
    finish_preview(user_id)
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    preview_id = finish_preview(user_id)
    tags = [asked.headers.get("if-none-match") for asked in boards.requests if asked.path == path]
    assert tags == [None, '"one"', None]
    assert [each.title for each in postings(preview_id)] == ["Engineer"]


def test_validators_of_a_removed_preview_match_no_older_one(boards, user_id):
    boards.greenhouse("acme", [job(1, "Old")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    boards.greenhouse("acme", [job(2, "New")], etag='"two"')
    company(user_id, "beta")
    removed = begin_preview(user_id)
    list_company.list_company(leases.claim_company(removed))
    company(user_id, "gamma")
    preview_id = finish_preview(user_id)
    assert [unit.board for unit in units(removed)] == []
    assert [each.title for each in postings(preview_id)] == ["New"]


def test_request_is_unconditional_for_another_users_listing(boards, user_id):
    path = boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    other = make_user("other@example.org")
    company(user_id, "acme")
    company(other, "acme")
    finish_preview(other)
    known = "SELECT listed_at, outcome, etag FROM companies WHERE user_id = :id"
    sql(f"UPDATE companies SET (listed_at, outcome, etag) = ({known})", id=other)
    assert [each.title for each in postings(finish_preview(user_id))] == ["Engineer"]
    assert [asked.headers.get("if-none-match") for asked in boards.requests if asked.path == path] == [None, None]


def test_request_is_unconditional_after_an_incomplete_listing(boards, user_id):
    path = boards.greenhouse("acme", [job(1, "Engineer"), {"id": 2}], etag='"one"')
    company(user_id, "acme")
    [unit] = units(finish_preview(user_id))
    assert (unit.found, unit.unread, unit.is_complete) == (1, 1, False)
    finish_preview(user_id)
    assert [asked.headers.get("if-none-match") for asked in boards.requests if asked.path == path] == [None, None]


def test_company_removed_during_a_preview_stays_in_it(boards, app, user_id):
    hold = Event()
    path = boards.greenhouse("acme", [job(1, "Engineer")], hold=hold)
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)

    def remove_company():
        wait_until(lambda: boards.count(path), what="the request to the board")
        companies.remove(company_id, user_id)
        hold.set()

    in_parallel(app, lambda: run_preview(preview_id), remove_company)
    assert [unit.state for unit in units(preview_id)] == ["listed"]
    assert at.preview(preview_id).finished_at is not None
    assert lifecycle.get(preview_id, user_id)["is_current"] is False


def test_preview_removed_during_the_work_leaves_nothing(boards, app, user_id):
    hold = Event()
    path = boards.greenhouse("acme", [job(1, "Engineer")], hold=hold)
    company_id = company(user_id, "acme")
    old = begin_preview(user_id)

    def replace_preview():
        wait_until(lambda: boards.count(path), what="the request to the board")
        companies.change(company_id, user_id, {"include": ["cook"]})
        hold.set()
        return begin_preview(user_id)

    _, new = in_parallel(app, lambda: run_preview(old), replace_preview)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews")] == [new]
    # A posting may have been stored before the preview was removed.
    removal.remove_postings()
    assert units(old) == postings(old) == []


def test_two_workers_and_duplicate_messages_list_each_board_once(boards, app, user_id):
    paths = [boards.greenhouse(f"b{number}", [job(number, "Engineer")]) for number in range(12)]
    for number in range(12):
        company(user_id, f"b{number}")
    preview_id = begin_preview(user_id)
    in_parallel(app, *[lambda: run_preview(preview_id)] * 2)
    assert [boards.count(path) for path in paths] == [1] * 12
    assert {unit.state for unit in units(preview_id)} == {"listed"}
    assert len(postings(preview_id)) == 12
    assert at.preview(preview_id).finished_at is not None
    before = units(preview_id)
    run_preview(preview_id)
    assert units(preview_id) == before
    run_preview(404)


def test_work_republishes_if_companies_are_left_after_its_slice(boards, app, broker, user_id):
    for number in range(3):
        company(user_id, f"b{number}")
    preview_id = begin_preview(user_id)
    worker.work(preview_id, lambda: outbox.publish(preview_id), seconds=0)
    assert broker.llen(PREVIEWS_QUEUE) == 1
    assert at.preview(preview_id).dispatch_count == 1
    assert {unit.state for unit in units(preview_id)} == {"waiting"}


def test_store_listing_without_the_lease_writes_nothing(boards, user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    first = leases.claim_company(preview_id)
    assert leases.claim_company(preview_id) is None
    expire_leases()
    second = leases.claim_company(preview_id)
    assert (first.attempt, second.attempt) == (1, 2)
    found = results.ListingResult(True, 0, results.Validators())
    assert results.store_listing(first, found) is False
    assert results.store_failure(first, results.Outcome.GONE, "Gone.") is False
    assert [unit.state for unit in units(preview_id)] == ["listing"]
    assert results.store_listing(second, found) is True
    assert results.store_listing(second, found) is False


def test_company_that_crashes_its_workers_fails_after_three(boards, user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    for _ in range(3):
        assert completion.close_overdue() == 0
        assert leases.claim_company(preview_id)
        expire_leases()
    assert leases.claim_company(preview_id) is None
    assert completion.close_overdue() == 1
    [unit] = units(preview_id)
    assert (unit.state, unit.outcome, unit.lease_until) == ("failed", "out_of_time", None)
    assert "This product failed" in unit.detail
    assert companies.list_for_user(user_id)[0].outcome is None


def test_company_is_retried_after_the_database_was_unavailable(boards, user_id, app):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE preview_postings RENAME TO elsewhere")
    try:
        run_preview(preview_id)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO preview_postings")
    assert [unit.state for unit in units(preview_id)] == ["listing"]
    expire_leases()
    run_preview(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_reconciler_closes_a_preview_past_its_deadline(app, broker, user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    leases.claim_company(preview_id)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    assert leases.claim_company(preview_id) is None
    assert outbox.claim_due() == []
    reconciler.reconcile_once()
    assert [(unit.state, unit.outcome) for unit in units(preview_id)] == [("failed", "out_of_time")] * 2
    assert at.preview(preview_id).finished_at is not None
    assert [found.outcome for found in companies.list_for_user(user_id)] == [None, None]


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


def test_claim_due_returns_previews_with_a_claimable_company(app, broker, user_id):
    """A lease of a dead worker does not delay the companies that wait."""
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    leases.claim_company(preview_id)
    assert outbox.claim_due() == []
    make_previews_due()
    assert outbox.claim_due() == [preview_id]
    assert outbox.claim_due() == []
    leases.claim_company(preview_id)
    make_previews_due()
    assert outbox.claim_due() == []
    expire_leases()
    assert outbox.claim_due() == [preview_id]


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


def test_reconciler_finishes_the_preview_of_a_dead_worker(app, broker, user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    unit = leases.claim_company(preview_id)
    results.store_failure(unit, results.Outcome.GONE, "Gone.")
    assert at.preview(preview_id).finished_at is None
    reconciler.reconcile_once()
    assert at.preview(preview_id).finished_at is not None


def test_connections_of_a_worker_suffice_for_its_threads(app, user_id):
    settings = app.config["SETTINGS"]
    web = settings.web_workers * settings.web_database_connections
    assert settings.max_connections >= web + settings.worker_concurrency * 8
    assert db.engine.pool.size() + db.engine.pool._max_overflow >= 8
