"""Users whose runs are in every way what nobody wishes for, on boards that change between them."""

from collections.abc import Callable
from random import Random
from typing import Any

from flask import current_app

from app.errors import AppError
from app.models import RunStatus
from app.services.companies import companies
from app.services.runs import closings, completion, retry, start, transitions
from tests.support.boards import Boards
from tests.support.changing_boards import ChangingBoard
from tests.support.clock import shift_clock
from tests.support.factories import make_user, row, run_companies, sql
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, preview, units, work_on
from tests.support.readers import read_boards
from tests.support.run_auditor import Auditor, jobs
from tests.support.taking_in import traces
from tests.support.whole_runs import carry

PAUSES = (0, 0, 61, 660, 1860, 3660, 3660, 7 * 3600, 25 * 3600, 200 * 3600)
FILTERS = (((), ()), ((), ()), (("cook",), ()), ((), ("head",)), (("engineer", "nurse"), ("plant",)))
OVERDUE_SECONDS = 1000
MAX_MESSAGES = 60
"""More messages than any run here needs. One that needs more hangs."""


class World:
    """Some boards, users with companies, and everything that happens to them."""

    def __init__(self, seed: int, server: Boards, forget_pauses: Callable[[], object], users: int = 2) -> None:
        self.random = Random(seed)
        self.server, self.forget_pauses = server, forget_pauses
        self.shift, ids = 0.0, [0]
        self.boards = [
            ChangingBoard(f"b{number}", self.random, ids).fill(self.random.choice([3, 6, 14])) for number in range(3)
        ]
        self.auditor = Auditor()
        self.previews: dict[int, int] = {}
        self.runs: dict[int, list[int]] = {}
        self.log: list[str] = []
        for number in range(users):
            user = make_user(f"u{number}@example.org")
            self.runs[user] = []
            for board in self.boards:
                company(user, board.name, *self.random.choice(FILTERS))
        self._serve()

    def step(self) -> None:
        """Change boards and companies, let time pass, and let a user run."""
        for board in self.boards:
            for _ in range(self.random.randrange(3)):
                self._note(board.name, board.change(self.boards))
        self.advance(self.random.choice(PAUSES))
        user = self.random.choice([*self.runs])
        if self.random.random() < 0.5:
            self._change_companies(user)
        if self.random.random() < 0.3:
            sql("DELETE FROM previews WHERE finished_at IS NOT NULL AND preview_id % 2 = 0")
        if self.random.random() < 0.3:
            self.read()
        self.run(user)

    def run(self, user: int) -> None:
        """Let a user start a run, and carry it to its end in messages that come and stop at any time."""
        before = jobs()
        run_id = self._start(user)
        if run_id is None:
            return
        self.runs[user].append(run_id)
        ends_at = self.random.randrange(25) if self.random.random() < 0.25 else None
        self._carry(run_id, user, before, ends_at)
        self._note("run", run_id, row(run_id).status)
        self.auditor.judge([run_id], before)
        self._check_preview(run_id)
        self._check_late_messages(run_id)
        if row(run_id).status == RunStatus.FINISHED:
            self._check_run_of_nothing_new(user)
        self._answer(user)

    def read(self, *calls: Callable[[], object]) -> None:
        """Read the boards that are wanted or due for a second look, while each call is made in a thread of its own."""
        self._serve()
        if calls:
            in_parallel(current_app._get_current_object(), read_boards, *calls)
        else:
            read_boards()
        self.auditor.record({board.name: board.served() for board in self.boards})

    def advance(self, seconds: float) -> None:
        """Let time pass, also for the pauses that boards asked for."""
        self.shift += seconds
        shift_clock(self.shift)
        if seconds:
            self._note("wait", seconds)
            self.forget_pauses()

    def _start(self, user: int) -> int | None:
        earlier = self.runs[user][-1:]
        try:
            if earlier and self.random.random() < 0.25:
                return retry.create_retry(earlier[0], user)[0]
            if self.random.random() < 0.5:
                return start.create_run(user)[0]
            self.previews[user] = begin_preview(user, self.random.random() < 0.5)
            work_on(self.previews[user])
            if self.random.random() < 0.7:
                self.read()
                work_on(self.previews[user])
            self.advance(self.random.choice([0, 0, 61, 660, 3660]))
            return start.create_run(user, self.previews[user])[0]
        except AppError as error:
            self._note("not started", type(error).__name__)
            return None

    def _carry(self, run_id: int, user: int, before: dict[int, Any], ends_at: int | None) -> None:
        commits = 0
        ready = {each.id for each in before.values() if each.user_id == user and each.status == "ready"}

        def is_stopping() -> bool:
            nonlocal commits
            commits += 1
            self._check_progress(run_id, user, ready)
            if commits == ends_at:
                transitions.abort(run_id, user)
            return self.random.random() < 0.1

        for message in range(MAX_MESSAGES):
            if self.random.random() < 0.2:
                self.read(*[lambda: carry(run_id)] * 2)
            else:
                carry(run_id, stopping=is_stopping)
            if not row(run_id).status.startswith(("pending", "in")):
                return
            if message > 3:
                self.advance(OVERDUE_SECONDS)
                completion.give_up_overdue()
            self.read()
        raise AssertionError(f"run {run_id} hangs: {row(run_id)}, {run_companies(run_id)}")

    def _check_progress(self, run_id: int, user: int, ready: set[int]) -> None:
        """No job leaves the list during a run, except those that the run found to be gone."""
        gone = sql("SELECT job_id FROM job_events WHERE run_id = :run AND kind = 'expired'", run=run_id)
        left = sql("SELECT id FROM jobs WHERE user_id = :user AND status = 'ready'", user=user)
        missing = ready - {each.id for each in left} - {each.job_id for each in gone}
        assert not missing, f"jobs {missing} left the list"

    def _check_preview(self, run_id: int) -> None:
        """A company whose preview was decided on the same listing matches as many postings as were previewed."""
        run = row(run_id)
        if run.preview_id is None:
            return
        listed = {each.company_id: each for each in units(run.preview_id) if each.state == "listed"}
        for each in run_companies(run_id):
            of_preview = listed.get(each.company_id)
            if each.previewed is not None and of_preview and each.listing_id == of_preview.listing_id:
                assert each.matched in (None, each.previewed)
        if run.previewed is not None:
            assert preview(run.preview_id).finished_at

    def _check_late_messages(self, run_id: int) -> None:
        """Messages, listings and deadlines that come after the end of a run change nothing of it or of jobs."""
        before = traces(), _versions(run_id)
        self.read()
        completion.give_up_overdue()
        carry(run_id)
        after = traces(), _versions(run_id)
        assert after[0] == before[0], "a late message writes no job"
        assert after[1] == before[1], "a late message writes nothing of the run"

    def _check_run_of_nothing_new(self, user: int) -> None:
        """A run right after a finished one writes no job. So does one later, unless its boards brought something."""
        seconds = 0
        if all(board.mode in ("whole", "double") for board in self.boards) and self.random.random() < 0.5:
            self.read()
            waits = sql("SELECT 1 FROM postings WHERE missing_since IS NOT NULL AND closed_at IS NULL")
            evidence = sql("SELECT 1 FROM boards WHERE held_listing_id IS NOT NULL OR empty_listing_id IS NOT NULL")
            seconds = 0 if waits or evidence else 700
        first = start.create_run(user)[0]
        self._carry(first, user, {}, None)
        before = traces()
        self.advance(seconds)
        again = start.create_run(user)[0]
        self._carry(again, user, {}, None)
        if seconds == 0 and self._pins(first) != self._pins(again):
            return  # second looks came in between
        news = sql(
            "SELECT 1 FROM listings WHERE listing_id > :last AND (new_postings + changed_postings > 0"
            " OR reopened_postings + missing_postings + closed_postings > 0)",
            last=max([pin or 0 for pin in self._pins(first)], default=0),
        )
        if news:
            return  # the first run used readings of before a board's last change
        assert traces() == before, "a run of nothing new writes nothing"

    def _pins(self, run_id: int) -> list[int]:
        return [each.pinned_listing_id for each in run_companies(run_id)]

    def _answer(self, user: int) -> None:
        """Answer the last question of the user now and then."""
        for asked in sql("SELECT * FROM run_closings WHERE user_id = :user AND state = 'asked'", user=user):
            if self.random.random() < 0.6:
                expire = self.random.random() < 0.5
                answered = closings.answer(user, asked.run_id, expire)
                self._note("answered", expire, answered.expired)

    def _change_companies(self, user: int) -> None:
        mine = companies.list_for_user(user)
        names = {each.board for each in mine}
        for board in self.boards:
            if board.name not in names and self.random.random() < 0.6:
                company(user, board.name, *self.random.choice(FILTERS))
        for each in mine:
            act = self.random.choice(["stay", "stay", "toggle", "remove", "filter", "rename"])
            self._note(user, each.board, act)
            if act == "remove":
                companies.remove(each.company_id, user)
            elif act == "toggle":
                companies.change(each.company_id, user, {"enabled": not each.enabled})
            elif act == "rename":
                companies.change(each.company_id, user, {"name": f"Name {self.random.randrange(9)}"})
            elif act == "filter":
                include, exclude = self.random.choice(FILTERS)
                companies.change(each.company_id, user, {"include": [*include], "exclude": [*exclude]})

    def _serve(self) -> None:
        for board in self.boards:
            board.serve(self.server)

    def _note(self, *words: Any) -> None:
        self.log.append(" ".join(map(str, words)))


def _versions(run_id: int) -> list[Any]:
    return sql(
        "SELECT 0 AS position, xmin::text, ctid::text FROM ingestion_runs WHERE id = :run UNION ALL"
        " SELECT position, xmin::text, ctid::text FROM run_companies WHERE run_id = :run ORDER BY position",
        run=run_id,
    )
