"""The companies that a start freezes."""

import pytest

from app.services.companies import companies
from app.services.previews import removal
from app.services.previews.errors import PreviewOutdated
from app.services.runs import freezing, transitions
from tests.support.factories import make_run, row, sql
from tests.support.listings import fail_board, list_board
from tests.support.parallel import during_open_transaction
from tests.support.previews import begin_preview, company, finish_preview, work_on
from tests.support.run_rows import end_units, run_units
from tests.support.starts import start_run


def test_start_freezes_the_enabled_companies_by_name(user_id):
    ids = [company(user_id, board, include=("cook",), exclude=("chef",), name=name) for board, name in
           (("c", "beta"), ("b", "Alpha"), ("a", "gamma"))]
    company(user_id, "off", enabled=False)
    run_id = start_run(user_id)
    units = run_units(run_id)
    assert [(unit.position, unit.name, unit.board) for unit in units] == [
        (1, "Alpha", "b"), (2, "beta", "c"), (3, "gamma", "a"),
    ]
    assert [unit.company_id for unit in units] == [ids[1], ids[0], ids[2]]
    assert {(unit.state, unit.source, *unit.include, *unit.exclude) for unit in units} == {
        ("waiting", "greenhouse", "cook", "chef")
    }
    assert not sql("SELECT FROM run_companies JOIN companies USING (company_id)"
                   " WHERE run_companies.board_id <> companies.board_id")
    run = row(run_id)
    assert (run.companies_total, run.note, run.previewed, run.retry_of) == (3, None, None, None)
    assert {(run.created_at - unit.fresh_after).total_seconds() // 1 for unit in units} <= {599, 600}


def test_start_freezes_no_company_of_another_user(user_id):
    company(user_id, "mine")
    other = sql("INSERT INTO users (email) VALUES ('o@example.org') RETURNING user_id")[0].user_id
    company(other, "theirs")
    assert [unit.board for unit in run_units(start_run(user_id))] == ["mine"]


def test_start_without_enabled_companies_leaves_a_note(user_id):
    company(user_id, "off", enabled=False)
    run = row(start_run(user_id))
    assert (run.companies_total, run.note) == (0, "No company was enabled, so there was nothing to ingest.")


def test_frozen_filters_stay_when_the_company_changes_or_goes(user_id):
    kept, gone = company(user_id, "kept", include=("cook",)), company(user_id, "gone")
    run_id = start_run(user_id)
    before = run_units(run_id)
    companies.change(kept, user_id, {"include": ["chef"], "name": "Other", "enabled": False})
    companies.remove(gone, user_id)
    assert run_units(run_id) == before


def test_start_from_a_finished_preview_notes_what_had_matched(user_id):
    for board in ("acme", "broken"):
        company(user_id, board, include=("cook",))
    list_board("acme", ["Cook", "Head cook", "Engineer"])
    fail_board("broken")
    run_id = start_run(user_id, finish_preview(user_id))
    assert [unit.previewed for unit in run_units(run_id)] == [2, None]
    assert row(run_id).previewed == 2


def test_start_from_an_unfinished_preview_has_no_total(user_id):
    for board in ("acme", "waiting"):
        company(user_id, board)
    list_board("acme", ["Cook", "Engineer"])
    preview_id = begin_preview(user_id)
    work_on(preview_id)
    run_id = start_run(user_id, preview_id)
    assert [unit.previewed for unit in run_units(run_id)] == [2, None]
    assert row(run_id).previewed is None


def test_previewed_is_null_for_a_company_that_was_added_anew(user_id):
    old = company(user_id, "acme")
    list_board("acme", ["Cook"])
    preview_id = finish_preview(user_id)
    companies.remove(old, user_id)
    company(user_id, "acme")
    assert [unit.previewed for unit in run_units(start_run(user_id, preview_id))] == [None]


def test_baseline_is_the_first_taking_in_and_each_after_new_filters(user_id):
    first, second = company(user_id, "first", include=("cook",)), company(user_id, "second")

    def start_and_take_in() -> list[bool]:
        run_id = start_run(user_id)
        found = [unit.is_baseline for unit in run_units(run_id)]
        end_units(run_id, {"first": "taken_in", "second": "failed"})
        return found

    assert start_and_take_in() == [True, True]
    assert start_and_take_in() == [False, True], "a failed company was not taken in"
    companies.change(first, user_id, {"include": ["chef"]})
    assert start_and_take_in() == [True, True]
    assert start_and_take_in() == [False, True]
    companies.change(first, user_id, {"include": ["cook"]})
    assert start_and_take_in() == [True, True], "the latest taking in counts, no earlier one"
    companies.change(first, user_id, {"exclude": ["sous"]})
    companies.change(second, user_id, {"name": "Other"})
    assert start_and_take_in() == [True, True]


def test_start_waits_for_no_board_that_is_being_stored(app, user_id):
    company(user_id, "acme")
    outcome = during_open_transaction(app, "SELECT FROM boards FOR UPDATE", lambda: start_run(user_id))
    assert [unit.board for unit in run_units(outcome)] == ["acme"]


def test_start_waits_for_no_change_of_a_company(app, user_id):
    """The settings are checked and frozen in one snapshot: a change that commits during a start is not in it."""
    company_id = company(user_id, "acme")
    preview_id = finish_preview(user_id)
    change = f"UPDATE companies SET include = '{{cook}}' WHERE company_id = {company_id}"
    run_id = during_open_transaction(app, change, lambda: start_run(user_id, preview_id))
    assert [unit.include for unit in run_units(run_id)] == [[]]
    sql("UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now() WHERE id = :id", id=run_id)
    with pytest.raises(PreviewOutdated):
        start_run(user_id, preview_id)


def test_run_keeps_its_companies_when_its_preview_goes(user_id):
    company(user_id, "acme")
    list_board("acme", ["Cook"])
    run_id = start_run(user_id, finish_preview(user_id))
    sql("DELETE FROM previews")
    removal.remove_postings()
    assert (row(run_id).preview_id, row(run_id).previewed) == (None, 1)
    assert [unit.previewed for unit in run_units(run_id)] == [1]


def test_run_started_without_companies_gets_them_at_its_claim(user_id):
    """A web process of an earlier version may start it during an upgrade."""
    company(user_id, "acme", include=("cook",))
    company(user_id, "off", enabled=False)
    run_id = make_run(user_id=user_id)
    transitions.claim(run_id)
    assert [(unit.board, unit.include, unit.position) for unit in run_units(run_id)] == [("acme", ["cook"], 1)]
    assert (row(run_id).status, row(run_id).companies_total, row(run_id).note) == ("initializing", 1, None)
    assert freezing.freeze_late(run_id) is False


def test_run_without_any_company_gets_the_note_at_its_claim(user_id):
    run_id = make_run(user_id=user_id)
    transitions.claim(run_id)
    assert (row(run_id).companies_total, row(run_id).note) == (0, freezing.NO_COMPANY)
