"""The companies of a user: add, change, remove and import them, and hash their settings."""

import pytest
from sqlalchemy import select

from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.models import MAX_COMPANIES
from app.services.companies import companies
from app.services.companies.companies import ImportResult
from app.services.companies.errors import CompanyExists, CompanyNotFound, TooManyCompanies
from tests.support.factories import insert_companies, make_user, merge, sql
from tests.support.listed_boards import add_listing, make_board
from tests.support.parallel import during_open_transaction, in_parallel

BOARD = {"source": "greenhouse", "board": "acme"}
DAY = 24 * 3600
ACME = {**BOARD, "name": "Acme", "enabled": True, "include": ["engineer"], "exclude": []}


def acme_with(**other) -> dict:
    return {**ACME, **other}


def hash_of(user_id: int) -> str:
    return run_statement(select(companies.settings_hash(user_id)))[0][0]


def test_add_stores_every_setting(user_id):
    added = companies.add(user_id, ACME)
    found = companies.get(added.company_id, user_id)
    assert {name: getattr(found, name) for name in ACME} == ACME
    assert (found.listed_at, found.outcome) == (None, None)
    assert companies.list_for_user(user_id) == [found]


def test_company_shows_the_last_listing_and_the_last_count(user_id):
    """A failed listing is the last one, and the number of postings is from the one before."""
    added = companies.add(user_id, ACME)
    board_id = make_board("greenhouse", "acme")
    add_listing(board_id, "complete", "ok", 3)
    [found] = companies.list_for_user(user_id)
    assert (found.outcome, found.outcome_detail, found.postings) == ("ok", None, 3)
    add_listing(board_id, "failed", "unreachable", sentence="It did not answer.")
    [failed] = companies.list_for_user(user_id)
    assert (failed.outcome, failed.outcome_detail, failed.postings) == ("unreachable", "It did not answer.", 3)
    assert failed.listed_at > found.listed_at
    assert companies.get(added.company_id, user_id) == failed
    changed = companies.change(added.company_id, user_id, {"name": "Other"})
    assert changed == companies.get(added.company_id, user_id)
    other = companies.add(make_user("other@example.org"), ACME)
    assert (other.board_id, other.listed_at, other.postings) == (board_id, failed.listed_at, 3)


def test_merge_keeps_the_board_that_other_users_have(app, user_id):
    theirs = companies.add(make_user("other@example.org"), ACME).board_id
    merge(user_id, [ACME, acme_with(board="beta")])
    assert [found.board_id == theirs for found in companies.list_for_user(user_id)] == [True, False]
    assert sql("SELECT count(*) FROM boards") == [(2,)]


def test_list_for_user_sorts_by_name_regardless_of_case(user_id):
    for board, name in (("a", "zebra"), ("b", "Beta"), ("c", "alpha")):
        companies.add(user_id, acme_with(board=board, name=name))
    assert [found.name for found in companies.list_for_user(user_id)] == ["alpha", "Beta", "zebra"]


def test_add_refuses_a_second_company_of_a_board_with_its_id(app, user_id):
    first = companies.add(user_id, ACME)
    with pytest.raises(CompanyExists) as refusal:
        companies.add(user_id, acme_with(name="Other"))
    assert refusal.value.members == {"company_id": first.company_id}
    assert companies.get(first.company_id, user_id).name == "Acme"
    companies.add(make_user("other@example.org"), ACME)


def test_add_in_parallel_has_one_winner_that_the_others_name(app, user_id):
    outcomes = in_parallel(app, *[lambda: companies.add(user_id, ACME)] * 8)
    [winner] = [outcome.company_id for outcome in outcomes if not isinstance(outcome, CompanyExists)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, CompanyExists)]
    assert [loser.members["company_id"] for loser in losers] == [winner] * 7


def test_add_allows_a_thousand_companies(user_id):
    insert_companies(user_id, MAX_COMPANIES - 1)
    companies.add(user_id, ACME)
    with pytest.raises(TooManyCompanies, match="1000"):
        companies.add(user_id, acme_with(board="one-more"))
    with pytest.raises(CompanyExists):
        companies.add(user_id, ACME)


@pytest.mark.parametrize("add", [companies.add, lambda user_id, entry: merge(user_id, [entry])], ids=["add", "merge"])
def test_add_and_merge_count_a_company_that_commits_meanwhile(app, user_id, add):
    insert_companies(user_id, MAX_COMPANIES - 1)
    insertion = f"INSERT INTO companies (user_id, source, board, name) VALUES ({user_id}, 'lever', 'first', 'First')"
    outcome = during_open_transaction(app, insertion, lambda: add(user_id, ACME))
    assert isinstance(outcome, TooManyCompanies)
    assert len(companies.list_for_user(user_id)) == MAX_COMPANIES


def test_merge_in_parallel_stays_within_the_maximum(app, user_id):
    """Of imports that fit only alone, one succeeds and no other leaves a company."""
    imports = [[acme_with(board=f"{letter}{number}") for number in range(501)] for letter in "abcd"]
    outcomes = in_parallel(app, *[lambda entries=entries: merge(user_id, entries) for entries in imports])
    assert [outcome for outcome in outcomes if not isinstance(outcome, TooManyCompanies)] == [ImportResult(501, 0, 0)]
    assert len(companies.list_for_user(user_id)) == 501


def test_user_above_the_maximum_can_still_change_companies(user_id):
    sql("ALTER TABLE companies DISABLE TRIGGER companies_limit")
    try:
        insert_companies(user_id, MAX_COMPANIES + 1)
    finally:
        sql("ALTER TABLE companies ENABLE TRIGGER companies_limit")
    changes = [acme_with(source="lever", board="b1"), acme_with(source="lever", board="b2")]
    assert merge(user_id, changes) == ImportResult(0, 2, 0)
    with pytest.raises(TooManyCompanies):
        merge(user_id, [ACME])


def test_merge_locks_the_user_before_any_company(app, user_id):
    """All writers lock in one order, so that none of them deadlocks."""
    companies.add(user_id, ACME)

    def check_unlocked() -> None:
        assert sql("SELECT name FROM companies FOR UPDATE NOWAIT") == [("Acme",)]

    user = f"SELECT FROM users WHERE user_id = {user_id} FOR NO KEY UPDATE"
    changed = during_open_transaction(app, user, lambda: merge(user_id, [acme_with(name="Changed")]), check_unlocked)
    assert changed == ImportResult(0, 1, 0)


def test_add_and_merge_refuse_a_removed_user(app):
    with pytest.raises(Unauthenticated):
        companies.add(987_654, ACME)
    with pytest.raises(Unauthenticated):
        merge(987_654, [ACME])


def test_change_changes_only_the_named_settings(user_id):
    before = companies.add(user_id, ACME)
    after = companies.change(before.company_id, user_id, {"enabled": False, "exclude": ["intern"]})
    assert (after.enabled, after.include, after.exclude, after.name) == (False, ["engineer"], ["intern"], "Acme")
    assert after.updated_at > before.updated_at
    assert companies.change(before.company_id, user_id, {}) == after


def test_get_change_and_remove_do_not_find_another_users_company(user_id):
    theirs = companies.add(make_user("other@example.org"), ACME).company_id
    calls = (companies.get, companies.remove, lambda *ids: companies.change(*ids, {"name": "Mine"}))
    for call in calls:
        with pytest.raises(CompanyNotFound):
            call(theirs, user_id)
    assert sql("SELECT name FROM companies") == [("Acme",)]


def test_remove_succeeds_only_once(user_id):
    company_id = companies.add(user_id, ACME).company_id
    companies.remove(company_id, user_id)
    with pytest.raises(CompanyNotFound):
        companies.remove(company_id, user_id)


def test_merge_adds_and_changes_and_removes_nothing(user_id):
    companies.add(user_id, ACME)
    companies.add(user_id, acme_with(board="beta", name="Beta"))
    companies.add(user_id, acme_with(board="kept", name="Kept"))
    entries = [ACME, acme_with(board="beta", name="Beta Ltd"), acme_with(board="new", name="New", enabled=False)]
    assert merge(user_id, entries) == ImportResult(added=1, changed=1, unchanged=1)
    assert [(c.name, c.enabled) for c in companies.list_for_user(user_id)] == [
        ("Acme", True), ("Beta Ltd", True), ("Kept", True), ("New", False)
    ]
    assert merge(user_id, entries) == ImportResult(added=0, changed=0, unchanged=3)


def test_merge_without_filters_leaves_them(user_id):
    companies.add(user_id, acme_with(enabled=False, exclude=["intern"]))
    without_filters = [{"source": "greenhouse", "board": board, "name": "Acme"} for board in ("acme", "new")]
    assert merge(user_id, without_filters) == ImportResult(added=1, changed=0, unchanged=1)
    old, new = companies.list_for_user(user_id)
    assert (old.enabled, old.include, old.exclude) == (False, ["engineer"], ["intern"])
    assert (new.enabled, new.include, new.exclude) == (True, [], [])


def test_merge_above_the_maximum_changes_nothing(user_id):
    insert_companies(user_id, MAX_COMPANIES - 2)
    assert merge(user_id, [ACME]).added == 1
    with pytest.raises(TooManyCompanies):
        merge(user_id, [acme_with(name="Changed"), acme_with(board="x"), acme_with(board="y")])
    assert sql("SELECT count(*) FROM companies WHERE name = 'Changed'") == [(0,)]
    assert merge(user_id, [acme_with(name="Changed"), acme_with(board="x")]) == ImportResult(1, 1, 0)
    assert merge(user_id, []) == ImportResult(0, 0, 0)


def test_merge_in_parallel_adds_each_board_once(app, user_id):
    entries = [acme_with(board=f"b{number}") for number in range(20)]
    imports = in_parallel(app, *[lambda: merge(user_id, entries)] * 6)
    assert sum(each.added for each in imports) == 20
    assert len(companies.list_for_user(user_id)) == 20


def test_settings_hash_covers_exactly_the_settings_of_previews(user_id):
    empty = hash_of(user_id)
    company_id = companies.add(user_id, ACME).company_id
    hashes = {empty, hash_of(user_id)}
    filters = ({"include": []}, {"include": ["a", "b"]}, {"include": ["a"], "exclude": ["b"]})
    for changes in ({"name": "Acme Ltd"}, *filters):
        companies.change(company_id, user_id, changes)
        hashes.add(hash_of(user_id))
    assert len(hashes) == 6
    before = hash_of(user_id)
    off = companies.add(user_id, acme_with(board="off", enabled=False))
    sql("UPDATE companies SET updated_at = now()")
    add_listing(make_board("greenhouse", "acme"), "complete", "ok", 3)
    companies.add(make_user("other@example.org"), ACME)
    assert hash_of(user_id) == before
    companies.change(off.company_id, user_id, {"enabled": True})
    assert hash_of(user_id) != before
    companies.change(company_id, user_id, {"enabled": False})
    companies.remove(off.company_id, user_id)
    assert hash_of(user_id) == empty
    assert len(empty) == 64


def test_settings_hash_ignores_the_order_of_additions(app):
    ann, bob = make_user("ann@example.org"), make_user("bob@example.org")
    for user_id, boards in ((ann, "abc"), (bob, "cab")):
        for board in boards:
            companies.add(user_id, acme_with(board=board))
    assert hash_of(ann) == hash_of(bob)


@pytest.mark.parametrize("seconds", [-DAY, 0, DAY])
def test_times_of_companies_follow_the_clock(user_id, shift_clock, seconds):
    shift_clock(seconds)
    times = [sql("SELECT clock_now()")[0][0]]
    added = companies.add(user_id, ACME)
    assert added.created_at == added.updated_at
    changed = companies.change(added.company_id, user_id, {"name": "Acme Ltd"})
    merge(user_id, [ACME])
    merged = companies.get(added.company_id, user_id)
    assert added.created_at == changed.created_at == merged.created_at
    times += [added.updated_at, changed.updated_at, merged.updated_at, sql("SELECT clock_now()")[0][0]]
    assert times == sorted(times)


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_merge_counts_changed_companies_after_a_shift_of_the_clock(user_id, shift_clock, seconds):
    companies.add(user_id, acme_with(board="old"))
    shift_clock(seconds)
    entries = [acme_with(board="old", name="Changed"), *(acme_with(board=f"b{number}") for number in range(300))]
    assert merge(user_id, entries) == ImportResult(added=300, changed=1, unchanged=0)
    created = sql("SELECT count(DISTINCT created_at) FROM companies WHERE board LIKE 'b%' AND created_at = updated_at")
    assert created == [(1,)]
