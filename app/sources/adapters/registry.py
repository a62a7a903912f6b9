"""The supported sources. A new source is a new module and a new entry here."""

from urllib.parse import SplitResult

from app.sources.adapters import ashby, greenhouse, lever, personio, recruitee, teamtailor, website, workable
from app.sources.types import Source, SourceBoard

MODULES = (greenhouse, lever, ashby, personio, recruitee, teamtailor, workable, website)

SOURCES: dict[str, Source] = {module.SOURCE.key: module.SOURCE for module in MODULES}
"""The sources by key, in the order in which users see them."""


def match_url(url: SplitResult) -> SourceBoard | None:
    """Return the source and the board that a URL belongs to, without a request."""
    matches = ((source, source.match_url(url)) for source in SOURCES.values())
    return next((SourceBoard(source, board) for source, board in matches if board), None)


def suggested_companies() -> list[dict[str, str]]:
    """Return well-known boards of all sources, for new users."""
    return [
        {"source": source.key, "board": board, "name": name}
        for source in SOURCES.values()
        for board, name in source.suggested
    ]
