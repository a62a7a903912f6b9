"""Find the board behind a pasted address. A board is only returned after its listing succeeded."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from app.sources.adapters.registry import SOURCES, match_url
from app.sources.board_token import Board, is_own_domain
from app.sources.careers_page import boards_on, match_fingerprints, openings_on
from app.sources.deadline import Deadline
from app.sources.errors import (
    AddressRefused,
    Moved,
    NotFound,
    OutOfTime,
    RateLimited,
    SourceError,
    SwitchedOff,
    Throttled,
)
from app.sources.http.client import HttpClient
from app.sources.http.request_policy import MAX_REDIRECTS
from app.sources.listing import board_name, list_board
from app.sources.parsing.dates_and_places import unique
from app.sources.parsing.urls import split
from app.sources.types import Listing, Posting, Source, SourceBoard

DETECT_SECONDS = 55.0
MAX_OPENING_LINKS = 3
"""Links to openings that are followed if the page names no board. Links on those pages are not followed."""

LINK_TIMEOUT = 10.0
"""Seconds for each such link, so that a slow page leaves time for the others."""

WEBSITE = "website"
"""The fallback source. It is chosen only after its listing has succeeded."""

NOT_CHECKED = (OutOfTime, Throttled, RateLimited, SwitchedOff)
"""Errors after which it is unknown if there is a board, so that NotRecognised would be wrong."""

MAX_SAMPLES = 3
MAX_IDS = 1000
"""The ids of a detected board that are kept, to compare it with others."""


EMPTY_BOARD_NOTE = (
    "{name} also returns an empty board for names that do not exist. Make sure that this is the right board."
)


class NotRecognised(SourceError):
    """Neither the address nor its page leads to a board of a supported source."""

    code = "not_recognised"


class BoardsToChoose(SourceError):
    """The user must choose or confirm one of the ``candidates``."""

    def __init__(self, detail: str, candidates: list[SourceBoard]) -> None:
        super().__init__(detail)
        self.candidates = candidates


class SeveralBoards(BoardsToChoose):
    """The page links to more than one board."""

    code = "several_boards"


class BoardMoved(BoardsToChoose):
    """The board's address redirects to another board, which the user must confirm."""

    code = Moved.code


@dataclass(frozen=True)
class _FetchedPage:
    """A fetched page: its final URL, its body, and the boards it links to.

    A board's own URL is not fetched; its body is empty.
    """

    url: SplitResult
    body: bytes
    boards: list[SourceBoard]


@dataclass(frozen=True)
class Detected:
    """A board that was found and listed."""

    source: Source
    board: Board
    name: str | None
    """The company's name as the board reports it; None if it reports none."""
    postings: int
    is_complete: bool
    titles: list[str] = field(default_factory=list)
    note: str | None = None
    """A sentence that the user should read before saving the board."""
    external_ids: tuple[str, ...] = ()
    """The external ids of up to MAX_IDS postings."""

    @property
    def url(self) -> str:
        """The URL of the board's page for people."""
        return self.source.page(self.board)


def detect_url(client: HttpClient, text: str, off: Container[str] = ()) -> Detected:
    """Find and list the board of an address: the address itself, a board its page leads to, or its own website.

    No board of the sources ``off`` is listed. Raises SourceError.
    """
    deadline = Deadline.of(DETECT_SECONDS)
    hosts = []
    for page in _pages(client, _parse_address(text), deadline):
        if page.boards:
            return _list_detected(client, _require_one(page.boards), deadline, off)
        for match in client.compute(match_fingerprints, page.body, page.url.hostname or ""):
            try:
                return _list_detected(client, match, deadline, off)
            except (BoardsToChoose, *NOT_CHECKED):
                raise
            except SourceError:
                # The page mentions the source, but this board does not exist there.
                continue
        hosts.append(page.url.hostname or "")
    # Try the hosts behind links to openings before the one that was pasted.
    return _list_website(client, unique([*hosts[1:], hosts[0]]), deadline, off)


def detect_board(client: HttpClient, source: str, text: str, off: Container[str] = ()) -> Detected:
    """List the board that a user names by its source and its name there, unless it is ``off``. Raises SourceError."""
    try:
        board = SOURCES[source].board(text)
    except ValueError as error:
        raise NotFound(str(error)) from error
    return _list_detected(client, SourceBoard(SOURCES[source], board), Deadline.of(DETECT_SECONDS), off)


def _parse_address(text: str) -> SplitResult:
    """Parse the pasted text, with or without a scheme. Raises AddressRefused."""
    text = text.strip()
    url = split(text if "://" in text else f"https://{text}")
    if url is None:
        raise AddressRefused("This is not a web address.")
    return url


def _pages(client: HttpClient, url: SplitResult, deadline: Deadline) -> Iterator[_FetchedPage]:
    """Fetch the page at a URL, and then the pages behind its links to openings."""
    first = _fetch(client, url, deadline)
    yield first
    for link in client.compute(openings_on, first.body, first.url)[:MAX_OPENING_LINKS]:
        try:
            yield _fetch(client, link, Deadline.of(min(LINK_TIMEOUT, deadline.left)))
        except SourceError:
            # The user did not name this page, and another link may work.
            continue


def _fetch(client: HttpClient, url: SplitResult, deadline: Deadline) -> _FetchedPage:
    """Fetch a page, also after redirects to other hosts. A URL that is a board is not fetched."""
    for _ in range(MAX_REDIRECTS):
        if match := match_url(url):
            return _FetchedPage(url, b"", [match])
        response, url = client.fetch(url, deadline)
        if response and (match := match_url(url)):
            # A short link, which redirected within its host.
            return _FetchedPage(url, b"", [match])
        if response:
            return _FetchedPage(url, response.body, client.compute(boards_on, response.body, url.geturl()))
    raise NotRecognised("The address redirects too many times.")


def _require_one(boards: list[SourceBoard]) -> SourceBoard:
    if len(boards) > 1:
        raise SeveralBoards("The page links to several boards. Choose one.", boards)
    return boards[0]


def _list_website(
    client: HttpClient, hosts: tuple[str, ...], deadline: Deadline, off: Container[str]
) -> Detected:
    """List the first of these hosts that has postings.

    Raises NotRecognised if none has, and the errors of NOT_CHECKED.
    """
    errors = []
    for host in filter(is_own_domain, hosts):
        try:
            return _list_detected(client, SourceBoard(SOURCES[WEBSITE], Board(host)), deadline, off)
        except NOT_CHECKED:
            raise
        except SourceError as error:
            errors.append(error.detail)
    sources = ", ".join(source.name for source in SOURCES.values() if source.key != WEBSITE)
    sentence = f"{hosts[-1]} does not lead to a board of a supported source ({sources})."
    raise NotRecognised(" ".join([sentence, *errors[:1]]))


def _list_detected(client: HttpClient, found: SourceBoard, deadline: Deadline, off: Container[str]) -> Detected:
    """List the board, and collect what the user is shown about it."""
    source = found.source
    if source.key in off:
        raise SwitchedOff(source.name)
    listing, board, titles = _list_any_region(client, source, found.board, deadline)
    name = board_name(client, source, board, deadline) or listing.board_name
    note = None
    if source.empty_may_be_missing and not listing.count:
        note = EMPTY_BOARD_NOTE.format(name=source.name)
    elif listing.skipped_pages:
        note = f"Some job pages were skipped because programs cannot read them: {listing.skipped_pages}."
    samples = list(titles.values())[:MAX_SAMPLES]
    return Detected(source, board, name, listing.count, listing.is_complete, samples, note, tuple(titles))


def _list_any_region(
    client: HttpClient, source: Source, board: Board, deadline: Deadline
) -> tuple[Listing, Board, dict[str, str]]:
    """List the board; return the listing with the board and the first titles by external id.

    A board without a region that is not found is tried in each region.
    """
    try:
        return _sample(client, source, board, deadline)
    except Moved as moved:
        raise _moved_error(client, source, moved, deadline) from moved
    except NotFound as not_found:
        others = [Board(board.token, region) for region in source.bases if region and not board.region]
        for other in others:
            try:
                return _sample(client, source, other, deadline)
            except NotFound:
                continue
        raise not_found


def _sample(
    client: HttpClient, source: Source, board: Board, deadline: Deadline
) -> tuple[Listing, Board, dict[str, str]]:
    """List the board, and keep the ids and titles of its first MAX_IDS postings only."""
    titles: dict[str, str] = {}

    def keep(postings: list[Posting]) -> None:
        for posting in postings:
            if posting.external_id in titles or len(titles) < MAX_IDS:
                titles[posting.external_id] = posting.title

    listing = list_board(
        client, source.key, str(board), deadline=deadline, with_texts=False, on_postings=keep
    )
    return listing, board, titles


def _moved_error(client: HttpClient, source: Source, moved: Moved, deadline: Deadline) -> SourceError:
    """Return the error for a board that moved: BoardMoved with the new board if there is one, else ``moved``."""
    url = split(moved.location)
    boards = _boards_at(client, url, deadline) if url else []
    if url and not boards and source.key == WEBSITE and is_own_domain(url.hostname or ""):
        # For example from acme.com to www.acme.com.
        boards = [SourceBoard(source, Board(url.hostname or ""))]
    names = ", ".join(f"{each.source.name} ({each.board})" for each in boards)
    return BoardMoved(f"The board at {source.name} has moved to {names}.", boards) if boards else moved


def _boards_at(client: HttpClient, url: SplitResult, deadline: Deadline) -> list[SourceBoard]:
    """Return the board of a URL, or those that the front page of its host is or links to."""
    if match := match_url(url):
        return [match]
    try:
        page = _fetch(client, url._replace(path="/", query="", fragment=""), deadline)
    except SourceError:
        return []
    return page.boards or client.compute(match_fingerprints, page.body, page.url.hostname or "")
