"""The model of readers: the turns of those who wait, claims and leases, and the answers that a listing gives."""

from collections.abc import Generator
from dataclasses import replace

from tests.faults.run_model.board_model import LEASE, MAX_ATTEMPTS, REUSE, Board, Reading, Witness
from tests.faults.run_model.state import UNDER_WAY, State, Steps
from tests.faults.run_model.world import Op


class Readers(State):
    """The work of readers."""

    def wanted(self, again: bool) -> list[tuple[str, int]]:
        """Return the boards that can be claimed, in the order of turns, each with the run whose turn it is."""
        runs = [(n, run) for n, run in self.runs.items() if run.status in UNDER_WAY and (run.deadline or 0) > self.now]
        runs.sort(key=lambda item: (item[1].last_claim is not None, item[1].last_claim or 0, item[1].started, item[0]))
        return [
            (each.board, number) for number, run in runs for each in run.companies
            if each.state == "waiting" and not self.answer_to(each) and self._is_claimable(self.boards[each.board])
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

    def _hold(self, op: Op) -> Steps:
        """Put a board on hold; the outcome is whether it was not yet."""
        board = self.boards[op.board]
        was_on_hold, board.is_on_hold = board.is_on_hold, True
        return not was_on_hold
        yield

    def _release(self, op: Op) -> Steps:
        """End a hold, and let the next shrink pass; the outcome is what was so before, or None."""
        board = self.boards[op.board]
        before = (board.is_on_hold, board.held.listing if board.held else None)
        if board.is_shrink_allowed and before == (False, None):
            return None
        board.is_on_hold, board.is_shrink_allowed, board.held = False, True, None
        return before
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
            if run.status in UNDER_WAY and self._answer(number, name):
                answered.append(number)
        yield
        return [n for n in answered if self.runs[n].status in UNDER_WAY and not self.waiting(n)]

    def _answer(self, number: int, name: str | None = None) -> bool:
        """Answer the companies of a run that need not wait."""
        run = self.runs[number]
        for position, each in enumerate(run.companies):
            if each.state != "waiting" or name not in (None, each.board) or not (kind := self.answer_to(each)):
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
