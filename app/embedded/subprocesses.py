"""Programs that are run to their end, or ended with all that they started."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from app.embedded.data_dir import DataDirError

PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Variables that PostgreSQL's and Redis's programs get. None of our settings is among them."""


def bare_environment() -> dict[str, str]:
    """Return the part of our environment that is no setting of ours, so that no secret is in it."""
    return {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}


def run(command: list[str], stdin: str = "") -> str:
    """Run a program in a bare environment to its end, or until interrupted with all that it started.

    Returns what it printed.
    Raises DataDirError with its last words if it fails."""
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
        # Of what stands on the command line, the program is the first path; setpriv and its options come before it.
        name = Path(next((word for word in command if word.startswith("/")), command[0])).name
        raise DataDirError(f"{name} failed: {(errors or output).strip().rpartition(chr(10))[2]}")
    return output


def _kill_process_tree(pid: int) -> None:
    """Kill a process and all below it, and wait until they write nothing any more."""
    family: set[psutil.Process] = set()
    try:
        # Who stands still starts no more; so a look that finds nobody new has found all.
        while new := _process_tree(pid) - family:
            family |= new
            for process in new:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    psutil.wait_procs(family, timeout=5)


def _process_tree(pid: int) -> set[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return {parent, *parent.children(recursive=True)}
    return set()
