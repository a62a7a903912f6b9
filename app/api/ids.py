"""The ids of rows in addresses."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter, ValidationError

from app.models import LARGEST_RUN_ID

LARGEST_BIG_ID = 2**63 - 1


class IdConverter(BaseConverter):
    """An id: ASCII digits, no sign, no leading zero. What cannot be one is an unknown address, a 404."""

    regex = "[1-9][0-9]*"
    largest = 0

    def to_python(self, value: str) -> int:
        """Read the id; an impossible one makes the address unknown."""
        if len(value) > len(str(self.largest)) or int(value) > self.largest:
            raise ValidationError
        return int(value)


class RunIdConverter(IdConverter):
    """``<run_id:…>``."""

    largest = LARGEST_RUN_ID


class BigIdConverter(IdConverter):
    """``<credential_id:…>`` and all others whose column is a BIGINT."""

    largest = LARGEST_BIG_ID


CONVERTERS = {
    "run_id": RunIdConverter,
    "credential_id": BigIdConverter,
    "company_id": BigIdConverter,
    "preview_id": BigIdConverter,
    "posting_id": BigIdConverter,
}


def init_app(app: Flask, api: Api) -> None:
    """Make the ids known to routes and to the OpenAPI document."""
    for name, converter in CONVERTERS.items():
        app.url_map.converters[name] = converter
    for converter in set(CONVERTERS.values()):
        api.register_converter(converter, _parameter(converter.largest))


def _parameter(largest: int) -> Callable[[Any], dict[str, Any]]:
    return lambda _converter: {"type": "integer", "minimum": 1, "maximum": largest}
