"""A posting as schema.org describes it, which many systems embed: https://schema.org/JobPosting."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from app.sources.reading import Record
from app.sources.records import Draft, Form, Section, Text, Workplace
from app.sources.values import iso_moment, places

REQUIREMENTS = {
    "qualifications": "Qualifications",
    "responsibilities": "Responsibilities",
    "skills": "Skills",
    "experienceRequirements": "Experience",
    "educationRequirements": "Education",
}
"""Members that hold what an applicant does and must bring, with the headings that they are given."""


def job_postings(script: str) -> Iterator[Record]:
    """Every JobPosting in the text of an ``application/ld+json`` script: alone, in a list or in a graph."""
    try:
        document = json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return
    pending = [document]
    while pending:
        value = pending.pop(0)
        if isinstance(value, list):
            pending[:0] = value
        elif isinstance(value, dict):
            if "JobPosting" in Record(value, "").texts("@type"):
                yield Record(value, "JobPosting")
            pending[:0] = [value[name] for name in ("@graph", "mainEntity", "itemListElement", "item") if name in value]


def draft_of(posting: Record, url: str, identity: str | None = None, title: str | None = None) -> Draft | None:
    """The posting as a draft; None if it is no longer valid.

    ``identity`` and ``title`` are what whoever embeds it calls it; else its id is its own or the address, its title its
    own. Raises ShapeChanged if it has no title.
    """
    until = iso_moment(posting.maybe_text("validThrough"))
    if until and until < datetime.now(UTC):
        return None
    title = title or posting.text("title")
    description = _text(posting.maybe_text("description"))
    sections = ((heading, _joined(posting, name)) for name, heading in REQUIREMENTS.items())
    return Draft(
        external_id=identity or own_identity(posting) or url,
        title=html.unescape(title) if "&" in title else title,
        url=url,
        locations=places(*map(_place, posting.records("jobLocation")), *_countries(posting)),
        department=posting.maybe_text("occupationalCategory") or None,
        workplace=Workplace.REMOTE if "TELECOMMUTE" in posting.texts("jobLocationType") else None,
        employment_type=", ".join(posting.texts("employmentType")) or None,
        posted_at=iso_moment(posting.maybe_text("datePosted")),
        description=(description,) if description else (),
        requirements=tuple(Section(heading, text) for heading, content in sections if (text := _text(content))),
    )


def own_identity(posting: Record) -> str | None:
    """The id that the employer gave it."""
    identifier = posting.record("identifier")
    number = identifier.maybe_number("value")
    return str(number) if number is not None else identifier.maybe_text("value") or posting.maybe_text("identifier")


def employer(posting: Record) -> str | None:
    """Whose posting it is."""
    return posting.record("hiringOrganization").maybe_text("name") or posting.maybe_text("hiringOrganization")


def _text(content: str | None) -> Text | None:
    """Some escape the markup once more, some do not, and nothing says which."""
    if content is None:
        return None
    is_escaped = not re.search(r"<[a-z!/]", content, re.IGNORECASE) and re.search(r"&lt;[a-z/]", content, re.IGNORECASE)
    return Text(content, Form.ESCAPED_HTML if is_escaped else Form.HTML)


def _joined(posting: Record, name: str) -> str | None:
    """A text, or several of a list, or an object's description."""
    return "<br>".join(posting.texts(name)) or posting.record(name).maybe_text("description")


def _place(place: Record) -> str | None:
    """Town, region and country, or the address or name that is written in one."""
    address = place.record("address")
    country = address.maybe_text("addressCountry") or address.record("addressCountry").maybe_text("name")
    parts = (address.maybe_text("addressLocality"), address.maybe_text("addressRegion"), country)
    return ", ".join(filter(None, parts)) or place.maybe_text("address") or place.maybe_text("name")


def _countries(posting: Record) -> list[str | None]:
    """Where somebody who works from home has to live."""
    named: list[Any] = [each.maybe_text("name") for each in posting.records("applicantLocationRequirements")]
    return named if not posting.records("jobLocation") else []
