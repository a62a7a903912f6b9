"""The judge of the fortnight: what runs say of each job must be what the boards showed, response by response."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.sources.title_filter import TitleFilter
from tests.drills.lying_boards import LyingBoard
from tests.drills.shifted_time import ShiftedTime
from tests.support.changing_boards import NOTHING
from tests.support.factories import sql
from tests.support.run_auditor import Auditor, by_board, content_of, job_events, jobs

MAX_SENTENCES = 20

COMPANIES = (
    "SELECT companies.*, boards.board FROM companies JOIN boards USING (board_id) WHERE enabled ORDER BY company_id"
)


@dataclass
class JobJudge(Auditor):
    """An auditor that counts the wrong statements about jobs by their kind."""

    wrong: Counter[str] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)

    def record_responses(self, boards: dict[str, LyingBoard], time: ShiftedTime) -> None:
        """Record the listings that ended, each with what its board responded to it."""
        for listing in self.new_listings():
            since, until = time.machine_time(listing.began_at), time.machine_time(listing.ended_at)
            shown = NOTHING if listing.state == "failed" else boards[listing.board].shown(since, until)
            self.add(listing, shown)

    def judge_answer(self, run_id: int, before: dict[int, Any]) -> None:
        """Judge the jobs that the answer to a run's question expired. ``before`` are the jobs before it."""
        for event in job_events(run_id):
            if event.kind == "expired" and before[event.job_id].status != "expired":
                self._judge_event(event, before[event.job_id], before[event.job_id])

    def judge_truth(self, boards: dict[str, LyingBoard]) -> int:
        """Compare all open jobs of enabled companies with what the boards offer in truth; return their number."""
        found, number = by_board(jobs()), 0
        for company in sql(COMPANIES):
            truth = boards[company.board].truth().postings
            titles = TitleFilter(company.include, company.exclude)
            mine = found.get((company.user_id, company.board_id), {})
            ready = {each: job for each, job in mine.items() if job.status == "ready"}
            what = f"user {company.user_id}, {company.board}"
            for each, content in truth.items():
                if titles.decide(content.title).is_match:
                    if each not in ready:
                        self.refute("wrongly gone", f"{what}: {each} is offered and no open job")
                    elif content_of(ready[each]) != content:
                        self.refute("wrongly changed", f"{what}: {each} has not the board's content")
            for each in ready.keys() - truth.keys():
                if ready[each].kept_listing_id is None:
                    self.refute("wrongly open", f"{what}: {each} is an open job and not offered")
            number += len(ready)
        return number

    def refute(self, kind: str, sentence: str) -> None:
        """Count a wrong statement."""
        self.wrong[kind] += 1
        if self.wrong[kind] <= MAX_SENTENCES:
            self.sentences.append(f"{kind}: {sentence}")
