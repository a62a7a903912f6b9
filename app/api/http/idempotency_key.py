"""Idempotency-Key: how a key is written in the header (draft-ietf-httpapi-idempotency-key-header), and its errors."""

import re
from http import HTTPStatus

from app.errors import AppError

HEADER = "Idempotency-Key"

MAX_KEY_LENGTH = 255
"""As long as the column that it is kept in."""

QUOTED, BARE = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"', "[A-Za-z0-9._~:/+=-]{1,255}"
"""A string as structured fields write it (RFC 9651), which is what the draft asks for; and what people send instead."""

KEY_PATTERN = f"^(?:{QUOTED}|{BARE})$"


class IdempotencyKeyInvalid(AppError):
    """What stands in the header is no key."""

    status = HTTPStatus.BAD_REQUEST
    code = "idempotency_key_invalid"

    def __init__(self) -> None:
        super().__init__(
            f'{HEADER} must be one string of 1 to {MAX_KEY_LENGTH} printable ASCII characters, like "8e03-ab1".'
        )


def parse_key(written: str | None) -> str | None:
    """The key that the header names, quoted or bare, which is the same key; None without one.

    A header that came twice is one value with a comma in it, and so is no key. Raises IdempotencyKeyInvalid.
    """
    if written is None:
        return None
    if re.fullmatch(QUOTED, written):
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    if re.fullmatch(BARE, written):
        return written
    raise IdempotencyKeyInvalid
