"""The life of a preview, and runs that start from one, with the races of two tabs."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from app.errors import Unauthenticated
from app.models import Outcome, UnitState
from app.services.companies import companies
from app.services.previews import answers, lifecycle
from app.services.previews.errors import (
    NoCompanies,
    PreviewNotFound,
    PreviewOutdated,
)
from app.services.runs import queries, transitions
from app.services.runs.errors import RunActive
from tests.support.factories import make_user, row, sql
from tests.support.listings import board_id, fail_board, list_board
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, finish_preview, preview, units, work_on
from tests.support.starts import start_run


def finish(preview_id: int) -> None:
    """Complete a preview with empty listings of its boards."""
    for unit in units(preview_id):
        list_board(unit.board, source=unit.source)
    work_on(preview_id)


def test_begin_takes_a_snapshot_of_the_enabled_companies(user_id):
    beta = company(user_id, "beta", include=("a",), exclude=("b", "c"))
    alpha = company(user_id, "alpha")
    company(user_id, "gamma", enabled=False)
    company(make_user("other@example.org"), "delta")
    preview_id, is_new = lifecycle.begin(user_id)
    assert is_new
    assert [(unit.position, unit.company_id, unit.board, unit.name) for unit in units(preview_id)] == [
        (1, alpha, "alpha", "Alpha"), (2, beta, "beta", "Beta")
    ]
    assert (units(preview_id)[1].include, units(preview_id)[1].exclude) == (["a"], ["b", "c"])
    companies.change(beta, user_id, {"name": "Other", "include": []})
    assert units(preview_id)[1].name == "Beta"
    found = preview(preview_id)
    assert (found.deadline_at - found.created_at).total_seconds() == pytest.approx(900 + 2 * 2, abs=1)
    assert (found.next_dispatch_at - found.created_at).total_seconds() == pytest.approx(5, abs=1)
    assert (found.finished_at, found.dispatched_at, found.is_refresh) == (None, None, False)


@pytest.mark.parametrize(("refresh", "seconds"), [(False, 600), (True, 60)])
def test_begin_notes_the_board_and_the_age_of_listings(user_id, refresh, seconds):
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id, refresh)
    created_at = preview(preview_id).created_at
    assert [unit.board_id for unit in units(preview_id)] == [board_id("acme"), board_id("beta")]
    for unit in units(preview_id):
        assert (created_at - unit.fresh_after).total_seconds() == pytest.approx(seconds, abs=1)
    assert preview(preview_id).is_refresh is refresh


def test_begin_takes_its_times_from_the_settings(app, settings, user_id, monkeypatch):
    company(user_id, "acme")
    monkeypatch.setitem(app.config, "SETTINGS", replace(settings, fresh_seconds=5))
    lifecycle.begin(user_id)
    assert (preview(1).created_at - units(1)[0].fresh_after).total_seconds() == pytest.approx(5, abs=1)


@pytest.mark.parametrize(
    ("first", "second", "is_new"),
    [(False, False, False), (True, False, False), (True, True, False), (False, True, True)],
)
def test_begin_returns_the_unfinished_one_if_it_is_as_fresh(user_id, first, second, is_new):
    company(user_id, "acme")
    preview_id = begin_preview(user_id, first)
    found, found_is_new = lifecycle.begin(user_id, second)
    assert (found != preview_id, found_is_new) == (is_new, is_new)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews")] == [found]
    assert preview(found).is_refresh is (first or second)


def test_begin_of_plain_and_refresh_at_once_ends_with_a_refresh(app, user_id):
    company(user_id, "acme")
    for _ in range(10):
        calls = [lambda refresh=refresh: lifecycle.begin(user_id, refresh) for refresh in (True, False) * 4]
        outcomes = in_parallel(app, *calls)
        [left] = sql("SELECT preview_id, is_refresh FROM previews")
        assert left.is_refresh
        assert {preview_id for preview_id, _ in outcomes[::2]} == {left.preview_id}
        sql("DELETE FROM previews")


@pytest.mark.parametrize("has_disabled", [True, False])
def test_begin_without_enabled_companies_is_refused(user_id, has_disabled):
    if has_disabled:
        company(user_id, "acme", enabled=False)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) is None


def test_begin_without_companies_leaves_the_unfinished_preview(user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    companies.remove(company_id, user_id)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) == preview_id


def test_begin_for_a_removed_user_is_refused(app, user_id):
    with pytest.raises((Unauthenticated, NoCompanies)):
        lifecycle.begin(987_654)


def test_begin_with_the_same_settings_returns_the_unfinished_one(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    assert lifecycle.begin(user_id) == (preview_id, False)
    finish(preview_id)
    assert lifecycle.begin(user_id) == (preview_id + 1, True)


def test_begin_with_other_settings_removes_the_unfinished_one(user_id):
    company_id = company(user_id, "acme")
    first = begin_preview(user_id)
    companies.change(company_id, user_id, {"include": ["engineer"]})
    second, is_new = lifecycle.begin(user_id)
    assert is_new
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews")] == [second]
    with pytest.raises(PreviewNotFound):
        lifecycle.get(first, user_id)


def test_begin_in_parallel_makes_one_preview(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        outcomes = in_parallel(app, *[lambda: lifecycle.begin(user_id)] * 8)
        assert sorted(is_new for _, is_new in outcomes) == [False] * 7 + [True]
        assert len({preview_id for preview_id, _ in outcomes}) == 1
        # In the next round an unfinished preview of other settings must be removed first.
        companies.change(company_id, user_id, {"include": [f"term {number}"]})


def test_begin_against_a_change_takes_the_old_or_the_new_settings(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        changes = {"include": [f"term {number}"]}
        before = companies.get(company_id, user_id).include
        (preview_id, _), _ = in_parallel(
            app, lambda: lifecycle.begin(user_id), lambda: companies.change(company_id, user_id, changes)
        )
        [unit] = units(preview_id)
        assert unit.include in (before, changes["include"])
        assert lifecycle.get(preview_id, user_id)["is_current"] is (unit.include == changes["include"])


def test_begin_prunes_all_but_the_latest_and_those_of_active_runs(user_id):
    company(user_id, "acme")
    first, second, third = [finish_preview(user_id) for _ in range(3)]
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, third]
    run_id = start_run(user_id, second)
    fourth = finish_preview(user_id)
    fifth = begin_preview(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, fourth, fifth]
    transitions.abort(run_id)
    finish(fifth)
    begin_preview(user_id)
    assert row(run_id).preview_id is None
    assert first < second


def test_begin_leaves_the_previews_of_other_users(user_id):
    other = make_user("other@example.org")
    for each in (user_id, other):
        company(each, "acme")
    theirs = [finish_preview(other), begin_preview(other)]
    finish_preview(user_id)
    finish_preview(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews WHERE user_id = :id ORDER BY 1", id=other)
            ] == theirs


def test_get_returns_companies_and_totals(user_id):
    company(user_id, "acme", include=("engineer",))
    company(user_id, "beta")
    company(user_id, "gamma")
    preview_id = begin_preview(user_id)
    list_board("acme", ["Engineer", "Cook"])
    fail_board("beta", "gone")
    work_on(preview_id)
    found = lifecycle.get(preview_id, user_id)
    assert found["totals"] == {"companies": 3, "listed": 1, "failed": 1, "waiting": 1, "found": 2, "matched": 1}
    assert (found["is_finished"], found["is_current"], found["finished_at"]) == (False, True, None)
    assert found["server_time"] >= found["created_at"]
    assert [each.state for each in found["companies"]] == ["listed", "failed", "waiting"]
    list_board("gamma")
    work_on(preview_id)
    assert lifecycle.get(preview_id, user_id)["is_finished"] is True


def test_get_shows_as_listing_what_is_read_or_decided_on(user_id):
    for board in ("acme", "beta", "gamma"):
        company(user_id, board)
    preview_id = begin_preview(user_id)
    lease = "UPDATE boards SET lease_id = gen_random_uuid(), lease_until = clock_now() + make_interval(secs => :secs)"
    sql(f"{lease} WHERE board IN ('acme', 'beta')", secs=30)
    sql(f"{lease} WHERE board = 'beta'", secs=-1)
    list_board("gamma")
    answers.answer_preview(preview_id)
    found = lifecycle.get(preview_id, user_id)
    assert [each.state for each in found["companies"]] == ["listing", "waiting", "listing"]
    assert found["totals"]["waiting"] == 3
    work_on(preview_id)
    assert [each.state for each in lifecycle.get(preview_id, user_id)["companies"]] == ["listing", "waiting", "listed"]


def test_start_from_a_finished_preview_stores_its_id(user_id):
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    run_id = start_run(user_id, preview_id)
    assert row(run_id).preview_id == preview_id
    assert queries.get(run_id, user_id).preview_id == preview_id


def test_start_from_an_unfinished_preview_stores_its_id(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    assert row(start_run(user_id, preview_id)).preview_id == preview_id


def test_start_refuses_an_outdated_or_missing_preview(user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    finish(preview_id)
    companies.change(company_id, user_id, {"enabled": False})
    with pytest.raises(PreviewOutdated):
        start_run(user_id, preview_id)
    other = make_user("other@example.org")
    company(other, "acme")
    for missing in (finish_preview(other), 404):
        with pytest.raises(PreviewNotFound) as refusal:
            start_run(user_id, missing)
        assert refusal.value.detail == f"There is no preview {missing}."
    assert sql("SELECT 1 FROM ingestion_runs") == []
    companies.change(company_id, user_id, {"enabled": True})
    assert start_run(user_id, preview_id)


def test_start_names_an_active_run_before_it_checks_the_preview(user_id):
    company(user_id, "acme")
    active = start_run(user_id)
    for preview_id in (begin_preview(user_id), 404):
        with pytest.raises(RunActive) as refusal:
            start_run(user_id, preview_id)
        assert refusal.value.run_id == active


def test_start_against_a_change_of_settings_starts_or_is_refused(app, user_id):
    """In either order, a run exists only if its preview was current when the run started."""
    company_id = company(user_id, "acme")
    for number in range(12):
        preview_id = finish_preview(user_id)
        changes = {"include": [f"term {number}"]}
        started, changed = in_parallel(
            app, lambda: start_run(user_id, preview_id), lambda: companies.change(company_id, user_id, changes)
        )
        assert changed.include == changes["include"]
        if isinstance(started, PreviewOutdated):
            assert queries.current(user_id) is None
        else:
            assert queries.current(user_id) == started
            transitions.abort(started)


def test_start_in_parallel_from_one_preview_has_one_winner(app, user_id):
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    outcomes = in_parallel(app, *[lambda: start_run(user_id, preview_id)] * 8)
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert {outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)} == {winner}


def test_start_against_the_removal_of_its_preview_is_sound(app, user_id):
    company(user_id, "acme")
    for _ in range(10):
        preview_id = finish_preview(user_id)
        started, _ = in_parallel(
            app,
            lambda: start_run(user_id, preview_id),
            lambda: sql("DELETE FROM previews WHERE preview_id = :id", id=preview_id),
        )
        assert isinstance(started, (int, PreviewNotFound))
        if isinstance(started, int):
            assert row(started).preview_id is None
            transitions.abort(started)


@pytest.mark.parametrize(
    "change",
    ["state = 'odd'", "state = 'failed'", "outcome = 'ok'", "state = 'read'", "listed_at = now()",
     "state = 'failed', outcome = 'odd', listed_at = now()"],
)
def test_checks_refuse_impossible_states_of_a_company(user_id, change):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    with pytest.raises(IntegrityError):
        sql(f"UPDATE preview_companies SET {change} WHERE preview_id = {preview_id}")


@pytest.mark.parametrize(
    ("constraint", "enum"),
    [
        ("ck_preview_companies_state", UnitState),
        ("ck_preview_companies_outcome", Outcome),
        ("ck_listings_code", Outcome),
    ],
)
def test_checks_allow_exactly_the_values_of_the_enums(app, constraint, enum):
    [check] = sql("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = :name", name=constraint)
    assert set(check.text.split("'")[1::2]) == set(enum)
