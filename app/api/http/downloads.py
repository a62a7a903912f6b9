"""Limit the large responses of a user.

One takes up to 10 MB until its client has read it, however slowly that is, and a connection to PostgreSQL for up to
seconds while it is prepared.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from threading import Lock
from typing import Any

from flask import Response, g

from app.api.auth.current_user import current_user_id
from app.api.http.connections import SEND_BUFFER_BYTES
from app.api.http.errors import TooManyDownloads
from app.concurrency.fair_semaphore import FairSemaphore

MAX_DOWNLOADS = 4
"""The most large responses of one user that a process prepares or sends at a time."""

WAIT_SECONDS = 5.0
"""Seconds for which a further request waits until one of them ends. Tabs that open at once are served in turn."""


@dataclass
class _Downloads:
    """The large responses of one user, and the requests that wait for their turn."""

    slots: FairSemaphore = field(default_factory=lambda: FairSemaphore(MAX_DOWNLOADS))
    requests: int = 0


_users: dict[int, _Downloads] = {}
_lock = Lock()


def limit_downloads(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Give each request of a handler one of its user's slots. Raises TooManyDownloads after WAIT_SECONDS."""

    @wraps(handler)
    def limited(*args: Any, **kwargs: Any) -> Any:
        user_id = current_user_id()
        _begin(user_id)
        g.downloader = user_id
        return handler(*args, **kwargs)

    return limited


def keep_until_sent(response: Response) -> Response:
    """Let a response that the kernel does not buffer whole keep the request's slot, if any, until it is sent."""
    if "downloader" in g and (response.calculate_content_length() or 0) > SEND_BUFFER_BYTES:
        response.call_on_close(partial(_end, g.pop("downloader")))
    return response


def end_download(_error: BaseException | None = None) -> None:
    """Release the slot that the request holds, if any."""
    if (user_id := g.pop("downloader", None)) is not None:
        _end(user_id)


def _begin(user_id: int) -> None:
    with _lock:
        downloads = _users.setdefault(user_id, _Downloads())
        downloads.requests += 1
    granted = False
    try:
        granted = downloads.slots.acquire(WAIT_SECONDS)
    finally:
        if not granted:
            _leave(user_id)
    if not granted:
        raise TooManyDownloads("Four large responses are still on their way to you. Try again in a moment.")


def _end(user_id: int) -> None:
    _users[user_id].slots.release()
    _leave(user_id)


def _leave(user_id: int) -> None:
    with _lock:
        _users[user_id].requests -= 1
        if not _users[user_id].requests:
            del _users[user_id]
