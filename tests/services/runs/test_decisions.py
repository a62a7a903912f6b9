"""The decisions of a run: the counts of its companies, and their sum in the run."""

import random

import pytest

from app.extensions import db
from app.services.boards import offers
from app.services.boards.offers import Filters
from app.services.runs import decisions, transitions
from app.sources.title_filter import TitleFilter
from tests.support.factories import make_run, make_user, open_transaction, row, sql
from tests.support.listings import board_id, close, list_board
from tests.support.parallel import during_open_transaction, in_parallel
from tests.support.run_companies import add_company, run_companies
from tests.support.statements import watch_statements

OFFERED = "WITH asked AS"
"""The text at which the statement begins that reads a page of postings."""


@pytest.fixture
def small_pages(monkeypatch):
    """Let a statement read four postings, and so take companies of four postings at a time."""
    for module in (offers, decisions):
        monkeypatch.setattr(module, "MAX_POSTINGS", 4)
    monkeypatch.setattr(decisions, "FIND_READ", decisions._find_read())
    monkeypatch.setattr(offers, "FIND_OFFERED", offers._find_offered())


@pytest.fixture
def run_id(app) -> int:
    return make_run("initializing")


def decided_on(board: str, *include: str) -> offers.Decided:
    """Return the decisions on what a board offers now."""
    [decided] = offers.decided({board_id(board): Filters(include, ())})
    return decided


def counts(run_id: int) -> list[tuple]:
    return [(each.found, each.matched) for each in run_companies(run_id)]


TOTAL_AND_SUM = (
    "SELECT total_jobs, (SELECT coalesce(sum(matched), 0) FROM run_companies WHERE run_id = id AND state <> 'failed')"
    " AS sum FROM ingestion_runs WHERE id = :run"
)
"""Both of one snapshot."""


def assert_total_is_the_sum(run_id: int) -> None:
    [found] = sql(TOTAL_AND_SUM, run=run_id)
    assert found.total_jobs == found.sum


def test_decide_writes_counts_and_the_facts_of_the_listing(run_id):
    list_board("acme", ["Engineer", "Intern Engineer", "Cook"], unparsed=2)
    listing = list_board("beta", ["Cook"], "partial", "partial", sentence="A page was not read.")
    add_company(run_id, "acme", include=["engineer"], exclude=["intern"])
    add_company(run_id, "beta")
    assert decisions.decide(run_id)
    acme, beta = run_companies(run_id)
    assert (acme.state, acme.found, acme.matched, acme.unparsed, acme.outcome) == ("read", 3, 1, 2, "ok")
    assert (beta.found, beta.matched, beta.unparsed, beta.listing_id) == (1, 1, 0, listing)
    assert (beta.listing_state, beta.outcome, beta.detail) == ("partial", "partial", "A page was not read.")
    assert beta.read_at == sql("SELECT ended_at FROM listings WHERE listing_id = :id", id=listing)[0].ended_at
    assert row(run_id).total_jobs == 2


def test_decide_leaves_companies_that_are_not_read_or_decided_on(run_id):
    for board in ("acme", "beta", "gamma"):
        list_board(board, ["Cook"])
    add_company(run_id, "acme", "waiting")
    add_company(run_id, "beta", "failed")
    add_company(run_id, "gamma", matched=7, found=9)
    before, statements = run_companies(run_id), []
    with watch_statements(db.engine, before=statements.append):
        assert decisions.decide(run_id)
    assert (run_companies(run_id), row(run_id).total_jobs) == (before, 0)
    assert len(statements) == 1, "no board is read for them"


def test_decide_notes_progress_of_the_run(run_id):
    list_board("acme", [])
    sql("UPDATE ingestion_runs SET attempts = 4")
    decisions.decide(run_id)
    assert (row(run_id).attempts, row(run_id).worker_seen_at) == (4, None)
    add_company(run_id, "acme")
    decisions.decide(run_id)
    assert (row(run_id).attempts, counts(run_id)) == (0, [(0, 0)])
    assert row(run_id).worker_seen_at


def test_decide_takes_the_listing_that_its_postings_come_from(run_id):
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")
    new = list_board("acme", ["Cook"], "held", "held")
    decisions.decide(run_id)
    [company] = run_companies(run_id)
    assert (company.listing_id, company.listing_state, company.found) == (new, "held", 2)


@pytest.mark.parametrize("sizes", [(9, 0, 1), (4, 4, 4), (0, 0, 0), (3, 1, 5), (1, 1, 1), (8, 4, 0)])
def test_decide_counts_every_posting_of_every_page_once(run_id, small_pages, sizes):
    for board, size in zip("abc", sizes, strict=True):
        list_board(board, ["Engineer" if number % 3 else "Cook" for number in range(size)])
        add_company(run_id, board, include=["engineer"])
    decisions.decide(run_id)
    assert counts(run_id) == [(size, sum(bool(number % 3) for number in range(size))) for size in sizes]
    assert_total_is_the_sum(run_id)


def test_board_that_changes_between_two_pages_is_decided_on_anew(run_id, small_pages):
    list_board("acme", [f"Old {number}" for number in range(6)])
    add_company(run_id, "acme")
    pages = []

    def store_another(statement: str) -> None:
        if statement.startswith(OFFERED):
            pages.append(statement)
            if len(pages) == 1:
                for each in sql("SELECT posting_id FROM postings ORDER BY 1 LIMIT 2"):
                    close(each.posting_id)
                list_board("acme", ["New"], "partial", "partial")

    with watch_statements(db.engine, after=store_another):
        decisions.decide(run_id)
    assert len(pages) > 2
    assert counts(run_id) == [(5, 5)]


def test_decide_stops_between_two_batches_when_it_is_over(run_id, small_pages):
    for board in ("acme", "beta"):
        list_board(board, ["Engineer"] * 4)
        add_company(run_id, board)
    calls = []

    def is_over() -> bool:
        calls.append(1)
        return len(calls) > 1

    assert decisions.decide(run_id, is_over) is False
    assert counts(run_id) == [(4, 4), (None, None)]
    assert row(run_id).total_jobs == 4


def test_unexpected_error_affects_no_other_company(run_id, monkeypatch, caplog):
    for board in ("acme", "beta"):
        list_board(board, ["Engineer"])
        add_company(run_id, board, include=[board])
    decide = TitleFilter.decide

    def fail(self, title):
        if self._terms == ["acme"]:
            raise ZeroDivisionError("inner secret")
        return decide(self, title)

    monkeypatch.setattr(TitleFilter, "decide", fail)
    assert decisions.decide(run_id)
    assert counts(run_id) == [(None, None), (1, 0)]
    assert "inner secret" in caplog.text


def test_decide_that_is_late_replaces_no_later_decisions(run_id):
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")
    pages = []

    def be_faster(statement: str) -> None:
        pages.extend([statement] if statement.startswith(OFFERED) else [])
        if pages == [statement]:
            list_board("acme", ["Cook"])
            decisions.decide(run_id)

    with watch_statements(db.engine, after=be_faster):
        decisions.decide(run_id)
    assert (counts(run_id), row(run_id).total_jobs) == ([(2, 2)], 2)


def test_decide_writes_nothing_after_an_abort(run_id):
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")

    def abort(statement: str) -> None:
        if statement.startswith(OFFERED):
            transitions.abort(run_id)

    with watch_statements(db.engine, after=abort):
        assert decisions.decide(run_id)
    assert (row(run_id).status, row(run_id).total_jobs, counts(run_id)) == ("aborted", 0, [(None, None)])


def test_decide_waits_for_no_board_that_is_being_stored(run_id):
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")
    with open_transaction("SELECT FROM boards, postings FOR UPDATE"):
        decisions.decide(run_id)
    assert counts(run_id) == [(1, 1)]


def test_total_adds_up_if_the_run_changed_while_decide_waited(app, run_id):
    list_board("acme", ["Engineer"] * 3)
    add_company(run_id, "acme")
    other = "UPDATE ingestion_runs SET total_jobs = total_jobs + 100, dispatch_count = 1"
    assert during_open_transaction(app, other, lambda: decisions.decide(run_id)) is True
    assert row(run_id).total_jobs == 103


def test_workers_at_once_count_each_company_once(app, small_pages):
    for number in range(6):
        list_board(f"b{number}", ["Engineer", "Cook", "Engineer", "Baker", "Engineer"])
    for number in range(5):
        run_id = make_run("initializing", make_user(f"{number}@example.org"))
        for board in range(6):
            add_company(run_id, f"b{board}", include=["engineer"])
        in_parallel(app, *[lambda: decisions.decide(run_id)] * 4)
        assert (set(counts(run_id)), row(run_id).total_jobs) == ({(5, 3)}, 18)


def test_redecide_corrects_the_total_by_the_difference(run_id):
    for board in ("acme", "beta"):
        list_board(board, ["Engineer", "Cook"])
        add_company(run_id, board)
    decisions.decide(run_id)
    close(sql("SELECT min(posting_id) AS id FROM postings")[0].id)
    new = list_board("acme", ["Baker", "Clerk"], unparsed=3)
    assert decisions.redecide(run_id, 1, decided_on("acme"), parts=0)
    [acme, _] = run_companies(run_id)
    assert (acme.listing_id, acme.found, acme.matched, acme.unparsed) == (new, 3, 3, 3)
    assert row(run_id).total_jobs == 5
    assert decisions.redecide(run_id, 1, decided_on("acme", "baker"), parts=0)
    assert row(run_id).total_jobs == 3
    assert_total_is_the_sum(run_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE run_companies SET parts = 1",
        "UPDATE run_companies SET state = 'failed'",
        "UPDATE run_companies SET matched = NULL",
        "UPDATE run_companies SET listing_id = listing_id + 10",
        "UPDATE ingestion_runs SET status = 'aborted', finished_at = now()",
    ],
)
def test_redecide_writes_nothing_if_the_company_has_moved_on(run_id, change):
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")
    decisions.decide(run_id)
    list_board("acme", ["Cook"])
    decided = decided_on("acme")
    sql(change)
    before = run_companies(run_id), row(run_id)
    assert decisions.redecide(run_id, 1, decided, parts=0) is False
    assert (run_companies(run_id), row(run_id)) == before


class Steps:
    """Steps of workers and boards, in a random order that the seed fixes."""

    def __init__(self, seed: int, run_id: int) -> None:
        self.chance, self.run_id = random.Random(seed), run_id
        self.steps = [self.list_another, self.close_some, self.take_in_a_part, self.decide, self.redecide]

    def make(self) -> None:
        self.chance.choice(self.steps)()

    def list_another(self) -> None:
        titles = ["Engineer"] * self.chance.randint(0, 3)
        list_board(self.chance.choice(run_companies(self.run_id)).board, titles, "partial", "partial")

    def close_some(self) -> None:
        for each in sql("SELECT posting_id FROM postings WHERE closed_at IS NULL"):
            if self.chance.random() < 0.2:
                close(each.posting_id)

    def take_in_a_part(self) -> None:
        sql("UPDATE run_companies SET parts = parts + 1 WHERE position = :n", n=self.chance.randint(1, 4))

    def decide(self) -> None:
        decisions.decide(self.run_id, lambda: self.chance.random() < 0.3)

    def redecide(self) -> None:
        company = self.chance.choice(run_companies(self.run_id))
        decided = decided_on(company.board, *company.include)
        decisions.redecide(self.run_id, company.position, decided, company.parts - self.chance.choice([0, 0, 1]))


@pytest.mark.parametrize("seed", range(12))
def test_total_is_the_sum_at_every_commit(app, run_id, small_pages, seed):
    steps = Steps(seed, run_id)
    for number in range(4):
        list_board(f"b{number}", ["Engineer", "Cook"] * steps.chance.randint(0, 4))
        add_company(run_id, f"b{number}", include=steps.chance.choice([[], ["engineer"]]))
    looked = []

    def look(statement: str) -> None:
        if "AS sum FROM ingestion_runs" not in statement:
            assert_total_is_the_sum(run_id)
            looked.append(statement)

    with watch_statements(db.engine, after=look):
        for _ in range(15):
            steps.make()
        in_parallel(app, *[lambda: decisions.decide(run_id)] * 2)
    assert looked and None not in [matched for _, matched in counts(run_id)]
