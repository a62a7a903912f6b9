"""From an answer to postings in the product's own terms: pure computing, which any thread may do."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.parsing.html_text import one_line, texts
from app.sources.parsing.json_record import Record
from app.sources.parsing.urls import is_web_address
from app.sources.parsing.values import unique
from app.sources.types import Page, Posting, RawPosting, Response

MAX_ID_LENGTH = 255
MAX_TITLE_LENGTH = 500
MAX_NAME_LENGTH = 200
MAX_COMPANY_NAME_LENGTH = 100
"""As in the list of companies, which must take the name that is proposed."""


@dataclass
class ParsedPage:
    """A page and the postings in it."""

    page: Page
    board_name: str | None
    """As it can be proposed."""
    postings: list[Posting] = field(default_factory=list)
    unread: int = 0
    """Drafts that are no posting, those of ``faults`` among them."""
    faults: list[tuple[str, Exception]] = field(default_factory=list)
    """The ids of drafts that something went wrong with here, and what."""


def parse_page(
    parse: Callable[[Response, Board], Page],
    answer: Response,
    board: Board,
    patience: Deadline,
    with_texts: bool = True,
) -> ParsedPage:
    """Read an answer. Raises SourceError, OutOfTime among them.

    Without texts it takes a small part of the time. Whatever is in one posting, the others are not lost for it.
    """
    page = parse(answer, board)
    parsed = ParsedPage(page, _company_name(page.board_name))
    for draft in page.drafts:
        patience.check()
        try:
            posting = normalize(draft, with_texts)
        except Exception as error:
            parsed.faults.append((draft.external_id[:MAX_ID_LENGTH], error))
            posting = None
        if posting is None:
            parsed.unread += 1
        else:
            parsed.postings.append(posting)
    return parsed


def normalize(draft: RawPosting, with_texts: bool = True) -> Posting | None:
    """An adapter's draft as a posting; None if it could not be kept: its id is too long, or its link leads nowhere."""
    title = one_line(draft.title)[:MAX_TITLE_LENGTH]
    identity = one_line(draft.external_id)
    if not title or not 1 <= len(identity) <= MAX_ID_LENGTH or not is_web_address(draft.url):
        return None
    description, requirements = texts(draft.description, draft.requirements) if with_texts else (None, None)
    return Posting(
        external_id=identity,
        title=title,
        url=draft.url,
        locations=unique(filter(None, map(_name, draft.locations))),
        department=_name(draft.department),
        workplace=draft.workplace.value if draft.workplace else None,
        employment_type=_name(draft.employment_type),
        posted_at=draft.posted_at,
        updated_at=draft.updated_at,
        description=description,
        requirements=requirements,
    )


def company_of(answer: Response) -> str | None:
    """The company's name in a document that tells it. Raises ShapeChanged."""
    return _company_name(Record(answer.json(), "").maybe_text("name"))


def _company_name(name: str | None) -> str | None:
    return (_name(name) or "")[:MAX_COMPANY_NAME_LENGTH].strip() or None


def _name(text: str | None) -> str | None:
    return one_line(text or "")[:MAX_NAME_LENGTH] or None
