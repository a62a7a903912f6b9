"""Programs are run to their end, or nothing of them is left."""

import os
import signal
from collections.abc import Iterator
from threading import Thread

import psutil
import pytest

from app.embedded.data_dir import DataDirError
from app.embedded.subprocesses import run
from tests.support.waiting import wait_until

LONG = f"300.{os.getpid()}"
"""Seconds that nobody else sleeps."""

PROLIFIC = f"for each in $(seq 400); do sleep {LONG} & done; wait"


class Interrupted(Exception):
    """What Ctrl-C is to the product."""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """This process is interrupted by a signal that nobody else uses."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_program_that_fails_is_quoted_with_its_last_words():
    with pytest.raises(DataDirError, match="sh failed: at last"):
        run(["sh", "-c", "echo first >&2; echo at last >&2; exit 3"])
    with pytest.raises(DataDirError, match="cannot be run"):
        run(["/nowhere/at/all"])


def test_a_program_is_given_none_of_our_settings(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3same")
    environment = run(["env"]).splitlines()
    assert f"PATH={os.environ['PATH']}" in environment
    assert not any(line.startswith("SECRET_KEY=") for line in environment)


def test_of_a_program_that_is_interrupted_while_it_starts_others_none_is_left(interruptible):
    def interrupt() -> None:
        wait_until(lambda: len(sleepers()) > 20, what="some of the others", pause=0.001)
        os.kill(os.getpid(), signal.SIGUSR1)

    interrupting = Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(Interrupted):
        run(["sh", "-c", PROLIFIC])
    interrupting.join()
    assert sleepers() == []


def sleepers() -> list[psutil.Process]:
    psutil.process_iter.cache_clear()
    return [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", LONG]]
