"""Storing listings: large ones, many at once, and which earlier ones are taken for what a board offers now."""

import time

import pytest
from psycopg.errors import QueryCanceled
from sqlalchemy import text

from app.db.engine import LARGE_STATEMENT_TIMEOUT
from app.db.execute import run_large_statement, run_statement
from app.errors import DatabaseUnavailable
from app.models import Outcome
from app.services.companies import companies
from app.services.previews import leases, results
from app.services.previews.results import ListingResult
from app.sources.adapters.registry import SOURCES
from app.sources.types import Validators
from tests.services.previews.test_lifecycle import offered
from tests.support.boards import job
from tests.support.factories import sql
from tests.support.parallel import at_once
from tests.support.previews import begun, company, finished, units

PATH = "/v1/boards/acme/jobs"


def tags(boards) -> list:
    return [asked.headers.get("if-none-match") for asked in boards.asked if asked.path == PATH]


def test_a_large_statement_may_take_longer_than_one_of_a_request(app, monkeypatch):
    slow = text("SELECT pg_sleep(5.2)")
    with pytest.raises(DatabaseUnavailable) as refusal:
        run_statement(slow)
    assert isinstance(refusal.value.__cause__.orig, QueryCanceled)
    assert run_large_statement(text("SHOW statement_timeout"))[0][0] == f"{LARGE_STATEMENT_TIMEOUT // 60}min"
    assert len(run_large_statement(slow)) == 1


def test_large_statements_take_turns(app):
    def slow():
        run_large_statement(text("SELECT pg_sleep(0.5)"))

    began = time.monotonic()
    at_once(app, *[slow] * 4)
    assert time.monotonic() - began >= 1


def test_large_listings_are_stored_aside_and_small_ones_are_not(app, user_id, monkeypatch):
    large = []
    run = run_large_statement
    monkeypatch.setattr(results, "run_large_statement", lambda statement: large.append(1) or run(statement))
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begun(user_id)
    for description, expected in (("x" * 1000, []), ("x" * results.LARGE_TEXT_LENGTH, [1])):
        unit = leases.claim_company(preview_id)
        found = ListingResult([offered("1", "Engineer", description=description)], True, 0, Validators())
        assert results.store_listing(unit, found)
        assert large == expected


def test_large_listings_are_stored_all_the_same_when_eight_come_at_once(app, user_id):
    texts = {"description": "Ä text. " * 400, "requirements": "Hands. " * 300}
    many = [offered(str(number), f"Engineer {number}", **texts) for number in range(1500)]
    for number in range(8):
        company(user_id, f"b{number}")
    preview_id = begun(user_id)
    taken = [leases.claim_company(preview_id) for _ in range(8)]
    found = ListingResult(many, True, 0, Validators())
    calls = [lambda unit=unit: results.store_listing(unit, found) for unit in taken]
    assert at_once(app, *calls) == [True] * 8
    assert {(unit.state, unit.found) for unit in units(preview_id)} == {("listed", 1500)}


def test_the_connections_of_large_statements_are_not_kept(app):
    run_large_statement(text("SELECT 1"))
    assert app.extensions["large_engine"].pool.status() == "NullPool"


def test_another_version_of_the_reader_reads_anew(boards, user_id, monkeypatch):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finished(user_id)
    finished(user_id)
    # The fixture gave every source a copy of its own.
    object.__setattr__(SOURCES["greenhouse"], "schema_version", 2)
    finished(user_id)
    finished(user_id)
    assert tags(boards) == [None, '"one"', None, '"one"']


def test_what_did_not_change_for_a_day_is_read_anew(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finished(user_id)
    sql("UPDATE companies SET read_at = read_at - interval '23 h'")
    finished(user_id)
    assert tags(boards) == [None, '"one"']
    # Not to have changed made it no younger.
    sql("UPDATE companies SET read_at = read_at - interval '2 h'")
    finished(user_id)
    assert tags(boards) == [None, '"one"', None]


def test_before_versions_were_noted_nobody_is_asked(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finished(user_id)
    sql("UPDATE companies SET schema_version = NULL")
    finished(user_id)
    assert tags(boards) == [None, None]


def test_a_system_that_this_version_does_not_know_fails_alone(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    company(user_id, "beta")
    sql("UPDATE companies SET source = 'forgotten' WHERE board = 'beta'")
    known, unknown = units(finished(user_id))
    assert (known.state, unknown.state, unknown.outcome) == ("listed", "failed", "unreachable")
    assert "forgotten" in unknown.detail
    assert companies.list_for_user(user_id)[1].outcome == Outcome.UNREACHABLE
