"""The page: one document for all its addresses, and the files that belong to it."""

from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound

from app.api.http.problems import Api
from app.api.static_files import ALWAYS_ASK, DOCUMENT, FOR_EVER, is_built, page_file, page_of_nothing

blueprint = Blueprint("page", __name__)


def init_app(app: Flask, api: Api) -> None:
    """Serve the page, and show it to browsers at unknown addresses too; programs get ``api``'s problem document."""

    def not_found(error: NotFound) -> Any:
        return page_of_nothing() if _by_a_person() and is_built() else api.handle_http_exception(error)

    app.register_blueprint(blueprint)
    app.register_error_handler(NotFound, not_found)


@blueprint.get("/")
@blueprint.get("/ingest", strict_slashes=False)
@blueprint.get("/ingest/preview", strict_slashes=False)
@blueprint.get("/ingest/runs/<_run_id>", strict_slashes=False)
@blueprint.get("/runs", strict_slashes=False)
@blueprint.get("/account", strict_slashes=False)
def page(_run_id: str = "") -> Response:
    """The page's own addresses; which one it is, the page works out itself"""
    return page_file(ALWAYS_ASK, DOCUMENT)


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """A file of the build; one that is missing is a 404, never the page"""
    return page_file(FOR_EVER, "assets", name)


@blueprint.get("/favicon-<name>.svg")
def favicon(name: str) -> Response:
    """The tab's icon for one kind of status"""
    return page_file(ALWAYS_ASK, f"favicon-{name}.svg")


def _by_a_person() -> bool:
    """Whether a browser asks for a document, somewhere where only documents are."""
    first = request.path.split("/")[1]
    wants_page = request.method in ("GET", "HEAD") and "text/html" in request.accept_mimetypes.values()
    return wants_page and first not in ("api", "assets")
