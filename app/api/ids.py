"""The ids of rows in addresses."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from app.models import LARGEST_RUN_ID

LARGEST_BIG_ID = 2**63 - 1


def _up_to(largest: int) -> str:
    """A pattern of the numbers from 1 to ``largest``.

    Not a check in ``to_python``: an address that only a converter turns down is there for werkzeug when it looks
    which methods it has (405), and not when it looks for the handler.
    """
    digits = str(largest)
    same_length = [
        f"{digits[:place]}[{first}-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if int(digit) > (first := 0 if place else 1)
    ]
    return "|".join([f"[1-9][0-9]{{0,{len(digits) - 2}}}", *same_length, digits])


class IdConverter(BaseConverter):
    """An id: ASCII digits, no sign, no leading zero. What cannot be one is an unknown address, a 404."""

    largest = 0

    def to_python(self, value: str) -> int:
        """Read the id."""
        return int(value)


class RunIdConverter(IdConverter):
    """``<run_id:…>``."""

    largest = LARGEST_RUN_ID
    regex = _up_to(largest)


class BigIdConverter(IdConverter):
    """``<credential_id:…>`` and all others whose column is a BIGINT."""

    largest = LARGEST_BIG_ID
    regex = _up_to(largest)


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
