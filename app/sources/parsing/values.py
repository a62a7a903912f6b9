"""Times and places, as boards write them."""

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


def iso_moment(text: str | None) -> datetime | None:
    """A time written by ISO 8601, in UTC; without an offset it is taken for UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch_moment(milliseconds: int | None) -> datetime | None:
    """A time in milliseconds since 1970. None for what no calendar holds."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds) if milliseconds is not None else None
    except OverflowError:
        return None


def workplace(word: str | None) -> Workplace | None:
    """Remote, hybrid or on site, if the word says one of these and nothing else."""
    return WORKPLACES.get(re.sub(r"[\s_-]+", " ", word or "").strip().lower())


def places(*texts: str | None) -> tuple[str, ...]:
    """The places named, each once, in order; several in one text stand between semicolons or bars."""
    named = (re.sub(r"\s+", " ", part).strip() for text in texts for part in re.split(r"[;|]", text or ""))
    return unique(part for part in named if part)


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Each item once, where it came first."""
    return tuple(dict.fromkeys(items))
