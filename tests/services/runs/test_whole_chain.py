"""Runs from the board's response to the user's jobs: the faults that such products have had are none of ours."""

from itertools import count

import pytest

from app.services.companies import companies
from app.services.runs import start
from app.worker.reconciler import reconcile_once
from tests.support.boards import job
from tests.support.factories import row, run_companies, sql
from tests.support.outbox import QUEUE
from tests.support.parallel import in_parallel
from tests.support.previews import company
from tests.support.readers import read_boards, read_preview
from tests.support.taking_in import job_events, jobs, traces
from tests.support.whole_runs import begin, carry, counts, run, run_at, states

pytestmark = pytest.mark.usefixtures("shift_clock")

TEMPLATE = "We are an equal opportunity employer and welcome everybody who likes to work with us. " * 40


@pytest.fixture
def acme(boards, user_id):
    """A company with two postings, taken in by a run."""
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook")])
    company_id = company(user_id, "acme")
    assert counts(run(user_id)) == (2, 0, 0)
    return company_id


@pytest.fixture
def birch(boards, user_id):
    """Another company, with one posting."""
    boards.greenhouse("birch", [job(3, "Nurse")])
    return company(user_id, "birch")


def test_company_that_cannot_be_read_keeps_its_jobs(boards, user_id, acme, birch):
    for hours, status in enumerate((500, 403, 429, 404), 1):
        boards.fault("acme", status, retry_after="9999")
        ended = run_at(user_id, 2 * hours)
        assert (ended.status, ended.jobs_expired) == ("finished", 0)
        assert [each.state for each in run_companies(ended.id)] == ["failed", "taken_in"]
    assert states(user_id) == {"Engineer": "ready", "Cook": "ready", "Nurse": "ready"}


def test_broken_and_partial_lists_expire_no_job(boards, user_id, acme):
    path = boards.greenhouse("acme", [job(1, "Engineer"), {"title": "Without an id"}])
    for hours in (2, 4, 6):
        assert run_at(user_id, hours).jobs_expired == 0
    boards.replies[path] = []
    boards.lever("other", [])
    boards.answer(path, *boards.replies["/v0/postings/other"])
    for hours in (8, 10):
        assert run_at(user_id, hours).status == "error"
    assert states(user_id) == {"Engineer": "ready", "Cook": "ready"}


@pytest.mark.parametrize("change", [{"enabled": False}, {"exclude": ["cook"]}, {"include": ["nurse"]}])
def test_changed_settings_of_a_company_expire_no_job(user_id, acme, birch, change):
    companies.change(acme, user_id, change)
    for hours in (2, 4):
        assert run_at(user_id, hours).jobs_expired == 0
    assert states(user_id) == {"Engineer": "ready", "Cook": "ready", "Nurse": "ready"}


def test_removed_company_keeps_its_jobs_and_takes_them_up_again(user_id, acme, birch):
    companies.remove(acme, user_id)
    assert counts(run_at(user_id, 2)) == (1, 0, 0)
    company(user_id, "acme")
    assert counts(run_at(user_id, 4)) == (0, 3, 0)
    assert states(user_id) == {"Engineer": "ready", "Cook": "ready", "Nurse": "ready"}


def test_list_of_jobs_never_empties_during_a_run(boards, user_id, acme, birch):
    boards.greenhouse("acme", [job(1, "Engineer", "<p>New text.</p>"), job(4, "Gardener")])
    seen = []

    def is_stopping() -> bool:
        seen.append({title for title, status in states(user_id).items() if status == "ready"})
        return False

    run_id = begin(user_id)
    assert carry(run_id, stopping=is_stopping).status == "finished"
    assert len(seen) > 3
    assert all({"Engineer", "Cook"} <= titles for titles in seen)


def test_unchanged_jobs_stay_in_the_list_and_are_not_written(user_id, acme):
    before = traces()
    for hours in (2, 4):
        assert counts(run_at(user_id, hours)) == (0, 2, 0)
    assert traces() == before
    assert states(user_id) == {"Engineer": "ready", "Cook": "ready"}


def test_creeping_changes_of_a_long_text_are_each_seen(boards, user_id):
    company(user_id, "acme")
    words = TEMPLATE.split()
    for number in range(6):
        words[50 * number] = f"changed{number}"
        boards.greenhouse("acme", [job(1, "Engineer", f"<p>{' '.join(words)}</p>")])
        ended = run_at(user_id, 2 * number)
        assert job_events(ended.id) == [("1", "changed" if number else "new")]
        assert jobs(user_id)["1"].description == " ".join(words)


def test_jobs_that_share_their_template_are_all_kept(boards, user_id):
    boards.greenhouse("acme", [job(each, "Engineer", f"<p>{TEMPLATE} Team {each}.</p>") for each in range(1, 9)])
    company(user_id, "acme")
    assert counts(run(user_id)) == (8, 0, 0)


def test_counts_of_earlier_runs_stay_and_expired_jobs_count(boards, user_id, acme):
    first = sql("SELECT max(id) AS id FROM ingestion_runs")[0].id
    boards.greenhouse("acme", [job(1, "Engineer")])
    assert counts(run_at(user_id, 2)) == (0, 1, 0)
    last = run_at(user_id, 4)
    assert counts(last) == (0, 1, 1)
    assert job_events(last.id) == [("2", "expired")]
    boards.greenhouse("acme", [job(1, "Chief engineer"), job(2, "Cook")])
    assert counts(run_at(user_id, 6)) == (2, 0, 0)
    assert (counts(row(first)), counts(row(last.id))) == ((2, 0, 0), (0, 1, 1))


@pytest.mark.parametrize("lost", [1, 2])
def test_run_whose_messages_are_lost_is_finished(app, broker, boards, user_id, shift_clock, lost):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    run_id = start.start_run(user_id)[0]
    if lost == 2:
        carry(run_id)
        read_boards()  # publishes the run, and the message is lost, too
    broker.flushall()
    shift_clock(60)
    reconcile_once()
    assert broker.llen(QUEUE) == 1
    for _ in range(2):
        carry(run_id)
        read_boards()
    assert row(run_id).status == "finished"


def test_counts_are_exact_however_many_workers_take_in(app, boards, user_id):
    ids = count(1)
    for number in range(6):
        boards.greenhouse(f"b{number}", [job(next(ids), "Engineer") for _ in range(20)] + [{"id": next(ids)}])
        company(user_id, f"b{number}")
    run_id = begin(user_id)
    in_parallel(app, *[lambda: carry(run_id)] * 5)
    ended = carry(run_id)
    assert (ended.status, ended.total_jobs, *counts(ended), ended.jobs_failed) == ("finished", 120, 120, 0, 0, 6)
    assert sql("SELECT count(*), count(DISTINCT posting_id) FROM jobs") == [(120, 120)]
    assert len(job_events(run_id)) == 120


def test_start_is_answered_before_any_board_is_read(client, boards, user_id):
    company(user_id, "acme")
    assert client.post("/api/ingestion/start").status_code == 201
    assert boards.requests == []


def test_board_is_read_with_one_request_for_preview_and_run(boards, user_id):
    path = boards.greenhouse("acme", [job(each, "Engineer", "<p>Text.</p>") for each in range(1, 30)])
    company(user_id, "acme")
    preview_id = read_preview(user_id)
    ended = run(user_id, preview_id)
    assert (ended.previewed, ended.total_jobs) == (29, 29)
    assert boards.count(path) == 1
    assert {request.path for request in boards.requests} <= {path, "/robots.txt"}
