"""The data of sources, requests, responses and postings. The behaviour of each source is in its adapter."""

import json
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult

from app.sources.board_token import TOKEN_PLACEHOLDER, Board, check_host_token, read_board
from app.sources.deadline import NO_DEADLINE, Deadline
from app.sources.errors import ShapeChanged
from app.text import is_encoding

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"
"""The Accept header for web pages."""

MAX_REQUESTS = 100
"""The most responses of one listing. A larger board is listed up to this number, as incomplete."""

MAX_RECORDS = 60_000
"""The most records of one listing. A larger board is listed up to this number, as incomplete."""

MAX_FAULTS = 100
"""The faults of a response whose places are kept. All are counted."""

MAX_DOCUMENT_BYTES = 1_000_000
"""The largest JSON document that is parsed as a whole. Larger ones have rows, which ``JsonRows`` reads one by one."""

DOCUMENT = "the document"
"""The name of a whole response in errors."""


class Form(StrEnum):
    """The form of a text on a board."""

    HTML = "html"
    ESCAPED_HTML = "escaped_html"
    """HTML that was escaped once more: unescaping it once gives HTML."""

    PLAIN = "plain"


class Workplace(StrEnum):
    """The place of work."""

    REMOTE = "remote"
    HYBRID = "hybrid"
    ON_SITE = "on_site"


@dataclass(frozen=True)
class Text:
    """A text as the board returns it."""

    content: str
    form: Form = Form.HTML


@dataclass(frozen=True)
class Section:
    """A part of a text that the source has as a separate field, with its heading."""

    heading: str
    text: Text


@dataclass(frozen=True, slots=True)
class RawPosting:
    """A posting as an adapter parses it. ``normalize`` makes a ``Posting`` from it."""

    external_id: str
    title: str
    url: str
    locations: tuple[str, ...] = ()
    department: str | None = None
    workplace: Workplace | None = None
    employment_type: str | None = None
    posted_at: datetime | None = None
    updated_at: datetime | None = None
    description: tuple[Text, ...] = ()
    """The parts of the text, in order. The shared code finds requirements in it by their headings."""
    requirements: tuple[Section, ...] = ()
    """Requirements, if the source has them as separate fields. Then the description is not searched for them."""


@dataclass(frozen=True, slots=True)
class UnreadRecord:
    """A record that could not be parsed, but whose id could be read. So its posting is still on the board."""

    external_ids: tuple[str, ...]
    """The ids that its posting may have, in their normal form: one, but for web pages (``ListingRequest.is_leaf``)."""


@dataclass
class Faults:
    """The records and pages that could not be parsed: their number, and the places of the first ones."""

    count: int = 0
    lost: int = 0
    """Those of which not even an id could be read. They make the listing incomplete."""
    places: list[str] = field(default_factory=list)
    """Mostly the paths of invalid fields, of the first MAX_FAULTS."""

    def add(self, *places: str, is_seen: bool = False) -> None:
        """Count a fault at each of these places. With ``is_seen`` the ids of these records could be read."""
        self.places += places[: max(0, MAX_FAULTS - self.count)]
        self.count += len(places)
        self.lost += 0 if is_seen else len(places)


@dataclass(frozen=True)
class Page:
    """The result of parsing one response, besides its postings."""

    faults: Faults = field(default_factory=Faults)
    is_whole: bool = True
    """False if the response has more records than are read."""
    total: int | None = None
    """The number of postings on the whole board, if the source sends it."""
    board_name: str | None = None
    records: int = 0
    """The number of records in the response, including those that are invalid or not listed."""
    follow_up: "Iterable[ListingRequest]" = ()
    """Further requests that this response leads to. Each is sent once, and its response may lead to more."""
    skipped_pages: int = 0
    """1 if the response was a page without a posting."""
    first_fault: tuple[str, str] | None = None
    """Place and nature of the first fault of a web page on which no record could be parsed (see ShapeChanged)."""
    lacks_texts: bool = False
    """True if a posting has no text, and the source may have it in another language."""


Parsing = Generator[RawPosting | UnreadRecord, None, Page]
"""The work on one response: it yields the records one by one and returns the rest.

So a posting can be dropped from memory before the next one is parsed."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting in the product's own form: texts are plain, times have a time zone, the URL is http or https."""

    external_id: str
    title: str
    url: str
    locations: tuple[str, ...]
    department: str | None
    workplace: str | None
    employment_type: str | None
    posted_at: datetime | None
    updated_at: datetime | None
    description: str | None
    requirements: str | None


@dataclass(frozen=True)
class Validators:
    """The validators of a response. Those of its headers are for a conditional request (RFC 9110, 13.1)."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    """The SHA-256 of the body, decompressed. Many boards send no other validator."""


@dataclass(frozen=True)
class Listing:
    """The postings of a board. Only a complete listing (``is_complete``) proves that a posting was removed."""

    postings: tuple[Posting, ...]
    """Empty if the postings were passed on while the board was read."""
    is_complete: bool
    """True if every page and every record's id was read, below all limits."""
    count: int = 0
    """The number of postings, each id once."""
    unparsed: int = 0
    """The number of records and pages that could not be parsed. A record with a readable id is seen nevertheless."""
    board_name: str | None = None
    validators: Validators = Validators()
    not_modified: bool = False
    """True if the board has not changed since these ``validators``. Then there are no postings here."""
    skipped_pages: int = 0
    """The number of pages that were skipped because they had no posting."""


@dataclass(frozen=True)
class ListingRequest:
    """A GET request: a path below the base address of the board's region."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    read: "Callable[[Response, Board], Parsing] | None" = None
    """The function that parses the response, if it is not the source's ``parse``."""
    may_be_missing: bool = False
    """If true, 404 and 410 are not errors; the response then has an empty body."""
    is_leaf: bool = False
    """True for one of many independent web pages. Their ids may collide, because each page assigns its own."""
    is_index: bool = False
    """True if the response only leads to other pages. It counts against ``Source.max_indexes``."""


@dataclass(frozen=True)
class Response:
    """A response with its whole body, decompressed. The status is 200 or 304, or with ``may_be_missing`` 404 or 410."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    deadline: Deadline = NO_DEADLINE
    """The deadline of the work on this response. Each parser checks it as it goes on: a response may be huge."""

    def json(self) -> Any:
        """Parse a small body as JSON. Raises ShapeChanged, also for more than MAX_DOCUMENT_BYTES."""
        if len(self.body) > MAX_DOCUMENT_BYTES:
            raise ShapeChanged(DOCUMENT, f"is larger than {MAX_DOCUMENT_BYTES // 1_000_000} MB")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            is_page = self.body.lstrip()[:1] == b"<"
            found = "is a web page, but data was expected" if is_page else "is not valid JSON"
            raise ShapeChanged(DOCUMENT, found) from error

    def text(self) -> str:
        """Decode the body as UTF-8, else as the declared charset, else as cp1252."""
        declared = re.search(r"charset=[\"']?([\w.-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        for encoding in filter(is_encoding, ("utf-8-sig", declared.group(1) if declared else "cp1252", "cp1252")):
            try:
                return self.body.decode(encoding)
            except ValueError:
                continue
        return self.body.decode("latin-1")


@dataclass(frozen=True, repr=False)
class Source:
    """An applicant tracking system, or company websites: the data, and the pure functions for the formats."""

    key: str
    """A stable word that is stored in the database."""
    name: str
    documentation: str
    policy: str
    """The grounds on which its boards may be read, in a sentence."""
    example: str
    """A board's address, as a user would paste it."""
    board_hint: str
    """The place where a user finds the board's name, in a sentence."""
    bases: Mapping[str, str]
    """The base address of each region; "" is the default region.

    ``{token}`` stands for the board's token, if each company has a host of its own.
    """
    match_url: Callable[[SplitResult], Board | None]
    """Return the board that a URL belongs to."""
    page: Callable[[Board], str]
    """Return the URL of the board's page for people."""
    first_request: Callable[[Board], ListingRequest]
    parse: Callable[[Response, Board], Parsing]
    next_request: Callable[[Board, int, Page], ListingRequest | None] = lambda board, offset, page: None
    """Return the request for the next page, given the number of records so far and the last page; None at the end."""
    name_request: Callable[[Board], ListingRequest] | None = None
    """Return the request for the company's name, if the source has one."""
    schema_version: int = 1
    """The version of the parser. It increases when a response is parsed differently; then stored results expire."""
    pace_seconds: float = 1.0
    """Seconds between two requests to its host, over all processes and users. All companies' hosts share this pace."""
    response_timeout: float = 20.0
    """The timeout of one response, in seconds."""
    max_requests: int = MAX_REQUESTS
    """The most responses of one listing."""
    max_indexes: int = 20
    """The most index responses of one listing, besides ``max_requests``."""
    empty_may_be_missing: bool = False
    """True if a board that never existed gets an empty list."""
    retryable_statuses: frozenset[int] = frozenset()
    """Statuses that are known to be temporary. Such a response is retried, as a 5xx is."""
    error_messages: Mapping[int, str] = field(default_factory=dict)
    """The end of the sentence that starts with the board, by status, if the usual one (``STATUS_ERRORS``) says less."""
    fingerprints: tuple[str, ...] = ()
    """Strings that only its boards' pages contain, even on a company's own domain, which is then the board's name."""
    suggested: tuple[tuple[str, str], ...] = ()
    """Well-known boards for new users: board and name."""

    def board(self, text: str) -> Board:
        """Parse the name of a board of this source. Raises ValueError with a sentence for users."""
        board = read_board(text, self.bases)
        base = self.bases[board.region]
        if TOKEN_PLACEHOLDER not in base:
            return board
        is_whole = base.endswith(f"//{TOKEN_PLACEHOLDER}")
        return check_host_token(board, own_domains=bool(self.fingerprints), is_whole=is_whole)

    def base_key(self, region: str) -> str:
        """Return the key of a base address in SOURCE_BASE_URLS: ``lever``, or ``lever_eu`` for a region."""
        return f"{self.key}_{region}" if region else self.key

    def valid_board(self, text: str) -> str:
        """Return the stored form of a board's name, so that one board has one name. Raises ValueError."""
        return str(self.board(text))

    def board_page(self, text: str) -> str:
        """Return the URL of the page of the board with this name. Raises ValueError."""
        return self.page(self.board(text))


@dataclass(frozen=True)
class SourceBoard:
    """A board with its source."""

    source: Source
    board: Board
