"""From a response to postings in the product's own form. These functions are pure, so any thread may run them."""

from collections.abc import Callable
from dataclasses import dataclass

from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.parsing.dates_and_places import unique
from app.sources.parsing.html_text import one_line, texts
from app.sources.parsing.json_record import Record
from app.sources.parsing.urls import is_web_address
from app.sources.types import Page, Posting, RawPosting, Response

MAX_ID_LENGTH = 255
MAX_TITLE_LENGTH = 500
MAX_NAME_LENGTH = 200
MAX_BOARD_NAME_LENGTH = 100
"""The limit of a company's name, because the board's name is proposed as the company's name."""


@dataclass(frozen=True)
class ParsedPage:
    """A page with its normalized postings."""

    page: Page
    board_name: str | None
    """The company's name, as it can be proposed to the user."""
    postings: tuple[Posting, ...]
    unparsed: int
    """The number of raw postings that could not be normalized, including those of ``errors``."""
    errors: tuple[tuple[str, Exception], ...]
    """The external id and the error of each posting that our own code failed on."""


def parse_page(
    parse: Callable[[Response, Board], Page],
    response: Response,
    board: Board,
    deadline: Deadline,
    with_texts: bool = True,
) -> ParsedPage:
    """Parse a response and normalize its postings. Raises SourceError, including OutOfTime.

    Parsing without texts takes a fraction of the time. A failure on one posting does not lose the others.
    """
    page = parse(response, board)
    normalized: list[Posting | None] = []
    errors = []
    for raw in page.postings:
        deadline.check()
        try:
            normalized.append(normalize(raw, with_texts))
        except Exception as error:
            errors.append((raw.external_id[:MAX_ID_LENGTH], error))
    postings = tuple(posting for posting in normalized if posting)
    unparsed = len(page.postings) - len(postings)
    return ParsedPage(page, _company_name(page.board_name), postings, unparsed, tuple(errors))


def normalize(raw: RawPosting, with_texts: bool = True) -> Posting | None:
    """Make a posting from a raw one. None if it has no title, an id that is too long, or an invalid URL."""
    title = one_line(raw.title)[:MAX_TITLE_LENGTH]
    identity = one_line(raw.external_id)
    if not title or not 1 <= len(identity) <= MAX_ID_LENGTH or not is_web_address(raw.url):
        return None
    description, requirements = texts(raw.description, raw.requirements) if with_texts else (None, None)
    return Posting(
        external_id=identity,
        title=title,
        url=raw.url,
        locations=unique(filter(None, map(_name, raw.locations))),
        department=_name(raw.department),
        workplace=raw.workplace.value if raw.workplace else None,
        employment_type=_name(raw.employment_type),
        posted_at=raw.posted_at,
        updated_at=raw.updated_at,
        description=description,
        requirements=requirements,
    )


def company_of(response: Response) -> str | None:
    """Return the company's name from the response to ``name_request``. Raises ShapeChanged."""
    return _company_name(Record(response.json(), "").optional_text("name"))


def _company_name(name: str | None) -> str | None:
    return (_name(name) or "")[:MAX_BOARD_NAME_LENGTH].strip() or None


def _name(text: str | None) -> str | None:
    return one_line(text or "")[:MAX_NAME_LENGTH] or None
