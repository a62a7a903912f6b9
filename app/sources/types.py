"""What adapters are made of and what they make: plain data, no behaviour of any system."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult

from app.sources.board_token import TOKEN, Board, board_in_host, read_board
from app.sources.errors import ShapeChanged

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"
"""What to accept where a page for people is asked for."""

MAX_REQUESTS = 100
"""A board that needs more is listed as far as that, and the listing is not complete."""


class Form(StrEnum):
    """How a text is written that a board gives."""

    HTML = "html"
    ESCAPED_HTML = "escaped_html"
    """HTML whose markup was escaped once more: exactly one unescaping gives HTML."""

    PLAIN = "plain"


class Workplace(StrEnum):
    """Where the work is done."""

    REMOTE = "remote"
    HYBRID = "hybrid"
    ON_SITE = "on_site"


@dataclass(frozen=True)
class Text:
    """A text as the board gives it."""

    content: str
    form: Form = Form.HTML


@dataclass(frozen=True)
class Section:
    """A part of a text that the system itself keeps apart, with its heading."""

    heading: str
    text: Text


@dataclass(frozen=True)
class RawPosting:
    """A posting as an adapter reads it; the shared host makes a ``Posting`` of it."""

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
    """The text's parts in order. What in it are requirements, the shared host finds by its headings."""
    requirements: tuple[Section, ...] = ()
    """Requirements, where the system keeps them apart; then no heading is looked for."""


@dataclass(frozen=True)
class Page:
    """What an adapter read in one answer."""

    drafts: tuple[RawPosting, ...]
    unread: tuple[str, ...] = ()
    """Where records stand that could not be read: the fields at fault."""
    total: int | None = None
    """How many postings there are in all, if the system tells."""
    board_name: str | None = None
    records: int = 0
    """How many records the answer had, read or not, listed or not."""
    more: "tuple[ListingRequest, ...]" = ()
    """What else to ask for, because this answer leads there: each is asked once, and may lead further itself."""
    is_leaf: bool = False
    """Whether it is a page of its own among many, for which ids may have been given by nobody who knew the others."""
    passed: int = 0
    """1 if the answer was a page in which nothing is a posting."""


@dataclass(frozen=True)
class Posting:
    """A posting in the product's own terms: texts are plain, times aware, the address is http or https."""

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
    """What a board said for asking whether it has changed since (RFC 9110, 13.1)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Listing:
    """Everything a board offers. Whoever wants to conclude that a posting is gone looks at ``is_complete`` first."""

    postings: tuple[Posting, ...]
    is_complete: bool
    unread: int = 0
    """Records that could not be read; then the listing is not complete."""
    board_name: str | None = None
    validators: Validators = Validators()
    not_modified: bool = False
    """The board is as it was when ``validators`` were given; there are no postings here."""
    passed: int = 0
    """Pages in which nothing was a posting, and which were passed over."""


@dataclass(frozen=True)
class ListingRequest:
    """What to GET: a path below the region's base address."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    read: "Callable[[Response, Board], Page] | None" = None
    """Who reads the answer, if that is not the system's ``parse``."""
    may_be_missing: bool = False
    """Whether 404 and 410 mean that nothing is there, which is no fault; the answer is an empty one then."""
    is_index: bool = False
    """Whether the answer only says where else to look (``Source.most_indexes``)."""


@dataclass(frozen=True)
class Response:
    """What came back with status 200 (or 304, or one of "missing"): the whole body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON. Raises ShapeChanged."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            is_page = self.body.lstrip()[:1] == b"<"
            found = "is a web page, where data was expected" if is_page else "is not valid JSON"
            raise ShapeChanged("the whole answer", found) from error

    def text(self) -> str:
        """The body as text: UTF-8 if it is, whatever it says; else what it says, if it is that; else Windows's."""
        declared = re.search(r"charset=[\"']?([\w.-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        for encoding in ("utf-8-sig", declared.group(1) if declared else "cp1252", "cp1252"):
            try:
                return self.body.decode(encoding)
            except (LookupError, ValueError):
                continue
        return self.body.decode("latin-1")


@dataclass(frozen=True, repr=False)
class Source:
    """An applicant tracking system: what is to be known of it, and the pure functions that know its ways."""

    key: str
    name: str
    documentation: str
    policy: str
    """On what grounds it is read, in a sentence."""
    example: str
    """The address of a board as a person would paste it."""
    board_hint: str
    """Where a person finds the board's name, in a sentence."""
    bases: Mapping[str, str]
    """By region ("" is the ordinary one) the base address.

    ``{token}`` in it stands for the board's token, where every company has a host of its own.
    """
    recognise: Callable[[SplitResult], Board | None]
    """The board that a web address belongs to."""
    page: Callable[[Board], str]
    """Where a person looks at the board."""
    first: Callable[[Board], ListingRequest]
    parse: Callable[[Response, Board], Page]
    following: Callable[[Board, int, Page], ListingRequest | None] = lambda board, offset, page: None
    """The request of the next page, given how many records came before it and the last page; None: that was all."""
    name_request: Callable[[Board], ListingRequest] | None = None
    """Where the system tells the company's name, if it does."""
    schema_version: int = 1
    """Grows when the adapter reads more, or otherwise, of the same answer: what was kept of it is read anew then."""
    pace_seconds: float = 1.0
    """From one request to its host to the next, over all processes and users; companies' own hosts count as one."""
    answer_seconds: float = 20.0
    """How long its host may take for one answer."""
    most_requests: int = MAX_REQUESTS
    """How many answers one listing may take."""
    most_indexes: int = 20
    """How many more it may take of those that only say where else to look."""
    empty_may_be_missing: bool = False
    """Whether a board that never existed is answered with an empty list."""
    passing: frozenset[int] = frozenset()
    """Statuses that are known to pass: what is answered so is asked for again, as after a 5xx."""
    refusals: Mapping[int, str] = field(default_factory=dict)
    """By status (``REFUSALS``), how the sentence goes on that begins with the board, where the usual one says less."""
    markers: tuple[str, ...] = ()
    """What the pages of its boards have in them, also on a company's own domain, which is the board's name then."""
    starters: tuple[tuple[str, str], ...] = ()
    """Well-known boards to begin with: board and name."""

    def board(self, text: str) -> Board:
        """The board of this system that is named so. Raises ValueError, with a sentence."""
        board = read_board(text, self.bases)
        base = self.bases[board.region]
        if TOKEN not in base:
            return board
        return board_in_host(board, own_domains=bool(self.markers), is_whole=base.endswith(f"//{TOKEN}"))

    def base_key(self, region: str) -> str:
        """The name of a base address in SOURCE_BASE_URLS: ``lever``, or ``lever_eu`` for a region."""
        return f"{self.key}_{region}" if region else self.key

    def valid_board(self, text: str) -> str:
        """The same name as it is kept, so that one board has one name. Raises ValueError, with a sentence."""
        return str(self.board(text))

    def board_page(self, text: str) -> str:
        """Where a person looks at the board that is named so. Raises ValueError."""
        return self.page(self.board(text))
