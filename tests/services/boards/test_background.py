"""Boards that do not answer within their slice keep nobody else waiting."""

import pytest

from app.services.boards import worker
from app.services.boards.runner import Runner
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import make_user, sql
from tests.support.previews import begin_preview, company, units
from tests.support.readers import answer, change_settings, hanging_preview, read_boards, read_preview, set_boards
from tests.support.waiting import wait_until

SLICE = 0.3


@pytest.fixture(autouse=True)
def _ended(boards):
    """Let the background work end before the next test."""
    yield
    boards.reset()
    wait_until(lambda: not worker.background.work, what="the end of the background work")


def states_of(preview_id: int) -> set[str]:
    return {unit.state for unit in units(preview_id)}


def leased() -> list[tuple[bool, int]]:
    """Return of each board if it is leased, and its attempts."""
    return [(row.lease_id is not None, row.attempt) for row in sql("SELECT * FROM boards ORDER BY board_id")]


def test_work_returns_after_its_slice_while_boards_hang(boards, app, user_id):
    hanging, hold = hanging_preview(boards, user_id, 8)
    read_boards(seconds=SLICE)
    assert leased() == [(True, 1)] * 8
    other = make_user("other@example.org")
    boards.greenhouse("quick", [job(1, "Engineer")])
    company(other, "quick")
    quick = read_preview(other)
    assert at.preview(quick).finished_at is not None
    assert states_of(hanging) == {"waiting"}
    hold.set()
    wait_until(lambda: states_of(hanging) == {"read"}, what="the answers of the hanging boards")
    assert {listing.state for listing in sql("SELECT state FROM listings")} == {"complete"}


def test_leases_of_boards_in_the_background_are_renewed(boards, app, user_id, monkeypatch):
    change_settings(monkeypatch, lease_seconds=6)
    _, hold = hanging_preview(boards, user_id, 1)
    read_boards(seconds=SLICE)
    set_boards("lease_until = clock_now() + interval '2 s'")
    is_renewed = "SELECT 1 FROM boards WHERE lease_until > clock_now() + interval '4 s'"
    wait_until(lambda: sql(is_renewed), what="the renewal of the lease")
    hold.set()


def test_background_that_is_full_adopts_no_work(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "MAX_BACKGROUND_BOARDS", 1)
    _, hold = hanging_preview(boards, user_id, 1)
    read_boards(seconds=SLICE)
    second, other_hold = hanging_preview(boards, make_user("other@example.org"), 1)
    runner = Runner(app, lambda: worker.claim_next(worker.read_versions()), answer, SLICE)
    runner.start(1)
    work = worker.Work(runner, lambda: None, lambda: False)
    assert worker.background.adopt(app, work) is False
    hold.set()
    wait_until(lambda: not worker.background.work, what="the end of the first")
    assert worker.background.adopt(app, work) is True
    other_hold.set()
    wait_until(lambda: states_of(second) == {"read"}, what="the end of the second")


def test_process_that_ends_releases_its_background_boards(boards, app, user_id):
    hanging_preview(boards, user_id, 2)
    published = []
    worker.work(lambda: published.append(1), answer, seconds=SLICE)
    worker.background.release()
    assert leased() == [(False, 0)] * 2
    assert len(published) == 1


def test_boards_left_by_a_hanging_slice_wake_another_reader(boards, app, user_id):
    hanging, hold = hanging_preview(boards, user_id, 9)
    published = []
    worker.work(lambda: published.append(1), answer, seconds=SLICE)
    assert [is_leased for is_leased, _ in leased()].count(True) == 8
    wait_until(lambda: published, what="the message for the ninth board")
    hold.set()
    wait_until(lambda: [unit.state for unit in units(hanging)].count("read") == 8, what="the answers")
    wait_until(lambda: not worker.background.work, what="the end of the background work")
    assert len(published) == 1
    read_boards()
    assert states_of(hanging) == {"read"}


def test_background_that_stops_drains_and_releases(boards, app, user_id, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0.5)
    hanging_preview(boards, user_id, 1)
    stopping, published = [], []
    worker.work(lambda: published.append(1), answer, seconds=SLICE, stopping=lambda: bool(stopping))
    stopping.append(True)
    wait_until(lambda: published, what="the message")
    assert leased() == [(False, 0)]


def test_preview_begun_meanwhile_shares_the_hanging_reading(boards, app, user_id):
    first, hold = hanging_preview(boards, user_id, 1)
    read_boards(seconds=SLICE)
    other = make_user("other@example.org")
    company(other, f"b{user_id}-0")
    second = begin_preview(other)
    assert read_boards() == 0
    hold.set()
    wait_until(lambda: states_of(first) == states_of(second) == {"read"}, what="the answers of both")
    assert len([request for request in boards.requests if "robots" not in request.path]) == 1
