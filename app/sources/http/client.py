"""How boards are asked: one identity, one pace per host, robots.txt first, bounded tries, typed errors."""

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import stamina
from protego import Protego

from app.sources.board_token import TOKEN, Board, rate_limit_key, with_token
from app.sources.deadline import Deadline
from app.sources.errors import AddressRefused, Forbidden, Moved, RateLimited, SourceError, Throttled, Unreachable
from app.sources.http import transport
from app.sources.http.policy import RequestPolicy, check_visitable, is_visitable
from app.sources.http.rate_limit import CommandRateLimiter, RateLimiter
from app.sources.http.responses import check_listing, is_missing, origin, refusal, retry_after, target
from app.sources.http.transport import Limits, RawResponse
from app.sources.types import HTML, ListingRequest, Response, Source, Validators

LISTING_BYTES = 32_000_000
PAGE_BYTES = 4_000_000
ROBOTS_BYTES = 512_000
"""What is read of a robots.txt; RFC 9309 wants 500 KiB at least, and what is behind that may be passed over."""

ROBOTS_KEPT_SECONDS = 3600
"""RFC 9309 allows a day; an hour lets a company that changes its mind be heard the same day."""

MAX_ATTEMPTS = 3
MAX_REDIRECTS = 5
MAX_CRAWL_DELAY = 30.0
STRIKES = 3
"""After so many boards in a row that want fewer requests it is the host that wants them."""

STRIKE_SECONDS = 1.0
"""What the host is left alone for before that."""

MIN_ATTEMPT_SECONDS = 0.2
"""Seconds that must be left for a request after waiting for its turn."""


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


class HttpClient:
    """Asks boards on behalf of everybody. One for each application; safe for any number of threads."""

    def __init__(
        self,
        limiter: RateLimiter | CommandRateLimiter,
        bases: Mapping[str, str],
        contact: str | None,
        own: frozenset[str] = frozenset(),
        compute: Callable[..., Any] = _call,
    ) -> None:
        """``bases`` are the addresses that the operator has set, by their keys (``Source.base_key``).

        ``own`` are hosts, with ports, that are visited for users though they are not on the public Internet: none in
        an installation; a test names the server that it has started itself.

        ``compute`` calls a function with arguments and returns its result, for instance on another thread. All reading
        of what hosts answered goes through it, and is pure: no log, database, clock but the deadline's, or context.
        """
        self.limiter = limiter
        self.compute = compute
        self._bases = bases
        self._own = own
        self.user_agent = f"JobIngestion/0.1 (+{contact})" if contact else "JobIngestion/0.1"

    def paced_by(self, limiter: RateLimiter | CommandRateLimiter) -> "HttpClient":
        """Return the same host with another rate limiter."""
        other = copy(self)
        other.limiter = limiter
        return other

    def ask(
        self,
        source: Source,
        board: Board,
        request: ListingRequest,
        patience: Deadline,
        validators: Validators | None = None,
    ) -> Response:
        """Ask a system's interface. The status of the answer is 200, or 304 if there were ``validators``.

        It is 404 or 410, too, where the request allows for it. Raises SourceError.
        """
        key = source.base_key(board.region)
        base = self._bases.get(key, source.bases[board.region]).rstrip("/")
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = urlsplit(f"{with_token(base, board)}{request.path}{query}")
        manners = RequestPolicy(
            source.pace_seconds,
            source.answer_seconds,
            PAGE_BYTES if request.accept == HTML else LISTING_BYTES,
            # What the operator has set may be anywhere; a company's own domain, which stands in its place, may not.
            inward=key in self._bases and urlsplit(base).netloc.replace(TOKEN, board.token) == url.netloc,
            passing=source.passing,
            paced_as=rate_limit_key(base),
        )
        headers = {"Accept": request.accept, **_conditions(validators)}
        reply, final = self._follow(url, headers, manners, patience)
        if (reply.status == HTTPStatus.NOT_MODIFIED and validators) or (request.may_be_missing and is_missing(reply)):
            return Response(reply.status, reply.headers, b"", final.geturl())
        check_listing(reply, f"{source.name}'s board {board}", source.refusals, is_page=request.accept == HTML)
        return Response(reply.status, reply.headers, reply.body, final.geturl())

    def visit(self, url: SplitResult, patience: Deadline) -> tuple[Response | None, SplitResult]:
        """Fetch a page that a user named, and where it led to; without the page, if that is another host.

        Only https and only public machines, also after a redirect. Raises SourceError.
        """
        is_own = url.netloc in self._own
        if not is_own:
            check_visitable(url)
        manners = RequestPolicy(1.0, 15.0, PAGE_BYTES, inward=is_own)
        try:
            reply, final = self._follow(url, {"Accept": HTML}, manners, patience)
        except Moved as moved:
            return None, urlsplit(moved.location)
        if reply.status != HTTPStatus.OK:
            raise refusal(reply, f"The page at {url.hostname}", {})
        return Response(reply.status, reply.headers, reply.body, final.geturl()), final

    def _follow(
        self, url: SplitResult, headers: Mapping[str, str], manners: RequestPolicy, patience: Deadline
    ) -> tuple[RawResponse, SplitResult]:
        """GET an address and where it leads to on the same host. Raises Moved where it leads to another."""
        for _ in range(MAX_REDIRECTS):
            paced = self._by_robots(url, manners, patience)
            reply = self._get(url, headers, paced, patience)
            if (where := target(url, reply)) is None:
                return reply, url
            if origin(where) != origin(url):
                raise _leads_away(url, where)
            url = where
        raise Unreachable(f"{url.hostname} leads from one address to the next, without end.")

    def _get(
        self, url: SplitResult, headers: Mapping[str, str], manners: RequestPolicy, patience: Deadline
    ) -> RawResponse:
        """GET with a pace and a second and third try, of what may succeed then."""
        for attempt in stamina.retry_context(
            on=lambda error: _is_passing(error, patience),
            attempts=MAX_ATTEMPTS,
            timeout=max(0.1, patience.left),
            wait_initial=0.3,
            wait_jitter=0.2,
            wait_max=5.0,
        ):
            with attempt:
                self._wait_turn(url, manners, patience)
                patience.check()
                seconds = min(manners.answer_seconds, patience.left)
                bounds = Limits(seconds, manners.most_bytes, manners.inward, manners.is_cut)
                reply = transport.send(url, {"User-Agent": self.user_agent, **headers}, bounds)
                self._check_busy(url, reply, manners)
        return reply

    def _wait_turn(self, url: SplitResult, manners: RequestPolicy, patience: Deadline) -> None:
        """Wait until this address and its host may be asked.

        Raises Throttled if they asked to be left alone for longer than there is time, Busy if others have all turns.
        """
        most = max(0.0, patience.left - MIN_ATTEMPT_SECONDS)
        held = self.limiter.blocked_for(_place(url), manners.pacer(url))
        if held > most:
            raise Throttled(f"{url.hostname} asked to be left alone.", datetime.now(UTC) + timedelta(seconds=held))
        time.sleep(held)
        wait = self.limiter.acquire_slot(manners.pacer(url), manners.pace_seconds, most - held)
        if wait < 0:
            raise RateLimited(f"{url.hostname} is asked as often as it may be by others.")
        time.sleep(wait)

    def _check_busy(self, url: SplitResult, reply: RawResponse, manners: RequestPolicy) -> None:
        """Raises Throttled if the host wants fewer requests, Unreachable if it is not well.

        Everybody keeps off that address then; off the whole host only when several boards in a row say the same, so
        that one company's trouble is not that of all others whose boards are on the same host.
        """
        host = manners.pacer(url)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or (reply.status == 503 and "retry-after" in reply.headers):
            seconds = retry_after(reply.headers.get("retry-after"))
            self.limiter.block(_place(url), seconds)
            in_a_row = self.limiter.record_throttle(host, _place(url))
            self.limiter.block(host, seconds if in_a_row >= STRIKES else min(seconds, STRIKE_SECONDS))
            raise Throttled(f"{url.hostname} wants fewer requests.", datetime.now(UTC) + timedelta(seconds=seconds))
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status in manners.passing:
            raise Unreachable(f"{url.hostname} has a problem (it answers {reply.status}).")
        self.limiter.reset_throttles(host)

    def _by_robots(self, url: SplitResult, manners: RequestPolicy, patience: Deadline) -> RequestPolicy:
        """The manners that the robots.txt asks for (RFC 9309). Raises Forbidden if it keeps us off."""
        text = self._robots(url, manners, patience)
        is_allowed, delay = self.compute(_read_robots, text, url.geturl(), self.user_agent.partition("/")[0])
        if not is_allowed:
            raise Forbidden(f"The robots.txt of {url.hostname} asks programs to keep off this address.")
        # The slower of the two paces: a host may ask for more time, and never for less.
        return replace(manners, pace_seconds=max(manners.pace_seconds, min(delay, MAX_CRAWL_DELAY)))

    def _robots(self, url: SplitResult, manners: RequestPolicy, patience: Deadline) -> str:
        """The host's robots.txt; "" where there is none."""
        name = f"robots:{url.scheme}://{url.netloc.lower()}"
        known = self.limiter.get(name)
        if known is not None:
            return known
        where = url._replace(path="/robots.txt", query="", fragment="")
        short = replace(manners, most_bytes=ROBOTS_BYTES, is_cut=True)
        for _ in range(MAX_REDIRECTS):
            here = origin(where) == origin(url)
            bounded = short if here else replace(short, inward=False, paced_as="")
            reply = self._get(where, {"Accept": "text/plain"}, bounded, patience)
            onward = target(where, reply)
            if onward is None:
                break
            if not (manners.inward and origin(onward) == origin(url)) and not is_visitable(onward):
                break
            where = onward
        text = reply.body.decode("utf-8-sig", "replace") if reply.status == HTTPStatus.OK else ""
        self.limiter.set(name, text, ROBOTS_KEPT_SECONDS)
        return text


def _read_robots(text: str, url: str, agent: str) -> tuple[bool, float]:
    """Return whether a robots.txt lets this program fetch an address, and the Crawl-delay that it asks for."""
    rules = Protego.parse(text)
    return rules.can_fetch(url, agent), rules.crawl_delay(agent) or 0.0


def _leads_away(url: SplitResult, where: SplitResult) -> SourceError:
    """The error for a redirect to another host, or from https to plain http on the same one."""
    if (url.scheme, where.scheme, where.hostname) == ("https", "http", url.hostname):
        return AddressRefused(f"{url.hostname} leads from https to plain http, which is not followed.")
    return Moved(f"{url.hostname} leads to {where.hostname}.", where.geturl())


def _place(url: SplitResult) -> str:
    """What a host may want to be asked less often for: one board, by its address."""
    return f"{url.netloc.lower()}{url.path}"


def _conditions(validators: Validators | None) -> dict[str, str]:
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified} if validators else {}
    return {name: value for name, value in named.items() if value}


def _is_passing(error: Exception, patience: Deadline) -> bool | float:
    """Whether another try may succeed in the time there is; waiting for a host's turn is the pace's business."""
    if isinstance(error, Throttled) and error.retry_at:
        return 0.01 if (error.retry_at - datetime.now(UTC)).total_seconds() < patience.left - 1 else False
    return isinstance(error, Unreachable) and not isinstance(error, AddressRefused) and patience.left > 1
