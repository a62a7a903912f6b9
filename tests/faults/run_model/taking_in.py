"""The model of taking in: what a company of a run does to its user's jobs, part by part."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from tests.faults.run_model.board_model import Posting
from tests.faults.run_model.state import Company, Job, Run, State, Steps, is_left
from tests.faults.run_model.world import PART, Op


class TakingIn(State):
    """The work of a worker on companies that are decided on."""

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

    def _decided(self, run: Run, position: int, listing: int | None, matched: int) -> Run:
        each = run.companies[position]
        unparsed = self.boards[each.board].unparsed[listing or 0]
        run = run.change(position, listing=listing, matched=matched, unparsed=unparsed)
        return replace(run, total=run.total + matched - (each.matched or 0), attempts=0, seen=self.now)

    def _take_in(self, number: int) -> Generator[None, None, None]:
        for position in range(len(self.runs[number].companies)):
            while self._is_to_take_in(number, position):
                unit = self.runs[number].companies[position]
                yield
                yield from (self._note(number, position) if unit.state == "failed" else self._follow(number, position))

    def _is_to_take_in(self, number: int, position: int) -> bool:
        run = self.runs[number]
        return run.status == "ingesting" and is_left(run.companies[position])

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
        listing, offered = self.offer(unit)
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
