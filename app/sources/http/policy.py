"""The policy for requests to one host, and the URLs that users may name."""

from dataclasses import dataclass
from urllib.parse import SplitResult

from app.sources.errors import AddressRefused


@dataclass(frozen=True)
class RequestPolicy:
    """The rules for requests to one host."""

    pace_seconds: float
    """Seconds between two requests."""
    answer_seconds: float
    """The timeout of one response."""
    max_bytes: int
    allow_private: bool = False
    """True if the host may have a private address. See ``Limits``."""
    retryable_statuses: frozenset[int] = frozenset()
    """Statuses after which a request is retried, besides 5xx."""
    truncate: bool = False
    """True if a response of more than ``max_bytes`` is truncated instead of refused."""
    shared_rate_limit: str = ""
    """The key of a rate limit that several hosts share; "" if the host has one of its own."""

    def rate_limit_key(self, url: SplitResult) -> str:
        """Return the key of the rate limit for this URL."""
        return self.shared_rate_limit or url.netloc.lower()


def check_fetchable(url: SplitResult) -> None:
    """Raise AddressRefused unless a user may name this URL: https on its default port, without credentials."""
    if url.scheme != "https":
        raise AddressRefused("Only addresses that start with https:// can be read.")
    if url.port not in (None, 443):
        raise AddressRefused("Only addresses on the default port of https can be read.")
    if url.username is not None or url.password is not None:
        raise AddressRefused("The address contains a user name or password.")


def is_fetchable(url: SplitResult) -> bool:
    """Return whether a user may name this URL."""
    try:
        check_fetchable(url)
    except AddressRefused:
        return False
    return True
