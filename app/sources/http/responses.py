"""What an answer means, by its status, its headers and its first bytes."""

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
"""Seconds to keep off a host that says "too many" without saying for how long."""

MAX_RETRY_AFTER = 6 * 3600.0
"""A Retry-After of more than this is cut down to it."""

CHALLENGES = (
    *(b"captcha", b"challenge-platform", b"just a moment", b"attention required", b"are you a robot", b"cf-chl"),
    *(b"pardon our interruption", b"human verification", b"access denied", b"security check", b"robot challenge"),
)
"""What pages say that want to see a person first; they come with a 200 or a 403 where data was expected."""

TITLE = re.compile(rb"<title[^<>]*>([^<]*)")

REFUSALS: Mapping[int, tuple[type[SourceError], str]] = {
    401: (Forbidden, "may not be read (the answer is 401)."),
    403: (Forbidden, "may not be read (the answer is 403)."),
    404: (NotFound, "does not exist."),
    410: (Gone, "is gone."),
    451: (Forbidden, "may not be read (the answer is 451)."),
}
"""What a status means, and how the sentence goes on that begins with the board."""


def is_missing(reply: RawResponse) -> bool:
    """Whether nothing is there, or nothing any more."""
    return reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def check_listing(reply: RawResponse, what: str, words: Mapping[int, str], *, is_page: bool = False) -> None:
    """Raises the SourceError that the answer is, if it is not a listing; ``what`` names the board.

    With ``is_page`` a page was asked for; its title tells then whether it is the right one.
    """
    if reply.status != HTTPStatus.OK:
        raise refusal(reply, what, words)
    beginning = reply.body[:20_000].lower()
    # Pages for people may well have a form in them that wants to see one.
    shown = b"".join(TITLE.findall(beginning)) if is_page else beginning
    is_challenge = any(word in shown for word in CHALLENGES) or b"/_incapsula_resource" in beginning
    if is_challenge and re.match(rb"\s*<(!doctype\s+html|html)", beginning):
        raise Forbidden(f"{what} shows a page that only lets people pass.")


def refusal(reply: RawResponse, what: str, words: Mapping[int, str]) -> SourceError:
    """The error that a status other than 200 stands for, in the system's own words where it has some."""
    if reply.status not in REFUSALS:
        return ShapeChanged("the answer's status", f"is {reply.status}, where 200 was expected")
    error, usual = REFUSALS[reply.status]
    return error(f"{what} {words.get(reply.status, usual)}")


def target(url: SplitResult, reply: RawResponse) -> SplitResult | None:
    """Where an answer leads to, if it does. Raises Unreachable if that is no web address."""
    location = reply.headers.get("location")
    if reply.status not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        where = split(urljoin(url.geturl(), location))
    except ValueError:
        where = None
    if where is None:
        raise Unreachable(f"{url.hostname} leads to an address that is none.")
    return where


def origin(url: SplitResult) -> tuple[str, str]:
    """What has to stay the same for an address to be on the same host."""
    return url.scheme, url.netloc.lower()


def retry_after(value: str | None) -> float:
    """Seconds to wait, from a number of them or from a date (RFC 9110, 10.2.3)."""
    text = (value or "").strip()
    try:
        seconds = float(text) if text.isdecimal() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        seconds = DEFAULT_RETRY_AFTER
    return min(max(seconds, 1.0), MAX_RETRY_AFTER)
