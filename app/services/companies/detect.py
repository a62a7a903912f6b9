"""Looking at a board before it is anybody's company."""

from flask import current_app

from app.models import MAX_COMPANY_NAME_LENGTH
from app.services.companies import companies
from app.services.companies.errors import DetectionBusy, NothingDetected
from app.sources.detect import BoardMoved, BoardsToChoose, Detected, detect_board, detect_url
from app.sources.errors import AddressRefused, RateLimiterUnavailable, SourceError
from app.text import clean_line


class DetectUnavailable(DetectionBusy):
    """Redis does not answer, which holds the pace at which other servers may be asked."""

    code = "detect_unavailable"

    def __init__(self) -> None:
        super().__init__("Boards cannot be looked at right now: Redis does not answer. Try again in a moment.")


def detect(user_id: int, url: str | None = None, source: str | None = None, board: str = "") -> dict[str, object]:
    """Find and list the board that ``url`` leads to, or that ``source`` knows as ``board``. Changes nothing.

    Says also which of the user's companies it is already, if it is one. May take a minute, without a connection to the
    database. Raises NothingDetected, DetectUnavailable (without Redis).
    """
    host = current_app.extensions["sources"]
    try:
        found = detect_board(host, source, board) if source else detect_url(host, url or "")
    except BoardsToChoose as several:
        candidates = [
            {"source": each.key, "source_name": each.name, "board": str(which)} for each, which in several.candidates
        ]
        code = "board_moved" if isinstance(several, BoardMoved) else several.code
        raise NothingDetected(code, several.detail, candidates=candidates) from several
    except RateLimiterUnavailable as error:
        raise DetectUnavailable from error
    except SourceError as error:
        raise _refusal(error) from error
    return _told(found, companies.find_by_board(user_id, found.source.key, str(found.board)))


def _refusal(error: SourceError) -> NothingDetected:
    code = error.code if isinstance(error, AddressRefused) else f"board_{error.code}"
    later = {"retry_at": error.retry_at.isoformat()} if error.retry_at else {}
    return NothingDetected(code, error.detail, **later)


def _told(found: Detected, company_id: int | None) -> dict[str, object]:
    return {
        "source": found.source.key,
        "source_name": found.source.name,
        "board": str(found.board),
        # Whatever the board says: it must do as the name of a company.
        "name": clean_line(found.name or "", MAX_COMPANY_NAME_LENGTH) or None,
        "url": found.url,
        "postings": found.postings,
        "is_complete": found.is_complete,
        "titles": found.titles,
        "note": found.note,
        "company_id": company_id,
    }
