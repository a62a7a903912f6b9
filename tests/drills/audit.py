"""Audit the locked packages for known vulnerabilities: ``make audit``.

It is not part of ``make test``, because it queries other machines, whose answers change.
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
    """The result of the audit of one lock file."""

    lock: str
    audited: int = 0
    unanswered: int = 0
    known: tuple[str, ...] = ()
    """A line for each known vulnerability."""

    @property
    def sentence(self) -> str:
        """The result in words. A registry without an answer is not a clean result."""
        if not self.audited:
            return f"{self.lock}: not audited, the registry did not answer."
        rest = f"; for {self.unanswered} the registry did not answer" if self.unanswered else ""
        return f"{self.lock}: {self.audited} packages audited, {len(self.known)} known vulnerabilities{rest}."


def read_pip_audit(lock: str, printed: str) -> AuditResult:
    """Read the output of pip-audit."""
    packages = (_read(printed) or {}).get("dependencies", [])
    answered = [each for each in packages if "vulns" in each]
    known = [f"{each['name']} {each['version']}: {fault['id']}" for each in answered for fault in each["vulns"]]
    return AuditResult(lock, len(answered), len(packages) - len(answered), tuple(known))


def read_npm_audit(lock: str, printed: str) -> AuditResult:
    """Read the output of npm audit."""
    document = _read(printed) or {}
    if "auditReportVersion" not in document:
        return AuditResult(lock)
    faults = document["vulnerabilities"]
    known = tuple(f"{name}: {fault['severity']}" for name, fault in faults.items())
    return AuditResult(lock, int(document["metadata"]["dependencies"]["total"]), 0, known)


def main() -> int:
    """Run the audits and print their results; return 1 for a vulnerability, and 2 for a missing answer."""
    python = [read_pip_audit(lock, _output("-m", *PIP_AUDIT, "-r", lock)) for lock in LOCKS]
    results = [*python, read_npm_audit("frontend/package-lock.json", _output("frontend/npm.py", "audit", "--json"))]
    for result in results:
        print(result.sentence, *result.known, sep="\n  ")
    if any(result.known for result in results):
        return 1
    return 2 if any(result.unanswered or not result.audited for result in results) else 0


def _output(*words: str) -> str:
    """Return the output of a command. Ignore its exit code: findings make it nonzero, too."""
    return subprocess.run([sys.executable, *words], cwd=PROJECT, capture_output=True, text=True, timeout=600).stdout


def _read(printed: str) -> dict[str, Any] | None:
    try:
        document = json.loads(printed)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


if __name__ == "__main__":
    sys.exit(main())
