"""Reading a log while it is written: an unfinished line is left out."""

import json
from typing import Any


def events(log: str, name: str) -> list[dict[str, Any]]:
    """Return the events with this name from a log with one JSON object per line."""
    complete = log.split("\n")[:-1]
    found = [json.loads(line) for line in complete if line.startswith("{") and f'"{name}"' in line]
    return [event for event in found if event["event"] == name]
