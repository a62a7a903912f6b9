"""List a board: fetch all its pages, parse the postings, and record whether the listing is complete."""

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
from app.sources.parsing.dates_and_places import unique
from app.sources.parsing.postings import MAX_ID_LENGTH, ParsedPage, company_of, parse_page
from app.sources.types import Listing, ListingRequest, Page, Posting, Response, Source, Validators

LISTING_SECONDS = 90.0
Parse = Callable[[Response, Board], Page]

log = structlog.get_logger(__name__)


@dataclass
class ListingBuilder:
    """A listing under construction, to which pages are added one by one."""

    source: Source
    with_texts: bool = True
    postings: dict[str, Posting] = field(default_factory=dict)
    """By external id."""
    unparsed: int = 0
    records: int = 0
    pages: int = 0
    is_complete: bool = True
    total: int | None = None
    board_name: str | None = None
    skipped_pages: int = 0
    queue: deque[ListingRequest] = field(default_factory=deque)
    """The requests that responses have led to and that are not sent yet."""
    queued: set[str] = field(default_factory=set)
    """The paths and queries of all requests that were ever in the queue."""
    queued_by_kind: Counter[bool] = field(default_factory=Counter)
    """The number of these requests, by ``is_index``."""

    def add(self, parsed: ParsedPage) -> bool:
        """Add a page; returns whether it had a new posting."""
        size, page = len(self.postings), parsed.page
        for posting in parsed.postings:
            if (same := self.postings.get(posting.external_id)) is None:
                self.postings[posting.external_id] = posting
            elif page.is_leaf and same.title != posting.title and len(posting.url) <= MAX_ID_LENGTH:
                # Two pages use one id for two jobs; their URLs tell them apart.
                self.postings[posting.url] = replace(posting, external_id=posting.url)
            else:
                self.postings[posting.external_id] = _merge(same, posting)
        self.unparsed += parsed.unparsed + len(page.unparsed)
        self.records += page.records
        self.pages += 1
        self.total = page.total if page.total is not None else self.total
        self.board_name = self.board_name or parsed.board_name
        self.skipped_pages += page.skipped_pages
        self._enqueue(page.follow_up)
        return len(self.postings) > size

    def _enqueue(self, requests: Iterable[ListingRequest]) -> None:
        """Add new requests to the queue. Those beyond the source's limits count as unparsed."""
        for request in requests:
            key = f"{request.path}?{urlencode(request.query)}"
            limit = self.source.max_indexes if request.is_index else self.source.max_requests
            if key in self.queued:
                continue
            if self.queued_by_kind[request.is_index] >= limit:
                self.unparsed += 1
                continue
            self.queued.add(key)
            self.queued_by_kind[request.is_index] += 1
            self.queue.append(request)

    def build(self, validators: Validators) -> Listing:
        """Return the listing."""
        is_complete = self.is_complete and not self.unparsed and (self.total is None or self.records >= self.total)
        postings = tuple(self.postings.values())
        return Listing(
            postings, is_complete, self.unparsed, self.board_name, validators, skipped_pages=self.skipped_pages
        )


def list_board(
    client: HttpClient,
    source: str,
    board: str,
    validators: Validators | None = None,
    seconds: float = LISTING_SECONDS,
    with_texts: bool = True,
) -> Listing:
    """List a board within ``seconds``. Without ``with_texts`` the descriptions and requirements are left out.

    With ``validators`` the result may be ``not_modified``. An error on a later page fails the whole listing: the first
    pages alone would look complete. Raises SourceError.
    """
    try:
        parsed_board = SOURCES[source].board(board)
    except (ValueError, KeyError) as error:
        raise NotFound(f"“{board}” is not a valid board name.") from error
    builder = ListingBuilder(SOURCES[source], with_texts)
    return _list(client, builder, parsed_board, validators, Deadline.of(seconds))


def board_name(client: HttpClient, source: Source, board: Board, deadline: Deadline) -> str | None:
    """Request the company's name; None if the source has no such request, or if it fails."""
    if source.name_request is None:
        return None
    try:
        response = client.request(source, board, source.name_request(board), deadline)
        name: str | None = client.compute(company_of, response)
        return name
    except SourceError:
        # The name is optional: the board has been listed already.
        return None


def _list(
    client: HttpClient, builder: ListingBuilder, board: Board, validators: Validators | None, deadline: Deadline
) -> Listing:
    source = builder.source
    response = client.request(source, board, source.first_request(board), deadline, validators)
    if response.status == HTTPStatus.NOT_MODIFIED:
        return Listing((), True, validators=validators or Validators(), not_modified=True)
    first = response
    while request := _add(client, board, response, builder, deadline):
        if builder.pages >= source.max_requests:
            builder.is_complete = False
            break
        response = client.request(source, board, request, deadline)
    if builder.queue:
        _crawl(client, board, builder, deadline)
    return builder.build(_validators(first, builder.pages))


def _crawl(client: HttpClient, board: Board, builder: ListingBuilder, deadline: Deadline) -> None:
    """Send the queued requests in their order, and add their pages.

    These pages are independent: an error loses only its own page and makes the listing incomplete. Raises the first
    error if no posting was found, and NotFound if no page had a posting.
    """
    source, first_error = builder.source, None
    while builder.queue:
        request = builder.queue.popleft()
        try:
            response = client.request(source, board, request, deadline)
            parse = request.read or source.parse
            builder.add(_parse_response(client, parse, response, board, deadline, builder.with_texts))
        except SourceError as error:
            first_error = first_error or error
            builder.unparsed += 1
            if isinstance(error, Throttled | OutOfTime | RateLimited):
                # All further requests would fail in the same way.
                builder.unparsed += len(builder.queue)
                break
    if first_error and not builder.postings:
        raise first_error
    if not builder.records:
        # Not an empty board: the site may hide its postings from programs, or have none.
        pages = f"pages read: {builder.skipped_pages}" if builder.skipped_pages else "its sitemap lists no job pages"
        raise NotFound(f"No readable job postings were found at {board} ({pages}).")


def _add(
    client: HttpClient, board: Board, response: Response, builder: ListingBuilder, deadline: Deadline
) -> ListingRequest | None:
    """Parse and add one response; return the request of the next page."""
    source = builder.source
    parsed = _parse_response(client, source.parse, response, board, deadline, builder.with_texts)
    is_new = builder.add(parsed)
    next_request = source.next_request(board, builder.records, parsed.page)
    if next_request and not is_new:
        # The source repeats its pages instead of ending.
        builder.is_complete = False
        return None
    return next_request


def _parse_response(
    client: HttpClient, parse: Parse, response: Response, board: Board, deadline: Deadline, with_texts: bool
) -> ParsedPage:
    parsed: ParsedPage = client.compute(parse_page, parse, response, board, deadline, with_texts)
    for external_id, error in parsed.errors:
        log.error("posting not parsed", external_id=external_id, exc_info=error)
    return parsed


def _validators(response: Response, pages: int) -> Validators:
    """Return the validators of a board with one page.

    With several pages, those of the first say nothing about the others.
    """
    if pages > 1:
        return Validators()
    return Validators(_storable(response.headers.get("etag")), _storable(response.headers.get("last-modified")))


def _storable(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_ID_LENGTH and value.isascii() and value.isprintable() else None


def _merge(first: Posting, again: Posting) -> Posting:
    """Merge two records of one posting. Some boards list a posting once per location or per language."""
    return replace(
        first,
        locations=unique((*first.locations, *again.locations)),
        description=first.description or again.description,
        requirements=first.requirements or again.requirements,
    )
