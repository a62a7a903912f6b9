"""The cost of a filter's decision on a title: at the worst input that is allowed, and on a usual one."""

import time
from statistics import median

from app.schemas.companies import MAX_TERMS
from app.sources.title_filter import TitleFilter
from bench.findings import Findings, at_most, plain

DECISIONS = 200

MAX_MS = 1
TITLE_LENGTH = 500
"""The characters of a title that a filter looks at."""

WORST_TERMS = [f"*{'a' * (99 - n)}" for n in range(MAX_TERMS)]
WORST_TITLES = ("a" * TITLE_LENGTH, "a " * (TITLE_LENGTH // 2), "aaaaaaaab" * (TITLE_LENGTH // 9))

USUAL_TERMS = ["engineer", "developer", "software*", "data scientist", "*entwickler*", "C++", "backend", "platform"]
USUAL_TITLES = ("Senior Software Engineer (m/f/d), Platform", "Account Executive, DACH", "Head of People Operations")


def filters() -> Findings:
    """Measure decisions with a hundred terms that begin with a star, and with eight usual terms."""
    worst = max(_seconds(WORST_TERMS, [f"*{term[1:]}b" for term in WORST_TERMS], title) for title in WORST_TITLES)
    what = f"a filter's decision with {2 * MAX_TERMS} terms that begin with a star, on a title of {TITLE_LENGTH}"
    yield at_most(what, MAX_MS, "ms", worst * 1000, f"{worst * 1000:.2f} ms, the slowest of {len(WORST_TITLES)} titles")
    usual = median(_seconds(USUAL_TERMS, ["intern*"], title) for title in USUAL_TITLES)
    yield plain("a filter's decision with nine terms, on a usual title", f"{usual * 1e6:.0f} µs")


def _seconds(include: list[str], exclude: list[str], title: str) -> float:
    """Return the median time of a decision, in seconds."""
    title_filter, seconds = TitleFilter(include, exclude), []
    for _ in range(DECISIONS):
        began = time.perf_counter()
        title_filter.decide(title)
        seconds.append(time.perf_counter() - began)
    return median(seconds)
