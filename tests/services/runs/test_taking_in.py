"""The jobs of a user follow what a board offers, company by company."""

import pytest

from app.services.jobs.company_key import company_key
from app.services.runs import taking_in
from tests.support.board_rows import listing_row, make_board, make_posting, posting_rows
from tests.support.factories import row, sql
from tests.support.stored_listings import close, store
from tests.support.taking_in import begin_run, counts, job_events, jobs, take_in, traces, unit


def test_new_job_is_a_copy_of_its_posting(user_id):
    board = make_board(board="acme")
    listing = store(board, make_posting(1))
    run_id = take_in(user_id, board)
    [job] = jobs(user_id).values()
    posting = posting_rows(board)["1"]
    assert (job.title, job.url, job.location) == ("Gardener", "https://example.org/1", "Berlin; Remote")
    assert (job.locations, job.department, job.workplace) == (["Berlin", "Remote"], "Parks", "hybrid")
    assert (job.description, job.requirements) == ("Water the trees.", "A green thumb.")
    assert (job.company, job.company_name, job.source) == (company_key("greenhouse", "acme"), "Acme", "greenhouse")
    assert (job.board_id, job.posting_id, job.revision_id) == (board, posting.posting_id, posting.revision_id)
    assert (job.status, job.run_id, job.is_baseline, job.expired_at) == ("ready", run_id, False, None)
    assert job.created_at == job.updated_at
    [event] = sql("SELECT * FROM job_events")
    assert (event.kind, event.job_id, event.run_id, event.user_id) == ("new", job.id, run_id, user_id)
    assert (event.listing_id, event.revision_id) == (listing.listing_id, posting.revision_id)
    assert (counts(run_id), unit(run_id).state, unit(run_id).parts) == ((1, 0, 0, 0, 0), "taken_in", 1)


def test_new_job_of_a_first_taking_in_is_baseline(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board, is_baseline=True)
    assert jobs(user_id)["1"].is_baseline
    assert sql("SELECT is_baseline FROM job_events")[0].is_baseline


def test_filters_choose_the_new_jobs(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2, title="Cook"))
    run_id = take_in(user_id, board, include=("cook",))
    assert (list(jobs(user_id)), counts(run_id)) == (["2"], (1, 0, 0, 0, 0))


def test_unchanged_jobs_write_nothing(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    before = traces()
    run_id = take_in(user_id, board)
    assert (traces(), counts(run_id)) == (before, (0, 0, 0, 2, 0))


def test_changed_job_follows_its_posting(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, title="Head gardener", department="Woods"))
    run_id = take_in(user_id, board)
    job = jobs(user_id)["1"]
    assert (job.title, job.department, job.run_id) == ("Head gardener", "Woods", run_id)
    assert job.revision_id == posting_rows(board)["1"].revision_id
    assert (counts(run_id), job_events(run_id)) == ((0, 1, 0, 0, 0), [("1", "changed")])
    assert sql("SELECT fields FROM job_events WHERE kind = 'changed'")[0].fields == ["title"]


def test_changes_between_two_runs_are_one_with_all_fields(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, title="Head gardener", workplace="remote"))
    store(board, make_posting(1, title="Head gardener", description="Cut the trees."))
    run_id = take_in(user_id, board)
    assert counts(run_id) == (0, 1, 0, 0, 0)
    # The workplace changed, and changed back.
    assert sql("SELECT fields FROM job_events WHERE kind = 'changed'")[0].fields == ["title", "description"]


def test_change_that_was_taken_back_is_silent(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, title="Cook"))
    store(board, make_posting(1))
    run_id = take_in(user_id, board)
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 0, 1, 0), [])
    assert jobs(user_id)["1"].revision_id == posting_rows(board)["1"].revision_id


def test_text_that_arrives_later_is_filled_in_silently(user_id):
    board = make_board()
    store(board, make_posting(1, description=None))
    first = take_in(user_id, board)
    store(board, make_posting(1))
    run_id = take_in(user_id, board)
    job = jobs(user_id)["1"]
    assert (job.description, job.run_id) == ("Water the trees.", first)
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 0, 1, 0), [])


def test_reading_of_a_new_parser_is_no_change(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, description="Water  the trees, as another parser reads it."), schema=2)
    store(board, make_posting(1, description="Water  the trees, as another parser reads it.", title="Cook"), schema=2)
    run_id = take_in(user_id, board)
    assert counts(run_id) == (0, 1, 0, 0, 0)
    assert sql("SELECT fields FROM job_events WHERE kind = 'changed'")[0].fields == ["title"]


def test_changes_that_the_job_has_already_count_no_more(user_id):
    board = make_board()
    store(board, make_posting(1))
    store(board, make_posting(1, title="Cook"))
    take_in(user_id, board)
    store(board, make_posting(1, title="Cook, as another parser reads it"), schema=2)
    run_id = take_in(user_id, board)
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 0, 1, 0), [])


def test_locations_in_another_order_are_no_change(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, locations=("Rome",)))
    store(board, make_posting(1, locations=("Remote", "Berlin")))
    run_id = take_in(user_id, board)
    assert counts(run_id) == (0, 0, 0, 1, 0)
    assert jobs(user_id)["1"].location == "Remote; Berlin"


def test_creeping_changes_are_each_seen(user_id):
    board, text = make_board(), [f"word{number}" for number in range(200)]
    store(board, make_posting(1, description=" ".join(text)))
    take_in(user_id, board)
    for number in range(10):
        text[number] = "other"
        store(board, make_posting(1, description=" ".join(text)))
        assert counts(take_in(user_id, board)) == (0, 1, 0, 0, 0)
        assert jobs(user_id)["1"].description == " ".join(text)


def test_job_that_the_filters_leave_out_follows_uncounted(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    store(board, make_posting(1, title="Cook"), make_posting(2))
    run_id = take_in(user_id, board, include=("gardener",))
    assert (jobs(user_id)["1"].title, jobs(user_id)["1"].status) == ("Cook", "ready")
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 0, 1, 0), [("1", "changed")])


def test_missing_posting_leaves_its_job_as_it_is(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    store(board, make_posting(2))
    run_id = take_in(user_id, board)
    assert (jobs(user_id)["1"].status, counts(run_id)) == ("ready", (0, 0, 0, 1, 0))


def test_closed_posting_expires_its_job_by_two_witnesses(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    first = store(board, make_posting(2), ago=4000)
    last = store(board, make_posting(2))
    run_id = take_in(user_id, board)
    job = jobs(user_id)["1"]
    assert (job.status, job.run_id, counts(run_id)) == ("expired", run_id, (0, 0, 0, 1, 1))
    [event] = sql("SELECT * FROM job_events WHERE kind = 'expired'")
    assert (event.reason, event.witness_listing_id, event.listing_id) == ("unseen", first.listing_id, last.listing_id)
    assert job.expired_at == job.updated_at == event.at
    before = traces()
    assert (counts(take_in(user_id, board)), traces()) == ((0, 0, 0, 1, 0), before)


def test_closing_after_the_pinned_listing_waits(user_id):
    board = make_board()
    pinned = store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    run_id = take_in(user_id, board, pinned_listing_id=pinned.listing_id)
    assert (jobs(user_id)["1"].status, counts(run_id)) == ("ready", (0, 0, 0, 0, 0))


def test_closing_that_the_user_declined_expires_nothing(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    sql("UPDATE jobs SET kept_listing_id = (SELECT closed_listing_id FROM postings)")
    assert counts(take_in(user_id, board)) == (0, 0, 0, 0, 0)
    assert jobs(user_id)["1"].status == "ready"


def test_another_closing_after_a_declined_one_expires(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    sql("UPDATE jobs SET kept_listing_id = (SELECT closed_listing_id FROM postings)")
    store(board, make_posting(1))
    close(board)
    assert counts(take_in(user_id, board)) == (0, 0, 0, 0, 1)


def test_question_of_the_run_holds_its_closings(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    close(board)
    run_id = begin_run(user_id, board)
    sql("INSERT INTO run_closings (run_id, user_id, count, open) VALUES (:run, :user, 2, 2)", run=run_id, user=user_id)
    assert taking_in.take_in(run_id)
    assert (counts(run_id), unit(run_id).held_closings) == ((0, 0, 0, 0, 0), 2)
    assert {job.status for job in jobs(user_id).values()} == {"ready"}


def test_posting_that_is_back_reopens_its_job(user_id):
    board = make_board()
    store(board, make_posting(1), make_posting(2))
    take_in(user_id, board)
    close(board)
    take_in(user_id, board)
    sql("UPDATE jobs SET kept_listing_id = 1")
    store(board, make_posting(1), make_posting(2, title="Cook"))
    run_id = take_in(user_id, board)
    assert counts(run_id) == (0, 0, 2, 0, 0)
    assert sorted(job_events(run_id)) == [("1", "reopened"), ("2", "changed"), ("2", "reopened")]
    assert [kind for external_id, kind in job_events(run_id) if external_id == "2"] == ["reopened", "changed"]
    for job in jobs(user_id).values():
        assert (job.status, job.expired_at, job.kept_listing_id, job.run_id) == ("ready", None, None, run_id)
    assert jobs(user_id)["2"].title == "Cook"


def test_reopened_job_that_does_not_match_is_uncounted(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    take_in(user_id, board)
    store(board, make_posting(1))
    run_id = take_in(user_id, board, include=("cook",))
    assert (jobs(user_id)["1"].status, counts(run_id)) == ("ready", (0, 0, 0, 0, 0))


@pytest.mark.parametrize("status", ["ready", "pending", "skipped", "error"])
def test_job_of_the_same_key_is_adopted(user_id, status):
    board = make_board(board="acme")
    store(board, make_posting(1))
    sql(
        "INSERT INTO jobs (user_id, company, external_id, url, status, posting_id)"
        " VALUES (:user, 'greenhouse:acme', '1', 'https://old.example.org', :status, 4711)",
        user=user_id, status=status,
    )
    run_id = take_in(user_id, board)
    [job] = jobs(user_id).values()
    assert (job.id, job.title, job.status, job.board_id) == (1, "Gardener", "ready", board)
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 0, 1, 0), [])
    before = traces()
    assert (counts(take_in(user_id, board)), traces()) == ((0, 0, 0, 1, 0), before)


def test_expired_job_of_the_same_key_is_reopened(user_id):
    board = make_board(board="acme")
    store(board, make_posting(1))
    sql(
        "INSERT INTO jobs (user_id, company, external_id, url, status, expired_at)"
        " VALUES (:user, 'greenhouse:acme', '1', 'https://old.example.org', 'expired', clock_now())",
        user=user_id,
    )
    run_id = take_in(user_id, board)
    assert (counts(run_id), job_events(run_id)) == ((0, 0, 1, 0, 0), [("1", "reopened")])


def test_jobs_of_other_users_stay_as_they_are(user_id):
    board, other = make_board(), sql("INSERT INTO users (email) VALUES ('o@x.org') RETURNING user_id")[0].user_id
    store(board, make_posting(1))
    take_in(other, board)
    store(board, make_posting(1, title="Cook"))
    assert counts(take_in(user_id, board)) == (1, 0, 0, 0, 0)
    assert jobs(other)["1"].title == "Gardener"


@pytest.mark.parametrize("state", ["failed", "read"])
def test_gone_board_expires_its_jobs(user_id, state):
    """The company has failed for one user; another's was answered before the board was gone."""
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    gone = sql("SELECT max(listing_id) AS id FROM listings")[0].id
    if state == "failed":
        run_id = begin_run(user_id, board, state="failed", matched=None, listing_id=gone)
        assert taking_in.take_in(run_id)
        assert (unit(run_id).state, unit(run_id).expired_jobs) == ("failed", 1)
        assert row(run_id).total_jobs == 0
    else:
        assert counts(take_in(user_id, board)) == (0, 0, 0, 0, 1)
    assert listing_row(gone).state == "complete"
    assert jobs(user_id)["1"].status == "expired"


def test_failed_company_leaves_other_jobs_as_they_are(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    store(board, make_posting(1, title="Cook"))
    run_id = take_in(user_id, board, state="failed")
    assert (jobs(user_id)["1"].title, unit(run_id).expired_jobs) == ("Gardener", 0)
