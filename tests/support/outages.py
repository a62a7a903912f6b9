"""Outages of the suite's own Redis."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen(broker) -> Iterator[None]:
    """Freeze Redis during the block: its connections stay open, but it answers nothing."""
    process = broker.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
        # A command that a client sent before its timeout still lies in its socket. Redis reads all sockets in each
        # iteration of its loop, so after a second answer the command is executed, and not during the next test.
        for _ in range(2):
            broker.ping()


@contextmanager
def refusing(broker) -> Iterator[None]:
    """Close all connections of Redis, and refuse new ones during the block."""
    path = broker.config_get("unixsocket")["unixsocket"]
    os.rename(path, f"{path}.away")
    broker.client_kill_filter(_type="normal", skipme=True)
    try:
        yield
    finally:
        os.rename(f"{path}.away", path)
