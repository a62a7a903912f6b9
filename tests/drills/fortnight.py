"""A fortnight of lying boards: two runs a day of five users, and a judge that knows what each board showed."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.services.boards import outbox
from app.sources.http import rate_limit
from tests.drills.drill_product import DrillProduct
from tests.drills.job_judge import JobJudge
from tests.drills.lying_boards import BOARD_SECONDS, Adversary
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.drills.shared_boards import GROUP
from tests.drills.shifted_time import ShiftedTime
from tests.drills.testbed import Testbed, running_testbed
from tests.drills.users import User
from tests.faults.history import ClientLog
from tests.support.adversary import FILTERS
from tests.support.run_auditor import KINDS, jobs
from tests.support.waiting import wait_until

USERS, BOARDS, BOARDS_OF_USER = 5, 50, 30
MIN_BOARDS = 8
DAYS, MIN_DAYS, HONEST_DAYS = 14, 2, 3
STEP_HOURS = 3
RUN_HOURS = (8, 20)
API = "/api/ingestion"

HOUR, DAY = 3600, 24 * 3600
SETTINGS = {
    "INGESTION": "run",
    "BOARD_SECONDS": BOARD_SECONDS,
    "FRESH_SECONDS": 600,
    "WITNESS_SECONDS": HOUR,
    "SECOND_LOOK_SECONDS": 6 * HOUR,
    "EMPTY_SECONDS": DAY,
    "GONE_SECONDS": 6 * HOUR,
}
"""The product's own times; only a reading's deadline is shortened."""

QUIET_SECONDS = 300
PATIENCE_SECONDS = 10
"""Seconds after which the clock goes on while runs wait: a board may have asked for a pause."""

BUSY = """
SELECT EXISTS (SELECT FROM ingestion_runs WHERE finished_at IS NULL)
    OR EXISTS (SELECT FROM previews WHERE finished_at IS NULL)
    OR EXISTS (SELECT FROM listings WHERE state = 'reading')
    OR EXISTS (SELECT FROM boards WHERE look_again_at <= clock_now() AND coalesce(not_before <= clock_now(), true)
               AND EXISTS (SELECT FROM companies WHERE companies.board_id = boards.board_id AND enabled))
"""
PREVIEWS = "SELECT 1 FROM previews WHERE finished_at IS NULL"
ASKED = "SELECT run_id, user_id FROM run_closings WHERE state = 'asked'"
FAILED = "SELECT id, error_message FROM ingestion_runs WHERE status = 'error'"
FIGURES = {
    "listings": "SELECT state, count(*) FROM listings GROUP BY state ORDER BY state",
    "runs": "SELECT status, count(*) FROM ingestion_runs GROUP BY status ORDER BY status",
    "jobs": "SELECT status, count(*) FROM jobs GROUP BY status ORDER BY status",
    "events": "SELECT kind, count(*) FROM job_events GROUP BY kind ORDER BY kind",
    "gone as": "SELECT reason, count(*) FROM job_events WHERE kind = 'expired' GROUP BY reason ORDER BY reason",
    "questions": "SELECT state || coalesce(' ' || expire, ''), count(*) FROM run_closings GROUP BY 1 ORDER BY 1",
}


@drill("a fortnight of lying boards", GROUP, NONE)
def fortnight_of_lying_boards(options: DrillOptions) -> Outcome:
    """Five users run twice a day for 14 days on 50 boards that drop, edit, rename, repost, reorder, swap and empty
    their postings, throttle, hang, fail, vanish and answer rubbish. No job is wrongly gone, open, new or changed, and
    no count is off. After three honest days each user's open jobs are exactly what the boards offer.
    """
    settings = {name: str(value) for name, value in SETTINGS.items()}
    with running_testbed(DrillProduct, options.scale, **settings) as testbed:
        testbed.reset(options.seed)
        testbed.max_wait = None
        with testbed.app.app_context():
            return Fortnight(testbed).play()


@dataclass
class Fortnight:
    """The users, the boards, and what happens to them."""

    testbed: Testbed
    adversary: Adversary = field(init=False)
    time: ShiftedTime = field(init=False)
    judge: JobJudge = field(default_factory=JobJudge)
    seconds: list[float] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        testbed = self.testbed
        self.random = testbed.random_for("users")
        self.adversary = Adversary(testbed.scaled(BOARDS, MIN_BOARDS), testbed.random_for("boards"))
        testbed.boards.boards |= self.adversary.by_name
        self.time = ShiftedTime(testbed.product.sql)
        testbed.log = ClientLog(complete=True, to_product=self.time.product_time)
        self.users = testbed.users(USERS, boards=0)
        for user in self.users:
            names = sorted(self.adversary.by_name)
            for name in self.random.sample(names, min(BOARDS_OF_USER, len(names))):
                user.choose([name], *self.random.choice(FILTERS))

    def play(self) -> Outcome:
        """Let the days pass, and return what was found."""
        began = time.monotonic()
        days = self.testbed.scaled(DAYS, MIN_DAYS)
        for moment in self._moments(days):
            if moment.hour == RUN_HOURS[0] and moment.day % 5 == 0:
                self.adversary.let_one_leave()
            self.adversary.change()
            self._step(moment, is_honest=False)
        self.adversary.become_honest()
        for moment in self._moments(HONEST_DAYS):
            self._step(moment, is_honest=True)
        checked = self.judge.judge_truth(self.adversary.by_name)
        return self._outcome(checked, (time.monotonic() - began) / 60)

    def _moments(self, days: int) -> list[datetime]:
        """Return the times of the next steps; the first one is the next morning's run."""
        first = self.time.now().replace(hour=RUN_HOURS[0], minute=0, second=0) + timedelta(days=1)
        return [first + timedelta(hours=hours) for hours in range(0, 24 * days, STEP_HOURS)]

    def _step(self, moment: datetime, is_honest: bool) -> None:
        self.time.advance_to(moment)
        self._wake()
        before, run_ids = jobs(), []
        if moment.hour in RUN_HOURS:
            began = time.monotonic()
            run_ids = self._start_runs(is_honest)
            if not is_honest:
                self.adversary.change(0.05)
            self._wait_until_quiet()
            self.seconds.append(time.monotonic() - began)
        self._wait_until_quiet()
        self.judge.record_responses(self.adversary.by_name, self.time)
        self.judge.judge(run_ids, before)
        self._answer_questions(is_honest)

    # --- Users -------------------------------------------------------------------------------------------------------

    def _start_runs(self, is_honest: bool) -> list[int]:
        if not is_honest:
            for user in self.users:
                self._change_companies(user)
        previews = {user: self._begin_preview(user) for user in self.users if self.random.random() < 0.3}
        if previews:
            self._wait(lambda: not self.testbed.product.sql(PREVIEWS), "the previews' ends")
        replies = self.testbed.run_concurrently(lambda user: self._start(user, previews.get(user)), self.users)
        run_ids = [reply for reply in replies if reply]
        for user, run_id in zip(self.users, replies, strict=True):
            if run_id and not is_honest and self.random.random() < 0.1:
                self.acts[f"abort {user.abort(run_id).status}"] += 1
            elif run_id:
                user.get_run(run_id)
        return run_ids

    def _begin_preview(self, user: User) -> int | None:
        reply = user.request("POST", f"{API}/dry-run", 60, body={"refresh": self.random.random() < 0.5})
        return reply.document["preview_id"] if reply.status in (200, 201) else None

    def _start(self, user: User, preview_id: int | None) -> int | None:
        """Start a run, from the preview if that is not outdated."""
        if preview_id:
            reply = user.request("POST", f"{API}/start", 60, body={"preview_id": preview_id})
            if reply.status == 201:
                self.acts["started from a preview"] += 1
                self.testbed.log.record("started", user.user_id, reply.began, reply.run_id, ended=reply.ended)
                return reply.run_id
        reply = user.start(timeout=60)
        if reply.status != 201:
            self.testbed.record_violation(f"a start was answered {reply.status} {reply.document}")
        return reply.run_id

    def _change_companies(self, user: User) -> None:
        """Change the filters of some companies, and switch some off or on."""
        for company in user.request("GET", f"{API}/companies", 60).document["companies"]:
            chance = self.random.random()
            if chance < 0.04:
                include, exclude = self.random.choice(FILTERS)
                body: dict[str, Any] = {"include": [*include], "exclude": [*exclude]}
            elif chance < (0.08 if company["enabled"] else 0.3):
                body = {"enabled": not company["enabled"]}
            else:
                continue
            reply = user.request("PATCH", f"{API}/companies/{company['company_id']}", 60, body=body)
            self.acts[f"change a company {reply.status}"] += 1

    def _answer_questions(self, is_honest: bool) -> None:
        """Answer some questions with yes or no, and some never; in honest days all with yes."""
        for run_id, user_id in self.testbed.product.sql(ASKED):
            expire = is_honest or self.random.choice([True, False, None])
            if expire is None:
                continue
            user, before = next(each for each in self.users if each.user_id == user_id), jobs()
            reply = user.request("POST", f"{API}/runs/{run_id}/closings", 60, body={"expire": expire})
            if reply.status != 200:
                self.testbed.record_violation(f"an answer was answered {reply.status} {reply.document}")
            self.judge.judge_answer(run_id, before)

    # --- Time --------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Forget the pauses that boards asked for, which run on the machine's clock, and wake the readers."""
        with rate_limit.connect(self.testbed.app.config["SETTINGS"].redis_url) as client:
            client.flushdb()
        outbox.wake_readers(0, len(self.adversary.boards))

    def _wait_until_quiet(self) -> None:
        self._wait(lambda: not self.testbed.product.sql(BUSY)[0][0], "quiet")

    def _wait(self, condition: Any, what: str) -> None:
        """Wait; now and then let a minute pass on the product's clock, for pauses that boards asked for."""
        deadline = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < deadline:
            with suppress(AssertionError):
                wait_until(condition, PATIENCE_SECONDS, what)
                return
            self.acts["waits"] += 1
            self.time.advance_to(self.time.now() + timedelta(minutes=1))
            self._wake()
        raise AssertionError(f"{what} did not come within {QUIET_SECONDS} s")

    # --- The verdict -------------------------------------------------------------------------------------------------

    def _outcome(self, checked: int, minutes: float) -> Outcome:
        judge, product = self.judge, self.testbed.product
        found = list(judge.sentences)
        found += [f"run {run_id} ended in error: {message}" for run_id, message in product.sql(FAILED)]
        facts = {
            **{kind: judge.wrong[kind] for kind in KINDS},
            **{name: dict(product.sql(statement)) for name, statement in FIGURES.items()},
            "requests": sum(len(board.responses) for board in self.adversary.boards),
            "judged": dict(judge.checked),
            "open jobs compared with the truth": checked,
            "boards changed": sum(self.adversary.changes.values()),
            "users' acts": dict(sorted(self.acts.items())),
            "minutes": round(minutes, 1),
        }
        return Outcome(judge.checked["runs"], "runs", self.seconds, "run's end", facts, found + self.testbed.verdict())
