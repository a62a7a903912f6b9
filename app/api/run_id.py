"""The id of a run in an address."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter, ValidationError

from app.models import LARGEST_RUN_ID


class RunIdConverter(BaseConverter):
    """A run id: ASCII digits, no sign, no leading zero. What cannot be one is an unknown address, a 404."""

    regex = "[1-9][0-9]*"

    def to_python(self, value: str) -> int:
        """Read the id; an impossible one makes the address unknown."""
        if len(value) > len(str(LARGEST_RUN_ID)) or int(value) > LARGEST_RUN_ID:
            raise ValidationError
        return int(value)


def init_app(app: Flask, api: Api) -> None:
    """Make ``<run_id:...>`` known to routes and to the OpenAPI document."""
    app.url_map.converters["run_id"] = RunIdConverter
    api.register_converter(RunIdConverter, _parameter)


def _parameter(_converter: Any) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": LARGEST_RUN_ID}
