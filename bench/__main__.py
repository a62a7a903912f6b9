"""``python -m bench [parts]``: measure, and write docs/benchmarks.md."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from app.config import Settings
from bench import growth, memory, page, pickup, polling, readiness, report, throughput
from bench.stage import staged

ON_STAGE = {
    "throughput": throughput.measure,
    "pickup": pickup.measure,
    "polling": polling.measure,
    # Behind those, because it leaves a million runs.
    "growth": growth.measure,
    "memory": memory.measure,
}
ALONE = {"readiness": readiness.measure, "page": page.measure}


def main() -> int:
    """Measure what is asked for, print it, and write it down if told where; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join([*ON_STAGE, *ALONE])}; all by default")
    parser.add_argument("--report", type=Path, help="the file to write")
    asked = parser.parse_args()
    for field in fields(Settings):
        os.environ.pop(field.name.upper(), None)
    wanted = set(asked.parts or [*ON_STAGE, *ALONE])
    if unknown := wanted - ON_STAGE.keys() - ALONE.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    began = time.monotonic()
    found = _measure(wanted)
    found.seconds = time.monotonic() - began
    print(written := report.render(found))
    if asked.report:
        asked.report.write_text(written)
    return 1 if found.failed else 0


def _measure(wanted: set[str]) -> report.Findings:
    found = report.Findings()
    with ExitStack() as stack:
        parts: dict[str, Callable[[], Any]] = {}
        if wanted & ON_STAGE.keys():
            stage = stack.enter_context(staged())
            parts = {name: partial(measure, stage) for name, measure in ON_STAGE.items()}
        for name, measure in (parts | ALONE).items():
            if name in wanted:
                _note(found, name, measure)
    return found


def _note(found: report.Findings, name: str, measure: Callable[[], Any]) -> None:
    """Measure one part; whatever goes wrong in it, the others are measured all the same."""
    try:
        setattr(found, name, measure())
    except Exception:
        traceback.print_exc()
        found.failed.append(name)


if __name__ == "__main__":
    sys.exit(main())
