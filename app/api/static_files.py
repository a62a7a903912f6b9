"""Send the files of the page's build (``make build``)."""

import os
from io import BytesIO
from pathlib import Path, PurePath
from zlib import adler32

from flask import Response, current_app, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from app.api.http.errors import PageNotBuilt

HTML_DOCUMENT = "index.html"

REVALIDATE = "no-cache"
"""Cache-Control: browsers may store the file, but must revalidate it before each use."""

KEEP_FOR_A_YEAR = "public, max-age=31536000, immutable"
"""Cache-Control of files whose names contain a hash of their content."""

MIME_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Used in place of the machine's table, which may be wrong: browsers trust the type (nosniff)."""

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Suffixes of the files that the build compresses, by Content-Encoding; the one with smaller files first."""


def is_built() -> bool:
    """Return whether the page was built."""
    folder: Path = current_app.config["PAGE_FOLDER"]
    return (folder / HTML_DOCUMENT).is_file()


def send_build_file(cache_control: str, *names: str) -> Response:
    """Send a file of the build, compressed if the client accepts that. Raises NotFound, PageNotBuilt."""
    path = _find(*names)
    encoding = _choose_encoding(path)
    mimetype = MIME_TYPES.get(PurePath(path).suffix, "application/octet-stream")
    file = Path(path + ENCODINGS[encoding] if encoding else path)
    # Send bytes, which share one timeout. gevent would send a file in pieces, each with a timeout of its own.
    response = send_file(BytesIO(file.read_bytes()), mimetype, etag=_etag(file), last_modified=file.stat().st_mtime)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response


def send_page_as_not_found() -> Response:
    """Send the page with status 404. The page then shows that the URL is unknown. Raises PageNotBuilt."""
    response = send_build_file(REVALIDATE, HTML_DOCUMENT)
    response.status_code = 404
    response.vary.add("Accept")
    return response


def _find(*names: str) -> str:
    path = safe_join(str(current_app.config["PAGE_FOLDER"]), *names)
    if path is None or not Path(path).is_file():
        raise NotFound if is_built() else PageNotBuilt
    return path


def _etag(file: Path) -> str:
    stat = file.stat()
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}-{adler32(os.fsencode(file)):x}"


def _choose_encoding(path: str) -> str | None:
    accepted = (encoding for encoding in ENCODINGS if request.accept_encodings[encoding])
    return next((encoding for encoding in accepted if Path(path + ENCODINGS[encoding]).is_file()), None)
