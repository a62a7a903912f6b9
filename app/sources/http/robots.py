"""The robots.txt of a host (RFC 9309): its request and its rules."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import SplitResult

from protego import Protego

from app.sources.deadline import Deadline
from app.sources.http.request_policy import MAX_REDIRECTS, RequestPolicy
from app.sources.http.responses import origin, redirect_target
from app.sources.http.ssrf import is_fetchable
from app.sources.http.transport import RawResponse

MAX_ROBOTS_BYTES = 512_000
"""The part of a robots.txt that is read. RFC 9309 requires at least 500 KiB and permits ignoring the rest."""

ROBOTS_KEPT_SECONDS = 3600
"""Seconds. RFC 9309 permits a day; with an hour, a changed robots.txt takes effect the same day."""

Get = Callable[[SplitResult, Mapping[str, str], RequestPolicy, Deadline], RawResponse]


def fetch_robots(get: Get, url: SplitResult, policy: RequestPolicy, deadline: Deadline) -> str:
    """Fetch the robots.txt of a URL's host; return "" if it has none. ``get`` sends a request without redirects.

    A redirect is followed if ``is_fetchable`` permits its target, or if it stays on a host that may be private.
    """
    location = url._replace(path="/robots.txt", query="", fragment="")
    own_policy = replace(policy, max_bytes=MAX_ROBOTS_BYTES, truncate=True)
    other_policy = replace(own_policy, allow_private=False, shared_rate_limit="")
    for _ in range(MAX_REDIRECTS):
        used = own_policy if origin(location) == origin(url) else other_policy
        raw = get(location, {"Accept": "text/plain"}, used, deadline)
        target = redirect_target(location, raw)
        if target is None:
            break
        if not (policy.allow_private and origin(target) == origin(url)) and not is_fetchable(target):
            break
        location = target
    return raw.body.decode("utf-8-sig", "replace") if raw.status == HTTPStatus.OK else ""


def parse_robots(text: str, url: str, agent: str) -> tuple[bool, float]:
    """Return whether a robots.txt permits this program to fetch the URL, and its Crawl-delay in seconds."""
    rules = Protego.parse(text)
    return rules.can_fetch(url, agent), rules.crawl_delay(agent) or 0.0
