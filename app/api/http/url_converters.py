"""The ids of rows in URLs."""

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter, Map, ValidationError

from app.models import MAX_RUN_ID

MAX_BIGINT = 2**63 - 1


class IdConverter(IntegerConverter):
    """The id of a BIGINT column: ASCII digits, no sign, no leading zero."""

    regex = "[1-9][0-9]*"

    def __init__(self, url_map: Map, max_id: int = MAX_BIGINT) -> None:
        super().__init__(url_map, min=1, max=max_id)

    def to_python(self, value: str) -> int:
        """Parse the id. Raises NotFound: after a ValidationError, werkzeug responds to some methods with 405."""
        try:
            return int(super().to_python(value))
        except ValidationError as error:
            raise NotFound from error


class IntegerIdConverter(IdConverter):
    """The id of a run or a job, whose column is an INTEGER."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, MAX_RUN_ID)


def init_app(app: Flask) -> None:
    """Register the converters; call this before the blueprints are registered."""
    for name in ("run_id", "job_id"):
        app.url_map.converters[name] = IntegerIdConverter
    for name in ("credential_id", "company_id", "preview_id", "posting_id"):
        app.url_map.converters[name] = IdConverter
