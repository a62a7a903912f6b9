"""From what a person pastes to a board that was looked at. Nothing is guessed: what is found was asked for and seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from app.sources.adapters.registry import SOURCES, match_url
from app.sources.board_token import Board, is_own_domain
from app.sources.careers_page import boards_on, marked_on, openings_on
from app.sources.deadline import Deadline
from app.sources.errors import AddressRefused, Moved, NotFound, OutOfTime, SourceError, Throttled
from app.sources.http.client import MAX_REDIRECTS, HttpClient
from app.sources.listing import board_name, list_board
from app.sources.parsing.urls import split
from app.sources.parsing.values import unique
from app.sources.types import Listing, Source

DETECT_SECONDS = 55.0
MAX_HOPS = 3
"""Links to "View openings" that are followed where a page itself names no board; from there none is."""

ONWARD_SECONDS = 10.0
"""What each of them may take, so that one which hangs does not cost the others their turn."""

WEBSITE = "website"
"""The source that any site may be, and that none is taken for before it was listed."""

SAMPLES = 3

MAY_BE_MISSING = (
    "{name} answers with an empty board for names that it does not know, too. Make sure that this is the right one."
)


class NotRecognised(SourceError):
    """The address belongs to no system that is supported, and neither does anything that its page points to."""

    code = "not_recognised"


class BoardsToChoose(SourceError):
    """There are ``candidates``, and which is meant is for a person to say."""

    def __init__(self, detail: str, candidates: list[tuple[Source, Board]]) -> None:
        super().__init__(detail)
        self.candidates = candidates


class SeveralBoards(BoardsToChoose):
    """The page points to more than one board."""

    code = "several_boards"


class BoardMoved(BoardsToChoose):
    """The board's address leads to another board, which nobody has chosen yet."""

    code = Moved.code


@dataclass(frozen=True)
class _Sight:
    """Where an address led to, and the boards that it is or that its page points to."""

    url: SplitResult
    page: bytes
    boards: list[tuple[Source, Board]]


@dataclass(frozen=True)
class Detected:
    """A board that was found and listed."""

    source: Source
    board: Board
    name: str | None
    """As the board reports it; None if it reports none."""
    postings: int
    is_complete: bool
    titles: list[str] = field(default_factory=list)
    note: str | None = None
    """What should be known before it is saved."""

    @property
    def url(self) -> str:
        """Where a person looks at the board."""
        return self.source.page(self.board)


def detect_url(host: HttpClient, text: str) -> Detected:
    """Find the board that an address belongs to: by itself, by what its page points to, or by being one.

    Raises SourceError.
    """
    patience = Deadline.of(DETECT_SECONDS)
    hosts = []
    for sight in _sights(host, _address(text), patience):
        if sight.boards:
            return _look(host, *_only(sight.boards), patience)
        for source, board in host.compute(marked_on, sight.page, sight.url.hostname or ""):
            try:
                return _look(host, source, board, patience)
            except (BoardsToChoose, OutOfTime, Throttled):
                raise
            except SourceError:
                # Made by that system, or with something of it in it, and still not where the board is.
                continue
        hosts.append(sight.url.hostname or "")
    # Where the openings are, before where they were looked for.
    return _website(host, unique([*hosts[1:], hosts[0]]), patience)


def detect_board(host: HttpClient, source: str, text: str) -> Detected:
    """Look at a board that is named by its system and its name there. Raises SourceError."""
    try:
        board = SOURCES[source].board(text)
    except ValueError as error:
        raise NotFound(str(error)) from error
    return _look(host, SOURCES[source], board, Deadline.of(DETECT_SECONDS))


def _address(text: str) -> SplitResult:
    """What was pasted, as an address; people leave the scheme out. Raises AddressRefused."""
    text = text.strip()
    url = split(text if "://" in text else f"https://{text}")
    if url is None:
        raise AddressRefused("This is no web address.")
    return url


def _sights(host: HttpClient, url: SplitResult, patience: Deadline) -> Iterator[_Sight]:
    """The page at an address, and then those that it has behind "View openings"."""
    first = _see(host, url, patience)
    yield first
    for link in host.compute(openings_on, first.page, first.url)[:MAX_HOPS]:
        try:
            yield _see(host, link, Deadline.of(min(ONWARD_SECONDS, patience.left)))
        except SourceError:
            # Nobody has named that page; another link may do.
            continue


def _see(host: HttpClient, url: SplitResult, patience: Deadline) -> _Sight:
    for _ in range(MAX_REDIRECTS):
        if found := match_url(url):
            return _Sight(url, b"", [found])
        page, url = host.visit(url, patience)
        if page and (found := match_url(url)):
            # A short link, which led on within its host.
            return _Sight(url, b"", [found])
        if page:
            return _Sight(url, page.body, host.compute(boards_on, page.body, url.geturl()))
    raise NotRecognised("The address leads from one to the next, without end.")


def _only(found: list[tuple[Source, Board]]) -> tuple[Source, Board]:
    if len(found) > 1:
        raise SeveralBoards("The page points to several boards; choose one.", found)
    return found[0]


def _website(host: HttpClient, names: tuple[str, ...], patience: Deadline) -> Detected:
    """Take one of the hosts for a site with postings of its own, if it can be listed as one. Raises NotRecognised."""
    faults = []
    for name in filter(is_own_domain, names):
        try:
            return _look(host, SOURCES[WEBSITE], Board(name), patience)
        except (OutOfTime, Throttled):
            # There may be a board; that there is none must not be said.
            raise
        except SourceError as fault:
            faults.append(fault.detail)
    systems = ", ".join(source.name for source in SOURCES.values() if source.key != WEBSITE)
    nothing = f"Nothing at {names[-1]} points to a board of a supported system ({systems})."
    raise NotRecognised(" ".join([nothing, *faults[:1]]))


def _look(host: HttpClient, source: Source, board: Board, patience: Deadline) -> Detected:
    """List the board; one that its region does not know is looked for in the system's other ones."""
    listing, board = _listed(host, source, board, patience)
    name = board_name(host, source, board, patience) or listing.board_name
    note = None
    if source.empty_may_be_missing and not listing.postings:
        note = MAY_BE_MISSING.format(name=source.name)
    elif listing.passed:
        note = f"Pages of jobs that say nothing to programs, and were passed over: {listing.passed}."
    titles = [posting.title for posting in listing.postings[:SAMPLES]]
    return Detected(source, board, name, len(listing.postings), listing.is_complete, titles, note)


def _listed(host: HttpClient, source: Source, board: Board, patience: Deadline) -> tuple[Listing, Board]:
    try:
        return list_board(host, source.key, str(board), seconds=patience.left, with_texts=False), board
    except Moved as moved:
        raise _followed(host, source, moved, patience) from moved
    except NotFound as nowhere:
        others = [Board(board.token, region) for region in source.bases if region and not board.region]
        for other in others:
            try:
                return list_board(host, source.key, str(other), seconds=patience.left, with_texts=False), other
            except NotFound:
                continue
        raise nowhere


def _followed(host: HttpClient, source: Source, moved: Moved, patience: Deadline) -> SourceError:
    """What to say of a board that moved: where to, if that is another board; else what its system said."""
    where = split(moved.location)
    found = _boards_at(host, where, patience) if where else []
    if where and not found and source.key == WEBSITE and is_own_domain(where.hostname or ""):
        # From acme.com to www.acme.com, say.
        found = [(source, Board(where.hostname or ""))]
    names = ", ".join(f"{each.name} ({board})" for each, board in found)
    return BoardMoved(f"The board at {source.name} has moved to {names}.", found) if found else moved


def _boards_at(host: HttpClient, url: SplitResult, patience: Deadline) -> list[tuple[Source, Board]]:
    """The board that an address is of, or that the front page of its host is."""
    if found := match_url(url):
        return [found]
    try:
        sight = _see(host, url._replace(path="/", query="", fragment=""), patience)
    except SourceError:
        return []
    return sight.boards or host.compute(marked_on, sight.page, sight.url.hostname or "")
