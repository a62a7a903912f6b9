"""Parsers for the dates, workplaces and locations in listings."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from app.sources.types import Workplace

MAX_LOCATIONS = 50
"""The most locations of a posting. One that is open everywhere lists its countries."""

MAX_LOCATIONS_LENGTH = 10_000
"""The most characters of one text with locations."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WORKPLACES = {
    "remote": Workplace.REMOTE,
    "fully remote": Workplace.REMOTE,
    "hybrid": Workplace.HYBRID,
    "onsite": Workplace.ON_SITE,
    "on site": Workplace.ON_SITE,
    "in office": Workplace.ON_SITE,
    "inoffice": Workplace.ON_SITE,
}


def parse_iso_datetime(text: str | None) -> datetime | None:
    """Parse an ISO 8601 time; without an offset it is taken as UTC. Returns None if the text is invalid."""
    try:
        parsed = datetime.fromisoformat(text or "")
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def datetime_from_epoch_ms(milliseconds: int | None) -> datetime | None:
    """Convert milliseconds since 1970 to a time. None if it is outside the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds) if milliseconds is not None else None
    except OverflowError:
        return None


def workplace(word: str | None) -> Workplace | None:
    """Return the workplace for a word like *remote* or *on-site*; None for any other text."""
    return WORKPLACES.get(re.sub(r"[\s_-]+", " ", word or "").strip().lower())


def split_locations(*texts: str | None) -> tuple[str, ...]:
    """Split the texts at ``;`` and ``|``, and return each location once, in order, up to MAX_LOCATIONS."""
    parts = (part for text in texts for part in re.split(r"[;|]", (text or "")[:MAX_LOCATIONS_LENGTH]))
    found: dict[str, None] = {}
    for part in parts:
        if name := re.sub(r"\s+", " ", part).strip():
            found[name] = None
        if len(found) == MAX_LOCATIONS:
            break
    return tuple(found)


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Return each item once, at its first position."""
    return tuple(dict.fromkeys(items))
