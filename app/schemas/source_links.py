"""Names and links of sources and boards, including sources that this version does not support."""

from functools import lru_cache

from app.sources.adapters.registry import SOURCES

BOARD_URL = "The board's web page. Null if this version does not know the source."


def display_name(source: str) -> str:
    """Return the source's name, or its key if it is unknown."""
    return SOURCES[source].name if source in SOURCES else source


@lru_cache(maxsize=8192)
def board_url(source: str, board: str) -> str | None:
    """Return the URL of the board's web page; None for an unknown source or an invalid board."""
    try:
        return SOURCES[source].board_page(board) if source in SOURCES else None
    except ValueError:
        return None
