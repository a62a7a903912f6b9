"""The state of the model: the world, the runs and their companies, and the jobs."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tests.faults.run_model.board_model import Board, Posting, Reading
from tests.faults.run_model.world import COMPANIES, SIZES, Filters, Outcome, Source, first_contents, matches

ACTIVE = ("pending", "initializing", "ingesting")
UNDER_WAY = ("initializing", "ingesting")

Steps = Generator[None, None, Outcome]


@dataclass(frozen=True)
class Company:
    """A company of a run."""

    board: str
    filters: Filters
    fresh_after: int
    is_baseline: bool
    state: str = "waiting"
    listing: int | None = None
    matched: int | None = None
    unparsed: int | None = None
    pinned: int | None = None
    parts: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)
    """New, changed and reopened jobs."""
    unchanged: int | None = None
    expired: int | None = None
    held: int = 0


@dataclass(frozen=True)
class Run:
    """A run."""

    user: int
    companies: tuple[Company, ...]
    status: str = "pending"
    total: int = 0
    sums: tuple[int | None, ...] = (None, None, None, None)
    """Ready, skipped, expired and failed."""
    started: int = 0
    deadline: int | None = None
    due: int = 0
    published: int = 0
    seen: int | None = None
    attempts: int = 0
    last_claim: int | None = None
    retry_of: int | None = None
    question: tuple[Any, ...] | None = None
    """State, count, open, answer and the number of expired jobs."""

    def change(self, position: int, **values: Any) -> "Run":
        """Return the run with other values of a company."""
        changed = replace(self.companies[position], **values)
        return replace(self, companies=(*self.companies[:position], changed, *self.companies[position + 1:]))


@dataclass(frozen=True)
class Job:
    """A job of a user."""

    posting: Posting
    """The posting as the job shows it."""
    run: int
    at: int
    """The time of its last change."""
    is_ready: bool = True
    kept: int | None = None


@dataclass
class State:
    """The world, and what the product must know of it."""

    now: int = 0
    sources: dict[str, Source] = field(default_factory=lambda: {n: Source(n, first_contents(n)) for n in SIZES})
    boards: dict[str, Board] = field(default_factory=lambda: {name: Board(name) for name in SIZES})
    filters: dict[int, dict[str, Filters]] = field(default_factory=lambda: {u: dict(c) for u, c in COMPANIES.items()})
    runs: dict[int, Run] = field(default_factory=dict)
    jobs: dict[tuple[int, str, str], Job] = field(default_factory=dict)
    events: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    written: set[tuple[int, str, str]] = field(default_factory=set)
    claims: tuple[Reading, ...] = ()
    """The claims that readers hold or have lost, in the order in which they were made."""
    queue: tuple[int, ...] = ()
    """The messages of runs, the oldest first."""
    last_listing: int = 0

    def copy(self) -> Self:
        """Return a copy that can be changed."""
        return replace(
            self, sources={name: each.copy() for name, each in self.sources.items()},
            boards={name: each.copy() for name, each in self.boards.items()},
            filters={user: dict(each) for user, each in self.filters.items()}, runs=dict(self.runs),
            jobs=dict(self.jobs), events=Counter(self.events), written=set(self.written),
        )

    def active(self, user: int) -> int | None:
        """Return the user's active run."""
        found = [number for number, run in self.runs.items() if run.user == user and run.status in ACTIVE]
        return found[0] if found else None

    def answer_to(self, company: Company) -> str | None:
        """Return the kind of the answer that the company's board has for it."""
        board = self.boards[company.board]
        if board.content and board.content.began >= company.fresh_after:
            return "read"
        return "failed" if board.failed_until > self.now else None

    def waiting(self, number: int) -> list[Company]:
        return [each for each in self.runs[number].companies if each.state == "waiting"]

    def undecided(self, number: int) -> list[int]:
        companies = enumerate(self.runs[number].companies)
        return [n for n, each in companies if each.state == "read" and each.matched is None]

    def offer(self, company: Company) -> tuple[int | None, dict[str, Posting]]:
        """Return the listing of the company's board, and the postings that match."""
        board = self.boards[company.board]
        offered = {name: each for name, each in board.offered().items() if matches(company.filters, each.content.title)}
        return board.content.listing if board.content else None, offered

    def gone(self, user: int, company: Company) -> list[str]:
        """Return the postings of a company's board whose closing the run knows and the user's open job must follow."""
        board = self.boards[company.board]
        found = []
        for name, posting in board.postings.items():
            job = self.jobs.get((user, board.name, name))
            if job and job.is_ready and posting.closed and company.pinned is not None:
                if posting.closed[1] <= company.pinned and job.kept != posting.closed[1]:
                    found.append(name)
        return found


def is_left(company: Company) -> bool:
    """Return whether a run that ingests has something to do for the company."""
    return company.state in ("waiting", "read") or (company.state == "failed" and company.expired is None)
