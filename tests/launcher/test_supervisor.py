"""The supervisor restarts processes, stops them in order, and leaves none behind."""

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
from tests.support.waiting import WAIT_TIMEOUT, wait_until

FOREVER = f"sleep 400.{os.getpid()}"
"""A command whose duration identifies the processes of this test."""

PARENT = f"{FOREVER} & {FOREVER}; true"
STUBBORN = f"trap '' TERM; touch ready; while :; do {FOREVER}; done"
KILLED = """
import sys, signal, time
from app.launcher.supervisor import Program, Supervisor
supervisor = Supervisor()
supervisor.start(Program("only", sys.argv[1:], {"PATH": "/usr/bin:/bin"}, 1, signal.SIGINT))
time.sleep(600)
"""
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def program(script: str, name: str = "only", stop_timeout: float = WAIT_TIMEOUT) -> Program:
    """Return a program that runs a shell script."""
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
    """Write the log of this process to a file."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        logs.configure("json")
        logs.start_listener(file.fileno())
        yield path
        logs.start_listener()


@pytest.fixture
def logged(log: Path) -> Callable[[], list[str]]:
    """Return a function that reads the programs' lines from the log."""

    def lines() -> list[str]:
        logs.drain()
        return [line for line in log.read_text().splitlines() if "app.launcher" not in line]

    return lines


def sleepers() -> list[psutil.Process]:
    psutil.process_iter.cache_clear()
    found = psutil.process_iter(["cmdline", "status"])
    return [each for each in found if each.info["cmdline"] == FOREVER.split() and each.info["status"] != "zombie"]


def poll_until(supervisor: Supervisor, condition: Callable[[], object]) -> None:
    wait_until(lambda: supervisor.poll() or condition(), what="the condition")


def test_killed_process_is_restarted_and_its_children_are_killed(supervisor: Supervisor) -> None:
    supervisor.start(program(PARENT))
    wait_until(lambda: len(sleepers()) == 2, what="both")
    before = sleepers()

    before[0].parent().kill()

    poll_until(supervisor, lambda: len(sleepers()) == 2 and not set(sleepers()) & set(before))


def test_process_that_ends_at_once_is_restarted_with_a_growing_delay(supervisor: Supervisor, log: Path) -> None:
    def delays() -> list[float]:
        logs.drain()
        return [event["pause_seconds"] for event in events(log.read_text(), "process ended")]

    supervisor.start(program("exit 3"))

    poll_until(supervisor, lambda: len(delays()) == 4)
    assert delays() == [0.5, 1.0, 2.0, 4.0]


def test_process_that_ran_long_is_restarted_at_once(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    supervised = SupervisedProcess(program(FOREVER))
    supervised.poll()
    process = supervised.process
    assert process is not None
    monkeypatch.setattr("app.launcher.supervisor.MIN_UPTIME_SECONDS", 0.0)

    process.kill()
    wait_until(lambda: supervised.poll() or supervised.process is None, what="the end")
    supervised.poll()

    assert supervised.process is not None
    assert supervised.process.pid != process.pid
    supervised.process.kill()
    supervised.wait(WAIT_TIMEOUT)


def test_program_that_cannot_be_started_is_retried(supervisor: Supervisor, tmp_path: Path) -> None:
    # Every command is wrapped in setpriv, which is not on this PATH yet.
    path = tmp_path / "setpriv"
    supervisor.start(Program("only", ["setpriv"], {"PATH": str(tmp_path)}, 1))
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{FOREVER}\n")
    path.chmod(0o755)
    poll_until(supervisor, sleepers)


def test_stop_begins_with_the_group_started_last(supervisor: Supervisor, tmp_path: Path) -> None:
    def recording(name: str) -> Program:
        script = f"trap 'echo {name} >>{tmp_path}/order; exit' TERM; touch {tmp_path}/{name}"
        return program(f"{script}; while :; do sleep 0.05; done", name)

    for group in (["server"], ["one", "two"]):
        supervisor.start(*map(recording, group))
    wait_until(lambda: all((tmp_path / name).exists() for name in ("server", "one", "two")), what="all three")

    supervisor.stop()

    order = (tmp_path / "order").read_text().split()
    assert sorted(order[:2]) == ["one", "two"]
    assert order[2:] == ["server"]


def test_stop_kills_a_process_that_ignores_the_signal_and_its_children(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(f"cd '{tmp_path}'; {STUBBORN}", stop_timeout=0.1))
    wait_until((tmp_path / "ready").exists, what="the start")

    supervisor.stop()

    assert sleepers() == []


@pytest.mark.parametrize(
    "user",
    [[], pytest.param(AS_NOBODY, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user"))],
    ids=["the same user", "another user"],
)
def test_processes_end_when_the_launcher_is_killed(user: list[str]) -> None:
    command = [sys.executable, "-c", KILLED, *user, *FOREVER.split()]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL) as launcher:
        wait_until(sleepers, what="the program")
        launcher.kill()
    wait_until(lambda: not sleepers(), what="its end")


def test_process_has_its_own_session_and_environment_and_private_files(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3same")
    supervisor.start(program(f"umask; exec {FOREVER}"))
    [process] = wait_until(sleepers, what="the program")
    assert os.getsid(process.pid) == process.pid
    assert set(process.environ()) <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}
    wait_until(logged, what="its umask")
    assert logged() == ["0077"]


# --- Output ----------------------------------------------------------------------------------------------------------


def test_line_written_in_pieces_is_not_mixed_with_another_program(
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
def test_last_line_is_passed_on_without_a_line_break(
    supervisor: Supervisor, logged: Callable[[], list[str]], size: int
) -> None:
    supervisor.start(program(f"echo first; head -c {size} /dev/zero | tr '\\0' x; {FOREVER}"))
    wait_until(sleepers, what="the output")
    supervisor.stop()
    assert logged() == ["first", "x" * size]


def test_endless_line_is_passed_on_in_pieces_without_loss(
    supervisor: Supervisor, logged: Callable[[], list[str]]
) -> None:
    supervisor.start(program(f"head -c 3000000 /dev/zero | tr '\\0' x; {FOREVER}"))
    wait_until(sleepers, what="the output")
    supervisor.stop()
    assert "".join(logged()) == "x" * 3_000_000
    assert max(map(len, logged())) == 2**18


def test_bytes_that_are_not_utf8_are_passed_on_unchanged(supervisor: Supervisor, log: Path) -> None:
    supervisor.start(program(f"printf '\\377\\n'; {FOREVER}"))
    wait_until(sleepers, what="the output")
    supervisor.stop()
    logs.drain()
    assert b"\xff\n" in log.read_bytes()
