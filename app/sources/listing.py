"""Listing a board: every page of it, as postings in the product's own terms, and whether that was everything."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlencode

import structlog

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.errors import NotFound, OutOfTime, RateLimited, SourceError, Throttled
from app.sources.http.client import HttpClient
from app.sources.parsing.postings import MAX_ID_LENGTH, ParsedPage, company_of, parse_page
from app.sources.parsing.values import unique
from app.sources.types import Listing, ListingRequest, Page, Posting, Response, Source, Validators

LISTING_SECONDS = 90.0
Parse = Callable[[Response, Board], Page]

log = structlog.get_logger(__name__)


@dataclass
class ListingBuilder:
    """What has been read so far, page by page."""

    source: Source
    with_texts: bool = True
    postings: dict[str, Posting] = field(default_factory=dict)
    unread: int = 0
    records: int = 0
    pages: int = 0
    is_complete: bool = True
    total: int | None = None
    board_name: str | None = None
    passed: int = 0
    waiting: deque[ListingRequest] = field(default_factory=deque)
    """What to ask for yet, because an answer led there."""
    known: set[str] = field(default_factory=set)
    asked: Counter[bool] = field(default_factory=Counter)
    """How many of them there were in all, by whether they are indexes."""

    def take(self, parsed: ParsedPage) -> bool:
        """Take a page in; returns whether it brought anything new."""
        known, page = len(self.postings), parsed.page
        for posting in parsed.postings:
            if (same := self.postings.get(posting.external_id)) is None:
                self.postings[posting.external_id] = posting
            elif page.is_leaf and same.title != posting.title and len(posting.url) <= MAX_ID_LENGTH:
                # One number for two jobs on two pages is nobody's number; the address tells them apart.
                self.postings[posting.url] = replace(posting, external_id=posting.url)
            else:
                self.postings[posting.external_id] = _joined(same, posting)
        self.unread += parsed.unread + len(page.unread)
        self.records += page.records
        self.pages += 1
        self.total = page.total if page.total is not None else self.total
        self.board_name = self.board_name or parsed.board_name
        self.passed += page.passed
        self._line_up(page.more)
        return len(self.postings) > known

    def _line_up(self, requests: Iterable[ListingRequest]) -> None:
        """Let what is new wait for its turn; what is beyond the bounds stays unread."""
        for request in requests:
            name = f"{request.path}?{urlencode(request.query)}"
            most = self.source.most_indexes if request.is_index else self.source.most_requests
            if name in self.known:
                continue
            if self.asked[request.is_index] >= most:
                self.unread += 1
                continue
            self.known.add(name)
            self.asked[request.is_index] += 1
            self.waiting.append(request)

    def listing(self, validators: Validators) -> Listing:
        """The end of it."""
        whole = self.is_complete and not self.unread and (self.total is None or self.records >= self.total)
        postings = tuple(self.postings.values())
        return Listing(postings, whole, self.unread, self.board_name, validators, passed=self.passed)


def list_board(
    host: HttpClient,
    source: str,
    board: str,
    validators: Validators | None = None,
    seconds: float = LISTING_SECONDS,
    with_texts: bool = True,
) -> Listing:
    """List a board within so many seconds; without texts, if only its size and titles matter.

    With ``validators`` the answer may be that nothing has changed since (``not_modified``). Raises SourceError; what
    was read before a fault on a later page of a list is not returned, because it would pass for the whole.
    """
    try:
        which = SOURCES[source].board(board)
    except (ValueError, KeyError) as error:
        raise NotFound(f"{board} is no name that a board can have.") from error
    return _list(host, ListingBuilder(SOURCES[source], with_texts), which, validators, Deadline.of(seconds))


def board_name(host: HttpClient, source: Source, board: Board, patience: Deadline) -> str | None:
    """The company's name as the system tells it, or None where it does not."""
    if source.name_request is None:
        return None
    try:
        answer = host.ask(source, board, source.name_request(board), patience)
        name: str | None = host.compute(company_of, answer)
        return name
    except SourceError:
        # The postings are what matters; whoever wants them meets the fault there.
        return None


def _list(
    host: HttpClient, reading: ListingBuilder, board: Board, validators: Validators | None, patience: Deadline
) -> Listing:
    source = reading.source
    answer = host.ask(source, board, source.first(board), patience, validators)
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Listing((), True, validators=validators or Validators(), not_modified=True)
    first = answer
    while request := _take(host, board, answer, reading, patience):
        if reading.pages >= source.most_requests:
            reading.is_complete = False
            break
        answer = host.ask(source, board, request, patience)
    if reading.waiting:
        _crawl(host, board, reading, patience)
    return reading.listing(_validators(first, reading.pages))


def _crawl(host: HttpClient, board: Board, reading: ListingBuilder, patience: Deadline) -> None:
    """Ask for everything that answers led to, in its order.

    Pages do not speak for one another as those of one list do: a fault costs its own page, and the listing its
    completeness. Raises it if nothing else was found.
    """
    source, fault = reading.source, None
    while reading.waiting:
        request = reading.waiting.popleft()
        try:
            answer = host.ask(source, board, request, patience)
            reading.take(_parsed(host, request.read or source.parse, answer, board, patience, reading.with_texts))
        except SourceError as error:
            fault = fault or error
            reading.unread += 1
            if isinstance(error, Throttled | OutOfTime | RateLimited):
                # So it would be with all others.
                reading.unread += len(reading.waiting)
                break
    if fault and not reading.postings:
        raise fault
    if not reading.records:
        # Not an empty board: one that is read like this may have hidden its postings, or never shown them.
        why = f"{reading.passed} pages were looked at" if reading.passed else "it lists no page of jobs"
        raise NotFound(f"No posting that programs can read was found at {board}: {why}.")


def _take(
    host: HttpClient, board: Board, answer: Response, reading: ListingBuilder, patience: Deadline
) -> ListingRequest | None:
    """Read one answer; returns the request of the next page."""
    source = reading.source
    parsed = _parsed(host, source.parse, answer, board, patience, reading.with_texts)
    is_new = reading.take(parsed)
    following = source.following(board, reading.records, parsed.page)
    if following and not is_new:
        # The system began to repeat itself instead of coming to an end.
        reading.is_complete = False
        return None
    return following


def _parsed(
    host: HttpClient, parse: Parse, answer: Response, board: Board, patience: Deadline, with_texts: bool
) -> ParsedPage:
    parsed: ParsedPage = host.compute(parse_page, parse, answer, board, patience, with_texts)
    for external_id, fault in parsed.faults:
        log.error("posting not read", external_id=external_id, exc_info=fault)
    return parsed


def _validators(answer: Response, pages: int) -> Validators:
    """Those of a board that came in one answer; of several pages none speaks for the others."""
    if pages > 1:
        return Validators()
    return Validators(_short(answer.headers.get("etag")), _short(answer.headers.get("last-modified")))


def _short(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_ID_LENGTH and value.isascii() and value.isprintable() else None


def _joined(first: Posting, again: Posting) -> Posting:
    """The same posting once more, as boards list it for each of its places, or in a second language."""
    return replace(
        first,
        locations=unique((*first.locations, *again.locations)),
        description=first.description or again.description,
        requirements=first.requirements or again.requirements,
    )
