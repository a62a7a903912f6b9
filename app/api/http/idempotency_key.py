"""The Idempotency-Key header: its syntax (draft-ietf-httpapi-idempotency-key-header) and its documentation."""

import re
from http import HTTPStatus
from typing import Any

from app.errors import AppError

HEADER = "Idempotency-Key"

MAX_KEY_LENGTH = 255
"""The length of the database column that stores the key."""

QUOTED = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'
"""A key as a structured-field string (RFC 9651), the form that the draft requires."""

BARE = "[A-Za-z0-9._~:/+=-]{1,255}"
"""A key without quotes, which many clients send."""

KEY_PATTERN = f"^(?:{QUOTED}|{BARE})$"

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "description": "A name for this request, unique among the user's, such as a UUID in quotes. A repetition with the"
    " same key and body returns the run that the first request started, whatever its status now. A refused request does"
    " not use up its key. The key lives as long as the run."
    " It has 1 to 255 printable ASCII characters as a structured-field string, or is one of"
    " `A-Za-z0-9._~:/+=-` without quotes.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}
"""The OpenAPI parameter."""


class IdempotencyKeyInvalid(AppError):
    """The header's value is malformed."""

    status = HTTPStatus.BAD_REQUEST
    code = "idempotency_key_invalid"

    def __init__(self) -> None:
        super().__init__(
            f'{HEADER} must be one string of 1 to {MAX_KEY_LENGTH} printable ASCII characters, like "8e03-ab1".'
        )


def parse_key(value: str | None) -> str | None:
    """Return the key in the header, or None without a header. A key is the same with and without quotes.

    A repeated header arrives as one value with a comma, which is malformed. Raises IdempotencyKeyInvalid.
    """
    if value is None:
        return None
    if re.fullmatch(QUOTED, value):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    if re.fullmatch(BARE, value):
        return value
    raise IdempotencyKeyInvalid
