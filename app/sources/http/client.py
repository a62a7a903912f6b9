"""The HTTP client for boards: one User-Agent, rate limits, robots.txt, limited retries and typed errors."""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import stamina

from app.sources.board_token import TOKEN_PLACEHOLDER, Board, is_system_host, rate_limit_key, with_token
from app.sources.deadline import LISTING_SECONDS, Deadline
from app.sources.errors import (
    AddressRefused,
    Forbidden,
    Moved,
    RateLimited,
    RateLimiterUnavailable,
    SourceError,
    Throttled,
    Unreachable,
)
from app.sources.http import transport
from app.sources.http.rate_limit import CommandRateLimiter, RateLimiter
from app.sources.http.request_policy import MAX_REDIRECTS, RequestPolicy, host_key
from app.sources.http.responses import check_listing, is_missing, origin, redirect_target, retry_after, status_error
from app.sources.http.robots import MAX_ROBOTS_BYTES, ROBOTS_PATH, decide, fetch_robots, kept_seconds
from app.sources.http.ssrf import check_fetchable
from app.sources.http.transport import Limits, RawResponse
from app.sources.parsing.robots_txt import rules_for
from app.sources.types import HTML, ListingRequest, Response, Source, Validators

MAX_LISTING_BYTES = 32_000_000
MAX_PAGE_BYTES = 4_000_000
PAGE_PACE_SECONDS = 1.0
PAGE_TIMEOUT = 15.0

MAX_ATTEMPTS = 3
MAX_CRAWL_DELAY = 30.0
MAX_THROTTLED_BOARDS = 3
"""Throttled boards in a row after which the whole host is blocked for the whole time."""

SHORT_BLOCK_SECONDS = 1.0
"""Seconds for which the whole host is blocked at most while there are fewer."""

MIN_ATTEMPT_SECONDS = 0.2
"""Seconds that must be left for a request after waiting for its slot."""


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


class HttpClient:
    """The client that sends all requests to boards. An application has one; it is safe for any number of threads."""

    def __init__(
        self,
        limiter: RateLimiter | CommandRateLimiter,
        bases: Mapping[str, str],
        contact: str | None,
        allowed_private_hosts: frozenset[str] = frozenset(),
        compute: Callable[..., Any] = _call,
    ) -> None:
        """Create the client. ``bases`` maps ``Source.base_key`` to the operator's base URL.

        Only tests set ``allowed_private_hosts``: private hosts (with ports) that users may name.

        All parsing of responses runs through ``compute``, for instance on another thread. Those functions are pure,
        except that they check the deadline: they use no log, database or context.
        """
        self.limiter = limiter
        self.compute = compute
        self._bases = bases
        self._allowed_private_hosts = allowed_private_hosts
        self.user_agent = f"JobIngestion/0.1 (+{contact})" if contact else "JobIngestion/0.1"

    def with_limiter(self, limiter: RateLimiter | CommandRateLimiter) -> "HttpClient":
        """Return a copy of this client with another rate limiter."""
        other = copy(self)
        other.limiter = limiter
        return other

    def held_back(self, sources: Iterable[Source], max_wait: float = LISTING_SECONDS) -> set[str]:
        """Return the keys of the sources to which no request could be sent now: reading a board would be put off.

        Their system has asked for a pause of more than SHORT_BLOCK_SECONDS, or its next free slot is more than
        ``max_wait`` seconds away. Of a source with regions, each must be so. Without Redis, all are held back.
        """
        systems = {source.key: self._systems(source) for source in sources}
        try:
            waits = self.limiter.waits({key for keys in systems.values() for key in keys})
        except RateLimiterUnavailable:
            return set(systems)
        held = {key for key, (block, queue) in waits.items() if block > SHORT_BLOCK_SECONDS or queue > max_wait}
        return {source for source, keys in systems.items() if keys and keys <= held}

    def _systems(self, source: Source) -> set[str]:
        """Return the keys of the rate limits of a source's regions; none if each of its boards has its own host."""
        bases = (self._bases.get(source.base_key(region), base) for region, base in source.bases.items())
        keys = [rate_limit_key(base.rstrip("/")) for base in bases]
        return set(keys) if all(keys) else set()

    def request(
        self,
        source: Source,
        board: Board,
        request: ListingRequest,
        deadline: Deadline,
        validators: Validators | None = None,
    ) -> Response:
        """Send a request to a source. Raises SourceError; ``is_missing`` is true if this address answers 404 or 410.

        The status is 200; 304 if ``validators`` match; 404 or 410 if ``may_be_missing``.
        """
        key = source.base_key(board.region)
        base = self._bases.get(key, source.bases[board.region]).rstrip("/")
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = urlsplit(f"{with_token(base, board)}{request.path}{query}")
        # The operator's address may be private; a company's own domain, which replaces it, may not.
        is_on_base = urlsplit(base).netloc.replace(TOKEN_PLACEHOLDER, board.token) == url.netloc
        is_robots = request.path == ROBOTS_PATH
        policy = RequestPolicy(
            source.pace_seconds,
            source.response_timeout,
            MAX_ROBOTS_BYTES if is_robots else MAX_PAGE_BYTES if request.accept == HTML else MAX_LISTING_BYTES,
            allow_private=key in self._bases and is_on_base,
            retryable_statuses=source.retryable_statuses,
            truncate=is_robots,
            system_key=rate_limit_key(base),
            is_system_host=is_system_host(base, host_key(url)),
        )
        headers = {"Accept": request.accept, **_conditions(validators)}
        raw, final = self._follow(url, headers, policy, deadline)
        if (raw.status == HTTPStatus.NOT_MODIFIED and validators) or (request.may_be_missing and is_missing(raw)):
            return Response(raw.status, raw.headers, b"", final.geturl(), deadline)
        try:
            check_listing(raw, f"{source.name}'s board {board}", source.error_messages, is_page=request.accept == HTML)
        except SourceError as error:
            # The page that a redirect leads to says nothing about this address.
            error.is_missing = is_missing(raw) and final == url
            raise
        return Response(raw.status, raw.headers, raw.body, final.geturl(), deadline)

    def fetch(self, url: SplitResult, deadline: Deadline) -> tuple[Response | None, SplitResult]:
        """Fetch a page that a user named. Returns the page and its final URL.

        After a redirect to another host, returns None and the new URL.

        Only https and public hosts are fetched, also after a redirect. Raises SourceError.
        """
        allow_private = url.netloc in self._allowed_private_hosts
        if not allow_private:
            check_fetchable(url)
        # One host has one rate limit, however its address is written.
        url = url._replace(netloc=transport.authority(url))
        policy = RequestPolicy(PAGE_PACE_SECONDS, PAGE_TIMEOUT, MAX_PAGE_BYTES, allow_private=allow_private)
        try:
            raw, final = self._follow(url, {"Accept": HTML}, policy, deadline)
        except Moved as moved:
            return None, urlsplit(moved.location)
        if raw.status != HTTPStatus.OK:
            raise status_error(raw, f"The page at {url.hostname}", {})
        return Response(raw.status, raw.headers, raw.body, final.geturl(), deadline), final

    def _follow(
        self, url: SplitResult, headers: Mapping[str, str], policy: RequestPolicy, deadline: Deadline
    ) -> tuple[RawResponse, SplitResult]:
        """GET a URL and follow redirects on the same host. Raises Moved for one to another host."""
        for _ in range(MAX_REDIRECTS):
            raw = self._get(url, headers, self._apply_robots(url, policy, deadline), deadline)
            if (target := redirect_target(url, raw)) is None:
                return raw, url
            if origin(target) != origin(url):
                raise _moved_error(url, target)
            url = target
        raise Unreachable(f"{url.hostname} redirects too many times.")

    def _get(
        self, url: SplitResult, headers: Mapping[str, str], policy: RequestPolicy, deadline: Deadline
    ) -> RawResponse:
        """GET a URL under its rate limit, with up to MAX_ATTEMPTS tries for temporary errors."""
        for attempt in stamina.retry_context(
            on=lambda error: _should_retry(error, deadline),
            attempts=MAX_ATTEMPTS,
            timeout=max(0.1, deadline.left),
            wait_initial=0.3,
            wait_jitter=0.2,
            wait_max=5.0,
        ):
            with attempt:
                self._wait_for_slot(url, policy, deadline)
                deadline.check()
                seconds = min(policy.response_timeout, deadline.left)
                limits = Limits(
                    seconds, policy.max_bytes, policy.allow_private, policy.truncate, policy.is_system_host
                )
                raw = transport.send(url, {"User-Agent": self.user_agent, **headers}, limits)
                self._check_throttled(url, raw, policy)
        return raw

    def _wait_for_slot(self, url: SplitResult, policy: RequestPolicy, deadline: Deadline) -> None:
        """Sleep until the rate limit permits a request to this URL.

        Raises Throttled if the host asked for a pause beyond the deadline, RateLimited if no slot is free before it,
        NotWanted if the work is stopped.
        """
        # No slot is acquired for work that has been stopped.
        deadline.check()
        slots = policy.slots(url)
        blocked = self.limiter.blocked_for(_path_key(url), *(key for key, _ in slots))
        if blocked > _max_wait(deadline):
            raise Throttled(_throttled(url), datetime.now(UTC) + timedelta(seconds=blocked))
        deadline.sleep(blocked)
        for key, pace_seconds in slots:
            wait = self.limiter.acquire_slot(key, pace_seconds, _max_wait(deadline))
            if wait < 0:
                raise RateLimited(f"Too many requests to {url.hostname} are waiting.")
            deadline.sleep(wait)

    def _check_throttled(self, url: SplitResult, raw: RawResponse, policy: RequestPolicy) -> None:
        """Raise Throttled if the host asks for fewer requests, Unreachable if it has a temporary problem.

        A throttled URL is blocked for all processes. The host is blocked for SHORT_BLOCK_SECONDS at most, and for the
        whole time after MAX_THROTTLED_BOARDS throttled boards in a row: one company's trouble must not stop the others.
        A company's own domain holds back itself only, never the system that serves it.
        """
        host = policy.hold_key(url)
        if raw.status == HTTPStatus.TOO_MANY_REQUESTS or (raw.status == 503 and "retry-after" in raw.headers):
            seconds = retry_after(raw.headers.get("retry-after"))
            self.limiter.block(_path_key(url), seconds)
            in_a_row = self.limiter.record_throttle(host, _path_key(url))
            self.limiter.block(host, seconds if in_a_row >= MAX_THROTTLED_BOARDS else min(seconds, SHORT_BLOCK_SECONDS))
            raise Throttled(_throttled(url), datetime.now(UTC) + timedelta(seconds=seconds))
        if raw.status >= HTTPStatus.INTERNAL_SERVER_ERROR or raw.status in policy.retryable_statuses:
            raise Unreachable(f"{url.hostname} has a temporary problem (status {raw.status}).")
        if url.path != ROBOTS_PATH:
            # A robots.txt precedes the first request to each company's host: it must not end a row of throttled boards.
            self.limiter.reset_throttles(host)

    def _apply_robots(self, url: SplitResult, policy: RequestPolicy, deadline: Deadline) -> RequestPolicy:
        """Return the policy with the Crawl-delay of robots.txt (RFC 9309). Raises Forbidden if that forbids the URL."""
        name, agent = f"robots:{url.scheme}://{host_key(url)}", self.user_agent.partition("/")[0]
        text = self.limiter.get(name)
        if text is None:
            text = self.compute(rules_for, agent, fetch_robots(self._get, url, policy, deadline))
            self.limiter.set(name, text, kept_seconds(text))
        decision = self.compute(decide, text, url.geturl(), agent)
        if not decision.is_allowed:
            raise Forbidden(f"{url.hostname} {decision.reason}")
        return replace(policy, crawl_delay=min(decision.crawl_delay, MAX_CRAWL_DELAY))


def _moved_error(url: SplitResult, target: SplitResult) -> SourceError:
    """Return the error for a redirect to another host, or from https to plain http on the same one."""
    if (url.scheme, target.scheme, target.hostname) == ("https", "http", url.hostname):
        return AddressRefused(f"{url.hostname} redirects from https to plain http, which is not allowed.")
    return Moved(f"{url.hostname} redirects to {target.hostname}.", target.geturl())


def _max_wait(deadline: Deadline) -> float:
    """Return the seconds that a request may wait for its slot."""
    return max(0.0, deadline.left - MIN_ATTEMPT_SECONDS)


def _throttled(url: SplitResult) -> str:
    return f"{url.hostname} asks for fewer requests."


def _path_key(url: SplitResult) -> str:
    """Return the key under which one board, by its path, is throttled."""
    return f"{url.netloc.lower()}{url.path}"


def _conditions(validators: Validators | None) -> dict[str, str]:
    """Return the headers of a conditional request."""
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified} if validators else {}
    return {name: value for name, value in named.items() if value}


def _should_retry(error: Exception, deadline: Deadline) -> bool | float:
    """Return the pause before a retry in seconds, True for the default pause, or False.

    The rate limit adds its own wait.
    """
    if isinstance(error, Throttled) and error.retry_at:
        return 0.01 if (error.retry_at - datetime.now(UTC)).total_seconds() < deadline.left - 1 else False
    return isinstance(error, Unreachable) and not isinstance(error, AddressRefused) and deadline.left > 1
