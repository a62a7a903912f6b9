"""The runner renews the leases of its readings, also after its slice."""

from dataclasses import replace
from threading import Event

import pytest
from flask import Flask

from app.services.boards import claims
from app.services.boards.runner import Runner
from app.services.boards.times import board_times
from tests.support.board_rows import board_row
from tests.support.boards import Boards, job
from tests.support.factories import sql
from tests.support.waiting import wait_until
from tests.support.wants import VERSIONS, make_board, make_waiting_preview

LEASE_SECONDS = 1.5


@pytest.fixture
def short_lease(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of short leases."""
    settings = replace(app.config["SETTINGS"], lease_seconds=LEASE_SECONDS)
    monkeypatch.setitem(app.config, "SETTINGS", settings)


def start(app: Flask, seconds: float) -> Runner:
    """Begin to read the board that is wanted, in a slice of this many seconds."""
    runner = Runner(app, lambda: claims.claim_wanted(VERSIONS, board_times()), lambda _: None, seconds)
    assert runner.start(1)
    return runner


@pytest.mark.parametrize("seconds", [0.2, 60])
def test_lease_is_renewed_as_long_as_its_reading_lasts(app, boards: Boards, short_lease, seconds):
    hold, board_id = Event(), make_board()
    path = boards.greenhouse("acme", [job(1, "Cook")], hold)
    make_waiting_preview(board_id)
    runner = start(app, seconds)
    wait_until(lambda: boards.count(path), what="the request")
    began_at = board_row(board_id).lease_until

    def lasts_twice_as_long() -> bool:
        assert runner.poll()
        return sql("SELECT clock_now() > :began + interval '2 s' AS is_over", began=began_at)[0].is_over

    wait_until(lasts_twice_as_long, what="the end of a lease that is not renewed")
    assert sql("SELECT lease_until > clock_now() AS is_valid FROM boards")[0].is_valid
    hold.set()
    wait_until(lambda: not runner.poll(), what="the end of the reading")
    assert sql("SELECT state FROM listings") == [("complete",)]
