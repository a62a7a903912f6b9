"""A log that nobody reads stops nobody."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.config import PROJECT
from app.outlet import Outlet
from tests.support.waiting import PATIENCE_SECONDS

MANY = 2000
LINE = b"x" * 99 + b"\n"
LONG = b"y" * 9999 + b"\n"

UNREAD = """
import logging, sys
from app import logs
logs.configure("json")
for number in range(2000):
    logging.getLogger("test").info("%s %s", number, "x" * 100)
print("done", flush=True)
sys.stdin.readline()
logging.getLogger("test").info("read again")
"""
FULL = """
import resource
from app.outlet import Outlet
outlet = Outlet(1)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, most))
try:
    outlet.write(b"y" * 9999 + b"\\n")
except OSError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    outlet.write(b"x" * 99 + b"\\n")
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_lines_that_are_read_are_all_written(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    for length in (1, 99, 4096, 4097, 9999):
        line = b"z" * length + b"\n"
        assert outlet.write(line) == 0
        assert os.read(pipe[0], 65536) == line


def test_lines_that_nobody_reads_are_dropped_and_counted_once_somebody_reads_again(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    assert [outlet.write(LINE) for _ in range(MANY)] == [0] * MANY

    kept = drain(pipe[0])

    assert set(kept) == {LINE.strip()}
    assert outlet.write(b"again\n") == MANY - len(kept)
    assert outlet.write(b"and again\n") == 0
    assert drain(pipe[0]) == [b"again", b"and again"]


def test_a_terminal_that_nobody_reads_stops_nobody() -> None:
    ours, theirs = os.openpty()
    outlet = Outlet(theirs)
    assert [outlet.write(LINE) for _ in range(MANY)] == [0] * MANY
    assert os.read(ours, 99) == LINE[:99]
    os.close(ours)
    os.close(theirs)


def test_a_line_that_was_torn_does_not_spoil_the_next_one(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    for _ in range(20):
        outlet.write(LONG)
    assert len(drain(pipe[0])[-1]) < len(LONG) - 1

    assert outlet.write(LINE) > 0

    assert drain(pipe[0]) == [b"", LINE.strip()]


def test_a_line_is_written_in_one_piece_where_there_is_room_for_it(pipe: tuple[int, int]) -> None:
    """A reader who waits for more is given the whole line, so nobody else could have written into its midst."""
    outlet = Outlet(pipe[1])
    with ThreadPoolExecutor(1) as reader:
        try:
            for _ in range(500):
                found = reader.submit(os.read, pipe[0], 65536)
                outlet.write(LONG)
                assert found.result(PATIENCE_SECONDS) == LONG
        finally:
            os.write(pipe[1], b"end")


def test_a_line_that_an_error_cut_off_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        subprocess.run([sys.executable, "-c", FULL], cwd=PROJECT, stdout=file, check=True)
    assert log.read_bytes() == LONG[:5000] + b"\n" + LINE


def test_a_reader_who_is_gone_is_told_of(pipe: tuple[int, int]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OSError):
        Outlet(writing).write(LINE)
    os.close(writing)


def test_a_process_whose_log_nobody_reads_goes_on_and_says_so_afterwards() -> None:
    command = [sys.executable, "-c", UNREAD]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, **streams) as process:
        assert process.stdout.readline() == b"done\n"
        kept = drain(process.stderr.fileno())
        os.set_blocking(process.stderr.fileno(), True)

        _, said = process.communicate(b"\n", timeout=PATIENCE_SECONDS)

    assert all(json.loads(line)["event"].endswith("x") for line in kept)
    again, told = map(json.loads, said.splitlines())
    assert again["event"] == "read again"
    assert told["event"] == f"{2000 - len(kept)} lines of the log were dropped, because nobody read them"
    assert told["level"] == "warning"


def drain(reading: int) -> list[bytes]:
    """All lines that are in the pipe."""
    os.set_blocking(reading, False)
    found = b""
    try:
        while more := os.read(reading, 65536):
            found += more
    except BlockingIOError:
        pass
    return found.removesuffix(b"\n").split(b"\n")
