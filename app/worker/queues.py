"""The queues of messages: one for each kind of work, so that no kind holds the processes of another."""

from collections.abc import Collection

from kombu.entity import Exchange, Queue

from app.config.settings import CONNECTIONS_PER_READER, CONNECTIONS_PER_TASK
from app.models import Component

RUNS, PREVIEWS, BOARDS = "ingestion", "previews", "boards"

QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in (RUNS, PREVIEWS, BOARDS)]
"""All queues. A worker without ``-Q`` consumes from each of them."""

ROUTES = {"preview.run": {"queue": PREVIEWS}, "boards.read": {"queue": BOARDS}}
"""The queue of each task that is not sent to the default queue."""

COMPONENTS = {Component.WORKER: RUNS, Component.PREVIEWER: PREVIEWS, Component.READER: BOARDS}
"""The queue of each component. Under ``make run`` each of them is a program of its own."""


def components(consumed: Collection[str]) -> list[Component]:
    """Return the components that a Celery worker is, by the queues from which it consumes; without ``-Q`` it is all."""
    return [component for component, name in COMPONENTS.items() if name in consumed]


def connections_per_process(consumed: Collection[str]) -> int:
    """Return the connections to PostgreSQL that a process may hold if its worker consumes from these queues."""
    return CONNECTIONS_PER_READER if BOARDS in consumed else CONNECTIONS_PER_TASK
