"""The example boards of the sources, as documents and as postings."""

import copy
import json
from pathlib import Path

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.parsing.postings import normalize
from app.sources.types import Page, Parsing, RawPosting, Response

BOARDS = Path(__file__).parent / "boards"
GREENHOUSE = json.loads((BOARDS / "greenhouse" / "jobs.json").read_text())
LEVER = json.loads((BOARDS / "lever" / "postings.json").read_text())
ASHBY = json.loads((BOARDS / "ashby" / "board.json").read_text())
RECRUITEE = json.loads((BOARDS / "recruitee" / "offers.json").read_text())
TEAMTAILOR = json.loads((BOARDS / "teamtailor" / "feed.json").read_text())
WORKABLE = json.loads((BOARDS / "workable" / "account.json").read_text())
PERSONIO = (BOARDS / "personio" / "positions.xml").read_text()


def drain(parsing: Parsing) -> tuple[list[RawPosting], Page]:
    """Return the postings that a parsing yields, and the page that it returns."""
    pages = []

    def whole():
        pages.append((yield from parsing))

    return [each for each in whole() if isinstance(each, RawPosting)], pages[0]


def parse_record(key: str, record: dict, **changes):
    """Parse one record of a source, with these changes, and return the posting."""
    record = {**copy.deepcopy(record), **changes}
    document = [record] if key == "lever" else {"offers" if key == "recruitee" else "jobs": [record]}
    body = json.dumps(document).encode()
    [raw], _ = drain(SOURCES[key].parse(Response(200, {}, body, "https://example.org"), Board("acme")))
    return normalize(raw)
