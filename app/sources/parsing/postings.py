"""From a response to postings in the product's own form. These functions are pure, so any thread may run them."""

from dataclasses import dataclass, field
from sys import getsizeof

from app.sources.deadline import Deadline
from app.sources.parsing.dates_and_places import MAX_LOCATIONS, unique
from app.sources.parsing.html_text import one_line, texts
from app.sources.parsing.json_record import MAX_ID_LENGTH, MAX_RAW_LENGTH, Record, normal_identity
from app.sources.parsing.urls import is_web_address
from app.sources.types import Page, Parsing, Posting, RawPosting, Response, UnreadRecord

MAX_TITLE_LENGTH = 500
MAX_NAME_LENGTH = 200
BATCH_POSTINGS = 500
BATCH_BYTES = 4_000_000
"""The size of a batch, which is passed on before more is parsed."""

MAX_BOARD_NAME_LENGTH = 100
"""The limit of a company's name, because the board's name is proposed as the company's name."""


@dataclass
class Batch:
    """Some normalized postings of a response; the last batch has the rest of the response."""

    postings: list[Posting] = field(default_factory=list)
    unread: list[UnreadRecord] = field(default_factory=list)
    """The records of which only the ids could be read."""
    unparsed: int = 0
    """The number of raw postings that could not be normalized."""
    lost: int = 0
    """Those of them without a valid id."""
    error: tuple[str, Exception] | None = None
    """The external id and the error of the first posting that our own code failed on."""
    page: Page | None = None
    board_name: str | None = None
    """The company's name, as it can be proposed to the user."""
    size: int = 0
    """The bytes of the postings' texts in memory."""
    characters: int = 0
    """The characters of these texts."""

    def add(self, raw: RawPosting, with_texts: bool) -> None:
        """Normalize a raw posting and add it. A failure is recorded and does not lose the others."""
        posting = None
        try:
            posting = normalize(raw, with_texts)
        except MemoryError:
            raise
        except Exception as error:
            # Only one, because its stack keeps the raw posting in memory.
            self.error = self.error or (raw.external_id[:MAX_ID_LENGTH], error)
        if posting is None:
            self._add_unparsed(raw)
        else:
            self.postings.append(posting)
            written = [text for text in (posting.description, posting.requirements) if text]
            self.size += sum(map(getsizeof, written))
            self.characters += sum(map(len, written))

    def _add_unparsed(self, raw: RawPosting) -> None:
        self.unparsed += 1
        if identity := normal_identity(raw.external_id):
            self.unread.append(UnreadRecord(tuple(dict.fromkeys(filter(None, (identity, normal_identity(raw.url)))))))
        else:
            self.lost += 1

    @property
    def is_full(self) -> bool:
        """True if the batch should be passed on."""
        return len(self.postings) + len(self.unread) + self.lost >= BATCH_POSTINGS or self.size >= BATCH_BYTES


def next_batch(parsing: Parsing, deadline: Deadline, with_texts: bool = True) -> Batch:
    """Parse a response further, and normalize the next postings. Raises SourceError, including OutOfTime.

    Parsing without texts takes a fraction of the time.
    """
    batch = Batch()
    while not batch.is_full:
        deadline.check()
        try:
            found = next(parsing)
        except StopIteration as end:
            batch.page = end.value
            batch.board_name = _company_name(end.value.board_name)
            break
        if isinstance(found, UnreadRecord):
            batch.unread.append(found)
        else:
            batch.add(found, with_texts)
    return batch


def normalize(raw: RawPosting, with_texts: bool = True) -> Posting | None:
    """Make a posting from a raw one. None if it has no title, an id that is too long, or an invalid URL."""
    title = one_line(raw.title[:MAX_RAW_LENGTH])[:MAX_TITLE_LENGTH]
    identity = normal_identity(raw.external_id)
    if not title or identity is None or not is_web_address(raw.url):
        return None
    description, requirements = texts(raw.description, raw.requirements) if with_texts else (None, None)
    return Posting(
        external_id=identity,
        title=title,
        url=raw.url,
        locations=unique(filter(None, map(_name, raw.locations[:MAX_LOCATIONS]))),
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
    return one_line((text or "")[:MAX_RAW_LENGTH])[:MAX_NAME_LENGTH] or None
