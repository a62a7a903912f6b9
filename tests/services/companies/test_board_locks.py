"""Companies and the boards of all users: nobody waits for a board that is being stored, and nothing deadlocks."""

from contextlib import contextmanager

from app.services.companies import companies, same_boards
from app.services.companies.companies import ImportResult
from app.services.previews import lifecycle
from app.services.runs import start
from tests.support.factories import make_user, merge, open_transaction, sql
from tests.support.listed_boards import add_postings, make_board
from tests.support.parallel import in_parallel

ACME = {"source": "greenhouse", "board": "acme", "name": "Acme", "enabled": True, "include": [], "exclude": []}
ROUNDS = 40


@contextmanager
def board_being_stored():
    """Lock the row of the board as the statement does that stores a listing."""
    add_postings(make_board("greenhouse", "acme"), ["1", "2"])
    before = sql("SELECT boards.*, xmin FROM boards")
    with open_transaction("SELECT FROM boards FOR NO KEY UPDATE") as other:
        yield other
    assert sql("SELECT boards.*, xmin FROM boards") == before


def test_add_and_change_do_not_wait_for_a_board_being_stored(app, user_id):
    with board_being_stored():
        added = companies.add(user_id, ACME)
        assert added.postings == 2
        assert same_boards.find_stored(user_id, "greenhouse", "acme") is None
        assert companies.change(added.company_id, user_id, {"name": "Other"}).name == "Other"
        companies.remove(added.company_id, user_id)


def test_merge_does_not_wait_for_a_board_being_stored(app, user_id):
    with board_being_stored():
        assert merge(user_id, [ACME]) == ImportResult(1, 0, 0)
        assert merge(user_id, [{**ACME, "name": "Other"}]) == ImportResult(0, 1, 0)


def test_preview_does_not_wait_for_a_board_being_stored(app, user_id):
    companies.add(user_id, ACME)
    with board_being_stored():
        assert lifecycle.begin(user_id)[1]


def test_run_does_not_wait_for_a_board_being_stored(app, user_id):
    companies.add(user_id, ACME)
    with board_being_stored():
        assert start.create_run(user_id)


def test_merge_of_new_boards_in_opposite_order_does_not_deadlock(app):
    ann, bob = make_user("ann@example.org"), make_user("bob@example.org")
    for turn in range(ROUNDS):
        boards = [{**ACME, "board": f"b{turn}-{each:03}"} for each in range(60)]
        calls = (lambda: merge(ann, boards), lambda: merge(bob, boards[::-1]))
        assert in_parallel(app, *calls) == [ImportResult(60, 0, 0)] * 2
        companies_of = [{found.board_id for found in companies.list_for_user(user)} for user in (ann, bob)]
        assert companies_of[0] == companies_of[1] and len(companies_of[0]) == 60
        sql("DELETE FROM companies")
    assert sql("SELECT count(*) FROM boards") == [(60 * ROUNDS,)]
