"""Limit the large responses of a user.

One takes up to 10 MB until its client has read it, however slowly that is, and a connection to PostgreSQL for up to
seconds while it is prepared.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
from threading import Lock
from typing import Any

from flask import Response

from app.api.auth.current_user import current_user_id
from app.api.http.connections import SEND_BUFFER_BYTES
from app.api.http.errors import TooManyDownloads

MAX_DOWNLOADS = 4
"""The most large responses of one user that a process prepares or sends at a time."""

_downloads: Counter[int] = Counter()
_lock = Lock()


def limit_downloads(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Count the responses of a handler while they are prepared, and large ones until they are sent.

    A response is large if the kernel does not buffer it whole. Raises TooManyDownloads.
    """

    @wraps(handler)
    def limited(*args: Any, **kwargs: Any) -> Response:
        user_id = current_user_id()
        _begin(user_id)
        try:
            response = handler(*args, **kwargs)
        except BaseException:
            _end(user_id)
            raise
        if (response.calculate_content_length() or 0) > SEND_BUFFER_BYTES:
            response.call_on_close(partial(_end, user_id))
        else:
            _end(user_id)
        return response

    return limited


def _begin(user_id: int) -> None:
    with _lock:
        if _downloads[user_id] >= MAX_DOWNLOADS:
            raise TooManyDownloads("Four large responses are still on their way to you. Try again in a moment.")
        _downloads[user_id] += 1


def _end(user_id: int) -> None:
    with _lock:
        _downloads[user_id] -= 1
        if not _downloads[user_id]:
            del _downloads[user_id]
