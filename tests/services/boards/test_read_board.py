"""The reading of one board: its outcomes, faults of this product, and what is stored of odd listings."""

from datetime import UTC, datetime, timedelta

import pytest

from app.services.boards.read_board import EXHAUSTED
from app.services.companies import companies
from app.sources.adapters.registry import SOURCES
from app.sources.http.client import HttpClient
from tests.support import previews as at
from tests.support.board_rows import posting_rows
from tests.support.boards import Reply, job
from tests.support.factories import make_user, sql
from tests.support.previews import begin_preview, company, postings, units, work_on
from tests.support.readers import board_of, finish_reading, read_boards, read_preview, set_boards, states

PATH = "/v1/boards/acme/jobs"
HOUR = 3600

BROKEN = EXHAUSTED.format(3)


def content() -> tuple:
    """Return what is known of the content of the board."""
    names = ("content_listing_id", "content_began_at", "complete_listing_id", "etag", "validated_at", "schema_version")
    board = board_of()
    events = sql("SELECT count(*) FROM posting_events")[0].count
    return [getattr(board, name) for name in names], sql("SELECT * FROM postings ORDER BY posting_id"), events


def sent_etags(boards) -> list:
    return [request.headers.get("if-none-match") for request in boards.requests if request.path == PATH]


def serve_pages(boards, *replies: Reply) -> None:
    """Serve a Lever site whose first page of 100 is followed by these replies."""
    path = boards.lever("acme", [{"id": f"a{each}", "text": "Cook"} for each in range(100)])
    boards.answer(path, boards.replies[path][0], *replies)


def read_until_failed() -> None:
    """Read a board until its last attempt."""
    for attempt in (1, 2):
        read_boards()
        assert (board_of().attempt, board_of().lease_id) == (attempt, None)
        assert board_of().not_before is not None
        set_boards("not_before = NULL")
    read_boards()


@pytest.mark.parametrize("error", [ZeroDivisionError("inner secret"), MemoryError("inner secret")])
def test_unexpected_error_is_retried_and_no_outcome_of_the_board(
    boards, user_id, monkeypatch, caplog, shift_clock, error
):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_reading(user_id)
    before = content()
    shift_clock(HOUR)

    def fail(*_):
        raise error

    mine = begin_preview(user_id)
    company(make_user("other@example.org"), "acme")
    theirs = begin_preview(make_user("other@example.org"))
    with monkeypatch.context() as patch:
        patch.setattr(HttpClient, "request", fail)
        read_until_failed()
    for preview_id in (mine, theirs):
        [unit] = units(preview_id)
        assert (unit.state, unit.outcome, unit.detail) == ("failed", "out_of_time", BROKEN)
        work_on(preview_id)
        assert at.preview(preview_id).finished_at is not None
    assert "inner secret" in caplog.text
    assert content() == before
    assert (states(), board_of().attempt) == (["complete", "failed"], 0)


def test_unexpected_error_affects_no_other_board(boards, user_id, monkeypatch):
    boards.greenhouse("acme", [job(1, "Engineer")])
    boards.greenhouse("beta", [job(2, "Engineer")])
    company(user_id, "acme")
    company(user_id, "beta")
    asked = HttpClient.request

    def ask(self, source, board, *rest):
        if str(board) == "acme":
            raise ZeroDivisionError
        return asked(self, source, board, *rest)

    monkeypatch.setattr(HttpClient, "request", ask)
    assert [unit.state for unit in units(read_preview(user_id))] == ["waiting", "listed"]


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "not_found"), (410, "gone"), (403, "forbidden"), (429, "throttled")]
)
def test_failed_board_stores_its_reason_and_affects_no_other(boards, user_id, status, outcome):
    boards.fault("acme", status, **({"retry_after": "3600"} if status == 429 else {}))
    boards.lever("beta", [])
    company(user_id, "acme")
    company(user_id, "beta", source="lever")
    # Both boards are on one host. After a throttled request, the host gets no request for the other board either.
    failed, listed = units(read_preview(user_id))
    assert (failed.state, failed.outcome, failed.found) == ("failed", outcome, None)
    assert failed.detail.endswith(".")
    if outcome == "throttled":
        assert failed.retry_at == pytest.approx(datetime.now(UTC) + timedelta(hours=1), abs=timedelta(minutes=3))
        assert board_of().failed_until == failed.retry_at
    else:
        assert (failed.retry_at, listed.state) == (None, "listed")
    assert (board_of().gone_count > 0) == (status in (404, 410))
    found = companies.list_for_user(user_id)[0]
    assert (found.outcome, found.outcome_detail, found.postings) == (outcome, failed.detail, None)


def test_response_in_an_unknown_format_is_a_failure_not_empty(boards, user_id):
    boards.answer(PATH, Reply(200, b"<html>Hello</html>", {"Content-Type": "text/html"}))
    company(user_id, "acme")
    unit = finish_reading(user_id)
    assert (unit.state, unit.outcome) == ("failed", "changed")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_failure_on_a_later_page_stores_nothing(boards, user_id, status):
    serve_pages(boards, Reply(status, b"{}"))
    company(user_id, "acme", source="lever")
    unit = finish_reading(user_id)
    assert (unit.state, unit.found, states()) == ("failed", None, ["failed"])
    assert sql("SELECT 1 FROM postings") == sql("SELECT 1 FROM posting_events") == []


@pytest.mark.parametrize("tags", [{"etag": '"one"'}, {}], ids=["304", "the same body"])
def test_unchanged_board_is_listed_without_its_texts(boards, user_id, shift_clock, tags):
    boards.greenhouse("acme", [job(1, "Engineer", "Text"), job(2, "Cook", "Soup")], **tags)
    company_id = company(user_id, "acme")
    finish_reading(user_id)
    revisions = sql("SELECT * FROM posting_revisions ORDER BY revision_id")
    shift_clock(HOUR)
    companies.change(company_id, user_id, {"include": ["cook"]})
    unit = finish_reading(user_id)
    assert states() == ["complete", "unchanged"]
    assert (unit.found, unit.matched, unit.outcome) == (2, 1, "ok")
    assert [each.matched for each in postings(unit.preview_id)] == [False, True]
    assert sql("SELECT * FROM posting_revisions ORDER BY revision_id") == revisions
    assert sent_etags(boards) == [None, tags.get("etag")]


def test_board_is_read_in_full_a_day_after_its_last_full_reading(boards, user_id, shift_clock):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    for hours in (0, 23, 25):
        shift_clock(hours * HOUR)
        finish_reading(user_id)
    # The 304 did not renew the time of reading.
    assert sent_etags(boards) == [None, '"one"', None]
    assert states() == ["complete", "unchanged", "complete"]


def test_listing_by_another_version_of_the_parser_is_not_confirmed(boards, user_id, shift_clock):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    for hours in range(4):
        if hours == 2:
            # The fixture gave this test its own copy of every source.
            object.__setattr__(SOURCES["greenhouse"], "schema_version", 2)
        shift_clock(hours * HOUR)
        finish_reading(user_id)
    assert sent_etags(boards) == [None, '"one"', None, '"one"']
    assert board_of().schema_version == 2


def test_board_read_by_a_newer_version_is_left_to_it(boards, user_id):
    boards.greenhouse("acme", [])
    company(user_id, "acme")
    set_boards("schema_version = 99")
    preview_id = read_preview(user_id)
    assert ([unit.state for unit in units(preview_id)], sent_etags(boards)) == (["waiting"], [])


JOBS = [job(number, "Engineer") for number in range(20)]
UNSURE = {
    "partial": ([*JOBS, job("y" * 300, "Too long an id")], "partial"),
    "empty": ([], "empty"),
    "held": (JOBS[:2], "held"),
}


@pytest.mark.parametrize("kind", UNSURE)
def test_validators_of_an_unsure_listing_are_not_sent(boards, user_id, shift_clock, kind):
    boards.greenhouse("acme", JOBS, etag='"one"')
    company(user_id, "acme")
    finish_reading(user_id)
    jobs, state = UNSURE[kind]
    boards.greenhouse("acme", jobs, etag='"two"')
    for hours in (1, 2):
        shift_clock(hours * HOUR / 2)
        finish_reading(user_id)
    assert states()[:2] == ["complete", state]
    assert sent_etags(boards) == [None, '"one"', None]


def test_failure_keeps_the_content_and_its_validators(boards, user_id, shift_clock):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_reading(user_id)
    before = content()
    shift_clock(HOUR)
    boards.fault("acme", 403)
    assert finish_reading(user_id).outcome == "forbidden"
    assert content() == before
    shift_clock(2 * HOUR)
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    assert finish_reading(user_id).outcome == "ok"
    assert states() == ["complete", "failed", "unchanged"]


def test_unstorable_listing_is_tried_again(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE posting_revisions ADD CONSTRAINT odd CHECK (title <> 'Engineer')")
    try:
        read_boards()
    finally:
        sql("ALTER TABLE posting_revisions DROP CONSTRAINT odd")
    [unit] = units(preview_id)
    assert (unit.state, board_of().attempt, board_of().lease_id) == ("waiting", 1, None)
    set_boards("not_before = NULL")
    read_boards()
    work_on(preview_id)
    assert ([unit.state for unit in units(preview_id)], states()) == (["listed"], ["complete"])


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
    unit = finish_reading(user_id)
    found = posting_rows(board_of().board_id)
    assert (unit.state, unit.outcome, unit.found) == ("listed", "partial", len(found))
    assert (unit.unparsed >= 1, states()) == (True, ["partial"])
    assert found["1"].title.replace(" ", "").startswith("Engineer")
    assert found["3"].title == "🙂 日本語"
    assert found["4"].title == "O'Brien \\ \"quoted\" %_{}"
    assert "y" * 255 not in found
