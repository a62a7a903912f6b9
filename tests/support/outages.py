"""Ways in which the suite's own Redis is away."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen(broker) -> Iterator[None]:
    """A Redis that holds its connections and answers nothing."""
    process = broker.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def refusing(broker) -> Iterator[None]:
    """A Redis that lets nobody in."""
    path = broker.config_get("unixsocket")["unixsocket"]
    os.rename(path, f"{path}.away")
    broker.client_kill_filter(_type="normal", skipme=True)
    try:
        yield
    finally:
        os.rename(f"{path}.away", path)
