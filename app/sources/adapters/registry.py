"""The systems that are supported. One more is one more file, and one more line here."""

from urllib.parse import SplitResult

from app.sources.adapters import ashby, greenhouse, lever, personio, recruitee, teamtailor, website, workable
from app.sources.board_token import Board
from app.sources.types import Source

MODULES = (greenhouse, lever, ashby, personio, recruitee, teamtailor, workable, website)

SOURCES: dict[str, Source] = {module.SOURCE.key: module.SOURCE for module in MODULES}
"""By key, in the order in which people are shown them."""


def match_url(url: SplitResult) -> tuple[Source, Board] | None:
    """The system and the board that an address belongs to. Asks nobody."""
    found = ((source, source.recognise(url)) for source in SOURCES.values())
    return next(((source, board) for source, board in found if board), None)


def suggested_companies() -> list[dict[str, str]]:
    """Well-known boards to begin with, of every system."""
    return [
        {"source": source.key, "board": board, "name": name}
        for source in SOURCES.values()
        for board, name in source.starters
    ]
