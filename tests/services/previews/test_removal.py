"""The removal of previews with many postings: the preview at once, its postings later and in batches."""

import pytest

from app.db.execute import run_statement
from app.extensions import db
from app.services.previews import lifecycle
from app.services.previews import postings as postings_service
from app.services.previews import removal
from app.services.previews.errors import PreviewNotFound
from app.worker import reconciler
from tests.support.factories import make_user, open_transaction, sql
from tests.support.outbox import FakeClock
from tests.support.previews import begin_preview, company, preview

POSTINGS = 7


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Let a statement remove two postings."""
    monkeypatch.setattr(removal, "MAX_REMOVED_POSTINGS", 2)


def make_preview(user_id: int, finished_at: str = "now()") -> int:
    """Insert a preview with one company and POSTINGS postings, and return its id."""
    preview_id = sql(
        "INSERT INTO previews (user_id, settings_hash, deadline_at, finished_at)"
        f" VALUES (:user_id, 'of other settings', now(), {finished_at}) RETURNING preview_id",
        user_id=user_id,
    )[0].preview_id
    sql(
        "INSERT INTO preview_companies (preview_id, position, company_id, board_id, source, board, name, fresh_after)"
        " VALUES (:id, 1, 1, 1, 'lever', 'acme', 'Acme', now())",
        id=preview_id,
    )
    sql(
        "INSERT INTO preview_postings (preview_id, posting_id, position, revision_id, matched, rule_kind)"
        " SELECT :id, n, 1, n, true, 'no_filter' FROM generate_series(1, :number) n",
        id=preview_id, number=POSTINGS,
    )
    return preview_id


def count_postings(preview_id: int) -> int:
    return sql("SELECT count(*) FROM preview_postings WHERE preview_id = :id", id=preview_id)[0].count


def remove(preview_id: int) -> None:
    sql("DELETE FROM previews WHERE preview_id = :id", id=preview_id)


@pytest.mark.parametrize("finished_at", ["now()", "NULL"], ids=["finished", "unfinished"])
def test_begin_leaves_postings_of_removed_previews_to_the_reconciler(app, broker, user_id, finished_at):
    old = make_preview(user_id, finished_at)
    company(user_id, "acme")
    kept = make_preview(user_id) if finished_at == "now()" else begin_preview(user_id)
    new = begin_preview(user_id)
    assert count_postings(old) == POSTINGS
    for read in (lifecycle.get, postings_service.page):
        with pytest.raises(PreviewNotFound):
            read(old, user_id)
    reconciler.reconcile_once()
    assert count_postings(old) == 0
    assert sql("SELECT * FROM removed_previews") == []
    assert preview(kept) and preview(new)
    assert count_postings(kept) == (POSTINGS if finished_at == "now()" else 0)


def test_remove_batch_removes_a_bounded_number_of_postings(user_id):
    remove(make_preview(user_id))
    assert [run_statement(removal._remove_batch())[0].postings for _ in range(4)] == [2, 2, 2, 1]
    assert run_statement(removal._remove_batch()) == []


def test_remove_postings_starts_no_batch_after_its_time(user_id, monkeypatch):
    remove(make_preview(user_id))
    monkeypatch.setattr(removal, "time", FakeClock(step=removal.REMOVAL_SECONDS * 0.6))
    assert [removal.remove_postings() for _ in range(5)] == [2, 2, 2, 1, 0]


def test_remove_postings_leaves_a_preview_that_another_call_works_on(user_id):
    first, second = make_preview(user_id), make_preview(user_id)
    remove(first)
    remove(second)
    with open_transaction(f"SELECT FROM removed_previews WHERE preview_id = {first} FOR UPDATE"):
        assert removal.remove_postings() == POSTINGS
    assert (count_postings(first), count_postings(second)) == (POSTINGS, 0)
    assert removal.remove_postings() == POSTINGS


def test_postings_of_a_removed_user_are_removed_too(app):
    preview_id = make_preview(make_user("ann@example.org"))
    sql("DELETE FROM users WHERE email = 'ann@example.org'")
    removal.remove_postings()
    assert count_postings(preview_id) == 0


def test_remove_batch_reads_the_postings_by_their_key(user_id):
    """The same postings stand in many previews, so their ids alone would find those of others."""
    removed, kept = make_preview(user_id), make_preview(make_user("ann@example.org"))
    remove(removed)
    plan = "\n".join(row[0] for row in _explain(removal._remove_batch()))
    assert plan.count("pk_preview_postings") == 2
    assert "Seq Scan on preview_postings" not in plan
    removal.remove_postings()
    assert (count_postings(removed), count_postings(kept)) == (0, POSTINGS)


def _explain(statement) -> list:
    with db.engine.connect() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        return list(connection.exec_driver_sql(f"EXPLAIN {compiled}").fetchall())
