"""Which of the locked packages have known faults, as far as the registries answer: ``make audit``.

Never part of ``make test``: it asks other machines, and what they answer changes by itself.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from app.config.settings import PROJECT

PIP_AUDIT = ("uv", "tool", "run", "--isolated", "pip-audit~=2.9") + (
    "--disable-pip",
    "--require-hashes",
    "--format",
    "json",
)
LOCKS = ("requirements.lock", "requirements-dev.lock")


@dataclass(frozen=True)
class AuditResult:
    """What was found out about the packages of one lock file."""

    lock: str
    audited: int = 0
    unanswered: int = 0
    known: tuple[str, ...] = ()
    """A line for each fault that is known."""

    @property
    def sentence(self) -> str:
        """The answer in words; that nobody answered is no good news."""
        if not self.audited:
            return f"{self.lock}: not audited, the registry did not answer."
        left = f"; for {self.unanswered} the registry did not answer" if self.unanswered else ""
        return f"{self.lock}: {self.audited} packages audited, {len(self.known)} known faults{left}."


def read_pip_audit(lock: str, printed: str) -> AuditResult:
    """Read what pip-audit printed."""
    packages = (_read(printed) or {}).get("dependencies", [])
    answered = [each for each in packages if "vulns" in each]
    known = [f"{each['name']} {each['version']}: {fault['id']}" for each in answered for fault in each["vulns"]]
    return AuditResult(lock, len(answered), len(packages) - len(answered), tuple(known))


def read_npm_audit(lock: str, printed: str) -> AuditResult:
    """Read what npm audit printed."""
    document = _read(printed) or {}
    if "auditReportVersion" not in document:
        return AuditResult(lock)
    faults = document["vulnerabilities"]
    known = tuple(f"{name}: {fault['severity']}" for name, fault in faults.items())
    return AuditResult(lock, int(document["metadata"]["dependencies"]["total"]), 0, known)


def main() -> int:
    """Ask, and print the answers; returns 1 for a known fault, and 2 if a registry did not answer for all."""
    python = [read_pip_audit(lock, _output("-m", *PIP_AUDIT, "-r", lock)) for lock in LOCKS]
    answers = [*python, read_npm_audit("frontend/package-lock.json", _output("frontend/npm.py", "audit", "--json"))]
    for answer in answers:
        print(answer.sentence, *answer.known, sep="\n  ")
    if any(answer.known for answer in answers):
        return 1
    return 2 if any(answer.unanswered or not answer.audited for answer in answers) else 0


def _output(*words: str) -> str:
    """What a command prints; that it finds something is an exit code too."""
    return subprocess.run([sys.executable, *words], cwd=PROJECT, capture_output=True, text=True, timeout=600).stdout


def _read(printed: str) -> dict[str, Any] | None:
    try:
        document = json.loads(printed)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


if __name__ == "__main__":
    sys.exit(main())
