"""Run a program to its end; if interrupted, kill it with all its descendants."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from app.embedded.data_dir import DataDirError

PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Environment variables that PostgreSQL's and Redis's programs receive. None is a setting of ours."""


def bare_environment() -> dict[str, str]:
    """Return the environment without our settings, which may hold secrets."""
    return {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}


def run(command: list[str], stdin: str = "") -> str:
    """Run a program in a bare environment and return its output. An interrupt kills it with all its descendants.

    Raises DataDirError with the last line of its output if it fails.
    """
    pipe = subprocess.PIPE
    try:
        program = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/", env=bare_environment()
        )
    except OSError as error:
        raise DataDirError(f"{command[0]} cannot be run: {error.strerror}.") from error
    with program:
        try:
            output, errors = program.communicate(stdin)
        except BaseException:
            _kill_process_tree(program.pid)
            raise
    if program.returncode != 0:
        # The program is the first absolute path of the command; setpriv and its options may stand before it.
        name = Path(next((word for word in command if word.startswith("/")), command[0])).name
        raise DataDirError(f"{name} failed: {(errors or output).strip().rpartition(chr(10))[2]}")
    return output


def _kill_process_tree(pid: int) -> None:
    """Kill a process and all its descendants, and wait until they have ended."""
    tree: set[psutil.Process] = set()
    try:
        # Suspend before killing: a suspended process starts no children. So a pass without a new process found all.
        while new := _process_tree(pid) - tree:
            tree |= new
            for process in new:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
    finally:
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    psutil.wait_procs(tree, timeout=5)


def _process_tree(pid: int) -> set[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return {parent, *parent.children(recursive=True)}
    return set()
