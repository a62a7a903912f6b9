"""The migrations of shared boards, one by one, up and down, with the rows of the version before and after."""

from collections.abc import Callable, Iterator
from typing import Any

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from flask import current_app

from app.extensions import db
from app.services.boards import switches, worker
from app.services.previews import answers, lifecycle
from tests.support.board_rows import make_posting
from tests.support.boards import Boards, job
from tests.support.factories import make_user, row, sql
from tests.support.listings import board_id
from tests.support.previews import begin_preview, company, postings, preview, units, work_on
from tests.support.rows_before_boards import BEFORE_BOARDS, HEAD, insert_rows_before_boards, kept_rows
from tests.support.starts import start_run
from tests.support.stored_listings import close, store

ENDED = "The product was upgraded before this board was read. Make a new preview."

CATALOG = (
    "SELECT 'column', table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable, column_default,"
    " is_identity, character_maximum_length) FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE NOT tgisinternal",
    "SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace",
    "SELECT 'options', oid::regclass::text, array_to_string(reloptions, ' ') FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
)
"""Everything that the migrations define, as kind, name and definition."""


def catalog() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    with db.engine.connect() as connection:
        for statement in CATALOG:
            found |= {(kind, name): text for kind, name, text in connection.exec_driver_sql(statement)}
    return found


def steps() -> list[str]:
    """Return the migrations from BEFORE_BOARDS to HEAD, both included."""
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    return [script.revision for script in scripts.walk_revisions(BEFORE_BOARDS, HEAD)][::-1]


def go_up(each: Callable[[str], object] = lambda _: None) -> None:
    for step in steps()[1:]:
        flask_migrate.upgrade(revision=step)
        each(step)


def go_down(each: Callable[[str], object] = lambda _: None) -> None:
    for step in steps()[-2::-1]:
        flask_migrate.downgrade(revision=step)
        each(step)


@pytest.fixture
def old_rows(app: Any, broker: Any) -> Iterator[dict[str, list[Any]]]:
    """Downgrade the database to the version before, with rows in all states; yield those that must stay."""
    flask_migrate.downgrade(revision=BEFORE_BOARDS)
    insert_rows_before_boards()
    yield kept_rows()
    flask_migrate.upgrade()


def insert_new_rows(user_id: int) -> None:
    """Fill the tables of shared boards: a life of postings, a finished preview, an unfinished one, a switch."""
    other_id = make_user("other@example.org")
    for owner in (user_id, other_id):
        company(owner, "acme")
        company(owner, "other", enabled=owner == other_id)
    board = board_id("acme")
    store(board, make_posting(1), make_posting(2), make_posting(3), ago=8000)
    store(board, make_posting(1, title="Head gardener"), make_posting(2), ago=6000)
    close(board)
    store(board, make_posting(1), make_posting(4))
    work_on(begin_preview(user_id))
    work_on(begin_preview(other_id))
    switches.switch_off("lever")


def test_upgrade_step_by_step_keeps_every_row(old_rows):
    def check(step: str) -> None:
        assert kept_rows() == old_rows, step

    go_up(check)
    started = sql("SELECT preview_id FROM ingestion_runs WHERE preview_id IS NOT NULL")
    assert {run.preview_id for run in started} == {1}, "runs from a preview that stays refer to it"


def test_upgrade_and_downgrade_step_by_step_keep_every_row(old_rows):
    def check(step: str) -> None:
        assert kept_rows() == old_rows, step

    go_up()
    go_down(check)
    go_up(check)


def test_upgrade_ends_unfinished_previews_and_removes_finished_ones(old_rows):
    go_up()
    previews = sql("SELECT preview_id, finished_at, is_refresh FROM previews ORDER BY 1")
    assert [each.preview_id for each in previews] == [1, 2, 3, 4]
    assert all(each.finished_at and not each.is_refresh for each in previews)
    rows = sql("SELECT * FROM preview_companies")
    assert len(rows) == 4 * 7
    assert {(unit.state, unit.outcome, unit.detail) for unit in rows} == {("failed", "out_of_time", ENDED)}
    assert all(unit.listed_at and not unit.listing_id for unit in rows)
    assert not any(unit.retry_at or unit.is_complete for unit in rows)
    assert {(unit.found, unit.matched, unit.unparsed) for unit in rows} == {(None, None, None)}
    counts = sql("SELECT (SELECT count(*) FROM preview_postings) + (SELECT count(*) FROM removed_previews) AS n")
    assert counts[0].n == 0


def test_boards_begin_once_each_without_validators_and_listings(old_rows):
    go_up()
    boards = sql("SELECT * FROM boards ORDER BY source, board")
    own = sorted(("lever", f"own{number}") for number in range(1, 10))
    removed = [("lever", f"removed{position}") for position in range(2, 8)]
    expected = [("greenhouse", "acme"), ("lever", "acme"), *own, *removed]
    assert [(board.source, board.board) for board in boards] == expected
    given = {"board_id", "source", "board", "created_at"}
    states = [{name: value for name, value in board._mapping.items() if name not in given} for board in boards]
    assert all(not any(state.values()) for state in states)
    assert sql("SELECT count(*) FROM listings")[0].count == 0
    assert not sql("SELECT FROM companies JOIN boards USING (board_id)"
                   " WHERE (companies.source, companies.board) <> (boards.source, boards.board)")


def test_product_previews_and_starts_runs_after_the_upgrade(old_rows, boards: Boards):
    flask_migrate.upgrade()
    boards.greenhouse("acme", [job(1, "Gardener")])
    user_id = make_user("u7")
    sql("UPDATE companies SET enabled = source = 'greenhouse', include = '{}', exclude = '{}' WHERE user_id = :id",
        id=user_id)
    preview_id = begin_preview(user_id)
    worker.work(lambda: None, answers.answer_listing)
    work_on(preview_id)
    assert [(unit.state, unit.matched) for unit in units(preview_id)] == [("listed", 1)]
    assert [posting.title for posting in postings(preview_id)] == ["Gardener"]
    assert row(start_run(user_id, preview_id)).preview_id == preview_id


def test_downgrade_and_upgrade_with_new_rows_keep_the_others(user_id):
    insert_new_rows(user_id)
    filled = ("listings", "postings", "posting_revisions", "posting_events", "preview_postings", "source_switches")
    assert all(sql(f"SELECT FROM {table}") for table in filled)
    sql("INSERT INTO removed_previews VALUES (77)")
    start_run(user_id, sql("SELECT min(preview_id) AS id FROM previews")[0].id)

    def check(step: str) -> None:
        assert kept_rows() == before, step

    try:
        # Later migrations add columns to the tables of KEPT.
        flask_migrate.downgrade(revision=HEAD)
        before = kept_rows()
        go_down(check)
        go_up(check)
    finally:
        flask_migrate.upgrade()
    assert [each.board for each in sql("SELECT board FROM boards ORDER BY 1")] == ["acme", "other"]
    assert not any(sql(f"SELECT FROM {table}") for table in filled)
    preview_id, created = lifecycle.begin(user_id, False)
    assert created and preview(preview_id).finished_at is None


def test_each_downgrade_restores_what_the_upgrade_changed(app):
    """Functions of triggers to the letter: the clock is replaced in their text."""
    # From nothing, so that no downgrade has touched what is compared.
    flask_migrate.downgrade(revision="base")
    try:
        flask_migrate.upgrade(revision=BEFORE_BOARDS)
        up = {BEFORE_BOARDS: catalog()}
        go_up(lambda step: up.update({step: catalog()}))
        down: dict[str, Any] = {}
        go_down(lambda step: down.update({step: catalog()}))
    finally:
        flask_migrate.upgrade()
    assert [*down] == steps()[-2::-1]
    for step, found in down.items():
        assert found == up[step], step


def test_migration_of_the_clock_leaves_functions_of_others_alone(app):
    body = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := clock_timestamp(); RETURN NEW; END $$"
    definition = "SELECT pg_get_functiondef('theirs'::regproc) AS text, xmin FROM pg_proc WHERE proname = 'theirs'"
    flask_migrate.downgrade(revision=BEFORE_BOARDS)
    try:
        with db.engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE FUNCTION theirs() {body}")
            connection.exec_driver_sql(
                "CREATE TRIGGER theirs BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION theirs()"
            )
        before = sql(definition)
        go_up()
        assert sql(definition) == before
    finally:
        flask_migrate.upgrade()
        sql("DROP TRIGGER theirs ON users")
        sql("DROP FUNCTION theirs()")


def test_tables_have_the_storage_options_of_their_models(app):
    """Alembic does not compare these."""
    expected = {
        table.name: sorted(f"{key}={value}" for key, value in table.dialect_options["postgresql"]["with"].items())
        for table in db.metadata.tables.values() if table.dialect_options["postgresql"]["with"]
    }
    found = sql("SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL"
                " AND relnamespace = 'public'::regnamespace")
    assert {each.relname: sorted(each.reloptions) for each in found} == expected
