"""Boards that do not answer within their slice keep no other preview waiting."""

from threading import Event

import pytest

from app.services.previews import leases, worker
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import make_user, sql
from tests.support.previews import begin_preview, company, units
from tests.support.waiting import wait_until

SLICE = 0.3


@pytest.fixture(autouse=True)
def _ended(boards):
    """Let the background work end before the next test."""
    yield
    boards.reset()
    wait_until(lambda: not worker.background.work, what="the end of the background work")


def hanging_preview(boards, user_id: int, number: int) -> tuple[int, Event]:
    """Begin a preview of that many boards that do not answer before the event is set."""
    hold = Event()
    for each in range(number):
        boards.greenhouse(f"b{user_id}-{each}", [job(1, "Engineer")], hold=hold)
        company(user_id, f"b{user_id}-{each}")
    return begin_preview(user_id), hold


def test_work_returns_after_its_slice_while_boards_hang(boards, app, user_id):
    hanging, hold = hanging_preview(boards, user_id, 8)
    worker.work(hanging, lambda: None, seconds=SLICE)
    assert {unit.state for unit in units(hanging)} == {"listing"}
    other = make_user("other@example.org")
    boards.greenhouse("quick", [job(1, "Engineer")])
    company(other, "quick")
    quick = begin_preview(other)
    worker.work(quick, lambda: None)
    assert at.preview(quick).finished_at is not None
    assert {unit.state for unit in units(hanging)} == {"listing"}
    hold.set()
    wait_until(lambda: at.preview(hanging).finished_at, what="the end of the hanging preview")
    assert {(unit.state, unit.attempt) for unit in units(hanging)} == {("listed", 1)}


def test_leases_of_boards_in_the_background_are_renewed(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    hanging, hold = hanging_preview(boards, user_id, 1)
    worker.work(hanging, lambda: None, seconds=SLICE)
    sql("UPDATE preview_companies SET lease_until = now() + interval '1 s'")
    is_renewed = "SELECT 1 FROM preview_companies WHERE lease_until > now() + interval '20 s'"
    wait_until(lambda: sql(is_renewed), what="the renewal of the lease")
    hold.set()


def test_background_that_is_full_adopts_no_work(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "MAX_BACKGROUND_BOARDS", 1)
    first, hold = hanging_preview(boards, user_id, 1)
    second, other_hold = hanging_preview(boards, make_user("other@example.org"), 1)
    worker.work(first, lambda: None, seconds=SLICE)
    work = worker.Work(worker.Runner(app, second, SLICE, 1), lambda: None, lambda: False)
    assert worker.background.adopt(app, work) is False
    hold.set()
    wait_until(lambda: not worker.background.work, what="the end of the first")
    assert worker.background.adopt(app, work) is True
    other_hold.set()
    wait_until(lambda: at.preview(second).finished_at, what="the end of the second")


def test_process_that_ends_releases_its_background_boards(boards, app, user_id):
    hanging, _ = hanging_preview(boards, user_id, 2)
    published = []
    worker.work(hanging, lambda: published.append(1), seconds=SLICE)
    worker.background.release()
    assert {(unit.state, unit.attempt) for unit in units(hanging)} == {("waiting", 0)}
    assert published == [1]
