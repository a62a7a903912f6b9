"""Responses with a large array, such as a thousand companies with 15 kB of terms each."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response

from app.concurrency.compute_pool import PARSING_POOL


def large_json(members: dict[str, Any], name: str, rows: Iterable[Any], dump: Callable[[Any], Any]) -> Response:
    """Return a JSON object with these members and an array, whose rows ``dump`` turns into JSON values.

    A native thread does that row by row, while other requests go on. ``dump`` must be pure.
    """
    return Response(PARSING_POOL.run(_chunks, members, name, rows, dump), mimetype="application/json")


def _chunks(members: dict[str, Any], name: str, rows: Iterable[Any], dump: Callable[[Any], Any]) -> list[bytes]:
    """Return the parts of the document."""
    chunks = [_encode({**members, name: []}).removesuffix(b"]}")]
    for number, row in enumerate(rows):
        chunks.append((b", " if number else b"") + _encode(dump(row)))
    return [*chunks, b"]}\n"]


def _encode(value: Any) -> bytes:
    # Non-ASCII text is not escaped, because escapes are up to three times as long.
    return json.dumps(value, ensure_ascii=False).encode()
