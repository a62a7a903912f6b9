"""From what a person pastes to a board that was looked at. Nothing is guessed: what is found was asked for and seen."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult

from app.sources.boards import Board
from app.sources.errors import AddressRefused, NotFound, SourceError
from app.sources.host import MOST_REDIRECTS, Host
from app.sources.listing import board_name, list_board
from app.sources.manners import Patience
from app.sources.page_links import boards_on
from app.sources.records import Listing, Source
from app.sources.registry import SOURCES, recognise
from app.sources.urls import split

DETECT_SECONDS = 55.0
SAMPLES = 3

MAY_BE_MISSING = (
    "{name} answers with an empty board for names that it does not know, too. Make sure that this is the right one."
)


class NotRecognised(SourceError):
    """The address belongs to no system that is supported, and neither does anything that its page points to."""

    code = "not_recognised"


class SeveralBoards(SourceError):
    """The page points to more than one board; which of ``candidates`` is meant is for a person to say."""

    code = "several_boards"

    def __init__(self, candidates: list[tuple[Source, Board]]) -> None:
        super().__init__("The page points to several boards; choose one.")
        self.candidates = candidates


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


def detect_url(host: Host, text: str) -> Detected:
    """Find the board that an address belongs to: by itself, or by what its page points to. Raises SourceError."""
    patience = Patience.of(DETECT_SECONDS)
    source, board = _find(host, _address(text), patience)
    return _look(host, source, board, patience)


def detect_board(host: Host, source: str, text: str) -> Detected:
    """Look at a board that is named by its system and its name there. Raises SourceError."""
    try:
        board = SOURCES[source].board(text)
    except ValueError as error:
        raise NotFound(str(error)) from error
    return _look(host, SOURCES[source], board, Patience.of(DETECT_SECONDS))


def _address(text: str) -> SplitResult:
    """What was pasted, as an address; people leave the scheme out. Raises AddressRefused."""
    text = text.strip()
    url = split(text if "://" in text else f"https://{text}")
    if url is None:
        raise AddressRefused("This is no web address.")
    return url


def _find(host: Host, url: SplitResult, patience: Patience) -> tuple[Source, Board]:
    for _ in range(MOST_REDIRECTS):
        if found := recognise(url):
            return found
        page, url = host.visit(url, patience)
        if page:
            return _only(boards_on(page.body, url.geturl()), url)
    raise NotRecognised("The address leads from one to the next, without end.")


def _only(found: list[tuple[Source, Board]], url: SplitResult) -> tuple[Source, Board]:
    if len(found) > 1:
        raise SeveralBoards(found)
    if not found:
        systems = ", ".join(source.name for source in SOURCES.values())
        raise NotRecognised(f"Nothing at {url.hostname} points to a board of a supported system ({systems}).")
    return found[0]


def _look(host: Host, source: Source, board: Board, patience: Patience) -> Detected:
    """List the board; one that its region does not know is looked for in the system's other ones."""
    listing, board = _listed(host, source, board, patience)
    name = board_name(host, source, board, patience) or listing.board_name
    doubt = source.empty_may_be_missing and not listing.postings
    note = MAY_BE_MISSING.format(name=source.name) if doubt else None
    titles = [posting.title for posting in listing.postings[:SAMPLES]]
    return Detected(source, board, name, len(listing.postings), listing.is_complete, titles, note)


def _listed(host: Host, source: Source, board: Board, patience: Patience) -> tuple[Listing, Board]:
    try:
        return list_board(host, source.key, str(board), seconds=patience.left), board
    except NotFound as nowhere:
        others = [Board(board.token, region) for region in source.bases if region and not board.region]
        for other in others:
            try:
                return list_board(host, source.key, str(other), seconds=patience.left), other
            except NotFound:
                continue
        raise nowhere
