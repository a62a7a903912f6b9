"""The queues of messages: one for each kind of work, so that reading boards holds no process that works on runs."""

from collections.abc import Collection

from kombu.entity import Exchange, Queue

from app.config.settings import CONNECTIONS_PER_READER, CONNECTIONS_PER_TASK
from app.models import Component

RUNS, PREVIEWS, BOARDS = "ingestion", "previews", "boards"

QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in (RUNS, PREVIEWS, BOARDS)]
"""All queues. A worker without ``-Q`` consumes from each of them."""

ROUTES = {"preview.run": {"queue": PREVIEWS}, "boards.read": {"queue": BOARDS}}
"""The queue of each task that is not sent to the default queue."""

WORKER_QUEUES = (RUNS, PREVIEWS)
"""The queues of a worker under ``make run``."""

READER_QUEUES = (BOARDS,)
"""The queues of a reader under ``make run``."""


def components(consumed: Collection[str]) -> list[Component]:
    """Return the components that a worker is which consumes from these queues: worker, reader, or both."""
    queues = {Component.WORKER: WORKER_QUEUES, Component.READER: READER_QUEUES}
    return [component for component, names in queues.items() if set(names) & set(consumed)]


def connections_per_process(consumed: Collection[str]) -> int:
    """Return the connections to PostgreSQL that a process may hold if its worker consumes from these queues."""
    return CONNECTIONS_PER_READER if BOARDS in consumed else CONNECTIONS_PER_TASK
