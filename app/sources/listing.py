"""List a board: fetch all its pages, parse the postings, and record whether the listing is complete."""

import hashlib
from http import HTTPStatus

import structlog

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.deadline import LISTING_SECONDS, Deadline
from app.sources.errors import NotFound, NotWanted, OutOfTime, RateLimited, ShapeChanged, SourceError, Throttled
from app.sources.http.client import HttpClient
from app.sources.listing_builder import ListingBuilder, PassOn, PassOnIds
from app.sources.parsing.postings import Batch, company_of, next_batch
from app.sources.types import Listing, ListingRequest, Page, Response, Source, Validators

MAX_VALIDATOR_LENGTH = 255

log = structlog.get_logger(__name__)


def list_board(
    client: HttpClient,
    source: str,
    board: str,
    validators: Validators | None = None,
    deadline: Deadline | None = None,
    with_texts: bool = True,
    on_postings: PassOn | None = None,
    on_seen: PassOnIds | None = None,
) -> Listing:
    """List a board before the deadline, or within LISTING_SECONDS. Without ``with_texts`` all texts are left out.

    With ``on_postings``, that function gets the postings in batches as soon as they are read, and the listing has none.
    A posting that occurs again with more places, or with a text that it lacked, is passed on again, whole: it replaces.

    ``on_seen`` gets the ids of the records that could not be read otherwise, also in batches. An id may be passed on
    more than once, and to both.

    With ``validators`` the result may be ``not_modified``. An error on a later page fails the whole listing: the first
    pages alone would look complete. Raises SourceError, also NotWanted if another thread stops the deadline.
    """
    try:
        parsed_board = SOURCES[source].board(board)
    except (ValueError, KeyError) as error:
        raise NotFound(f"“{board}” is not a valid board name.") from error
    builder = ListingBuilder(SOURCES[source], with_texts, on_postings, on_seen)
    try:
        return _list(client, builder, parsed_board, validators, deadline or Deadline.of(LISTING_SECONDS))
    except SourceError as error:
        # After the first page, it was a page that was missing, not the board.
        error.is_missing = error.is_missing and not builder.pages
        raise


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
    found = _validators(response)
    if validators and validators.body_hash == found.body_hash:
        return Listing((), True, validators=found, not_modified=True)
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
    # With several pages, the validators of the first say nothing about the others.
    return builder.build(found if builder.pages == 1 else Validators())


def _crawl(client: HttpClient, board: Board, builder: ListingBuilder, deadline: Deadline) -> None:
    """Send the queued requests in their order, and add their pages.

    These pages are independent: an error loses only its own page and makes the listing incomplete. Raises the first
    error if no posting was found, and NotFound if no page had a posting.
    """
    first_error: SourceError | None = None
    while builder.queue and not builder.is_full:
        request = builder.queue.popleft()
        try:
            # No variable keeps the response while the next one is received.
            page = _parse(client, request, client.request(builder.source, board, request, deadline), board, builder)
            if page and page.first_fault:
                first_error = first_error or ShapeChanged(*page.first_fault)
        except NotWanted:
            raise
        except SourceError as error:
            # Without its stack, which would keep the page in memory.
            first_error = first_error or error.with_traceback(None)
            builder.lose()
            if isinstance(error, Throttled | OutOfTime | RateLimited):
                # All further requests would fail in the same way.
                builder.lose(len(builder.queue))
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


def _validators(response: Response) -> Validators:
    headers = response.headers
    digest = hashlib.sha256(response.body).digest()
    return Validators(_storable(headers.get("etag")), _storable(headers.get("last-modified")), digest)


def _storable(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_VALIDATOR_LENGTH and value.isascii() and value.isprintable() else None
