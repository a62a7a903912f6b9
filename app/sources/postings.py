"""From an answer to postings in the product's own terms: pure computing, which any thread may do."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.sources.boards import Board
from app.sources.manners import Patience
from app.sources.reading import Record
from app.sources.records import Answer, Draft, Page, Posting
from app.sources.text import one_line, texts
from app.sources.urls import is_web_address
from app.sources.values import unique

LONGEST_ID = 255
LONGEST_TITLE = 500
LONGEST_NAME = 200
LONGEST_COMPANY = 100
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
    parse: Callable[[Answer, Board], Page], answer: Answer, board: Board, patience: Patience, with_texts: bool = True
) -> ParsedPage:
    """Read an answer. Raises SourceError, OutOfTime among them.

    Without texts it takes a small part of the time. Whatever is in one posting, the others are not lost for it.
    """
    page = parse(answer, board)
    parsed = ParsedPage(page, _company_name(page.board_name))
    for draft in page.drafts:
        patience.check()
        try:
            posting = finished(draft, with_texts)
        except Exception as error:
            parsed.faults.append((draft.external_id[:LONGEST_ID], error))
            posting = None
        if posting is None:
            parsed.unread += 1
        else:
            parsed.postings.append(posting)
    return parsed


def finished(draft: Draft, with_texts: bool = True) -> Posting | None:
    """An adapter's draft as a posting; None if it could not be kept: its id is too long, or its link leads nowhere."""
    title = one_line(draft.title)[:LONGEST_TITLE]
    identity = one_line(draft.external_id)
    if not title or not 1 <= len(identity) <= LONGEST_ID or not is_web_address(draft.url):
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


def company_of(answer: Answer) -> str | None:
    """The company's name in a document that tells it. Raises ShapeChanged."""
    return _company_name(Record(answer.json(), "").maybe_text("name"))


def _company_name(name: str | None) -> str | None:
    return (_name(name) or "")[:LONGEST_COMPANY].strip() or None


def _name(text: str | None) -> str | None:
    return one_line(text or "")[:LONGEST_NAME] or None
