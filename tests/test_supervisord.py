"""What programs write through supervisord comes out line by line, however they write it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import PROJECT
from app.supervision import PROGRAM

CONFIGURATION = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
"""
SECTION = """
[program:{name}]
command=%(ENV_PYTHON)s -c %(ENV_{name})s
startsecs=0
autorestart=false
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
"""
COMMON = """
import fcntl, os, pathlib, struct, termios
from tests.support.waiting import wait_until

def write(text):
    # Written, and read by supervisord.
    os.write(1, text)
    wait_until(lambda: struct.unpack("i", fcntl.ioctl(1, termios.FIONREAD, b"0000"))[0] == 0)

def tell(name):
    pathlib.Path(os.environ["FOLDER"], name).touch()

def hear(name):
    wait_until(pathlib.Path(os.environ["FOLDER"], name).exists)
"""
LEAVE = """
import signal
ours, supervisord = os.getpid(), os.getppid()
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 2**20)
os.kill(supervisord, signal.SIGSTOP)
if os.fork():
    os.write(1, b"x" * 900_000)
else:
    os.close(1)
    os.close(2)
    wait_until(lambda: pathlib.Path("/proc", str(ours), "stat").read_text().rpartition(") ")[2][0] == "Z")
    os.kill(supervisord, signal.SIGCONT)
os._exit(0)
"""


def said(folder: Path, **programs: str) -> list[bytes]:
    """The lines that supervisord passes on from these programs, which run at once, until the last one has ended."""
    configuration = folder / "supervisord.conf"
    configuration.write_text(CONFIGURATION + "".join(SECTION.format(name=name) for name in programs))
    quoted = {name: "'" + (COMMON + program).replace("'", '"') + "'" for name, program in programs.items()}
    environment = {"PYTHON": shlex.quote(sys.executable), "PYTHONPATH": str(PROJECT), "FOLDER": str(folder), **quoted}
    with subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM), "-c", str(configuration)],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as supervisord:
        assert supervisord.stdout is not None
        lines, running = [], len(programs)
        try:
            for line in supervisord.stdout:
                lines.append(line)
                running -= b" exited: " in line or b" gave up: " in line
                if not running:
                    supervisord.terminate()
        finally:
            supervisord.kill()
    return [line for line in lines if b" INFO " not in line and b" CRIT " not in line and b" WARN " not in line]


def test_a_line_that_is_written_in_pieces_has_no_other_program_in_its_midst(tmp_path: Path) -> None:
    first = 'write(b"one "); tell("begun"); hear("between"); write(b"line\\n")'
    second = 'hear("begun"); write(b"another\\n"); tell("between")'
    assert said(tmp_path, FIRST=first, SECOND=second) == [b"another\n", b"one line\n"]


@pytest.mark.parametrize("size", [1, 70_000])
def test_the_last_words_of_a_program_are_a_line_even_without_its_end(tmp_path: Path, size: int) -> None:
    assert said(tmp_path, ONLY=f'write(b"first\\n"); os.write(1, b"x" * {size})') == [b"first\n", b"x" * size + b"\n"]


def test_all_that_a_program_left_in_its_pipe_is_passed_on_however_much_that_is(tmp_path: Path) -> None:
    """supervisord, which is stopped until the program has ended, reads some of it at once, and some more at the end."""
    lines = said(tmp_path, ONLY=LEAVE)
    assert b"".join(lines).replace(b"\n", b"") == b"x" * 900_000


def test_a_line_without_end_is_passed_on_in_pieces_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    lines = said(tmp_path, ONLY='for _ in range(3000): os.write(1, b"x" * 1000)')
    assert 2**18 < max(map(len, lines)) < 2**19
    assert b"".join(lines).replace(b"\n", b"") == b"x" * 3_000_000
