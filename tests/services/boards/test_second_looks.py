"""Second looks: a reader returns to a board of which a posting is missing, although nobody asks."""

import pytest

from app.services.companies import companies
from app.worker import reconciler
from tests.support.board_rows import posting_rows
from tests.support.boards import job
from tests.support.factories import make_user, sql
from tests.support.outbox import BOARDS_QUEUE
from tests.support.previews import begin_preview, company
from tests.support.readers import board_of, change_settings, finish_reading, read_boards, states

HOUR = 3600
JOBS = [job(number, "Engineer") for number in range(1, 6)]


@pytest.fixture
def missing(boards, broker, user_id, shift_clock):
    """A board that was listed an hour and a half ago, and half an hour ago with one posting missing."""
    company(user_id, "acme")
    boards.greenhouse("acme", JOBS)
    finish_reading(user_id)
    boards.greenhouse("acme", JOBS[1:])
    shift_clock(HOUR)
    finish_reading(user_id)
    broker.flushall()
    return posting_rows(board_of().board_id)["1"]


def is_woken(broker) -> bool:
    """Reconcile, and return whether a reader was woken."""
    broker.delete(BOARDS_QUEUE)
    reconciler.reconcile_once()
    return broker.llen(BOARDS_QUEUE) > 0


def the_missing():
    return posting_rows(board_of().board_id)["1"]


def test_second_look_closes_a_posting_that_is_missing_for_an_hour(boards, broker, missing, shift_clock):
    assert missing.missing_since is not None and missing.closed_at is None
    assert not is_woken(broker)
    read_boards()
    assert states() == ["complete"] * 2
    shift_clock(2 * HOUR + 60)
    assert is_woken(broker)
    read_boards()
    assert states() == ["complete", "complete", "unchanged"]
    assert the_missing().closed_reason == "unseen"
    assert board_of().look_again_at is None
    assert not is_woken(broker)


def test_second_look_comes_once_in_six_hours(boards, broker, missing, shift_clock):
    shift_clock(2 * HOUR + 60)
    boards.greenhouse("acme", JOBS[2:])
    read_boards()
    assert [each.closed_at is not None for each in posting_rows(board_of().board_id).values()][:2] == [True, False]
    shift_clock(4 * HOUR)
    assert not is_woken(broker)
    shift_clock(8 * HOUR + 120)
    assert is_woken(broker)
    read_boards()
    assert len(states()) == 4
    assert posting_rows(board_of().board_id)["2"].closed_at is not None


def test_second_look_that_is_switched_off_never_comes(boards, broker, missing, shift_clock, monkeypatch):
    change_settings(monkeypatch, second_looks=False)
    shift_clock(2 * HOUR + 60)
    assert not is_woken(broker)
    read_boards()
    assert len(states()) == 2


@pytest.mark.parametrize("change", ["removed", "disabled"])
def test_second_look_needs_an_enabled_company(boards, broker, missing, user_id, shift_clock, change):
    [found] = companies.list_for_user(user_id)
    if change == "removed":
        companies.remove(found.company_id, user_id)
    else:
        companies.change(found.company_id, user_id, {"enabled": False})
    shift_clock(2 * HOUR + 60)
    assert not is_woken(broker)
    read_boards()
    assert len(states()) == 2


def test_second_look_lets_a_person_go_first(boards, missing, shift_clock):
    other = make_user("other@example.org")
    boards.greenhouse("beta", [])
    company(other, "beta")
    shift_clock(2 * HOUR + 60)
    begin_preview(other)
    read_boards()
    began = sql("SELECT board FROM listings JOIN boards USING (board_id) ORDER BY began_at DESC LIMIT 2")
    assert [row.board for row in began] == ["acme", "beta"]


def test_second_look_that_fails_closes_nothing(boards, missing, shift_clock):
    boards.fault("acme", 403)
    shift_clock(2 * HOUR + 60)
    read_boards()
    assert states() == ["complete", "complete", "failed"]
    assert the_missing().closed_at is None
    assert board_of().look_again_at is not None


def test_preview_that_comes_in_time_serves_as_second_look(boards, broker, missing, user_id, shift_clock):
    shift_clock(2 * HOUR + 60)
    finish_reading(user_id)
    assert the_missing().closed_at is not None
    assert not is_woken(broker)
