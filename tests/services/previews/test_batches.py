"""A board's postings, stored batch by batch under its lease, and copied inside PostgreSQL after a 304."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from sqlalchemy import Engine, event

from app.models import Outcome
from app.services.previews import leases, lifecycle, list_company, posting_batches
from app.services.previews import postings as postings_service
from app.services.previews import removal, results
from app.services.previews.errors import PostingNotFound
from app.services.previews.results import ListingResult
from app.sources.deadline import Deadline
from app.sources.errors import OutOfTime
from app.sources.title_filter import TitleFilter
from app.sources.types import Posting, Validators
from tests.services.previews.test_lifecycle import offered
from tests.support.boards import Reply, job
from tests.support.factories import sql
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, expire_leases, finish_preview, postings, units
from tests.support.waiting import wait_until

PATH = "/v1/boards/acme/jobs"
LISTED = ListingResult(True, 0, Validators())
TEXT = "Wörds. 🙂 " * 250


@contextmanager
def parameter_lengths() -> Iterator[list[int]]:
    """Collect the length of each text that is sent to PostgreSQL during the block."""
    lengths: list[int] = []

    def collect(_connection, _cursor, _statement, parameters, _context, _is_many):
        lengths.extend(len(value) for value in parameters.values() if isinstance(value, str))

    event.listen(Engine, "before_cursor_execute", collect)
    try:
        yield lengths
    finally:
        event.remove(Engine, "before_cursor_execute", collect)


def claimed(user_id: int):
    """Begin a preview of one company and claim it."""
    company(user_id, "acme")
    return leases.claim_company(begin_preview(user_id))


def posting(identity: int) -> Posting:
    return Posting(str(identity), "Engineer", "https://example.org", (), *[None] * 7)


def test_batches_are_bounded_by_length_and_number():
    long = [offered(str(number), "Engineer", description="x" * 300_000) for number in range(5)]
    assert [len(batch) for batch in posting_batches.batches(long)] == [3, 2]
    short = [offered(str(number), "Engineer") for number in range(2001)]
    assert [len(batch) for batch in posting_batches.batches(iter(short))] == [1000, 1000, 1]
    huge = [offered("1", "Engineer"), offered("2", "Engineer", description="x" * 2_000_000), offered("3", "Engineer")]
    assert [len(batch) for batch in posting_batches.batches(huge)] == [1, 1, 1]
    assert [*posting_batches.batches([])] == []


def test_large_board_is_stored_by_small_statements(boards, user_id):
    boards.greenhouse("acme", [job(number, "Engineer", TEXT) for number in range(1500)])
    company(user_id, "acme", include=("engineer",))
    with parameter_lengths() as lengths:
        [unit] = units(finish_preview(user_id))
    assert (unit.state, unit.found, unit.taken) == ("listed", 1500, 1500)
    assert sum(lengths) > 3_000_000
    assert max(lengths) < posting_batches.MAX_BATCH_LENGTH * 1.5


def test_posting_that_comes_again_replaces_the_first_but_no_text(user_id):
    unit = claimed(user_id)
    posting_batches.store_postings(unit, [
        offered("1", "Cook", description="Soup.", requirements="Hands.", taken=False, rule_kind="exclude"),
        offered("2", "Baker", location="Berlin"),
    ])
    posting_batches.store_postings(unit, [offered("1", "Chef", location="Berlin; Bonn", requirements="Two hands.")])
    assert results.store_listing(unit, LISTED)
    assert [(each.title, each.location, each.description, each.requirements, each.taken) for each in
            postings(unit.preview_id)] == [
        ("Chef", "Berlin; Bonn", "Soup.", "Two hands.", True), ("Baker", "Berlin", None, None, True)
    ]
    [ended] = units(unit.preview_id)
    assert (ended.found, ended.taken, ended.outcome) == (2, 2, "ok")


@pytest.mark.parametrize(("unread", "outcome"), [(0, "empty"), (1, "ok")])
def test_listing_without_postings_is_empty_unless_one_is_unread(user_id, unread, outcome):
    unit = claimed(user_id)
    assert results.store_listing(unit, ListingResult(not unread, unread, Validators()))
    [ended] = units(unit.preview_id)
    assert (ended.found, ended.taken, ended.outcome) == (0, 0, outcome)


def test_batch_extends_the_lease(user_id):
    unit = claimed(user_id)
    sql("UPDATE preview_companies SET lease_until = now() + interval '1 s'")
    posting_batches.store_postings(unit, [offered("1", "Engineer")])
    assert sql("SELECT lease_until > now() + interval '20 s' FROM preview_companies") == [(True,)]


def test_batch_without_the_lease_is_refused_and_stores_nothing(user_id):
    first = claimed(user_id)
    expire_leases()
    second = leases.claim_company(first.preview_id)
    posting_batches.store_postings(second, [offered("2", "Engineer")])
    for write in (
        lambda: posting_batches.store_postings(first, [offered("1", "Cook")]),
        lambda: posting_batches.copy_postings(first, [{"posting_id": 1, "taken": True, "rule_kind": "no_filter"}]),
        lambda: posting_batches.remove_postings(first),
    ):
        with pytest.raises(leases.LeaseLost):
            write()
    assert [each.title for each in postings(first.preview_id)] == ["Engineer"]


def test_company_whose_lease_is_lost_is_not_read(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    first = claimed(user_id)
    expire_leases()
    leases.claim_company(first.preview_id)
    list_company.list_company(first)
    assert boards.count(PATH) == 0
    assert [unit.state for unit in units(first.preview_id)] == ["listing"]


def lever_page() -> list[dict]:
    """Return a full page of a Lever site, after which another one is asked for."""
    return [
        {"id": f"{number}", "text": f"Job {number}", "hostedUrl": f"https://jobs.lever.co/acme/{number}",
         "descriptionBody": "Text", "categories": {}, "createdAt": 1_700_000_000_000}
        for number in range(100)
    ]


def test_no_page_is_requested_after_the_lease_is_lost(boards, app, user_id):
    hold = Event()
    path = boards.lever("acme", lever_page(), hold=hold)
    company(user_id, "acme", source="lever")
    first = leases.claim_company(begin_preview(user_id))

    def take_the_lease():
        wait_until(lambda: boards.count(path), what="the first page to be requested")
        expire_leases()
        assert leases.claim_company(first.preview_id)
        hold.set()

    in_parallel(app, lambda: list_company.list_company(first), take_the_lease)
    assert boards.count(path) == 1
    assert postings(first.preview_id) == []


def test_failure_on_a_later_page_shows_no_posting(boards, user_id):
    path = boards.lever("acme", lever_page())
    boards.answer(path, *boards.replies[path], Reply(404, b"{}"))
    company(user_id, "acme", source="lever")
    preview_id = finish_preview(user_id)
    assert boards.count(path) == 2
    assert [(unit.state, unit.outcome) for unit in units(preview_id)] == [("failed", "not_found")]
    assert postings(preview_id) == []


def test_attempt_removes_what_an_earlier_one_has_stored(boards, user_id, monkeypatch):
    monkeypatch.setattr(posting_batches, "MAX_BATCH_POSTINGS", 2)
    boards.greenhouse("acme", [job(7, "Engineer")])
    first = claimed(user_id)
    posting_batches.store_postings(first, [offered(str(number), "Cook") for number in range(5)])
    expire_leases()
    list_company.list_company(leases.claim_company(first.preview_id))
    assert [each.external_id for each in postings(first.preview_id)] == ["7"]
    assert [(unit.found, unit.attempt) for unit in units(first.preview_id)] == [(1, 2)]


def test_postings_are_invisible_until_their_company_is_listed(user_id):
    unit = claimed(user_id)
    posting_batches.store_postings(unit, [offered("1", "Engineer")])
    [stored] = postings(unit.preview_id)
    assert postings_service.page(unit.preview_id, user_id) == ([], None)
    assert postings_service.page(unit.preview_id, user_id, search="engineer") == ([], None)
    with pytest.raises(PostingNotFound):
        postings_service.get(unit.preview_id, stored.posting_id, user_id)
    assert lifecycle.get(unit.preview_id, user_id)["totals"]["found"] == 0
    assert results.store_listing(unit, LISTED)
    assert [each.title for each in postings_service.page(unit.preview_id, user_id)[0]] == ["Engineer"]
    assert postings_service.get(unit.preview_id, stored.posting_id, user_id).title == "Engineer"


@pytest.mark.parametrize("end", [
    lambda unit: results.store_failure(unit, Outcome.CHANGED, "Changed."),
    lambda unit: results.store_fault(unit, "Odd."),
])
def test_failure_removes_what_was_stored(user_id, end):
    unit = claimed(user_id)
    posting_batches.store_postings(unit, [offered("1", "Engineer")])
    assert end(unit)
    assert postings(unit.preview_id) == []


def test_decisions_end_at_the_deadline(user_id):
    unit = claimed(user_id)
    with pytest.raises(OutOfTime):
        list_company._store(unit, [posting(number) for number in range(3)], TitleFilter((), ()), Deadline.of(0))
    assert postings(unit.preview_id) == []


def test_unchanged_board_is_copied_without_its_texts(boards, user_id, monkeypatch):
    monkeypatch.setattr(posting_batches, "MAX_BATCH_POSTINGS", 4)
    boards.greenhouse("acme", [job(number, f"Job {number}", TEXT) for number in range(10)], etag='"one"')
    company(user_id, "acme", exclude=("job 3",))
    first = finish_preview(user_id)
    with parameter_lengths() as lengths:
        second = finish_preview(user_id)
    assert boards.requests[-1].headers["if-none-match"] == '"one"'
    before, after = postings(first), postings(second)
    assert [(each.title, each.description, each.taken) for each in after] == [
        (each.title, each.description, each.taken) for each in before
    ]
    assert [(unit.found, unit.taken) for unit in units(second)] == [(10, 9)]
    assert max(lengths) < len(TEXT)


def test_earlier_listing_that_is_removed_meanwhile_is_no_empty_board(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    first = finish_preview(user_id)
    unit = leases.claim_company(begin_preview(user_id))
    previous = results.previous_listing(unit.preview_id, unit.position, 1)
    sql("DELETE FROM previews WHERE preview_id = :id", id=first)
    removal.remove_postings()
    with pytest.raises(RuntimeError, match="removed while it was copied"):
        list_company._copy(unit, previous, TitleFilter((), ()), Deadline.of(60))
