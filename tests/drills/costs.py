"""The cost of an attack: its limits, the violations of them, and the table of costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.drills.bystanders import NO_ANSWER, Answers, PreviewEnd
from tests.drills.memory import Peaks
from tests.drills.results import percentile

MAX_GROWTH_MB = {"web": 100, "worker": 150, "previewer": 150, "reader": 150, "postgres": 150}
"""The memory that one request and one board may take, by group of processes."""

NAMES = {
    "web": "a web process",
    "worker": "a worker's child",
    "previewer": "a previewer's child",
    "reader": "a reader's child",
    "postgres": "a session of PostgreSQL",
}

MAX_DETECTION_SECONDS = 58
"""The product's own limit is 55 s."""

MAX_BOARD_SECONDS = 95
"""The product's own limit for a board is 90 s."""

MAX_REQUEST_SECONDS = 30
MAX_POSTINGS_SECONDS = 5
"""Time limit for a page of a preview's postings, a search in them, and a whole posting."""

MAX_P99_SECONDS = 0.25
MAX_ANSWER_SECONDS = 2.0
"""Time limits for another user's answers, on two cores."""

MIN_ANSWERS = 200
"""The number of answers from which a p99 is judged; that of fewer is their slowest."""

MAX_SMALL_BOARD_SECONDS = 30
"""Time limit for the preview of another user's small board at the same source."""

HEAD = (
    "attack", "web MB", "worker MB", "previewer MB", "reader MB", "PostgreSQL MB", "seconds", "others' p99 ms",
    "slowest ms", "small board s",
)


@dataclass(frozen=True)
class End:
    """The end of a part of an attack: its seconds, their limit, and a sentence if the result is wrong."""

    what: str
    seconds: float
    limit: float
    fault: str | None = None


@dataclass
class Cost:
    """All measurements of one attack."""

    attack: str
    boards: int = 1
    """The number of hostile boards that one reader's child may read at once."""
    peaks: Peaks = field(default_factory=Peaks)
    ends: list[End] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    small_board: PreviewEnd | None = None

    @property
    def seconds(self) -> float:
        """The seconds until the last part of the attack ended."""
        return max((end.seconds for end in self.ends), default=0.0)

    def row(self) -> tuple[Any, ...]:
        """Return the attack's row in the table of costs."""
        p99, slowest = (1000 * (percentile(self.answers.seconds, share) or 0) for share in (0.99, 1))
        sizes = [self._size(group) for group in MAX_GROWTH_MB]
        small = f"{self.small_board.seconds:.1f}" if self.small_board else "–"
        return self.attack, *sizes, f"{self.seconds:.1f}", f"{p99:.0f}", f"{slowest:.0f}", small

    def _size(self, group: str) -> str:
        size = f"{self.peaks.growth[group]:.0f}"
        return f"stopped at {size}" if group in self.peaks.stopped else size


def violations(cost: Cost) -> list[str]:
    """Return a sentence for each limit that the attack exceeded, and for each wrong result."""
    found = [*_memory(cost.peaks, cost.boards), *_answers(cost.answers, cost.peaks), *_small_board(cost.small_board)]
    # A stopped process can give no right result.
    found += [] if cost.peaks.stopped else _ends(cost.ends)
    return [f"{cost.attack}: {sentence}" for sentence in found]


def _memory(peaks: Peaks, boards: int) -> list[str]:
    limits = {group: limit if group == "web" else boards * limit for group, limit in MAX_GROWTH_MB.items()}
    return [
        f"{NAMES[group]} took {peaks.growth[group]:.0f} MB (limit {limit})"
        for group, limit in limits.items()
        if peaks.growth[group] > limit or group in peaks.stopped
    ]


def _ends(ends: Sequence[End]) -> list[str]:
    late = [f"the {end.what} took {end.seconds:.1f} s (limit {end.limit:g})" for end in ends if end.seconds > end.limit]
    return late + [f"the {end.what} {end.fault}" for end in ends if end.fault]


def _answers(answers: Answers, peaks: Peaks) -> list[str]:
    # The drill itself cut the connections of a stopped web process.
    errors = [error for error in answers.errors if "web" not in peaks.stopped or not error.endswith(NO_ANSWER)]
    found = [f"another user got {len(errors)} errors, first {errors[0]}"] if errors else []
    found += slow_answers(answers.seconds)
    slowest = max(answers.seconds, default=0.0)
    if slowest > MAX_ANSWER_SECONDS:
        found.append(f"another user waited {slowest:.1f} s for an answer (limit {MAX_ANSWER_SECONDS:g})")
    return found


def slow_answers(seconds: Sequence[float]) -> list[str]:
    """Return a sentence if the p99 of another user's answers exceeds its limit, and there are enough of them."""
    p99 = percentile(seconds, 0.99) or 0.0
    if len(seconds) < MIN_ANSWERS or p99 <= MAX_P99_SECONDS:
        return []
    return [f"another user's p99 was {1000 * p99:.0f} ms (limit {1000 * MAX_P99_SECONDS:.0f})"]


def _small_board(end: PreviewEnd | None) -> list[str]:
    if end is None:
        return []
    if not end.is_finished or end.outcome != "ok" or not end.found:
        return [f"another user's small board was not read: {end.outcome}, {end.detail}"]
    if end.seconds > MAX_SMALL_BOARD_SECONDS:
        return [f"another user's small board took {end.seconds:.1f} s (limit {MAX_SMALL_BOARD_SECONDS})"]
    return []
