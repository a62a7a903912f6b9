"""The model of runs: plain Python that tells what each operation does, statement by statement.

Each operation is a generator. It yields between two statements of its own, where another operation may come between or
the process may die, and returns its outcome. Without another operation in between there is one legal result, and all
jobs, counts, events and witnesses are predicted. With one, each order of the statements gives a legal result.

The times of second looks and the sentences for users are not modelled.
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.run_model.board_model import LEASE, MAX_ATTEMPTS, REUSE, Board, Posting, Reading, Witness
from tests.faults.run_model.world import COMPANIES, PART, SIZES, Filters, Op, Outcome, Source, first_contents, matches

FRESH, RUN_SECONDS, COMPANY_SECONDS = 600, 900, 2
UNDER_WAY, FIRST_PUBLISH, CLAIM_SECONDS, SILENT = 10, 5, 5, 8
MAX_RUN_ATTEMPTS, MAX_UNASKED, MAX_UNASKED_PERCENT = 5, 50, 20
ACTIVE = ("pending", "initializing", "ingesting")
UNDER = ("initializing", "ingesting")

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
class Model:
    """The state of the world, and the operations on it."""

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

    def copy(self) -> "Model":
        """Return a copy that can be changed."""
        return replace(
            self, sources={name: each.copy() for name, each in self.sources.items()},
            boards={name: each.copy() for name, each in self.boards.items()},
            filters={user: dict(each) for user, each in self.filters.items()}, runs=dict(self.runs),
            jobs=dict(self.jobs), events=Counter(self.events), written=set(self.written),
        )

    def steps(self, op: Op) -> Steps:
        """Return the steps of an operation."""
        steps: Steps = getattr(self, f"_{op.kind}")(op)
        return steps

    def _wait(self, op: Op) -> Steps:
        self.now += op.seconds
        return None
        yield

    # --- Starts and ends ---------------------------------------------------------------------------------------------

    def active(self, user: int) -> int | None:
        """Return the user's active run."""
        found = [number for number, run in self.runs.items() if run.user == user and run.status in ACTIVE]
        return found[0] if found else None

    def _start(self, op: Op) -> Steps:
        if self.active(op.who):
            yield
            return ("RunActive",)
        return self._new(op.who, dict(self.filters[op.who]))

    def _retry(self, op: Op) -> Steps:
        run = self.runs[op.run]
        failed = {each.board: each.filters for each in run.companies if each.state == "failed"}
        if run.user != op.who:
            return ("RunNotFound",)
        if run.status in ACTIVE:
            return ("RunNotEnded",)
        if self.active(op.who):
            return ("RunActive",)
        if not failed:
            return ("NothingToRetry",)
        return self._new(op.who, failed, op.run)
        yield

    def _new(self, user: int, filters: dict[str, Filters], retry_of: int | None = None) -> Outcome:
        companies = [
            Company(board, wanted, self.now - FRESH, self._last_filters(user, board) != wanted)
            for board, wanted in sorted(filters.items())
        ]
        number = len(self.runs) + 1
        run = Run(user, tuple(companies), due=self.now + FIRST_PUBLISH, retry_of=retry_of)
        self.runs[number] = run
        return ("started", number)

    def _last_filters(self, user: int, board: str) -> Filters | None:
        """Return the filters with which the user's company was last taken in."""
        for _, run in sorted(self.runs.items(), reverse=True):
            for each in run.companies if run.user == user else ():
                if each.board == board and each.state == "taken_in":
                    return each.filters
        return None

    def _abort(self, op: Op) -> Steps:
        run = self.runs[op.run]
        if op.who != run.user:
            return ("RunNotFound",)
        if run.status in ("finished", "error"):
            return ("RunMoved",)
        self.runs[op.run] = replace(run, status="aborted")
        return ("ok",)
        yield

    def _publish(self, op: Op) -> Steps:
        """Publish a run's message, and mark it as published."""
        run = self.runs[op.run]
        self.queue += (op.run,)
        if run.status in ACTIVE:
            seconds = min(15 * 2 ** min(run.published, 10), 300) if run.status == "pending" else UNDER_WAY
            self.runs[op.run] = replace(run, published=run.published + 1, due=self.now + seconds)
        return None
        yield

    # --- The reconciler ----------------------------------------------------------------------------------------------

    def _reconcile(self, _op: Op) -> Steps:
        """Give up what is overdue, claim what is due, and end the readings whose last attempt has died."""
        late = 0
        for number, run in self.runs.items():
            waiting = [n for n, each in enumerate(run.companies) if each.state == "waiting"]
            if run.status in UNDER and waiting and run.deadline is not None and run.deadline <= self.now:
                late += 1
                for position in waiting:
                    run = run.change(position, state="failed")
                self.runs[number] = replace(run, due=self.now)
        yield
        due = {n for n, run in self.runs.items() if run.due <= self.now and self.has_work(run)}
        for number in due:
            self.runs[number] = replace(self.runs[number], due=self.now + CLAIM_SECONDS)
        yield
        ended, published = 0, []
        for board in self.boards.values():
            if board.attempt >= MAX_ATTEMPTS and board.is_free(self.now):
                reading = self._claimed(board)
                yield
                board.exhaust(reading, self.now)
                yield
                published += yield from self._answer_board(board.name)
                ended += 1
        return (late, sorted(due), ended, sorted(published))

    def has_work(self, run: Run) -> bool:
        """Return whether a message would bring the run further."""
        if run.status not in UNDER:
            return run.status == "pending"
        waiting = [each for each in run.companies if each.state == "waiting"]
        undecided = [each for each in run.companies if each.state == "read" and each.matched is None]
        return not waiting or bool(undecided) or any(self._answer_to(each) for each in waiting)

    # --- Readers -----------------------------------------------------------------------------------------------------

    def wanted(self, again: bool) -> list[tuple[str, int]]:
        """Return the boards that can be claimed, in the order of turns, each with the run whose turn it is."""
        runs = [(n, run) for n, run in self.runs.items() if run.status in UNDER and (run.deadline or 0) > self.now]
        runs.sort(key=lambda item: (item[1].last_claim is not None, item[1].last_claim or 0, item[1].started, item[0]))
        return [
            (each.board, number) for number, run in runs for each in run.companies
            if each.state == "waiting" and not self._answer_to(each) and self._is_claimable(self.boards[each.board])
            and (self.boards[each.board].attempt > 0) == again
        ]

    def _is_claimable(self, board: Board) -> bool:
        return board.is_free(self.now) and board.attempt < MAX_ATTEMPTS

    def _claim(self, op: Op) -> Steps:
        """Claim the next wanted board. The outcome is its name and the listing; None if there is none."""
        for again in (False, True):
            if found := self.wanted(again):
                name, run = found[0]
                self.runs[run] = replace(self.runs[run], last_claim=self.now)
                self.claims += (self._claimed(self.boards[name]),)
                return (name, self.claims[-1].listing, self.claims[-1].tag)
            yield
        return None

    def _look_again(self, op: Op) -> Steps:
        """Claim this board for another look, wanted or not."""
        board = self.boards[op.board]
        if not board.is_free(self.now):
            return None
        self.claims += (self._claimed(board, attempt=1),)
        return (op.board, self.claims[-1].listing, self.claims[-1].tag)
        yield

    def _claimed(self, board: Board, attempt: int | None = None) -> Reading:
        self.last_listing += 1
        listing = board.reading.listing if board.reading else self.last_listing
        board.reading = Witness(listing, self.now)
        board.lease, board.lease_until = self.last_listing, self.now + LEASE
        board.attempt = attempt or board.attempt + 1
        tag = board.tag[0] if board.tag and board.tag[1] > self.now - REUSE else None
        return Reading(board.name, self.last_listing, listing, self.now, tag)

    def _renew(self, op: Op) -> Steps:
        """Renew a lease; the outcome is whether it is still held."""
        reading = self.claims[op.who]
        board = self.boards[reading.board]
        if board.lease != reading.lease:
            return False
        board.lease_until = self.now + LEASE
        return True
        yield

    def _read(self, op: Op) -> Steps:
        """End a reading and answer those who wait; the outcome is the runs that wait for nothing more."""
        reading = self.claims[op.who]
        board, source = self.boards[reading.board], self.sources[reading.board].copy()
        yield
        if board.end(reading, source, self.now) is None:
            return "lost"
        yield
        published = yield from self._answer_board(board.name)
        return sorted(published)

    def _answer_board(self, name: str) -> Generator[None, None, list[int]]:
        answered = []
        for number, run in self.runs.items():
            if run.status in UNDER and self._answer(number, name):
                answered.append(number)
        yield
        return [n for n in answered if self.runs[n].status in UNDER and not self._waiting(n)]

    # --- A run's message ---------------------------------------------------------------------------------------------

    def _answer_to(self, company: Company) -> str | None:
        """Return the kind of the answer that the company's board has for it."""
        board = self.boards[company.board]
        if board.content and board.content.began >= company.fresh_after:
            return "read"
        return "failed" if board.failed_until > self.now else None

    def _answer(self, number: int, name: str | None = None) -> bool:
        """Answer the companies of a run that need not wait."""
        run = self.runs[number]
        for position, each in enumerate(run.companies):
            if each.state != "waiting" or name not in (None, each.board) or not (kind := self._answer_to(each)):
                continue
            board = self.boards[each.board]
            if kind == "read" and board.content:
                listing = board.content.listing
                run = run.change(position, state=kind, listing=listing, unparsed=board.unparsed[listing])
            else:
                run = run.change(position, state=kind, listing=board.last)
        is_answered = run != self.runs[number]
        self.runs[number] = run
        return is_answered

    def _waiting(self, number: int) -> list[Company]:
        return [each for each in self.runs[number].companies if each.state == "waiting"]

    def _begin(self, number: int) -> str | None:
        """Claim the run, or begin another message of it; return its status, or None if it has ended."""
        run = self.runs[number]
        beat = {"seen": self.now, "due": self.now + UNDER_WAY}
        if run.status == "pending":
            deadline = self.now + RUN_SECONDS + COMPANY_SECONDS * len(run.companies)
            self.runs[number] = replace(
                run, status="initializing", started=self.now, deadline=deadline, attempts=run.attempts + 1, **beat
            )
        elif run.status in UNDER:
            is_silent = run.seen is None or run.seen <= self.now - SILENT
            self.runs[number] = replace(run, attempts=run.attempts + is_silent, **beat)
        else:
            return None
        return self.runs[number].status

    def _carry(self, op: Op) -> Steps:
        """Carry a run on; the outcome is the number of its companies for which readers were woken."""
        number = op.run
        if self.runs[number].status == "pending":
            yield
            if self.runs[number].status != "pending":
                return 0
        status = self._begin(number)
        yield
        if status is None:
            return 0
        if self.runs[number].attempts > MAX_RUN_ATTEMPTS:
            yield from self._give_up(number)
        if self.runs[number].status in UNDER:
            self._answer(number)
        yield
        run = self.runs[number]
        # Past the deadline nobody waits for a board any more; the reconciler gives those companies up.
        is_late = run.status not in UNDER or (run.deadline or 0) <= self.now
        waiting = [] if is_late else self._waiting(number)
        is_read = [each for each in waiting if not self.boards[each.board].is_free(self.now)]
        woken = len(waiting) if waiting and not is_read else 0
        yield
        yield from self._decide(number)
        if waiting:
            run = self.runs[number]
            if run.status in UNDER and not self._undecided(number):
                self.runs[number] = replace(run, attempts=0, seen=self.now, due=self.now + UNDER_WAY)
            yield
            return woken
        if status == "initializing":
            if self.runs[number].status != "initializing" or not self._advance(number):
                yield
                return woken
            yield
        yield from self._take_in(number)
        self._end(number)
        yield
        return woken

    def _take_in_only(self, op: Op) -> Steps:
        """Take in the companies of a run that are decided on."""
        yield from self._take_in(op.run)
        return None

    def _take_in_part(self, op: Op) -> Steps:
        """Take in the first part that is left, as a worker that stops then."""
        before = self._parts(op.run)
        for _ in self._take_in(op.run):
            if self._parts(op.run) != before:
                return None
            yield
        return None

    def _parts(self, number: int) -> int:
        return sum(each.parts for each in self.runs[number].companies)

    def _undecided(self, number: int) -> list[int]:
        companies = enumerate(self.runs[number].companies)
        return [n for n, each in companies if each.state == "read" and each.matched is None]

    def _give_up(self, number: int) -> Generator[None, None, None]:
        """Give up the first company that the run cannot get past, or end the run."""
        run = self.runs[number]
        self.runs[number] = replace(run, attempts=0, seen=self.now, due=self.now + UNDER_WAY)
        yield
        found, stuck = self.runs[number], self._stuck(number)
        yield
        while stuck is not None:
            run = self.runs[number]
            if self._stuck(number) == stuck and run.companies[stuck].parts == found.companies[stuck].parts:
                self.runs[number] = self._given_up(number, stuck)
                yield
                return
            found, stuck = run, self._stuck(number)
            yield
        if not self._waiting(number):
            yield
            run = self.runs[number]
            if found.status == "ingesting":
                self._end(number)
            elif run.status in UNDER:
                self.runs[number] = replace(run, status="error")
            yield

    def _stuck(self, number: int) -> int | None:
        """Return the first company that a run under way cannot get past."""
        run, stuck = self.runs[number], self._undecided(number)
        if run.status == "ingesting":
            stuck = [n for n, each in enumerate(run.companies) if _is_left(each)]
        return stuck[0] if stuck and run.status in UNDER else None

    def _given_up(self, number: int, position: int) -> Run:
        """Return the run without a company, whose expired jobs stay expired."""
        run = self.runs[number]
        each = run.companies[position]
        if each.state == "read":
            return replace(run.change(position, state="failed"), total=run.total - (each.matched or 0), attempts=0)
        told = [key for key in self.events if key[0] == number and key[1] == each.board and key[3] == "expired"]
        return replace(run.change(position, expired=len(told)), attempts=0)

    def _offer(self, company: Company) -> tuple[int | None, dict[str, Posting]]:
        """Return the listing of the company's board, and the postings that match."""
        board = self.boards[company.board]
        offered = {name: each for name, each in board.offered().items() if matches(company.filters, each.content.title)}
        return board.content.listing if board.content else None, offered

    def _decide(self, number: int) -> Generator[None, None, None]:
        found = [(n, *self._offer(self.runs[number].companies[n])) for n in self._undecided(number)]
        yield
        run = self.runs[number]
        for position, listing, offered in found:
            each = run.companies[position]
            if run.status in UNDER and each.state == "read" and each.matched is None:
                run = self._decided(run, position, listing, len(offered))
        self.runs[number] = run
        yield

    def _decided(self, run: Run, position: int, listing: int | None, matched: int) -> Run:
        each = run.companies[position]
        unparsed = self.boards[each.board].unparsed[listing or 0]
        run = run.change(position, listing=listing, matched=matched, unparsed=unparsed)
        return replace(run, total=run.total + matched - (each.matched or 0), attempts=0, seen=self.now)

    def _advance(self, number: int) -> bool:
        """Move the run on to take in its companies: pin them, and ask if it would expire too many jobs."""
        run = self.runs[number]
        if self._waiting(number) or self._undecided(number):
            return False
        for position, each in enumerate(run.companies):
            run = run.change(position, pinned=self.boards[each.board].last)
        gone = [name for each in run.companies for name in self.gone(run.user, each)]
        opened = sum(job.is_ready for (user, *_), job in self.jobs.items() if user == run.user)
        if len(gone) > MAX_UNASKED and len(gone) * 100 > opened * MAX_UNASKED_PERCENT:
            run = replace(run, question=("asked", len(gone), opened, None, None))
        for other, each in self.runs.items():
            if each.user == run.user and each.question and each.question[0] == "asked":
                self.runs[other] = replace(each, question=("superseded", *each.question[1:]))
        self.runs[number] = replace(run, status="ingesting")
        return True

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

    def _take_in(self, number: int) -> Generator[None, None, None]:
        for position in range(len(self.runs[number].companies)):
            while self._is_to_take_in(number, position):
                unit = self.runs[number].companies[position]
                yield
                yield from (self._note(number, position) if unit.state == "failed" else self._follow(number, position))

    def _is_to_take_in(self, number: int, position: int) -> bool:
        run = self.runs[number]
        return run.status == "ingesting" and _is_left(run.companies[position])

    def _note(self, number: int, position: int) -> Generator[None, None, None]:
        """Expire the jobs of a company that failed whose closings the run knows, unless it asks about them."""
        unit = self.runs[number].companies[position]
        gone = self.gone(self.runs[number].user, unit)
        yield
        run = self.runs[number]
        if not self._is_to_take_in(number, position):
            return
        expired = [] if run.question else gone
        for name in expired:
            self._expire(number, run.user, unit.board, name)
        values = {"expired": len(expired), "held": len(gone) - len(expired), "parts": unit.parts + 1}
        self.runs[number] = replace(run.change(position, **values), attempts=0)
        yield

    def _follow(self, number: int, position: int) -> Generator[None, None, None]:
        """Bring the user's jobs to what the board offers, in parts; return if the company is to be read again."""
        unit = self.runs[number].companies[position]
        listing, offered = self._offer(unit)
        if listing != unit.listing or len(offered) != unit.matched:
            yield
            run = self.runs[number]
            each = run.companies[position]
            if self._is_to_take_in(number, position) and each.parts == unit.parts:
                if each.listing is not None and listing is not None and each.listing <= listing:
                    self.runs[number] = self._decided(run, position, listing, len(offered))
            yield
            return
        work = self._work(number, unit, offered)
        held = len(self.gone(self.runs[number].user, unit)) if self.runs[number].question else 0
        yield
        while True:
            part, work = work[:PART], work[PART:]
            run = self.runs[number]
            each = run.companies[position]
            is_same = self.boards[unit.board].content
            if not self._is_to_take_in(number, position) or each.parts != unit.parts or each.matched != unit.matched:
                return
            if each.listing != listing or not is_same or is_same.listing != listing:
                return
            for change in part:
                change()
            run = self.runs[number]
            self.runs[number] = replace(self._counted(number, position, offered, not work, held), attempts=0)
            unit = self.runs[number].companies[position]
            yield
            if not work:
                return

    def _work(self, number: int, unit: Company, offered: dict[str, Posting]) -> list[Callable[[], None]]:
        """Return the changes of jobs, in the order in which parts write them: jobs that are there, then new ones."""
        user, board = self.runs[number].user, self.boards[unit.board]
        gone = self.gone(user, unit)
        expiring = [] if self.runs[number].question else gone
        changes: list[Callable[[], None]] = []
        for name, posting in board.postings.items():
            job = self.jobs.get((user, board.name, name))
            if job and name not in expiring:
                is_other = posting.revision != job.posting.revision if job.is_ready else not posting.closed
                changes += [lambda name=name: self._update(number, unit, name)] if is_other else []
        changes += [lambda name=name: self._expire(number, user, board.name, name) for name in expiring]
        # Postings have growing ids in the order in which they first came.
        new = [name for name in board.postings if name in offered and (user, board.name, name) not in self.jobs]
        return changes + [lambda name=name: self._add(number, unit, name) for name in new]

    def _add(self, number: int, unit: Company, name: str) -> None:
        posting = self.boards[unit.board].postings[name]
        user = self.runs[number].user
        self._tell(number, unit.board, name, "new", unit.listing, frozenset(), None, None)
        self._write((user, unit.board, name), Job(posting, number, self.now))

    def _update(self, number: int, unit: Company, name: str) -> None:
        key = (self.runs[number].user, unit.board, name)
        job, posting = self.jobs[key], self.boards[unit.board].postings[name]
        if not job.is_ready and posting.closed:
            return
        fields = posting.content.differs(job.posting.content)
        if not job.is_ready:
            self._tell(number, unit.board, name, "reopened", unit.listing, frozenset(), None, None)
        if fields:
            self._tell(number, unit.board, name, "changed", unit.listing, fields, None, None)
        is_told = bool(fields) or not job.is_ready
        kept = job.kept if job.is_ready else None
        self._write(key, Job(posting, number if is_told else job.run, self.now, kept=kept))

    def _expire(self, number: int, user: int, board: str, name: str) -> None:
        job, posting = self.jobs[user, board, name], self.boards[board].postings[name]
        if posting.closed and posting.missing and job.is_ready:
            first, last = posting.missing.listing, posting.closed[1]
            self._tell(number, board, name, "expired", last, frozenset(), posting.closed[0], first)
            self._write((user, board, name), replace(job, is_ready=False, run=number, at=self.now))

    def _write(self, key: tuple[int, str, str], job: Job) -> None:
        self.jobs[key] = job
        self.written.add(key)

    def _tell(self, number: int, board: str, name: str, kind: str, *rest: Any) -> None:
        self.events[(number, board, name, kind, *rest)] += 1

    def _counted(self, number: int, position: int, offered: dict[str, Posting], is_last: bool, held: int) -> Run:
        """Return the run with the counts of a company: a job counts once a run, by the first of its events."""
        run = self.runs[number]
        unit = run.companies[position]
        kinds: dict[str, set[str]] = {}
        for each, board, name, kind, *_ in self.events:
            if each == number and board == unit.board:
                kinds.setdefault(name, set()).add(kind)
        found = [next((k for k in ("new", "reopened", "changed") if k in kinds.get(n, ())), "") for n in offered]
        counts = (found.count("new"), found.count("changed"), found.count("reopened"))
        if not is_last:
            so_far = (max(counts[0], unit.counts[0]), max(counts[1], unit.counts[1]), max(counts[2], unit.counts[2]))
            return run.change(position, counts=so_far, parts=unit.parts + 1)
        expired = sum("expired" in each for each in kinds.values())
        values = {"unchanged": len(offered) - sum(counts), "expired": expired, "held": held, "parts": unit.parts + 1}
        return run.change(position, state="taken_in", counts=counts, **values)

    def _end(self, number: int) -> None:
        run = self.runs[number]
        if run.status != "ingesting" or any(map(_is_left, run.companies)):
            return
        done = [each for each in run.companies if each.state == "taken_in"]
        if not done:
            self.runs[number] = replace(run, status="error")
            return
        sums = (
            sum(sum(each.counts) for each in done), sum(each.unchanged or 0 for each in done),
            sum(each.expired or 0 for each in run.companies), sum(each.unparsed or 0 for each in done),
        )
        self.runs[number] = replace(run, status="finished", sums=sums)

    # --- The question ------------------------------------------------------------------------------------------------

    def _answer_question(self, op: Op) -> Steps:
        """Answer a run's question; the outcome is the number of expired jobs, or the refusal."""
        run = self.runs[op.run]
        state = run.question[0] if run.question else None
        active = self.active(op.who)
        if run.user != op.who:
            return "RunNotFound"
        if state in ("answered", "superseded"):
            return f"Closings{state.title()}"
        if active == op.run or (active and state):
            return "RunActive"
        if not run.question:
            return "NoClosings"
        covered = [(each.board, name) for each in run.companies for name in self.gone(run.user, each)]
        for board, name in covered:
            if op.flag:
                self._expire(op.run, run.user, board, name)
            else:
                job, closed = self.jobs[run.user, board, name], self.boards[board].postings[name].closed
                self._write((run.user, board, name), replace(job, kept=closed[1] if closed else None))
        expired = len(covered) if op.flag else 0
        self.runs[op.run] = replace(run, question=("answered", *run.question[1:3], op.flag, expired))
        return expired
        yield


def _is_left(company: Company) -> bool:
    """Return whether a run that ingests has something to do for the company."""
    return company.state in ("waiting", "read") or (company.state == "failed" and company.expired is None)
