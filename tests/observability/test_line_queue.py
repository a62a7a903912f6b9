"""The log: it never blocks a process, and every line is whole."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.settings import PROJECT
from app.observability.line_queue import MAX_QUEUED_LINES, LineWriter
from tests.support.waiting import WAIT_TIMEOUT

MANY = 2 * MAX_QUEUED_LINES
LINE = b"x" * 99 + b"\n"
LONG = b"y" * 9999 + b"\n"

BEGIN = """
import logging, os, sys, threading, time
from app.observability import logs
from app.concurrency.greenlets import runs_on_gevent
logs.configure("json")
log = logging.getLogger("test")

def overflow():
    for number in range(%d):
        log.info("%%s %%s", number, "x" * 100)
""" % MANY
UNREAD = BEGIN + """
overflow()
print("done", flush=True)
sys.stdin.readline()
log.info("read again")
"""
PATCHED = "from gevent import monkey; monkey.patch_all(); import gevent.threadpool\n"
GREENLETS = PATCHED + BEGIN + """
logs.start_listener(apply=gevent.threadpool.ThreadPool(1).apply)
overflow()
for _ in range(3):
    time.sleep(0.05)  # Let the other greenlet run.
print("done", flush=True)
sys.stdin.readline()
time.sleep(0.05)
log.info("read again")
"""
FORKED = BEGIN + """
if runs_on_gevent():
    logs.start_listener(apply=gevent.threadpool.ThreadPool(1).apply)
log.info("of the parent")
if (pid := os.fork()) == 0:
    log.info("of the child")
else:
    os.waitpid(pid, 0)
"""
SHARED = BEGIN + """
for number in range(4):
    if os.fork() == 0:
        for _ in range(60):
            log.info("%s" % number * 20_000)
        break
else:
    for _ in range(4):
        os.wait()
"""
FULL = """
import resource
from app.observability.line_queue import LineWriter
writer = LineWriter(1)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, most))
writer.write(b"y" * 9999 + b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
writer.write(b"x" * 99 + b"\\n")
"""


def python(program: str, **streams: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdin=subprocess.PIPE, **streams)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("program", [UNREAD, GREENLETS], ids=["threads", "greenlets"])
def test_log_without_a_reader_drops_lines_and_reports_their_number(program: str) -> None:
    with python(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"done\n"

        _, logged = process.communicate(b"\n", timeout=WAIT_TIMEOUT)

    lines = [json.loads(line) for line in logged.splitlines()]
    reports = [line for line in lines if line["event"].endswith("were dropped, because they were not read in time")]
    assert {line["level"] for line in reports} == {"warning"}
    # The queue may have dropped the last line too, while it was full.
    dropped = sum(int(line["event"].split()[0]) for line in reports)
    assert len(lines) - len(reports) + dropped == MANY + 1


@pytest.mark.parametrize("reader", ["a pipe", "a terminal"])
def test_process_ends_though_nobody_reads_its_log(reader: str, pipe: tuple[int, int]) -> None:
    ends = pipe if reader == "a pipe" else os.openpty()
    with python(BEGIN + "overflow()", stderr=ends[1]) as process:
        assert process.wait(WAIT_TIMEOUT) == 0
    for end in set(ends) - set(pipe):
        os.close(end)


def test_process_goes_on_when_the_reader_closes_the_pipe() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with python(BEGIN + "overflow(); print('done')", stdout=subprocess.PIPE, stderr=writing) as process:
        os.close(writing)
        assert process.communicate(timeout=WAIT_TIMEOUT)[0] == b"done\n"
        assert process.returncode == 0


@pytest.mark.parametrize("before", ["", PATCHED], ids=["threads", "greenlets"])
def test_forked_child_has_its_own_log(before: str) -> None:
    with python(before + FORKED, stderr=subprocess.PIPE) as process:
        _, logged = process.communicate(timeout=WAIT_TIMEOUT)
    assert sorted(json.loads(line)["event"] for line in logged.splitlines()) == ["of the child", "of the parent"]


def test_lines_of_several_processes_are_not_mixed_for_a_slow_reader() -> None:
    with python(SHARED, stderr=subprocess.PIPE) as process:
        logged = b""
        while more := os.read(process.stderr.fileno(), 1000):
            logged += more
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert {(event[0], event == event[0] * 20_000) for event in events} == {(str(number), True) for number in range(4)}


def test_line_writer_writes_a_line_unchanged(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    for line in (b"\n", LINE, LONG):
        writer.write(line)
        assert os.read(pipe[0], 65536) == line


def test_line_writer_begins_a_new_line_after_a_full_disk(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file, python(FULL, stdout=file) as process:
        assert process.wait(WAIT_TIMEOUT) == 0
    assert log.read_bytes() == LONG[:5000] + b"\n" + LINE


def test_line_that_cannot_be_written_does_not_end_the_log() -> None:
    program = BEGIN + """
logs.configure("console")
log.info(chr(0xD800))
logs.drain()
logs.start_listener(apply=lambda function, arguments: 1 / 0)
log.info("lost")
logs.drain()
logs.start_listener()
log.info("written")
"""
    with python(program, stderr=subprocess.PIPE) as process:
        _, logged = process.communicate(timeout=WAIT_TIMEOUT)
    assert b"\\ud800" in logged and b"written" in logged and b"1 log lines were dropped" in logged
    assert b"lost" not in logged
