"""The companies of a run, and the question that a run asks before it expires unusually many jobs."""

from datetime import datetime
from enum import StrEnum, nonmember

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.board import ReadingState
from app.models.columns import NOW, status_type
from app.models.company import OUTCOME_VALUES, Outcome


class RunCompanyState(StrEnum):
    """The state of one company of a run.

    ``SOURCES`` is the only table of legal moves in Python. The trigger ``run_companies_guard`` is the same table in the
    database; a test compares the two over all pairs.
    """

    WAITING = "waiting"
    """It waits for a listing of its board."""

    READ = "read"
    """A listing has answered it."""

    TAKEN_IN = "taken_in"
    """The user's jobs are as the listing says."""

    FAILED = "failed"
    """Its board could not be read, or it could not be taken in; ``outcome`` and ``detail`` give the reason."""

    UNFINISHED = nonmember([WAITING, READ])
    SOURCES = nonmember({WAITING: [], READ: [WAITING], TAKEN_IN: [READ], FAILED: [WAITING, READ]})

    @property
    def sources(self) -> list["RunCompanyState"]:
        """The states from which a move to this one is legal; none for WAITING, in which every company starts."""
        return [RunCompanyState(source) for source in self.SOURCES[self.value]]


class RunCompany(Base):
    """One company of a run, frozen at its start. It stays as it is when the company or its preview are removed.

    Only ``services/runs/company_moves.py`` writes its state.
    """

    __tablename__ = "run_companies"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'read', 'taken_in', 'failed')", name="state"),
        CheckConstraint(f"outcome IN ({OUTCOME_VALUES})", name="outcome"),
        CheckConstraint(
            "listing_state IN ('complete', 'unchanged', 'partial', 'empty', 'held', 'failed')", name="listing_state"
        ),
        CheckConstraint("(state = 'waiting') = (outcome IS NULL)", name="outcome_iff_answered"),
        CheckConstraint("state NOT IN ('read', 'taken_in') OR listing_id IS NOT NULL", name="listing"),
        CheckConstraint("matched = new_jobs + changed_jobs + reopened_jobs + unchanged_jobs", name="sum"),
        CheckConstraint(
            "state <> 'taken_in'"
            " OR (matched IS NOT NULL AND unchanged_jobs IS NOT NULL AND expired_jobs IS NOT NULL)",
            name="taken_in",
        ),
        Index("ix_run_companies_waiting", "run_id", "position", postgresql_where=text("state = 'waiting'")),
        Index(
            "ix_run_companies_waiting_source",
            "run_id",
            "source",
            "position",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_run_companies_waiting_board", "board_id", postgresql_where=text("state = 'waiting'")),
        Index("ix_run_companies_taken_in", "company_id", "run_id", postgresql_where=text("state = 'taken_in'")),
    )

    run_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ingestion_runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """1 for the first company by name; without gaps."""
    company_id: Mapped[int] = mapped_column(BigInteger)
    board_id: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(40))
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    is_baseline: Mapped[bool] = mapped_column(Boolean)
    """True for the first taking in of the company, or the first after its filters changed: its new jobs may be old."""
    previewed: Mapped[int | None] = mapped_column(Integer)
    """Number of its postings that matched in the preview; NULL if the preview had not listed it."""
    fresh_after: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """A listing that began at this time or later answers it."""
    state: Mapped[RunCompanyState] = mapped_column(status_type(RunCompanyState), server_default="waiting")
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    """Time of its last change."""
    listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The listing that answered it; from the decisions on, the one that they were made on."""
    listing_state: Mapped[ReadingState | None] = mapped_column(status_type(ReadingState))
    """The class of that listing."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    detail: Mapped[str | None] = mapped_column(Text)
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which the source accepts requests again, if it named one."""
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The end of that listing."""
    found: Mapped[int | None] = mapped_column(Integer)
    """The postings that the board offers; NULL before the decisions."""
    unparsed: Mapped[int | None] = mapped_column(Integer)
    """Number of records of the board that could not be parsed."""
    matched: Mapped[int | None] = mapped_column(Integer)
    """The postings that match the filters; NULL before the decisions."""
    pinned_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The board's last listing when the run advanced. Closings by later listings are left to the next run."""
    parts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Parts taken in so far. A worker that has seen another number writes nothing."""
    new_jobs: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    changed_jobs: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reopened_jobs: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    unchanged_jobs: Mapped[int | None] = mapped_column(Integer)
    """NULL until it is taken in."""
    expired_jobs: Mapped[int | None] = mapped_column(Integer)
    """NULL until its closings are noted, even if it failed."""
    held_closings: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Jobs that would have expired, and were left to the run's question."""


class ClosingsState(StrEnum):
    """The state of a run's question. The trigger ``run_closings_move`` has the same table of moves."""

    ASKED = "asked"
    ANSWERED = "answered"
    SUPERSEDED = "superseded"
    """A later run has counted anew."""

    SOURCES = nonmember({ASKED: [], ANSWERED: [ASKED], SUPERSEDED: [ASKED]})

    @property
    def sources(self) -> list["ClosingsState"]:
        """The states from which a move to this one is legal."""
        return [ClosingsState(source) for source in self.SOURCES[self.value]]


class RunClosings(Base):
    """The question of a run that would have expired unusually many jobs. Only ``services/runs/closings.py`` writes it.

    It covers the closings by listings up to each company's ``pinned_listing_id``.
    """

    __tablename__ = "run_closings"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'answered', 'superseded')", name="state"),
        CheckConstraint(
            "(state = 'answered') = (answered_at IS NOT NULL) AND (answered_at IS NULL) = (expire IS NULL)"
            " AND (answered_at IS NULL) = (expired IS NULL)",
            name="answer",
        ),
        Index("ix_run_closings_asked", "user_id", postgresql_where=text("state = 'asked'")),
    )

    run_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ingestion_runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[ClosingsState] = mapped_column(status_type(ClosingsState), server_default="asked")
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    count: Mapped[int] = mapped_column(Integer)
    """The jobs that the run would have expired."""
    open: Mapped[int] = mapped_column(Integer)
    """The user's open jobs at that time."""
    expire: Mapped[bool | None] = mapped_column(Boolean)
    """The answer."""
    expired: Mapped[int | None] = mapped_column(Integer)
    """The jobs that the answer expired."""
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
