"""Programs run to their end, or are killed with all their descendants."""

import os
import signal
from collections.abc import Iterator
from threading import Thread

import psutil
import pytest

from app.embedded.data_dir import DataDirError
from app.embedded.subprocesses import run
from tests.support.waiting import wait_until

SLEEP_SECONDS = f"300.{os.getpid()}"
"""A duration that identifies the processes of this test."""

SPAWN_400_CHILDREN = f"for each in $(seq 400); do sleep {SLEEP_SECONDS} & done; wait"


class Interrupted(Exception):
    """Stands for KeyboardInterrupt."""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Raise Interrupted in this process on SIGUSR1."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_failed_run_reports_its_last_line():
    with pytest.raises(DataDirError, match="sh failed: at last"):
        run(["sh", "-c", "echo first >&2; echo at last >&2; exit 3"])


def test_missing_program_is_reported():
    with pytest.raises(DataDirError, match="cannot be run"):
        run(["/nowhere/at/all"])


def test_run_passes_on_no_settings(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3same")
    environment = run(["env"]).splitlines()
    assert f"PATH={os.environ['PATH']}" in environment
    assert not any(line.startswith("SECRET_KEY=") for line in environment)


def test_run_that_is_interrupted_kills_all_descendants(interruptible):
    def interrupt() -> None:
        wait_until(lambda: len(sleepers()) > 20, what="some of the children", pause=0.001)
        os.kill(os.getpid(), signal.SIGUSR1)

    interrupting = Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(Interrupted):
        run(["sh", "-c", SPAWN_400_CHILDREN])
    interrupting.join()
    assert sleepers() == []


def sleepers() -> list[psutil.Process]:
    psutil.process_iter.cache_clear()
    command = ["sleep", SLEEP_SECONDS]
    return [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == command]
