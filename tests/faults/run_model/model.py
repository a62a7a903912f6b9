"""The model of runs: plain Python that tells what each operation does, statement by statement.

Each operation is a generator. It yields between two statements of its own, where another operation may come between or
the process may die, and returns its outcome. Without another operation in between there is one legal result, and all
jobs, counts, events and witnesses are predicted. With one, each order of the statements gives a legal result.

The times of second looks, previews, and the sentences for users are not modelled.
"""

from collections.abc import Generator
from dataclasses import replace

from tests.faults.run_model.board_model import MAX_ATTEMPTS
from tests.faults.run_model.readers import Readers
from tests.faults.run_model.state import ACTIVE, UNDER_WAY, Company, Run, Steps, is_left
from tests.faults.run_model.taking_in import TakingIn
from tests.faults.run_model.world import Filters, Op, Outcome

FRESH, RUN_SECONDS, COMPANY_SECONDS = 600, 900, 2
UNDER_WAY_SECONDS, FIRST_PUBLISH, CLAIM_SECONDS, SILENT = 10, 5, 5, 8
MAX_RUN_ATTEMPTS, MAX_UNASKED, MAX_UNASKED_PERCENT = 5, 50, 20


class Model(Readers, TakingIn):
    """The operations of users, workers and reconcilers."""

    def steps(self, op: Op) -> Steps:
        """Return the steps of an operation."""
        steps: Steps = getattr(self, f"_{op.kind}")(op)
        return steps

    def _wait(self, op: Op) -> Steps:
        self.now += op.seconds
        return None
        yield

    # --- Starts and ends ---------------------------------------------------------------------------------------------

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
            seconds = min(15 * 2 ** min(run.published, 10), 300) if run.status == "pending" else UNDER_WAY_SECONDS
            self.runs[op.run] = replace(run, published=run.published + 1, due=self.now + seconds)
        return None
        yield

    # --- The reconciler ----------------------------------------------------------------------------------------------

    def _reconcile(self, _op: Op) -> Steps:
        """Give up what is overdue, claim what is due, and end the readings whose last attempt has died."""
        late = 0
        for number, run in self.runs.items():
            waiting = [n for n, each in enumerate(run.companies) if each.state == "waiting"]
            if run.status in UNDER_WAY and waiting and run.deadline is not None and run.deadline <= self.now:
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
        if run.status not in UNDER_WAY:
            return run.status == "pending"
        waiting = [each for each in run.companies if each.state == "waiting"]
        undecided = [each for each in run.companies if each.state == "read" and each.matched is None]
        return not waiting or bool(undecided) or any(self.answer_to(each) for each in waiting)

    # --- A run's message ---------------------------------------------------------------------------------------------

    def _begin(self, number: int) -> str | None:
        """Claim the run, or begin another message of it; return its status, or None if it has ended."""
        run = self.runs[number]
        beat = {"seen": self.now, "due": self.now + UNDER_WAY_SECONDS}
        if run.status == "pending":
            deadline = self.now + RUN_SECONDS + COMPANY_SECONDS * len(run.companies)
            self.runs[number] = replace(
                run, status="initializing", started=self.now, deadline=deadline, attempts=run.attempts + 1, **beat
            )
        elif run.status in UNDER_WAY:
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
        if self.runs[number].status in UNDER_WAY:
            self._answer(number)
        yield
        run = self.runs[number]
        # Past the deadline nobody waits for a board any more; the reconciler gives those companies up.
        is_late = run.status not in UNDER_WAY or (run.deadline or 0) <= self.now
        waiting = [] if is_late else self.waiting(number)
        is_read = [each for each in waiting if not self.boards[each.board].is_free(self.now)]
        woken = len(waiting) if waiting and not is_read else 0
        yield
        yield from self._decide(number)
        if waiting:
            run = self.runs[number]
            if run.status in UNDER_WAY and not self.undecided(number):
                self.runs[number] = replace(run, attempts=0, seen=self.now, due=self.now + UNDER_WAY_SECONDS)
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

    def _give_up(self, number: int) -> Generator[None, None, None]:
        """Give up the first company that the run cannot get past, or end the run."""
        run = self.runs[number]
        self.runs[number] = replace(run, attempts=0, seen=self.now, due=self.now + UNDER_WAY_SECONDS)
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
        if not self.waiting(number):
            yield
            run = self.runs[number]
            if found.status == "ingesting":
                self._end(number)
            elif run.status in UNDER_WAY:
                self.runs[number] = replace(run, status="error")
            yield

    def _stuck(self, number: int) -> int | None:
        """Return the first company that a run under way cannot get past."""
        run, stuck = self.runs[number], self.undecided(number)
        if run.status == "ingesting":
            stuck = [n for n, each in enumerate(run.companies) if is_left(each)]
        return stuck[0] if stuck and run.status in UNDER_WAY else None

    def _given_up(self, number: int, position: int) -> Run:
        """Return the run without a company, whose expired jobs stay expired."""
        run = self.runs[number]
        each = run.companies[position]
        if each.state == "read":
            return replace(run.change(position, state="failed"), total=run.total - (each.matched or 0), attempts=0)
        told = [key for key in self.events if key[0] == number and key[1] == each.board and key[3] == "expired"]
        return replace(run.change(position, expired=len(told)), attempts=0)

    def _decide(self, number: int) -> Generator[None, None, None]:
        found = [(n, *self.offer(self.runs[number].companies[n])) for n in self.undecided(number)]
        yield
        run = self.runs[number]
        for position, listing, offered in found:
            each = run.companies[position]
            if run.status in UNDER_WAY and each.state == "read" and each.matched is None:
                run = self._decided(run, position, listing, len(offered))
        self.runs[number] = run
        yield

    def _advance(self, number: int) -> bool:
        """Move the run on to take in its companies: pin them, and ask if it would expire too many jobs."""
        run = self.runs[number]
        if self.waiting(number) or self.undecided(number):
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

    def _end(self, number: int) -> None:
        run = self.runs[number]
        if run.status != "ingesting" or any(map(is_left, run.companies)):
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
