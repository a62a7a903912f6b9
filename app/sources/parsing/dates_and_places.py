"""Times and places in the notations of boards."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from app.sources.types import Workplace

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
    """Parse a time in ISO 8601 to UTC. Without an offset it is UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def datetime_from_epoch_ms(milliseconds: int | None) -> datetime | None:
    """Convert milliseconds since 1970 to a time. None if it is outside the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds) if milliseconds is not None else None
    except OverflowError:
        return None


def workplace(word: str | None) -> Workplace | None:
    """Return the workplace of a word like *remote* or *on-site*, or None if it is not exactly one."""
    return WORKPLACES.get(re.sub(r"[\s_-]+", " ", word or "").strip().lower())


def split_locations(*texts: str | None) -> tuple[str, ...]:
    """Return the places in these texts: each once, in order. A text is split at semicolons and bars."""
    named = (re.sub(r"\s+", " ", part).strip() for text in texts for part in re.split(r"[;|]", text or ""))
    return unique(part for part in named if part)


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Return each item once, at its first position."""
    return tuple(dict.fromkeys(items))
