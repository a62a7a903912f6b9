"""The page: one document for all its addresses, and the files that its build made (``make build``)."""

from pathlib import Path, PurePath
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from app.errors import Api, PageNotBuilt

DOCUMENT = "index.html"

ALWAYS_ASK = "no-cache"
"""A browser may keep it, and asks each time whether it is still the right one."""

FOR_EVER = "public, max-age=31536000, immutable"
"""The name of such a file holds its content's hash: another content has another name."""

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Ours, because browsers are told to believe the type, and a machine's own table may be wrong."""

CODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build compresses beforehand, the smaller first."""

blueprint = Blueprint("page", __name__)


def init_app(app: Flask, api: Api) -> None:
    """Serve the page, and show it to browsers at unknown addresses too; programs get ``api``'s problem document."""

    def not_found(error: NotFound) -> Any:
        return (_file(ALWAYS_ASK, DOCUMENT), 404) if _by_a_person() else api.handle_http_exception(error)

    app.register_blueprint(blueprint)
    app.register_error_handler(NotFound, not_found)


@blueprint.get("/")
@blueprint.get("/ingest", strict_slashes=False)
@blueprint.get("/ingest/<path:_stage>")
@blueprint.get("/runs", strict_slashes=False)
def page(_stage: str = "") -> Response:
    """The page's own addresses; which one it is, the page works out itself"""
    return _file(ALWAYS_ASK, DOCUMENT)


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """A file of the build; one that is missing is a 404, never the page"""
    return _file(FOR_EVER, "assets", name)


@blueprint.get("/favicon-<name>.svg")
def favicon(name: str) -> Response:
    """The tab's icon for one kind of status"""
    return _file(ALWAYS_ASK, f"favicon-{name}.svg")


def _file(caching: str, *names: str) -> Response:
    """A file of the build, compressed if it is and the client can read that. Raises NotFound, PageNotBuilt."""
    folder: Path = current_app.config["PAGE_FOLDER"]
    path = safe_join(str(folder), *names)
    if path is None or not Path(path).is_file():
        raise NotFound if (folder / DOCUMENT).is_file() else PageNotBuilt
    readable = (coding for coding in CODINGS if request.accept_encodings[coding])
    coding = next((coding for coding in readable if Path(path + CODINGS[coding]).is_file()), None)
    mimetype = TYPES.get(PurePath(path).suffix, "application/octet-stream")
    answer = send_file(path + CODINGS[coding] if coding else path, mimetype=mimetype)
    answer.headers["Cache-Control"] = caching
    answer.headers["Vary"] = "Accept-Encoding"
    if coding:
        answer.headers["Content-Encoding"] = coding
    return answer


def _by_a_person() -> bool:
    """Whether a browser asks for a document, somewhere where only documents are."""
    first = request.path.split("/")[1]
    wants_page = request.method in ("GET", "HEAD") and "text/html" in request.accept_mimetypes.values()
    return wants_page and first not in ("api", "assets")
