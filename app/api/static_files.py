"""The files that the page's build made (``make build``), as they are sent."""

import os
from io import BytesIO
from pathlib import Path, PurePath
from zlib import adler32

from flask import Response, current_app, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from app.api.http.errors import PageNotBuilt

DOCUMENT = "index.html"

ALWAYS_ASK = "no-cache"
"""A browser may keep it, and asks each time whether it is still the right one."""

FOR_EVER = "public, max-age=31536000, immutable"
"""The name of such a file holds its content's hash: another content has another name."""

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Ours, because browsers are told to believe the type, and a machine's own table may be wrong."""

CODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build compresses beforehand, the smaller first."""


def is_built() -> bool:
    """Whether there is a page at all."""
    folder: Path = current_app.config["PAGE_FOLDER"]
    return (folder / DOCUMENT).is_file()


def page_file(caching: str, *names: str) -> Response:
    """A file of the build, compressed if it is and the client can read that. Raises NotFound, PageNotBuilt."""
    path = _find(*names)
    coding = _coding(path)
    mimetype = TYPES.get(PurePath(path).suffix, "application/octet-stream")
    file = Path(path + CODINGS[coding] if coding else path)
    # As bytes, which are sent under one time limit; gevent sends a file in pieces that would each have their own.
    answer = send_file(BytesIO(file.read_bytes()), mimetype, etag=_etag(file), last_modified=file.stat().st_mtime)
    answer.headers["Cache-Control"] = caching
    answer.headers["Vary"] = "Accept-Encoding"
    if coding:
        answer.headers["Content-Encoding"] = coding
    return answer


def page_of_nothing() -> Response:
    """The page's document at an address where there is nothing, as it says itself; programs are answered otherwise."""
    answer = page_file(ALWAYS_ASK, DOCUMENT)
    answer.status_code = 404
    answer.vary.add("Accept")
    return answer


def _find(*names: str) -> str:
    path = safe_join(str(current_app.config["PAGE_FOLDER"]), *names)
    if path is None or not Path(path).is_file():
        raise NotFound if is_built() else PageNotBuilt
    return path


def _etag(file: Path) -> str:
    known = file.stat()
    return f"{known.st_mtime_ns:x}-{known.st_size:x}-{adler32(os.fsencode(file)):x}"


def _coding(path: str) -> str | None:
    readable = (coding for coding in CODINGS if request.accept_encodings[coding])
    return next((coding for coding in readable if Path(path + CODINGS[coding]).is_file()), None)
