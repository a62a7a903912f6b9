"""A world for the audits: runs of every kind on boards that change, carried out by the product."""

from app.services.accounts import users
from app.services.runs import closings, retry, start, transitions
from tests.support.boards import Boards, job
from tests.support.clock import shift_clock
from tests.support.factories import make_user, row, sql
from tests.support.previews import company
from tests.support.readers import read_boards, read_preview
from tests.support.whole_runs import HOUR, begin, carry, run, run_at

SIZE = 200
"""The postings of the large board. Every tenth is for a cook."""


class AuditedWorld:
    """Two users of one large board, one of whom has small boards too, and what their runs left."""

    def __init__(self, boards: Boards, user_id: int) -> None:
        self.boards, self.user, self.other = boards, user_id, make_user("other@example.org")
        self._serve()
        self._serve_small()
        for board in ("acme", "birch", "cedar"):
            company(self.user, board)
        company(self.other, "acme", include=("cook",))

    def play(self) -> None:
        """Let hours and runs pass."""
        run(self.user, read_preview(self.user))
        run(self.other)
        self._lose(2, range(1, 61), "New text.")
        self.declined = self._confirm(4)
        closings.answer(self.user, self.declined, expire=False)
        self._fail_and_retry(6)
        self._lose(8, range(51, 131), "Other text.")
        self.superseded = self._confirm(10)
        self.accepted = run_at(self.user, 12).id
        closings.answer(self.user, self.accepted, expire=True)
        self._lose_small_boards()
        self._change_and_change_back(60)
        self._close_while_ingesting(64)
        self._stop(70)
        self._remove_user()
        self.pending = start.create_run(self.user)[0]

    def _serve(self, lost: range = range(0), text: str = "Text.") -> None:
        """Serve the large board without some postings, with this text of one that is never lost."""
        rows = [
            job(each, "Engineer" if each % 10 else "Cook", f"<p>{text if each == SIZE else 'Text.'}</p>")
            for each in range(1, SIZE + 1) if each not in lost
        ]
        self.boards.greenhouse("acme", rows)

    def _serve_small(self) -> None:
        self.boards.greenhouse("birch", [job(9001, "Nurse")])
        self.boards.greenhouse("cedar", [job(each, "Gardener") for each in range(8001, 8013)])

    def _lose(self, hours: float, lost: range, text: str) -> None:
        self._serve(lost, text)
        run_at(self.user, hours)
        run(self.other)

    def _confirm(self, hours: float) -> int:
        """Let both users run, so that what was lost is gone; return the run that asks about it."""
        asking: int = run_at(self.user, hours).id
        run(self.other)
        assert sql("SELECT state FROM run_closings WHERE run_id = :run", run=asking)[0].state == "asked"
        return asking

    def _fail_and_retry(self, hours: float) -> None:
        """Let one board fail, retry it, and abort the retry; let then all boards fail."""
        self.boards.fault("birch", 500)
        partial = run_at(self.user, hours)
        shift_clock((hours + 0.5) * HOUR)
        retried = retry.create_retry(partial.id, self.user)[0]
        carry(retried)
        transitions.abort(retried, self.user)
        for board in ("acme", "cedar"):
            self.boards.fault(board, 403)
        assert run_at(self.user, hours + 1).status == "error"
        self._serve_small()

    def _lose_small_boards(self) -> None:
        """Let one board vanish, and another one shrink until it is empty."""
        self.boards.fault("birch", 404)
        for hours, left in ((14, 3), (16, 3), (21, 3), (28, 0), (41, 0), (53, 0)):
            self.boards.greenhouse("cedar", [job(each, "Gardener") for each in range(8001, 8001 + left)])
            run_at(self.user, hours)
        reasons = sql("SELECT reason, count(*) FROM job_events JOIN jobs ON job_id = id WHERE kind = 'expired'"
                      " AND company <> 'greenhouse:acme' GROUP BY reason")
        assert {tuple(each) for each in reasons} == {("unseen", 9), ("board_empty", 3), ("board_gone", 1)}

    def _change_and_change_back(self, hours: float) -> None:
        """Let a posting change and change back between two runs of a user."""
        for text in ("Passing text.", "Other text."):
            shift_clock(hours * HOUR)
            self._serve(range(51, 131), text)
            read_preview(self.other, refresh=True)
            hours += 0.2
        run_at(self.user, hours)

    def _close_while_ingesting(self, hours: float) -> None:
        """Let postings be closed after a run has counted what is gone, and before it takes their board in."""
        self._serve(range(51, 136), "Other text.")
        run_at(self.user, hours)
        shift_clock((hours + 0.5) * HOUR)
        run_id = begin(self.user)

        def is_stopping() -> bool:
            if row(run_id).status == "ingesting":
                shift_clock((hours + 2) * HOUR)
                read_preview(self.other, refresh=True)
            return False

        assert carry(run_id, stopping=is_stopping).jobs_expired == 0
        assert run(self.user).jobs_expired == 5

    def _stop(self, hours: float) -> None:
        """Abort a run between two of its companies."""
        self._serve(range(51, 61), "Last text.")
        shift_clock(hours * HOUR)
        self.aborted = begin(self.user)

        def is_stopping() -> bool:
            if sql("SELECT 1 FROM run_companies WHERE run_id = :run AND state = 'taken_in'", run=self.aborted):
                transitions.abort(self.aborted, self.user)
            return False

        carry(self.aborted, stopping=is_stopping)
        assert row(self.aborted).status == "aborted"

    def _remove_user(self) -> None:
        """Let a user run and go, and remove half of their jobs."""
        leaving = make_user("leaving@example.org")
        company(leaving, "acme")
        read_boards()
        run(leaving)
        users.mark_removed(leaving)
        sql("DELETE FROM jobs WHERE user_id = :user AND id % 2 = 0", user=leaving)
