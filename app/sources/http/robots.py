"""The robots.txt of a host (RFC 9309): its request and its rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import SplitResult

from protego import Protego

from app.sources.deadline import Deadline
from app.sources.http.request_policy import MAX_REDIRECTS, RequestPolicy
from app.sources.http.responses import origin, redirect_target
from app.sources.http.ssrf import is_fetchable
from app.sources.http.transport import RawResponse
from app.sources.parsing.robots_txt import TOO_MANY_RULES, rules_for

ROBOTS_PATH = "/robots.txt"

MAX_ROBOTS_BYTES = 512_000
"""The part of a robots.txt that is read. RFC 9309 requires at least 500 KiB and permits ignoring the rest."""

ROBOTS_KEPT_SECONDS = 3600
"""Seconds. RFC 9309 permits a day; with an hour, a changed robots.txt takes effect the same day."""

LARGE_ROBOTS_KEPT_SECONDS = 300
"""The same for rules of more than LARGE_ROBOTS characters: for the time of a listing, to spare the memory of Redis."""

LARGE_ROBOTS = 20_000

MAX_PARSED_LARGE = 4
MAX_PARSED_SMALL = 32
"""The hosts whose rules a process keeps parsed, more than it reads at a time. Large rules take up to 8 MB each."""

Get = Callable[[SplitResult, Mapping[str, str], RequestPolicy, Deadline], RawResponse]


@dataclass(frozen=True)
class RobotsDecision:
    """The answer of a robots.txt for one URL: permission, Crawl-delay in seconds, and the reason for a refusal."""

    is_allowed: bool
    crawl_delay: float
    reason: str = "does not allow programs to read this page (robots.txt)."
    """The end of a sentence that starts with the host."""


def fetch_robots(get: Get, url: SplitResult, policy: RequestPolicy, deadline: Deadline) -> str:
    """Fetch the robots.txt of a URL's host; return "" if it has none. ``get`` sends a request without redirects.

    A redirect is followed if ``is_fetchable`` permits its target, or if it stays on a host that may be private.
    """
    location = url._replace(path=ROBOTS_PATH, query="", fragment="")
    own_policy = replace(policy, max_bytes=MAX_ROBOTS_BYTES, truncate=True)
    other_policy = replace(own_policy, allow_private=False, system_key="", is_system_host=False)
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


def kept_seconds(text: str) -> int:
    """Return the seconds for which the rules of a robots.txt are cached."""
    return ROBOTS_KEPT_SECONDS if len(text) <= LARGE_ROBOTS else LARGE_ROBOTS_KEPT_SECONDS


def decide(text: str, url: str, agent: str) -> RobotsDecision:
    """Return whether the rules of a robots.txt permit this program to fetch the URL, and its Crawl-delay."""
    if text == TOO_MANY_RULES:
        return RobotsDecision(False, 0.0, "has a robots.txt with too many rules to obey, so it is not read.")
    rules = (_parse_large if len(text) > LARGE_ROBOTS else _parse_small)(text, agent)
    return RobotsDecision(rules.can_fetch(url, agent), rules.crawl_delay(agent) or 0.0)


def _parse(text: str, agent: str) -> Protego:
    # A text that an earlier version has cached holds the rules for all programs.
    return Protego.parse(rules_for(agent, text))


_parse_large = lru_cache(MAX_PARSED_LARGE)(_parse)
_parse_small = lru_cache(MAX_PARSED_SMALL)(_parse)
