"""The audit of the locked packages."""

import json

from tests.drills.audit import read_npm_audit, read_pip_audit

FLASK = {"name": "flask", "version": "3.1.3"}


def test_audit_names_a_vulnerability_and_its_package():
    faulty = {"name": "flask", "version": "3.1.0", "vulns": [{"id": "CVE-2025-47278"}]}
    answer = read_pip_audit("a.lock", json.dumps({"dependencies": [faulty, {**FLASK, "vulns": []}]}))
    assert answer.known == ("flask 3.1.0: CVE-2025-47278",)
    assert answer.sentence == "a.lock: 2 packages audited, 1 known vulnerabilities."
    report = {"auditReportVersion": 2, "metadata": {"dependencies": {"total": 9}}}
    answer = read_npm_audit("b.json", json.dumps({**report, "vulnerabilities": {"vite": {"severity": "high"}}}))
    assert (answer.audited, answer.known) == (9, ("vite: high",))


def test_audit_reports_a_registry_that_does_not_answer():
    skipped = {"dependencies": [{"name": "flask", "skip_reason": "Dependency not found"}], "fixes": []}
    for answer in (
        read_pip_audit("a.lock", json.dumps(skipped)),
        read_pip_audit("a.lock", ""),
        read_npm_audit("a.lock", json.dumps({"message": "405 Method Not Allowed", "method": "POST"})),
        read_npm_audit("a.lock", "npm error"),
    ):
        assert answer.sentence == "a.lock: not audited, the registry did not answer."
    some = {"dependencies": [*skipped["dependencies"], {**FLASK, "vulns": []}]}
    assert read_pip_audit("a.lock", json.dumps(some)).sentence.endswith("; for 1 the registry did not answer.")
