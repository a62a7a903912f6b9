"""The systems that are supported. One more is one more file, and one more line here."""

from urllib.parse import SplitResult

from app.sources import ashby, greenhouse, lever
from app.sources.records import Board, Source
from app.sources.values import read_board

SOURCES: dict[str, Source] = {module.SOURCE.key: module.SOURCE for module in (greenhouse, lever, ashby)}
"""By key, in the order in which people are shown them."""


def board_of(source: str, board: str) -> Board:
    """The board that is named so, of a system that there is. Raises ValueError, with a sentence."""
    return read_board(board, SOURCES[source].bases)


def board_page(source: str, board: str) -> str:
    """Where a person looks at a board that was saved."""
    return SOURCES[source].board_page(board_of(source, board))


def recognise(url: SplitResult) -> tuple[Source, Board] | None:
    """The system and the board that an address belongs to. Asks nobody."""
    found = ((source, source.recognise(url)) for source in SOURCES.values())
    return next(((source, board) for source, board in found if board), None)
