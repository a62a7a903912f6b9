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
    system_key: str = ""
    """The key of the rate limit that all hosts of a system share; "" if the host belongs to none."""
    is_system_host: bool = False
    """True if the system runs the name of the host, False for a company's own domain.

    Only the system may hold back its other hosts."""
    crawl_delay: float = 0.0
    """Seconds between two requests to the host, as it asks for them. They slow no other host down."""

    def hold_key(self, url: SplitResult) -> str:
        """Return the key that is blocked if the host asks for fewer requests."""
        return self.system_key if self.is_system_host else host_key(url)

    def slots(self, url: SplitResult) -> list[tuple[str, float]]:
        """Return the keys of the rate limits for this URL, each with the seconds between two requests.

        The host comes first: its wait may be long, and no slot of the system is acquired before it ends.
        """
        own = (host_key(url), max(self.pace_seconds, self.crawl_delay))
        return [own, (self.system_key, self.pace_seconds)] if self.system_key not in ("", own[0]) else [own]


def host_key(url: SplitResult) -> str:
    """Return the key of the rate limit of a host."""
    return url.netloc.lower()
