"""Receive the bodies of requests: whole, small, JSON, and within a time limit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock

from flask import Request, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.api.auth.current_user import SAFE_METHODS, current_user_id
from app.api.http.errors import TooManyUploads, UnreadableBody, UnsupportedBody
from app.concurrency.greenlets import time_limit
from app.config.settings import MAX_BODY_BYTES, MAX_IMPORT_BYTES

MAX_BYTES = {"companies.import_companies": MAX_IMPORT_BYTES}

BODY_TIMEOUT = 10
"""Seconds that a body may take to arrive."""

LARGE_BODY_TIMEOUT = 60
"""Seconds that one of more than MAX_BODY_BYTES may take."""

MAX_UPLOADS = 2
"""Large bodies of a user that a process receives at a time."""

_uploads: Counter[int] = Counter()
_uploads_lock = Lock()


def read_body() -> None:
    """Receive the request's body, which stays readable. To be called when the user is known.

    Raises RequestEntityTooLarge, TooManyUploads, UnreadableBody, or UnsupportedBody for what is no JSON: no foreign
    form can send that.
    """
    if request.method in SAFE_METHODS:
        return
    request.max_content_length = MAX_BYTES.get(request.endpoint or "", current_app.config["MAX_CONTENT_LENGTH"])
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge
    large = _may_be_large(request)
    with _upload() if large else nullcontext(), time_limit(LARGE_BODY_TIMEOUT if large else BODY_TIMEOUT):
        body = _whole_body(request)
    if body and request.mimetype != "application/json":
        raise UnsupportedBody("The body must be JSON, sent as Content-Type: application/json.")


def _may_be_large(asked: Request) -> bool:
    if (asked.max_content_length or 0) <= MAX_BODY_BYTES:
        return False
    return "chunked" in asked.headers.get("Transfer-Encoding", "") or (asked.content_length or 0) > MAX_BODY_BYTES


@contextmanager
def _upload() -> Iterator[None]:
    """Hold one of the user's places for large bodies. Raises TooManyUploads."""
    user_id = current_user_id()
    with _uploads_lock:
        if _uploads[user_id] >= MAX_UPLOADS:
            raise TooManyUploads("Two files are on their way already: wait until one of them has arrived.")
        _uploads[user_id] += 1
    try:
        yield
    finally:
        with _uploads_lock:
            _uploads[user_id] -= 1
            if not _uploads[user_id]:
                del _uploads[user_id]


def _whole_body(asked: Request) -> bytes:
    """Read the body to its end.

    werkzeug alone would take what came before a connection broke, and the first bytes of a longer body without
    Content-Length, for all of it.
    """
    try:
        body = asked.get_data()
        longer = len(body) == asked.max_content_length and asked.environ["wsgi.input"].read(1)
    except (OSError, ParseException, ClientDisconnected) as error:
        raise UnreadableBody("The body could not be read to its end.") from error
    if len(body) < (asked.content_length or 0):
        raise UnreadableBody("The body is shorter than its Content-Length.")
    if longer:
        raise RequestEntityTooLarge
    return body
