"""The audit of boards notices each broken rule, and finds nothing in a sound database."""

import psycopg
import pytest

from app.config.validators import connect_arguments
from app.services.boards.storing import ListingStore
from app.services.boards.times import BoardTimes
from tests.faults.board_audit import RULES, audit
from tests.support.board_rows import COMPLETE, claim_board, make_posting, posting_rows
from tests.support.listings import board_id
from tests.support.previews import begin_preview, company, preview, work_on

HOUR = 3600


def read(board: int, *external_ids: str, hours_ago: float = 0) -> None:
    """Store a complete listing of a board with these postings."""
    store = ListingStore(claim_board(board, hours_ago * HOUR), 1, BoardTimes())
    store.add([make_posting(each) for each in external_ids])
    store.end(COMPLETE)


@pytest.fixture
def database(settings, user_id):
    """A connection to a database with a preview of a board of which one posting was closed."""
    company(user_id, "acme", include=["Gardener"])
    board = board_id("acme")
    read(board, "1", "2", hours_ago=9)
    read(board, "1", hours_ago=5)
    read(board, "1", hours_ago=2)
    preview_id = begin_preview(user_id)
    read(board, "1")
    work_on(preview_id)
    assert preview(preview_id).finished_at
    assert posting_rows(board)["2"].closed_reason == "unseen"
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        yield connection


def broken_rules(connection: psycopg.Connection) -> list[str]:
    return [sentence.partition(":")[0] for sentence in audit(connection, HOUR, 24 * HOUR, 6 * HOUR)]


BREACHES = {
    "a listing's counts are those of its events": "DELETE FROM posting_events WHERE kind = 'closed'",
    "a partial or held listing makes no posting missing": "UPDATE listings SET state = 'held'",
    "a closing has two witnesses of its board":
        "UPDATE posting_events SET witness_listing_id = NULL WHERE kind = 'closed'",
    "a posting is closed as unseen by two whole listings, apart":
        "UPDATE listings SET began_at = clock_now()",
    "an empty board closes after three empty listings, apart":
        "UPDATE posting_events SET reason = 'board_empty' WHERE kind = 'closed'",
    "a board that is gone closes after two such answers, apart":
        "UPDATE posting_events SET reason = 'board_gone' WHERE kind = 'closed'",
    "a posting begins with one event": "UPDATE posting_events SET kind = 'changed' WHERE kind = 'new'",
    "an event fits the state that it finds": "UPDATE posting_events SET kind = 'reopened' WHERE kind = 'missing'",
    "a posting is closed if its last event says so":
        "UPDATE postings SET closed_at = NULL, closed_reason = NULL, closed_listing_id = NULL",
    "an open posting has its last event's content": "UPDATE postings SET content_hash = content_hash + 1",
    "a finished preview has ended each company": "UPDATE preview_companies SET state = 'waiting', outcome = NULL,"
        " listed_at = NULL, found = NULL, matched = NULL, unparsed = NULL, is_complete = NULL",
    "a company's counts are those of its postings": "DELETE FROM preview_postings",
    "a posting of a preview belongs to its company's board": "UPDATE preview_postings SET revision_id = 0",
    "the board's last listings are its own": "UPDATE boards SET content_began_at = clock_now()",
    "a board without a lease has no reading that nobody will end":
        "INSERT INTO listings (board_id) SELECT board_id FROM boards; UPDATE boards SET attempt = 4",
}


def test_audit_finds_nothing_in_a_sound_database(database):
    assert broken_rules(database) == []


def test_audit_has_a_breach_of_each_rule_that_no_check_excludes():
    assert RULES.keys() - BREACHES.keys() == {"a listing's counts add up"}


@pytest.mark.parametrize(("rule", "statement"), BREACHES.items())
def test_audit_names_the_broken_rule(database, rule, statement):
    # Triggers refuse what the audit looks for.
    database.execute("SET session_replication_role = replica")
    database.execute(statement)
    assert rule in broken_rules(database)
