"""The page: one HTML document for all its URLs, and its files."""

from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound

from app.api.http.problems import Api
from app.api.static_files import (
    HTML_DOCUMENT,
    KEEP_FOR_A_YEAR,
    REVALIDATE,
    is_built,
    send_build_file,
    send_page_as_not_found,
)

blueprint = Blueprint("page", __name__)


def init_app(app: Flask, api: Api) -> None:
    """Serve the page. At an unknown URL, browsers get the page too; programs get the problem document of ``api``."""

    def not_found(error: NotFound) -> Any:
        return send_page_as_not_found() if _wants_page() and is_built() else api.handle_http_exception(error)

    app.register_blueprint(blueprint)
    app.register_error_handler(NotFound, not_found)


@blueprint.get("/")
@blueprint.get("/ingest", strict_slashes=False)
@blueprint.get("/ingest/preview", strict_slashes=False)
@blueprint.get("/ingest/runs/<_run_id>", strict_slashes=False)
@blueprint.get("/runs", strict_slashes=False)
@blueprint.get("/jobs", strict_slashes=False)
@blueprint.get("/account", strict_slashes=False)
def page(_run_id: str = "") -> Response:
    """Send the document; the page itself reads its URL."""
    return send_build_file(REVALIDATE, HTML_DOCUMENT)


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Send a file of the build. A missing file gets a 404, never the page."""
    return send_build_file(KEEP_FOR_A_YEAR, "assets", name)


@blueprint.get("/favicon-<name>.svg")
def favicon(name: str) -> Response:
    """Send the browser tab's icon for a status."""
    return send_build_file(REVALIDATE, f"favicon-{name}.svg")


def _wants_page() -> bool:
    """Return whether a browser requests an HTML document, outside the API and the assets."""
    first = request.path.split("/")[1]
    accepts_html = request.method in ("GET", "HEAD") and "text/html" in request.accept_mimetypes.values()
    return accepts_html and first not in ("api", "assets")
