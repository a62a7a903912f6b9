"""List a board: fetch all its pages, parse the postings, and record whether the listing is complete."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.errors import NotFound, OutOfTime, RateLimited, SourceError, Throttled
from app.sources.http.client import HttpClient
from app.sources.listing_builder import ListingBuilder, PassOn
from app.sources.parsing.postings import MAX_ID_LENGTH, Batch, company_of, next_batch
from app.sources.types import Listing, ListingRequest, Page, Response, Source, Validators

LISTING_SECONDS = 90.0

log = structlog.get_logger(__name__)


def list_board(
    client: HttpClient,
    source: str,
    board: str,
    validators: Validators | None = None,
    seconds: float = LISTING_SECONDS,
    with_texts: bool = True,
    on_postings: PassOn | None = None,
) -> Listing:
    """List a board within ``seconds``. Without ``with_texts`` the descriptions and requirements are left out.

    With ``on_postings``, that function gets the postings in batches as soon as they are read, and the listing has none.
    A posting that occurs again with more places, or with a text that it lacked, is passed on again. A text that is None
    then changes nothing.

    With ``validators`` the result may be ``not_modified``. An error on a later page fails the whole listing: the first
    pages alone would look complete. Raises SourceError.
    """
    try:
        parsed_board = SOURCES[source].board(board)
    except (ValueError, KeyError) as error:
        raise NotFound(f"“{board}” is not a valid board name.") from error
    builder = ListingBuilder(SOURCES[source], with_texts, on_postings)
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
    request = source.first_request(board)
    response = client.request(source, board, request, deadline, validators)
    if response.status == HTTPStatus.NOT_MODIFIED:
        return Listing((), True, validators=validators or Validators(), not_modified=True)
    headers = response.headers
    while following := _add(client, request, response, board, builder):
        # The body is dropped before the next one is received: together they would take 64 MB.
        del response
        if builder.is_full or builder.pages >= source.max_requests:
            builder.stop()
            break
        request = following
        response = client.request(source, board, request, deadline)
    if builder.queue:
        _crawl(client, board, builder, deadline)
    return builder.build(_validators(headers, builder.pages))


def _crawl(client: HttpClient, board: Board, builder: ListingBuilder, deadline: Deadline) -> None:
    """Send the queued requests in their order, and add their pages.

    These pages are independent: an error loses only its own page and makes the listing incomplete. Raises the first
    error if no posting was found, and NotFound if no page had a posting.
    """
    first_error = None
    while builder.queue and not builder.is_full:
        request = builder.queue.popleft()
        try:
            _parse(client, request, client.request(builder.source, board, request, deadline), board, builder)
        except SourceError as error:
            # Without its stack, which would keep the page in memory.
            first_error = first_error or error.with_traceback(None)
            builder.unparsed += 1
            if isinstance(error, Throttled | OutOfTime | RateLimited):
                # All further requests would fail in the same way.
                builder.unparsed += len(builder.queue)
                break
    if builder.queue:
        builder.stop()
    if first_error and not builder.postings:
        raise first_error
    if not builder.records:
        # Not an empty board: the site may hide its postings from programs, or have none.
        pages = f"pages read: {builder.skipped_pages}" if builder.skipped_pages else "its sitemap lists no job pages"
        raise NotFound(f"No readable job postings were found at {board} ({pages}).")


def _add(
    client: HttpClient, request: ListingRequest, response: Response, board: Board, builder: ListingBuilder
) -> ListingRequest | None:
    """Parse and add one response; return the request of the next page."""
    count = len(builder.postings)
    page = _parse(client, request, response, board, builder)
    following = builder.source.next_request(board, builder.records, page) if page else None
    if following and len(builder.postings) == count:
        # The source repeats its pages instead of ending.
        builder.is_complete = False
        return None
    return following


def _parse(
    client: HttpClient, request: ListingRequest, response: Response, board: Board, builder: ListingBuilder
) -> Page | None:
    """Parse a response batch by batch, and return the page; None if the listing reached a limit within it."""
    parsing = (request.read or builder.source.parse)(response, board)
    while not builder.is_full:
        batch: Batch = client.compute(next_batch, parsing, response.deadline, builder.with_texts)
        if batch.error:
            external_id, error = batch.error
            log.error("posting not parsed", external_id=external_id, exc_info=error)
        builder.add_postings(batch, is_leaf=request.is_leaf)
        if batch.page:
            builder.add_page(batch.page, batch.board_name)
            return batch.page
    return None


def _validators(headers: Mapping[str, str], pages: int) -> Validators:
    """Return the validators of a board with one page, from the headers of the first.

    With several pages, those of the first say nothing about the others.
    """
    if pages > 1:
        return Validators()
    return Validators(_storable(headers.get("etag")), _storable(headers.get("last-modified")))


def _storable(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_ID_LENGTH and value.isascii() and value.isprintable() else None
