"""Checks of docs/security.md: the tests it names exist, and it has a row for every listed requirement."""

import re

import pytest

from app.config.settings import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text()
TESTS = {
    name
    for path in (PROJECT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}
NAMED = sorted(set(re.findall(r"`(test_\w+…?)`", PAGE)))
POINTS = [f"API{number}" for number in range(1, 11)] + [
    "2.3.3", "2.3.4", "2.4.1", "3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.4.1", "3.4.2", "3.4.3", "3.4.4", "3.4.5", "3.4.6",
    "3.5.1", "3.5.2", "4.1.3", "7.2.4", "7.4.1", "7.4.2", "7.4.3", "8.2.2", "8.3.1", "13.1.2", "13.1.3", "13.2.6",
    "13.3.1", "13.4.5", "14.2.1", "14.3.2", "15.3.3", "15.3.4", "15.4.2", "16.2.1", "16.2.2", "16.2.4", "16.2.5",
    "16.3.2", "16.4.1", "16.5.1", "16.5.2", "16.5.3", "16.5.4",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_security_page_names_existing_tests(name):
    begins = name.removesuffix("…")
    assert any(test == name or (begins != name and test.startswith(begins)) for test in TESTS)


def test_security_page_names_existing_files():
    named = set(re.findall(r"`((?:tests|docs)/[\w/.]+)`", PAGE))
    assert len(named) > 8
    assert [path for path in named if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize("point", POINTS)
def test_security_page_has_a_row_with_a_test_for_every_point(point):
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 5]
    found = [row for row in rows if re.search(rf"(^|[ ,]){re.escape(point)}($|[ ,])", row[1])]
    assert len(found) == 1
    assert "`test" in found[0][3]
