"""The memory of processes while something runs: peaks of what they have for themselves, sampled."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

SAMPLE_SECONDS = 0.02
"""Seconds between two samples."""


@dataclass
class MemoryPeaks:
    """The peaks of this process and of a PostgreSQL backend inside a ``with`` block, in bytes.

    A backend's resident memory counts the pages of shared buffers that it has touched. So its own, anonymous memory is
    sampled, too (RssAnon, proc(5)).
    """

    backend: int
    peaks: dict[int, int] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)

    def __enter__(self) -> "MemoryPeaks":
        self._thread = Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def describe(self, pid: int) -> str:
        """Return the peak of a process in words, with the highest resident memory since its start."""
        return f"{self.peaks[pid] / 1e6:.0f} MB of its own; VmHWM {status_bytes(pid, 'VmHWM') / 1e6:.0f} MB"

    def _sample(self) -> None:
        while True:
            for pid in (os.getpid(), self.backend):
                self.peaks[pid] = max(self.peaks.get(pid, 0), status_bytes(pid, "RssAnon"))
            if self._ended.wait(SAMPLE_SECONDS):
                return


def status_bytes(pid: int, name: str) -> int:
    """Return a size from the status of a process (proc(5)), in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found, f"process {pid} has no {name}"
    return int(found[1]) * 1024
