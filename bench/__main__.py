"""``python -m bench [parts]``: measure, and write docs/benchmarks.md."""

import argparse
import os
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

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


def main() -> None:
    """Measure what is asked for, print it, and write it down if told where."""
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


def _measure(wanted: set[str]) -> report.Findings:
    found = report.Findings()
    with ExitStack() as stack:
        if wanted & ON_STAGE.keys():
            stage = stack.enter_context(staged())
            for name in ON_STAGE:
                if name in wanted:
                    setattr(found, name, ON_STAGE[name](stage))
    for name in ALONE:
        if name in wanted:
            setattr(found, name, ALONE[name]())
    return found


if __name__ == "__main__":
    main()
