"""The meaning of a response: its status, its headers and its first bytes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin

from app.sources.errors import Forbidden, Gone, NotFound, ShapeChanged, SourceError, Unreachable
from app.sources.http.transport import RawResponse
from app.sources.parsing.urls import split

DEFAULT_RETRY_AFTER = 60.0
"""Seconds to wait after a 429 that has no Retry-After."""

MAX_RETRY_AFTER = 6 * 3600.0
"""A longer Retry-After is shortened to this, in seconds."""

MAX_LOCATION_LENGTH = 2000
"""Characters of a URL that a redirect may lead to, as for the links of postings."""

MAX_RETRY_AFTER_LENGTH = 100
"""Characters of a Retry-After that are parsed."""

CHALLENGES = (
    *(b"captcha", b"challenge-platform", b"just a moment", b"attention required", b"are you a robot", b"cf-chl"),
    *(b"pardon our interruption", b"human verification", b"access denied", b"security check", b"robot challenge"),
)
"""Words of pages that check for a human visitor. Such pages replace the data, with status 200 or 403."""

TITLE = re.compile(rb"<title[^<>]*>([^<]*)")

STATUS_ERRORS: Mapping[int, tuple[type[SourceError], str]] = {
    401: (Forbidden, "does not let programs read it (it answers 401)."),
    403: (Forbidden, "does not let programs read it (it answers 403)."),
    404: (NotFound, "does not exist."),
    410: (Gone, "was deleted."),
    451: (Forbidden, "does not let programs read it (it answers 451)."),
}
"""The error for each status, and the end of the sentence that starts with the board."""


def is_missing(response: RawResponse) -> bool:
    """Return whether the status is 404 or 410."""
    return response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def check_listing(response: RawResponse, subject: str, messages: Mapping[int, str], *, is_page: bool = False) -> None:
    """Raise a SourceError if the response is not a listing. ``subject`` names the board in the sentence.

    With ``is_page`` a web page was requested, and only its title is searched for a challenge.
    """
    if response.status != HTTPStatus.OK:
        raise status_error(response, subject, messages)
    head = response.body[:20_000].lower()
    # A careers page may well contain a form with a captcha.
    searched = b"".join(TITLE.findall(head)) if is_page else head
    is_challenge = any(word in searched for word in CHALLENGES) or b"/_incapsula_resource" in head
    if is_challenge and re.match(rb"\s*<(!doctype\s+html|html)", head):
        raise Forbidden(f"{subject} only shows its postings to human visitors.")


def status_error(response: RawResponse, subject: str, messages: Mapping[int, str]) -> SourceError:
    """Return the error for a status other than 200, with the source's own message if it has one."""
    if response.status not in STATUS_ERRORS:
        return ShapeChanged("its status", f"is {response.status}, but 200 was expected")
    error, usual = STATUS_ERRORS[response.status]
    return error(f"{subject} {messages.get(response.status, usual)}")


def redirect_target(url: SplitResult, response: RawResponse) -> SplitResult | None:
    """Return the URL that a response redirects to, or None. Raises Unreachable if that is not a web address."""
    location = response.headers.get("location")
    if response.status not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        target = split(urljoin(url.geturl(), location)) if len(location) <= MAX_LOCATION_LENGTH else None
    except ValueError:
        target = None
    if target is None:
        raise Unreachable(f"{url.hostname} redirects to an address that is not valid.")
    return target


def origin(url: SplitResult) -> tuple[str, str]:
    """Return scheme and host with port. A redirect with the same origin is followed."""
    return url.scheme, url.netloc.lower()


def retry_after(value: str | None) -> float:
    """Parse a Retry-After header to seconds, from a number or a date (RFC 9110, 10.2.3)."""
    text = (value or "").strip()[:MAX_RETRY_AFTER_LENGTH]
    try:
        seconds = float(text) if text.isdecimal() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        seconds = DEFAULT_RETRY_AFTER
    return min(max(seconds, 1.0), MAX_RETRY_AFTER)
