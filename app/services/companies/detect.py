"""Detect the board behind a URL or a name, before it is added as a company."""

from flask import current_app

from app.models import MAX_COMPANY_NAME_LENGTH
from app.services.boards import switches
from app.services.companies import companies, same_boards
from app.services.companies.errors import DetectionBusy, NothingDetected
from app.sources.detect import BoardMoved, BoardsToChoose, Detected, detect_board, detect_url
from app.sources.errors import AddressRefused, RateLimiterUnavailable, SourceError, SwitchedOff
from app.text import clean_line


class DetectUnavailable(DetectionBusy):
    """Redis is unavailable. Without its rate limits, no request to another server may be sent."""

    code = "detect_unavailable"

    def __init__(self) -> None:
        super().__init__("Boards cannot be checked right now, because Redis does not answer. Try again in a moment.")


def detect(user_id: int, url: str | None = None, source: str | None = None, board: str = "") -> dict[str, object]:
    """Find and list the board that ``url`` leads to, or the board named ``board`` at ``source``.

    The result also has the ``company_id`` of the user's company with this board, if there is one, and their company
    with the same board under another name (``same_as``). May take a minute, during which no connection to the database
    is held. Raises NothingDetected, or DetectUnavailable without Redis.
    """
    client = current_app.extensions["sources"]
    off = switches.switched_off()
    try:
        found = detect_board(client, source, board, off) if source else detect_url(client, url or "", off)
    except BoardsToChoose as error:
        candidates = [
            {"source": each.source.key, "source_name": each.source.name, "board": str(each.board)}
            for each in error.candidates
        ]
        code = "board_moved" if isinstance(error, BoardMoved) else error.code
        raise NothingDetected(code, error.detail, candidates=candidates) from error
    except RateLimiterUnavailable as error:
        raise DetectUnavailable from error
    except SourceError as error:
        raise _refusal(error) from error
    key = (user_id, found.source.key, str(found.board))
    same_as = same_boards.find_listed(*key, found.external_ids, found.postings)
    return _result(found, companies.find_by_board(*key), same_as)


def _refusal(error: SourceError) -> NothingDetected:
    code = error.code if isinstance(error, (AddressRefused, SwitchedOff)) else f"board_{error.code}"
    retry = {"retry_at": error.retry_at.isoformat()} if error.retry_at else {}
    return NothingDetected(code, error.detail, **retry)


def _result(found: Detected, company_id: int | None, same_as: same_boards.SameBoard | None) -> dict[str, object]:
    return {
        "source": found.source.key,
        "source_name": found.source.name,
        "board": str(found.board),
        # A board may have any name; here it must be valid as a company's name.
        "name": clean_line(found.name or "", MAX_COMPANY_NAME_LENGTH) or None,
        "url": found.url,
        "postings": found.postings,
        "is_complete": found.is_complete,
        "titles": found.titles,
        "note": found.note,
        "company_id": company_id,
        "same_as": same_as,
    }
