"""The policy for requests to one host."""

from dataclasses import dataclass
from urllib.parse import SplitResult

from app.sources.errors import AddressRefused


@dataclass(frozen=True)
class RequestPolicy:
    """How one host is to be treated."""

    pace_seconds: float
    answer_seconds: float
    most_bytes: int
    inward: bool = False
    passing: frozenset[int] = frozenset()
    """Statuses after which it is asked again, besides those that always are."""
    is_cut: bool = False
    """Whether what is larger than ``most_bytes`` is cut to that, and not refused."""
    paced_as: str = ""
    """Whose turns are taken, if not the host's own: those of a system whose companies have hosts of their own."""

    def pacer(self, url: SplitResult) -> str:
        """Whose turn has to be waited for."""
        return self.paced_as or url.netloc.lower()


def check_visitable(url: SplitResult) -> None:
    """Raises AddressRefused unless the address may be visited: https, on its own port, with nobody's name in it."""
    if url.scheme != "https":
        raise AddressRefused("Only https addresses are visited.")
    if url.port not in (None, 443):
        raise AddressRefused("Only addresses on the ordinary port of https are visited.")
    if url.username is not None or url.password is not None:
        raise AddressRefused("The address carries a name or a password; leave it out.")


def is_visitable(url: SplitResult) -> bool:
    """Whether the address may be visited."""
    try:
        check_visitable(url)
    except AddressRefused:
        return False
    return True
