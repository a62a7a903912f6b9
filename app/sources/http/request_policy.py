"""The policy for requests to one host."""

from dataclasses import dataclass
from urllib.parse import SplitResult

MAX_REDIRECTS = 5


@dataclass(frozen=True)
class RequestPolicy:
    """The rules for requests to one host."""

    pace_seconds: float
    """Seconds between two requests."""
    response_timeout: float
    """The timeout of one response, in seconds."""
    max_bytes: int
    allow_private: bool = False
    """True if the host may have a private address. See ``Limits``."""
    retryable_statuses: frozenset[int] = frozenset()
    """Statuses after which a request is retried, besides 5xx."""
    truncate: bool = False
    """True if a response of more than ``max_bytes`` is truncated instead of refused."""
    shared_rate_limit: str = ""
    """The key of a rate limit that several hosts share; "" if the host has its own."""

    def rate_limit_key(self, url: SplitResult) -> str:
        """Return the key of the rate limit for this URL."""
        return self.shared_rate_limit or url.netloc.lower()
