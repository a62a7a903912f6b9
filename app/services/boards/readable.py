"""The sources that this process may read now."""

import time
from threading import Lock

from flask import current_app

from app.services.boards import switches
from app.sources.adapters.registry import SOURCES

MAX_AGE_SECONDS = 1.0
"""Time for which the answer is kept, so that a claim costs no further query and no request to Redis."""


class ReadableSources:
    """The sources that are switched on and not held back, each with the version of its parser here."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._versions: dict[str, int] = {}
        self._until = 0.0

    def versions(self) -> dict[str, int]:
        """Return the parsers' versions by source. A source is held back if its system asked for a pause."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._versions = read_versions()
                self._until = time.monotonic() + MAX_AGE_SECONDS
            return self._versions


def read_versions() -> dict[str, int]:
    """Read from PostgreSQL and Redis which sources may be read, and return their parsers' versions."""
    left_out = switches.switched_off() | current_app.extensions["sources"].held_back(SOURCES.values())
    return {key: version for key, version in all_versions().items() if key not in left_out}


def all_versions() -> dict[str, int]:
    """Return the versions of all parsers of this process by source."""
    return {key: source.schema_version for key, source in SOURCES.items()}
