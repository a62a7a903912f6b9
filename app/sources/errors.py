"""What can go wrong with a board. Each is told apart, and none of them is ever an empty list."""

from datetime import datetime


class SourceError(Exception):
    """A board could not be listed. ``detail`` is a sentence for a person, ``code`` a stable word for programs."""

    code = "unreachable"

    def __init__(self, detail: str, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at


class NotFound(SourceError):
    """The system does not know such a board."""

    code = "not_found"


class Gone(SourceError):
    """There was such a board, and the system says that it is gone for good."""

    code = "gone"


class Forbidden(SourceError):
    """The board may not be read: by its robots.txt, or because it refuses programs."""

    code = "forbidden"


class Throttled(SourceError):
    """The host wants fewer requests; ``retry_at`` is when it may be asked again."""

    code = "throttled"


class Moved(SourceError):
    """The board's address leads to another host, ``location``, where nobody said that we may look."""

    code = "moved"

    def __init__(self, detail: str, location: str) -> None:
        super().__init__(detail)
        self.location = location


class ShapeChanged(SourceError):
    """The answer is not what the system's documentation promises; ``field`` is where."""

    code = "changed"

    def __init__(self, field: str, found: str) -> None:
        super().__init__(f"The answer does not look as it should: {field} {found}.")
        self.field = field


class Unreachable(SourceError):
    """No answer, or none that is whole. Whether there is such a board is not known."""

    code = "unreachable"


class AddressRefused(SourceError):
    """An address that this server does not visit, whether a user gave it or a host leads there: not public, or not
    https."""

    code = "address_refused"


class RateLimited(SourceError):
    """Our own pace left no turn of the host within the time there was. The board is asked later."""

    code = "busy"


class RateLimiterUnavailable(RateLimited):
    """Redis, which holds the pace of all processes, does not answer; until it does, nobody is asked."""

    def __init__(self) -> None:
        super().__init__("Redis does not answer, so no host can be asked at the common pace.")


class OutOfTime(SourceError):
    """It would have taken longer than it may."""

    code = "out_of_time"
