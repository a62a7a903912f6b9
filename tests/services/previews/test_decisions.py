"""The postings that boards offer, decided on by the filters and stored with the end of their company."""

from collections import Counter

import pytest

from app.extensions import db
from app.services.boards import offers
from app.services.previews import answers, decision_statements, decisions, lifecycle
from app.services.previews import postings as postings_service
from app.sources.term_automaton import MAX_MATCHED_LENGTH
from app.sources.title_filter import TitleFilter
from tests.support.factories import open_transaction, sql
from tests.support.listings import close, list_board, miss, offer, revise
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, postings, units, work_on
from tests.support.statements import watch_statements

OFFERED = "WITH asked AS"
"""The text at which the statement begins that reads a page of postings."""


@pytest.fixture
def small_pages(monkeypatch):
    """Let a statement read four postings, and so take companies of four postings at a time."""
    for module in (offers, decision_statements):
        monkeypatch.setattr(module, "MAX_POSTINGS", 4)
    monkeypatch.setattr(decisions, "FIND_READ", decision_statements._find_read())
    monkeypatch.setattr(offers, "FIND_OFFERED", offers._find_offered())


def read_preview(user_id: int) -> int:
    """Begin a preview whose companies are answered, but not decided on."""
    preview_id = begin_preview(user_id)
    answers.answer_preview(preview_id)
    return preview_id


def assert_counts_are_those_of_the_rows(preview_id: int) -> None:
    rows = Counter((each.position, each.matched) for each in postings(preview_id))
    for unit in units(preview_id):
        matched = rows[unit.position, True]
        assert (unit.found, unit.matched) == (matched + rows[unit.position, False], matched)


def test_decide_stores_the_rule_of_each_posting(user_id):
    company(user_id, "acme", include=("engineer",), exclude=("intern",))
    company(user_id, "beta")
    list_board("acme", ["Engineer", "Intern Engineer", "Cook"], unparsed=2)
    listing = list_board("beta", ["Cook"])
    preview_id = read_preview(user_id)
    assert decisions.decide(preview_id)
    assert [(each.position, each.title, each.matched, each.rule_kind, each.rule_term) for each in postings(preview_id)
            ] == [
        (1, "Engineer", True, "include", "engineer"),
        (1, "Intern Engineer", False, "exclude", "intern"),
        (1, "Cook", False, "not_included", None),
        (2, "Cook", True, "no_filter", None),
    ]
    acme, beta = units(preview_id)
    assert (acme.state, acme.outcome, acme.detail, acme.is_complete) == ("listed", "ok", None, True)
    assert (acme.found, acme.matched, acme.unparsed) == (3, 1, 2)
    assert (beta.found, beta.matched, beta.unparsed, beta.listing_id) == (1, 1, 0, listing)
    assert beta.listed_at == sql("SELECT ended_at FROM listings WHERE listing_id = :id", id=listing)[0].ended_at


@pytest.mark.parametrize(
    ("state", "code", "is_complete"),
    [("complete", "ok", True), ("unchanged", "ok", True), ("partial", "partial", False), ("held", "held", False)],
)
def test_decide_takes_outcome_and_sentence_from_the_listing(user_id, state, code, is_complete):
    company(user_id, "acme")
    list_board("acme", ["Engineer"], state, code, sentence="So it is.")
    [unit] = _decided(user_id)
    assert (unit.outcome, unit.detail, unit.is_complete) == (code, "So it is.", is_complete)


def test_board_without_a_readable_record_is_not_called_empty(user_id):
    """The outcome is the listing's, whatever number of postings was found."""
    company(user_id, "acme")
    list_board("acme", [], "partial", "partial", sentence="No record could be read.", unparsed=3)
    [unit] = _decided(user_id)
    assert (unit.found, unit.outcome, unit.unparsed, unit.is_complete) == (0, "partial", 3, False)


def test_board_offers_what_is_neither_closed_nor_missing(user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    list_board("beta", ["Baker"])
    list_board("acme", ["Engineer"])
    close(offer("acme", "Closed"))
    miss(offer("acme", "Missing"))
    offer("acme", "Cook")
    _decided(user_id)
    assert [(each.position, each.title) for each in postings(1)] == [(2, "Baker"), (1, "Engineer"), (1, "Cook")]


def test_board_of_a_held_listing_offers_what_it_does_not_lack(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer", "Cook", "Baker"])
    lacking = [row.posting_id for row in sql("SELECT posting_id FROM postings ORDER BY 1")[1:]]
    list_board("acme", [], "held", "held", lacking=lacking)
    [unit] = _decided(user_id)
    assert (unit.found, [each.title for each in postings(1)]) == (1, ["Engineer"])
    list_board("acme", [], "held", "held", lacking=None)
    [unit] = _decided(user_id)
    assert unit.found == 3


def test_board_of_an_empty_listing_offers_nothing(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    list_board("acme", state="empty")
    [unit] = _decided(user_id)
    assert (unit.state, unit.outcome, unit.found, unit.matched, unit.is_complete) == ("listed", "empty", 0, 0, False)


def test_partial_listing_offers_no_more_while_a_shrink_is_held(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer", "Cook", "Baker"])
    lacking = [row.posting_id for row in sql("SELECT posting_id FROM postings ORDER BY 1")[1:]]
    held = list_board("acme", [], "held", "held", lacking=lacking)
    sql("UPDATE boards SET held_listing_id = :held", held=held)
    list_board("acme", [], "partial", "partial")
    assert _decided(user_id)[0].found == 1
    sql("UPDATE boards SET held_listing_id = NULL")
    list_board("acme", [], "partial", "partial")
    assert _decided(user_id)[0].found == 3


def test_partial_listing_without_postings_offers_none_of_an_empty_board(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    empty = list_board("acme", state="empty")
    sql("UPDATE boards SET empty_listing_id = :empty, empty_count = 1", empty=empty)
    list_board("acme", [], "partial", "partial")
    assert _decided(user_id)[0].found == 0


def _decided(user_id: int) -> list:
    preview_id = begin_preview(user_id)
    work_on(preview_id)
    return units(preview_id)


def test_finished_preview_stays_when_its_boards_change(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer", "Cook"])
    _decided(user_id)
    before = (units(1), postings(1), postings_service.page(1, user_id), lifecycle.get(1, user_id)["totals"])
    engineer, cook = [each.posting_id for each in postings(1)]
    revise(engineer, "Director")
    close(cook)
    list_board("acme", ["Baker"])
    answers.answer_preview(1)
    work_on(1)
    assert (units(1), postings(1), postings_service.page(1, user_id), lifecycle.get(1, user_id)["totals"]) == before
    assert postings_service.get(1, engineer, user_id).title == "Engineer"


def test_decide_takes_the_listing_that_its_postings_come_from(user_id):
    company(user_id, "acme")
    old = list_board("acme", ["Engineer"])
    preview_id = read_preview(user_id)
    assert units(preview_id)[0].listing_id == old
    new = list_board("acme", ["Cook"], "partial", "partial")
    decisions.decide(preview_id)
    [unit] = units(preview_id)
    assert (unit.listing_id, unit.found, unit.outcome) == (new, 2, "partial")


def test_board_that_changes_between_two_pages_is_read_from_the_start(user_id, small_pages):
    company(user_id, "acme")
    company(user_id, "beta")
    list_board("acme", [f"Old {number}" for number in range(6)])
    list_board("beta", ["Baker"])
    preview_id = read_preview(user_id)
    pages = []

    def store_another(statement: str) -> None:
        if statement.startswith(OFFERED):
            pages.append(statement)
            if len(pages) == 1:
                for row in sql("SELECT posting_id FROM postings ORDER BY 1 LIMIT 2"):
                    close(row.posting_id)
                list_board("acme", ["New"], "partial", "partial")

    with watch_statements(db.engine, after=store_another):
        decisions.decide(preview_id)
    assert len(pages) > 2
    assert [each.title for each in postings(preview_id) if each.position == 1] == [
        "Old 2", "Old 3", "Old 4", "Old 5", "New"
    ]
    assert [(unit.found, unit.outcome) for unit in units(preview_id)] == [(5, "partial"), (1, "ok")]


@pytest.mark.parametrize("sizes", [(9, 0, 1), (4, 4, 4), (0, 0, 0), (3, 1, 5), (1, 1, 1), (8, 4, 0)])
def test_pages_lose_and_double_no_posting(user_id, small_pages, sizes):
    for board, size in zip("abc", sizes, strict=True):
        company(user_id, board, include=("engineer",))
        list_board(board, [f"{board} Engineer" if number % 3 else "Cook" for number in range(size)])
    preview_id = read_preview(user_id)
    decisions.decide(preview_id)
    assert tuple(unit.found for unit in units(preview_id)) == sizes
    assert_counts_are_those_of_the_rows(preview_id)


def test_pages_need_not_fit_the_number_that_the_listing_found(user_id, small_pages):
    company(user_id, "acme")
    list_board("acme", [f"Engineer {number}" for number in range(9)])
    list_board("acme", ["Cook"], "partial", "partial")
    [unit] = _decided(user_id)
    assert unit.found == 10


def test_postings_of_a_company_appear_all_at_once(user_id, small_pages):
    company(user_id, "acme")
    list_board("acme", [f"Engineer {number}" for number in range(9)])
    preview_id, seen = read_preview(user_id), []

    def look(statement: str) -> None:
        looking = "SELECT state, (SELECT count(*) FROM preview_postings) FROM preview_companies"
        if statement != looking:
            [unit] = sql(looking)
            seen.append(tuple(unit))

    with watch_statements(db.engine, after=look):
        decisions.decide(preview_id)
    assert set(seen) == {("read", 0), ("listed", 9)}


def test_workers_at_once_store_each_posting_once(app, user_id, small_pages):
    for number in range(6):
        company(user_id, f"b{number}", include=("engineer",))
        list_board(f"b{number}", ["Engineer", "Cook", "Engineer", "Baker", "Engineer"])
    for _ in range(5):
        preview_id = read_preview(user_id)
        in_parallel(app, *[lambda: decisions.decide(preview_id)] * 4)
        assert {(unit.state, unit.found, unit.matched) for unit in units(preview_id)} == {("listed", 5, 3)}
        assert_counts_are_those_of_the_rows(preview_id)
        before = (units(preview_id), postings(preview_id))
        decisions.decide(preview_id)
        assert (units(preview_id), postings(preview_id)) == before
        sql("UPDATE previews SET finished_at = now()")


def test_company_that_ended_while_it_was_decided_on_gets_nothing(user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    list_board("acme", ["Engineer"])
    list_board("beta", ["Engineer"])
    preview_id = read_preview(user_id)

    def fail_it(statement: str) -> None:
        if statement.startswith(OFFERED):
            sql(
                "UPDATE preview_companies SET state = 'failed', outcome = 'out_of_time', listed_at = now()"
                " WHERE position = 1 AND state = 'read'"
            )

    with watch_statements(db.engine, after=fail_it):
        decisions.decide(preview_id)
    assert [(unit.state, unit.found) for unit in units(preview_id)] == [("failed", None), ("listed", 1)]
    assert [each.position for each in postings(preview_id)] == [2]


def test_preview_that_is_removed_while_it_is_decided_on_gets_nothing(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    preview_id = read_preview(user_id)
    for begin in ("SELECT preview_companies.position", OFFERED):
        removed = []

        def remove(statement: str) -> None:
            if statement.startswith(begin):
                removed.append(sql("DELETE FROM previews"))

        with watch_statements(db.engine, after=remove):
            decisions.decide(preview_id)
        assert removed
        assert (units(preview_id), postings(preview_id)) == ([], [])
        preview_id = read_preview(user_id)


def test_unexpected_error_affects_no_other_company(user_id, small_pages, monkeypatch, caplog):
    for board, size in (("acme", 9), ("beta", 1), ("gamma", 6)):
        company(user_id, board, include=(board,))
        list_board(board, ["Engineer"] * size)
    # It found few postings, so the others are read with it; but the board offers more than a page.
    list_board("acme", state="partial")
    preview_id = read_preview(user_id)
    decide = TitleFilter.decide

    def fail(self, title):
        if self._terms == ["acme"]:
            raise ZeroDivisionError("inner secret")
        return decide(self, title)

    monkeypatch.setattr(TitleFilter, "decide", fail)
    assert decisions.decide(preview_id)
    assert [(unit.state, unit.found) for unit in units(preview_id)] == [("read", None), ("listed", 1), ("listed", 6)]
    assert "inner secret" in caplog.text
    monkeypatch.undo()
    decisions.decide(preview_id)
    assert [(unit.state, unit.found) for unit in units(preview_id)][0] == ("listed", 9)


def test_decide_stops_between_two_batches_when_it_is_over(user_id, small_pages):
    for board in ("acme", "beta"):
        company(user_id, board)
        list_board(board, ["Engineer"] * 4)
    preview_id, calls = read_preview(user_id), []

    def is_over() -> bool:
        calls.append(1)
        return len(calls) > 1

    assert decisions.decide(preview_id, is_over) is False
    assert [unit.state for unit in units(preview_id)] == ["listed", "read"]


def test_long_and_odd_titles_are_decided_on(user_id):
    titles = ["x" * MAX_MATCHED_LENGTH + " engineer", "O'Brien \\ \"quoted\" {NULL}, %_", "🙂 日本語 engineer", "NULL"]
    company(user_id, "acme", include=("engineer", "Ä \"{}\\,"))
    list_board("acme", titles)
    _decided(user_id)
    assert [(each.title, each.matched) for each in postings(1)] == list(zip(titles, (False, False, True, False)))


def test_decide_waits_for_no_board_that_is_being_stored(user_id):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    preview_id = read_preview(user_id)
    with open_transaction("SELECT FROM boards, postings FOR UPDATE"):
        decisions.decide(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_many_companies_need_a_handful_of_statements(user_id):
    for number in range(30):
        company(user_id, f"b{number}")
        list_board(f"b{number}", ["Engineer", "Cook"])
    preview_id, statements = begin_preview(user_id), []
    with watch_statements(db.engine, before=statements.append):
        work_on(preview_id)
    assert {unit.state for unit in units(preview_id)} == {"listed"}
    assert len(statements) <= 6
