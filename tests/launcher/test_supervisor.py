"""Processes are kept running, stopped in order, and leave nothing behind, whatever happens to them or to us."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.config.settings import PROJECT
from app.launcher.supervisor import Program, SupervisedProcess, Supervisor
from app.observability import logs
from tests.support.lines import events
from tests.support.waiting import PATIENCE_SECONDS, wait_until

FOREVER = f"sleep 400.{os.getpid()}"
"""Seconds that nobody else sleeps."""

PARENT = f"{FOREVER} & {FOREVER}; true"
DEAF = f"trap '' TERM; touch ready; while :; do {FOREVER}; done"
KILLED = """
import sys, signal, time
from app.launcher.supervisor import Program, Supervisor
supervisor = Supervisor()
supervisor.start(Program("only", sys.argv[1:], {"PATH": "/usr/bin:/bin"}, 1, signal.SIGINT))
time.sleep(600)
"""
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def program(script: str, name: str = "only", stop_timeout: float = PATIENCE_SECONDS) -> Program:
    """A shell's script."""
    return Program(name, ["sh", "-c", script], {"PATH": os.environ["PATH"]}, stop_timeout)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    for process in sleepers():
        process.kill()
    supervisor.stop()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """A file with the log of this process."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        logs.configure("json")
        logs.start_listener(file.fileno())
        yield path
        logs.start_listener()


@pytest.fixture
def logged(log: Path) -> Callable[[], list[str]]:
    """The lines of the programs in it."""

    def lines() -> list[str]:
        logs.drain()
        return [line for line in log.read_text().splitlines() if "app.launcher" not in line]

    return lines


def sleepers() -> list[psutil.Process]:
    psutil.process_iter.cache_clear()
    found = psutil.process_iter(["cmdline", "status"])
    return [each for each in found if each.info["cmdline"] == FOREVER.split() and each.info["status"] != "zombie"]


def tended(supervisor: Supervisor, condition: Callable[[], object]) -> None:
    wait_until(lambda: supervisor.tend() or condition(), what="what is waited for")


def test_what_is_killed_is_started_again_and_what_it_had_started_is_gone(supervisor: Supervisor) -> None:
    supervisor.start(program(PARENT))
    wait_until(lambda: len(sleepers()) == 2, what="both")
    before = sleepers()

    before[0].parent().kill()

    tended(supervisor, lambda: len(sleepers()) == 2 and not set(sleepers()) & set(before))


def test_what_ends_at_once_is_started_again_after_a_growing_pause(supervisor: Supervisor, log: Path) -> None:
    def pauses() -> list[float]:
        logs.drain()
        return [event["pause_seconds"] for event in events(log.read_text(), "process ended")]

    supervisor.start(program("exit 3"))

    tended(supervisor, lambda: len(pauses()) == 4)
    assert pauses() == [0.5, 1.0, 2.0, 4.0]


def test_what_has_been_steady_is_started_again_at_once(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = SupervisedProcess(program(FOREVER))
    kept.tend()
    process = kept.process
    assert process is not None
    monkeypatch.setattr("app.launcher.supervisor.STEADY_SECONDS", 0.0)

    process.kill()
    wait_until(lambda: kept.tend() or kept.process is None, what="the end")
    kept.tend()

    assert kept.process is not None
    assert kept.process.pid != process.pid
    kept.process.kill()
    kept.wait(PATIENCE_SECONDS)


def test_a_program_that_cannot_be_started_is_tried_again(supervisor: Supervisor, tmp_path: Path) -> None:
    # Whatever the command, setpriv stands before it; there is none on this PATH yet.
    path = tmp_path / "setpriv"
    supervisor.start(Program("only", ["setpriv"], {"PATH": str(tmp_path)}, 1))
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{FOREVER}\n")
    path.chmod(0o755)
    tended(supervisor, sleepers)


def test_the_group_that_was_started_last_is_stopped_first(supervisor: Supervisor, tmp_path: Path) -> None:
    def noting(name: str) -> Program:
        note = f"trap 'echo {name} >>{tmp_path}/order; exit' TERM; touch {tmp_path}/{name}"
        return program(f"{note}; while :; do sleep 0.05; done", name)

    for group in (["server"], ["one", "two"]):
        supervisor.start(*map(noting, group))
    wait_until(lambda: all((tmp_path / name).exists() for name in ("server", "one", "two")), what="all three")

    supervisor.stop()

    order = (tmp_path / "order").read_text().split()
    assert sorted(order[:2]) == ["one", "two"]
    assert order[2:] == ["server"]


def test_what_does_not_stop_is_killed_with_all_that_it_started(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(f"cd '{tmp_path}'; {DEAF}", stop_timeout=0.1))
    wait_until((tmp_path / "ready").exists, what="the beginning")

    supervisor.stop()

    assert sleepers() == []


@pytest.mark.parametrize(
    "user",
    [[], pytest.param(NOBODY, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user"))],
    ids=["the same user", "another user"],
)
def test_nothing_runs_on_when_the_launcher_is_killed(user: list[str]) -> None:
    command = [sys.executable, "-c", KILLED, *user, *FOREVER.split()]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL) as launcher:
        wait_until(sleepers, what="the program")
        launcher.kill()
    wait_until(lambda: not sleepers(), what="its end")


def test_a_program_has_a_session_and_an_environment_of_its_own_and_makes_private_files(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3same")
    supervisor.start(program(f"umask; exec {FOREVER}"))
    [process] = wait_until(sleepers, what="the program")
    assert os.getsid(process.pid) == process.pid
    assert set(process.environ()) <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}
    wait_until(logged, what="its umask")
    assert logged() == ["0077"]


# --- What they write -------------------------------------------------------------------------------------------------


def test_a_line_that_is_written_in_pieces_has_no_other_program_in_its_midst(
    supervisor: Supervisor, logged: Callable[[], list[str]], tmp_path: Path
) -> None:
    def until(name: str) -> str:
        return f"until [ -e '{tmp_path}/{name}' ]; do sleep 0.05; done"

    supervisor.start(
        program(f"printf 'one '; touch '{tmp_path}/begun'; {until('between')}; echo line; {FOREVER}"),
        program(f"{until('begun')}; echo another; {FOREVER}"),
    )
    wait_until(lambda: "another" in logged(), what="the other line")
    (tmp_path / "between").touch()
    wait_until(lambda: "one line" in logged(), what="the whole line")
    assert logged() == ["another", "one line"]


@pytest.mark.parametrize("size", [1, 70_000])
def test_last_words_are_a_line_even_without_its_end(
    supervisor: Supervisor, logged: Callable[[], list[str]], size: int
) -> None:
    supervisor.start(program(f"echo first; head -c {size} /dev/zero | tr '\\0' x; {FOREVER}"))
    wait_until(sleepers, what="the words")
    supervisor.stop()
    assert logged() == ["first", "x" * size]


def test_a_line_without_end_is_passed_on_in_pieces_and_nothing_of_it_is_lost(
    supervisor: Supervisor, logged: Callable[[], list[str]]
) -> None:
    supervisor.start(program(f"head -c 3000000 /dev/zero | tr '\\0' x; {FOREVER}"))
    wait_until(sleepers, what="the words")
    supervisor.stop()
    assert "".join(logged()) == "x" * 3_000_000
    assert max(map(len, logged())) == 2**18


def test_bytes_that_are_no_text_are_passed_on_as_they_are(supervisor: Supervisor, log: Path) -> None:
    supervisor.start(program(f"printf '\\377\\n'; {FOREVER}"))
    wait_until(sleepers, what="the words")
    supervisor.stop()
    logs.drain()
    assert b"\xff\n" in log.read_bytes()
