"""Receive the bodies of requests: whole, small, JSON, and within a time limit."""

from collections import Counter
from threading import Lock
from typing import Any

from flask import Request, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.api.auth.current_user import SAFE_METHODS, current_user_id
from app.api.http.errors import TooManyUploads, UnreadableBody, UnsupportedBody
from app.concurrency.greenlets import time_limit, yield_to_others
from app.config.settings import MAX_BODY_BYTES

BODY_TIMEOUT = 10
"""Seconds in which a body must arrive."""

LARGE_BODY_TIMEOUT = 60
"""Seconds in which a body of more than MAX_BODY_BYTES must arrive."""

MAX_UPLOADS = 2
"""The most large bodies of one user that a process receives or works on at a time."""

MAX_READ = 64 * 1024
"""The most bytes of a body that are read in one go."""

MAX_CHUNKED_READ = 1024
"""The most bytes of a chunked body that are read in one go. 64 KiB in chunks of one byte would take a second."""

_large_bodies: dict[str, int] = {}
_uploads: Counter[int] = Counter()
_uploads_lock = Lock()


def allow_large_body(endpoint: str, max_bytes: int) -> None:
    """Let the bodies of this endpoint be larger than MAX_BODY_BYTES."""
    _large_bodies[endpoint] = max_bytes


def body_limit(endpoint: str | None) -> int:
    """Return the maximum size of a body for this endpoint, in bytes."""
    return _large_bodies.get(endpoint or "", MAX_BODY_BYTES)


def too_large(max_bytes: int) -> str:
    """Return the error message for a body of more than ``max_bytes``."""
    kib = max_bytes // 1024
    return f"The body is larger than {kib} KiB." if kib < 1024 else f"The body is larger than {kib // 1024} MiB."


class YieldingInput:
    """The input of a body: other requests run between two reads, however fast the client sends."""

    def __init__(self, stream: Any, max_read: int) -> None:
        self._stream = stream
        self._max_read = max_read

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, at most ``max_read`` of them."""
        yield_to_others()
        data: bytes = self._stream.read(self._max_read if size < 0 else min(size, self._max_read))
        return data


def read_body() -> None:
    """Receive the request's body; handlers read it from Flask as usual.

    Call this after authentication, because uploads are counted by user; a large one counts until ``end_upload``. Only
    JSON is accepted, because a form on another site cannot send it. Raises RequestEntityTooLarge, TooManyUploads,
    UnreadableBody, UnsupportedBody.
    """
    if request.method in SAFE_METHODS:
        return
    request.max_content_length = body_limit(request.endpoint)
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge
    large = _may_be_large(request)
    if large:
        _begin_upload()
    if large or _is_chunked(request):
        max_read = MAX_CHUNKED_READ if _is_chunked(request) else MAX_READ
        request.environ["wsgi.input"] = YieldingInput(request.environ["wsgi.input"], max_read)
    with time_limit(LARGE_BODY_TIMEOUT if large else BODY_TIMEOUT):
        body = _read_to_end(request)
    if body and request.mimetype != "application/json":
        raise UnsupportedBody("The body must be JSON, sent as Content-Type: application/json.")


def _may_be_large(req: Request) -> bool:
    if (req.max_content_length or 0) <= MAX_BODY_BYTES:
        return False
    return _is_chunked(req) or (req.content_length or 0) > MAX_BODY_BYTES


def _is_chunked(req: Request) -> bool:
    return "Transfer-Encoding" in req.headers


def _begin_upload() -> None:
    """Take one of the user's MAX_UPLOADS slots until the request ends. Raises TooManyUploads."""
    user_id = current_user_id()
    with _uploads_lock:
        if _uploads[user_id] >= MAX_UPLOADS:
            raise TooManyUploads("Two of your files are still being imported. Try again when one has finished.")
        _uploads[user_id] += 1
    g.uploader = user_id


def end_upload(_error: BaseException | None = None) -> None:
    """Release the slot that the request holds, if any: a body takes memory until its request ends."""
    user_id = g.pop("uploader", None)
    if user_id is None:
        return
    with _uploads_lock:
        _uploads[user_id] -= 1
        if not _uploads[user_id]:
            del _uploads[user_id]


def _read_to_end(req: Request) -> bytes:
    """Read the whole body. Raises UnreadableBody, RequestEntityTooLarge.

    By itself, werkzeug accepts a truncated body: the part before a broken connection, or the first
    ``max_content_length`` bytes of a longer body without Content-Length.
    """
    try:
        body = req.get_data()
        longer = len(body) == req.max_content_length and req.environ["wsgi.input"].read(1)
    except (OSError, ParseException, ClientDisconnected) as error:
        raise UnreadableBody("The body was cut short, or did not arrive in time.") from error
    if len(body) < (req.content_length or 0):
        raise UnreadableBody("The body is shorter than its Content-Length.")
    if longer:
        raise RequestEntityTooLarge
    return body
