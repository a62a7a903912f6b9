"""A posting as schema.org describes it, which many systems embed: https://schema.org/JobPosting."""

import html
import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from app.sources.errors import ShapeChanged
from app.sources.parsing.html_tokens import scripts
from app.sources.parsing.json_record import Record
from app.sources.parsing.values import iso_moment, places
from app.sources.types import Form, RawPosting, Section, Text, Workplace

REQUIREMENTS = {
    "qualifications": "Qualifications",
    "responsibilities": "Responsibilities",
    "skills": "Skills",
    "experienceRequirements": "Experience",
    "educationRequirements": "Education",
}
"""Members that hold what an applicant does and must bring, with the headings that they are given."""


MEMBERS = ("@graph", "mainEntity", "itemListElement", "item")
"""Where else in a document postings may be."""

WRAPPING = (("//<![CDATA[", "<![CDATA[", "<!--"), ("//]]>", "]]>", "-->"))
"""What hides a script from the browsers of another century, before and after it."""

MAX_SCRIPTS = 500

TAG = re.compile(r"<[a-z!/][^<>]*+>", re.IGNORECASE)
ESCAPED_TAG = re.compile(r"&lt;[a-z/]", re.IGNORECASE)


def job_postings_on(page: str) -> list[dict[str, Any]]:
    """Every JobPosting in the scripts of a web page. Raises ShapeChanged."""
    found: list[dict[str, Any]] = []
    fault = None
    for says, within in islice(scripts(page), MAX_SCRIPTS):
        try:
            found += job_postings(within) if "ld+json" in says.lower() else ()
        except ShapeChanged as each:
            fault = each
    if fault and not found:
        raise fault
    return found


def job_postings(script: str) -> Iterator[dict[str, Any]]:
    """Every JobPosting in the text of an ``application/ld+json`` script: alone, in a list or in a graph.

    Raises ShapeChanged if the script speaks of one and cannot be read.
    """
    pending = deque([_document(script)])
    while pending:
        value = pending.popleft()
        if isinstance(value, list):
            pending.extendleft(reversed(value))
        elif isinstance(value, dict):
            if any(re.split("[/:#]", name)[-1] == "JobPosting" for name in Record(value, "").texts("@type")):
                yield value
            pending.extendleft(value[name] for name in reversed(MEMBERS) if name in value)


def _document(script: str) -> Any:
    bare = _unwrapped(script)
    # Some escape it like text, which nobody undoes in a script.
    for text in (bare, html.unescape(bare)):
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
    if "JobPosting" in script:
        raise ShapeChanged("JobPosting", "is not valid JSON")
    return None


def _unwrapped(script: str) -> str:
    bare = script.strip("\ufeff \t\r\n;")
    for before, after in zip(*WRAPPING, strict=True):
        bare = bare.removeprefix(before).removesuffix(after).strip()
    return bare


def draft_of(posting: Record, url: str, identity: str | None = None, title: str | None = None) -> RawPosting | None:
    """The posting as a draft; None if it is no longer valid.

    ``identity`` and ``title`` are what whoever embeds it calls it; else its id is its own or the address, its title its
    own. Raises ShapeChanged if it has no title.
    """
    until = _end(posting.maybe_text("validThrough"))
    # Programs that have no end to write write the first day of their calendar.
    if until and until.year >= 2000 and until < datetime.now(UTC):
        return None
    title = title or posting.maybe_text("title") or posting.maybe_text("name") or posting.text("title")
    description = _text(posting.texts("description"))
    sections = ((heading, _text(_parts(posting, name))) for name, heading in REQUIREMENTS.items())
    return RawPosting(
        external_id=identity or own_identity(posting) or url,
        title=html.unescape(title) if "&" in title else title,
        url=url,
        locations=_places(posting),
        department=posting.maybe_text("occupationalCategory") or None,
        workplace=Workplace.REMOTE if "TELECOMMUTE" in map(str.upper, posting.texts("jobLocationType")) else None,
        employment_type=", ".join(posting.texts("employmentType")) or None,
        posted_at=iso_moment(posting.maybe_text("datePosted")),
        description=(description,) if description else (),
        requirements=tuple(Section(heading, text) for heading, text in sections if text),
    )


def own_identity(posting: Record) -> str | None:
    """The id that the employer gave it; some write their own name there, which is none."""
    named = (each.maybe_identity("value") for each in posting.records("identifier"))
    plain = (posting.maybe_identity("identifier"), *posting.texts("identifier"))
    found = next(filter(None, (*named, *plain)), None)
    return None if (found or "").casefold() == (employer(posting) or "").casefold() else found


def employer(posting: Record) -> str | None:
    """Whose posting it is."""
    named = (each.maybe_text("name") for each in posting.records("hiringOrganization"))
    return next(filter(None, (*named, *posting.texts("hiringOrganization"))), None)


def _end(text: str | None) -> datetime | None:
    """When a posting ends; a day that is named without a time is over at its end, wherever on earth that is last."""
    moment = iso_moment(text)
    is_day = moment is not None and re.fullmatch(r"[\d-]+", text or "")
    try:
        return moment + timedelta(hours=36) if moment and is_day else moment
    except OverflowError:
        return None


def _text(parts: list[str]) -> Text | None:
    """Some escape the markup once more, some do not, some have none, and nothing says which."""
    whole = "\n".join(parts)
    if TAG.search(whole):
        return Text("<br>".join(parts))
    if ESCAPED_TAG.search(whole):
        return Text("&lt;br&gt;".join(parts), Form.ESCAPED_HTML)
    return Text(html.unescape(whole), Form.PLAIN) if whole else None


def _parts(posting: Record, name: str) -> list[str]:
    """A text, several in a list, or what objects are called or say."""
    inner = (each.maybe_text("description") or each.maybe_text("name") for each in posting.records(name))
    return posting.texts(name) or list(filter(None, inner))


def _places(posting: Record) -> tuple[str, ...]:
    """Where the work is; of one that is done at home, where somebody has to live."""
    records = posting.records("jobLocation")
    named = places(*posting.texts("jobLocation"), *map(_place, records))
    called = places(*(each.maybe_text("name") for each in records))
    if len(named) == 1 and len(called) > 1:
        # One address, the company's own, for places that only their names tell apart.
        named = called
    where = posting.records("applicantLocationRequirements")
    return named or places(*(each.maybe_text("name") for each in where))


def _place(place: Record) -> str | None:
    """Town, region and country, or the address or name that is written in one."""
    address = next(iter(place.records("address")), place)
    country = address.maybe_text("addressCountry") or address.record("addressCountry").maybe_text("name")
    towns = " / ".join(address.texts("addressLocality")) or None
    parts = (towns, address.maybe_text("addressRegion"), country)
    return ", ".join(filter(None, parts)) or next(iter(place.texts("address")), place.maybe_text("name"))
