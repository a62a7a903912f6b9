"""What is told of a system and its boards, also of one that this version does not know (any more)."""

from functools import lru_cache

from app.sources.adapters.registry import SOURCES

URL = "The board's page, for people; null if this version does not know its system."


def name_of(source: str) -> str:
    """The system's name, or its key."""
    return SOURCES[source].name if source in SOURCES else source


@lru_cache(maxsize=8192)
def page_of(source: str, board: str) -> str | None:
    """Where people look at the board, if that is known."""
    try:
        return SOURCES[source].board_page(board) if source in SOURCES else None
    except ValueError:
        return None
