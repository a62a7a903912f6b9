"""The errors of reading a board. Each has its own class; no error is ever reported as an empty list."""

from datetime import datetime

from app.text import shorten

MAX_DETAIL_LENGTH = 500
"""The most characters of a sentence for users. It may quote a host or a tag, which a stranger chose."""

SWITCHED_OFF = "The operator has switched off reading {} on this server."


class SourceError(Exception):
    """A board could not be listed. ``detail`` is a sentence for users, ``code`` a stable word for programs."""

    code = "unreachable"

    is_missing = False
    """True if the board's own address answered 404 or 410, or in the source's own words that there is no board."""

    def __init__(self, detail: str, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = shorten(detail, MAX_DETAIL_LENGTH)
        self.retry_at = retry_at


class NotFound(SourceError):
    """The source has no such board."""

    code = "not_found"


class Gone(SourceError):
    """The source reports that the board was deleted for good."""

    code = "gone"


class Forbidden(SourceError):
    """The board may not be read: its robots.txt forbids it, or its host refuses programs."""

    code = "forbidden"


class Throttled(SourceError):
    """The host asks for fewer requests; ``retry_at`` is the time of the next permitted request."""

    code = "throttled"


class Moved(SourceError):
    """The board's address redirects to ``location`` on another host. Following it requires the user's consent."""

    code = "moved"

    def __init__(self, detail: str, location: str) -> None:
        super().__init__(detail)
        self.location = location


class ShapeChanged(SourceError):
    """The response contradicts the source's documentation; ``field`` is the place."""

    code = "changed"

    def __init__(self, field: str, found: str) -> None:
        super().__init__(f"The response has an unexpected format: {field} {found}.")
        self.field = field
        self.found = found


class Unreachable(SourceError):
    """No complete response arrived, so it is unknown if the board exists."""

    code = "unreachable"


class AddressRefused(SourceError):
    """An address from a user or a redirect is not fetched, because it is not public or not https."""

    code = "address_refused"


class RateLimited(SourceError):
    """Our own rate limit has no free slot before the deadline. The board is requested later."""

    code = "busy"


class RateLimiterUnavailable(RateLimited):
    """Redis, which holds the rate limits of all processes, is unavailable. No request is sent until Redis is back."""

    def __init__(self) -> None:
        super().__init__("Redis is unavailable, so job boards cannot be read now.")


class OutOfTime(SourceError):
    """The deadline passed before the work was done."""

    code = "out_of_time"


class SwitchedOff(SourceError):
    """The operator has switched off the source on this server."""

    code = "source_off"

    def __init__(self, source_name: str) -> None:
        super().__init__(SWITCHED_OFF.format(source_name))


class NotWanted(SourceError):
    """The work was stopped, because nobody waits for its result any more."""

    code = "not_wanted"
