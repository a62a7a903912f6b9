"""Reading a log while it is written: a line that has not ended yet is not there yet."""

import json
from typing import Any


def events(log: str, name: str) -> list[dict[str, Any]]:
    """The events of this name, of a log of one JSON object a line."""
    ended = log.split("\n")[:-1]
    found = [json.loads(line) for line in ended if line.startswith("{") and f'"{name}"' in line]
    return [event for event in found if event["event"] == name]
