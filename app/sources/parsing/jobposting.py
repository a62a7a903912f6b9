"""Postings in the format of schema.org, which many sources embed: https://schema.org/JobPosting."""

import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from app.sources.errors import ShapeChanged
from app.sources.parsing.dates_and_places import MAX_LOCATIONS, parse_iso_datetime, split_locations
from app.sources.parsing.html_text import truncated, unescaped
from app.sources.parsing.html_tokens import MAX_MATCH_LENGTH, scripts
from app.sources.parsing.json_record import Record
from app.sources.types import Form, RawPosting, Section, Text, Workplace

REQUIREMENTS = {
    "qualifications": "Qualifications",
    "responsibilities": "Responsibilities",
    "skills": "Skills",
    "experienceRequirements": "Experience",
    "educationRequirements": "Education",
}
"""The members with tasks and requirements, and the headings that they get."""

MEMBERS = ("@graph", "mainEntity", "itemListElement", "item")
"""Members that may contain postings."""

WRAPPING = (("//<![CDATA[", "<![CDATA[", "<!--"), ("//]]>", "]]>", "-->"))
"""Marks before and after a script that hide it from very old browsers."""

MAX_SCRIPTS = 500
MAX_POSTINGS = 1000
"""The most postings of a page."""

STRUCTURE = "{[,&"
MAX_STRUCTURE = 200_000
"""The most of these characters in the scripts with postings of a page. Each makes at most one object: parsed, 4 MB of
them take 150 MB."""

MAX_TITLE_LENGTH = 5000
"""Before it is unescaped; it is truncated further when it is normalized."""

TAG = re.compile(r"<[a-z!/][^<>]*+>", re.IGNORECASE)
ESCAPED_TAG = re.compile(r"&lt;[a-z/]", re.IGNORECASE)


def job_postings_on(page: str) -> list[dict[str, Any]]:
    """Return every JobPosting in the scripts of a web page.

    Raises ShapeChanged if none of them can be parsed, and if they are too many or too large.
    """
    found: list[dict[str, Any]] = []
    # An error itself would keep this frame in memory, which has the page, until the next garbage collection.
    last_fault = None
    structure = 0
    for attributes, code in islice(scripts(page), MAX_SCRIPTS):
        if "ld+json" not in attributes[:MAX_MATCH_LENGTH].lower() or "JobPosting" not in code:
            continue
        structure += _structure(code)
        _check_size(structure, len(found))
        try:
            found += islice(job_postings(code), MAX_POSTINGS + 1)
        except ShapeChanged as error:
            last_fault = error.field, error.found
        _check_size(structure, len(found))
    if last_fault and not found:
        raise ShapeChanged(*last_fault)
    return found


def job_postings(script: str) -> Iterator[dict[str, Any]]:
    """Yield every JobPosting of an ``application/ld+json`` script: alone, in a list or in a graph.

    Raises ShapeChanged if the script mentions a JobPosting and cannot be parsed, or is too large.
    """
    pending = deque([_document(script)])
    while pending:
        value = pending.popleft()
        if isinstance(value, list):
            pending.extendleft(reversed(value))
        elif isinstance(value, dict):
            if "@type" in value and any(map(_is_job_posting, Record(value, "").texts("@type"))):
                yield value
            pending.extendleft(value[name] for name in reversed(MEMBERS) if name in value)


def _is_job_posting(name: str) -> bool:
    return name == "JobPosting" or name.endswith(("/JobPosting", ":JobPosting", "#JobPosting"))


def _structure(script: str) -> int:
    return sum(map(script.count, STRUCTURE))


def _check_size(structure: int, postings: int) -> None:
    if structure > MAX_STRUCTURE:
        raise ShapeChanged("JobPosting", f"is in scripts with more than {MAX_STRUCTURE:,} values")
    if postings > MAX_POSTINGS:
        raise ShapeChanged("JobPosting", f"appears more than {MAX_POSTINGS:,} times")


def _document(script: str) -> Any:
    """Parse a script that mentions a JobPosting; None for any other."""
    if "JobPosting" not in script:
        return None
    _check_size(_structure(script), 0)
    bare = _unwrapped(script)
    for unescape in (str, unescaped):
        # Some sites escape the script as if it were text.
        try:
            return json.loads(unescape(bare), strict=False)
        except (ValueError, RecursionError):
            continue
    raise ShapeChanged("JobPosting", "is not valid JSON")


def _unwrapped(script: str) -> str:
    bare = script.strip("\ufeff \t\r\n;")
    for before, after in zip(*WRAPPING, strict=True):
        bare = bare.removeprefix(before).removesuffix(after).strip()
    return bare


def raw_posting_of(
    record: Record, url: str, identity: str | None = None, title: str | None = None
) -> RawPosting | None:
    """Make a raw posting; None if its ``validThrough`` has passed.

    ``identity`` and ``title`` override the posting's own. Without an id, the URL is used. Raises ShapeChanged
    without a title.
    """
    until = _end(record.optional_text("validThrough"))
    # Some programs write the first day of their calendar for a posting without an end.
    if until and until.year >= 2000 and until < datetime.now(UTC):
        return None
    title = title or record.optional_text("title") or record.optional_text("name") or record.text("title")
    title = title[:MAX_TITLE_LENGTH]
    description = _text(record.texts("description"))
    sections = ((heading, _text(_parts(record, name))) for name, heading in REQUIREMENTS.items())
    return RawPosting(
        external_id=identity or own_identity(record) or url,
        title=unescaped(title) if "&" in title else title,
        url=url,
        locations=_locations(record),
        department=record.optional_text("occupationalCategory") or None,
        workplace=Workplace.REMOTE if "TELECOMMUTE" in map(str.upper, record.texts("jobLocationType")) else None,
        employment_type=", ".join(record.texts("employmentType")) or None,
        posted_at=parse_iso_datetime(record.optional_text("datePosted")),
        description=(description,) if description else (),
        requirements=tuple(Section(heading, text) for heading, text in sections if text),
    )


def own_identity(record: Record) -> str | None:
    """Return the employer's id of the posting. Some employers write their own name there, which is not an id."""
    named = (each.optional_identity("value") for each in record.records("identifier"))
    plain = (record.optional_identity("identifier"), *record.texts("identifier"))
    found = next(filter(None, (*named, *plain)), None)
    return None if (found or "").casefold() == (employer(record) or "").casefold() else found


def employer(record: Record) -> str | None:
    """Return the name of the employer."""
    named = (each.optional_text("name") for each in record.records("hiringOrganization"))
    return next(filter(None, (*named, *record.texts("hiringOrganization"))), None)


def _end(text: str | None) -> datetime | None:
    """Return the end of a posting. A date without a time lasts until that day has ended everywhere on earth."""
    time = parse_iso_datetime(text)
    is_day = time is not None and re.fullmatch(r"[\d-]+", text or "")
    try:
        return time + timedelta(hours=36) if time and is_day else time
    except OverflowError:
        return None


def _text(parts: list[str]) -> Text | None:
    """Make a text of these parts. Its form is guessed: markup, escaped markup, or plain text."""
    parts = truncated(parts)
    whole = "\n".join(parts)
    if TAG.search(whole):
        return Text("<br>".join(parts))
    if ESCAPED_TAG.search(whole):
        return Text("&lt;br&gt;".join(parts), Form.ESCAPED_HTML)
    return Text(unescaped(whole), Form.PLAIN) if whole else None


def _parts(record: Record, name: str) -> list[str]:
    """Return the texts of a member. For objects, these are their descriptions or names."""
    inner = (each.optional_text("description") or each.optional_text("name") for each in record.records(name))
    return record.texts(name) or list(filter(None, inner))


def _locations(record: Record) -> tuple[str, ...]:
    """Return the places of work, or for remote work the places where an applicant must live."""
    records = record.records("jobLocation")[:MAX_LOCATIONS]
    named = split_locations(*record.texts("jobLocation"), *map(_location, records))
    called = split_locations(*(each.optional_text("name") for each in records))
    if len(named) == 1 and len(called) > 1:
        # All locations have the company's own address, and differ only in their names.
        named = called
    where = record.records("applicantLocationRequirements")[:MAX_LOCATIONS]
    return named or split_locations(*(each.optional_text("name") for each in where))


def _location(location: Record) -> str | None:
    """Return town, region and country, or else the address or name as one text."""
    address = next(iter(location.records("address")), location)
    country = address.optional_text("addressCountry") or address.record("addressCountry").optional_text("name")
    towns = " / ".join(address.texts("addressLocality")) or None
    parts = (towns, address.optional_text("addressRegion"), country)
    return ", ".join(filter(None, parts)) or next(iter(location.texts("address")), location.optional_text("name"))
