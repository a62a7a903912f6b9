"""The postings that boards offer, decided on by filters: pages, facts of the listing, errors."""

import pytest

from app.extensions import db
from app.services.boards import offers
from app.services.boards.offers import Filters
from app.sources.title_filter import Rule, RuleKind
from tests.support.factories import sql
from tests.support.listings import board_id, close, fail_board, list_board
from tests.support.statements import watch_statements

ALL = Filters((), ())
NO_FILTER = Rule(RuleKind.NO_FILTER)


@pytest.fixture
def small_pages(monkeypatch):
    """Let a statement read four postings."""
    monkeypatch.setattr(offers, "MAX_POSTINGS", 4)
    monkeypatch.setattr(offers, "FIND_OFFERED", offers._find_offered())


def decided(**filters: Filters) -> list[offers.Decided]:
    return list(offers.decided({board_id(board): each for board, each in filters.items()}))


def test_decided_has_postings_and_revisions_by_rule(app):
    list_board("acme", ["Engineer", "Intern Engineer", "Cook", "Engineer"])
    [acme] = decided(acme=Filters(["engineer"], ["intern"]))
    postings = sql("SELECT posting_id, revision_id FROM postings ORDER BY 1")
    of = [[each.posting_id for each in postings], [each.revision_id for each in postings]]
    assert acme.by_rule == {
        Rule(RuleKind.INCLUDE, "engineer"): tuple([ids[0], ids[3]] for ids in of),
        Rule(RuleKind.EXCLUDE, "intern"): tuple([ids[1]] for ids in of),
        Rule(RuleKind.NOT_INCLUDED): tuple([ids[2]] for ids in of),
    }
    assert (acme.found, acme.matched) == (4, 2)


def test_decided_has_the_facts_of_the_listing(app):
    listing_id = list_board("acme", ["Cook"], "partial", "partial", sentence="A page was not read.", unparsed=2)
    fail_board("acme")
    [acme] = decided(acme=ALL)
    [listing] = sql("SELECT * FROM listings WHERE listing_id = :id", id=listing_id)
    assert (acme.board_id, acme.listing_id) == (listing.board_id, listing_id)
    assert (acme.state, acme.code, acme.sentence, acme.unparsed) == ("partial", "partial", "A page was not read.", 2)
    assert acme.ended_at == listing.ended_at


def test_board_without_content_is_left_out(app):
    fail_board("acme")
    list_board("beta", [])
    list_board("gamma", ["Cook"])
    found = [(each.board_id, each.found) for each in decided(gamma=ALL, acme=ALL, beta=ALL, delta=ALL)]
    assert found == [(board_id("beta"), 0), (board_id("gamma"), 1)]


@pytest.mark.parametrize("sizes", [(9, 0, 1), (4, 4, 4), (0, 0, 0), (3, 1, 5), (8, 4, 0), (0, 4, 1)])
def test_pages_lose_and_double_no_posting(app, small_pages, sizes):
    for board, size in zip("abc", sizes, strict=True):
        list_board(board, ["Cook"] * size)
    found = decided(a=ALL, b=ALL, c=ALL)
    assert tuple(each.found for each in found) == sizes
    postings = [posting for each in found for posting in each.by_rule.get(NO_FILTER, ([], []))[0]]
    assert sorted(postings) == sorted(set(postings))


def test_postings_of_one_board_come_from_one_listing(app, small_pages):
    list_board("acme", ["Cook"] * 6)
    list_board("beta", ["Cook"])
    pages = []

    def store_another(statement: str) -> None:
        if statement.startswith("WITH asked AS"):
            pages.append(statement)
            if len(pages) == 1:
                close(sql("SELECT min(posting_id) AS id FROM postings")[0].id)
                list_board("acme", ["Baker"])

    with watch_statements(db.engine, after=store_another):
        acme, beta = decided(acme=ALL, beta=ALL)
    assert acme.listing_id == sql("SELECT max(listing_id) AS id FROM listings")[0].id
    assert (acme.found, beta.found) == (6, 1)


def test_unexpected_error_leaves_out_one_board_and_is_logged(app, small_pages, caplog):
    for board, size in (("acme", 6), ("beta", 5)):
        list_board(board, ["Cook"] * size)
    [beta] = decided(acme=Filters([None], ()), beta=ALL)
    assert beta.found == 5
    assert "postings not decided" in caplog.text
