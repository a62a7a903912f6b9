"""Boards without a browser: ``flask --app wsgi sources …``."""

import json

import pytest

from app.cli.tables import display_width, truncate
from app.sources.adapters.registry import SOURCES
from app.sources.http.rate_limit import RateLimiter, connect
from tests.support.boards import job


@pytest.fixture
def sources(app, boards):
    """Run a command, without the process."""
    return lambda *words: app.test_cli_runner().invoke(args=["sources", *words])


def test_the_systems_are_listed(sources):
    said = sources("list")
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.stdout.splitlines()] == ["SYSTEM", *SOURCES]


def test_an_address_is_looked_at(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook")])
    said = sources("detect", "https://boards.greenhouse.io/acme")
    assert said.exit_code == 0
    assert "Greenhouse (greenhouse)" in said.stdout and "Engineer; Cook" in said.stdout


def test_what_cannot_be_found_is_a_sentence(sources):
    said = sources("detect", "https://127.0.0.1/")
    assert said.exit_code == 1
    assert said.stderr.startswith("Error: 127.0.0.1 is not on the public Internet")
    assert "Traceback" not in said.output


def test_a_preview_is_a_table(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook", location={"name": "東京"})])
    said = sources("preview", "greenhouse", "acme", "--exclude", "cook")
    assert said.exit_code == 0
    header, first, second = said.stdout.splitlines()
    assert header.split() == ["TAKEN", "TITLE", "LOCATION", "DEPARTMENT", "POSTED", "LINK"]
    assert first.split() == ["yes", "Engineer", "Berlin", "Research", "2026-01-02", "https://example.org/jobs/1"]
    assert second.split()[0] == "no"
    assert "acme: 1 of 2 postings taken" in said.stderr


def test_boards_are_looked_at_while_redis_does_not_run(app, sources, boards, monkeypatch):
    away = RateLimiter(connect("redis://127.0.0.1:1"))
    monkeypatch.setitem(app.extensions, "sources", app.extensions["sources"].paced_by(away))
    boards.greenhouse("acme", [job(1, "Engineer")])
    assert "acme: 1 of 1 postings taken" in sources("preview", "greenhouse", "acme").stderr
    assert "Greenhouse (greenhouse)" in sources("detect", "https://boards.greenhouse.io/acme").stdout


def test_a_preview_may_be_for_programs(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer", "&lt;p&gt;Build.&lt;/p&gt;")])
    [line] = sources("preview", "greenhouse", "acme", "--include", "engineer", "--json").stdout.splitlines()
    posting = json.loads(line)
    assert (posting["external_id"], posting["description"], posting["rule"]) == ("1", "Build.", "include")
    assert posting["posted_at"] == "2026-01-02T08:04:05+00:00"


def test_a_board_that_fails_does_not_touch_the_others(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer")])
    said = sources("preview", "greenhouse", "nobody", "acme", "../x")
    assert said.exit_code == 1
    assert "Engineer" in said.stdout
    assert said.stderr.count("Error: ") == 2


def test_what_was_not_listed_is_told(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), {"id": 2}])
    assert "1 more could not be read" in sources("preview", "greenhouse", "acme").stderr


def test_what_a_board_writes_does_not_reach_the_terminal_as_commands(sources, boards):
    boards.greenhouse("acme", [job(1, "Eng\x1b[31mineer\n\r")])
    assert "\x1b" not in sources("preview", "greenhouse", "acme").stdout


def test_columns_fit_letters_of_every_width():
    assert display_width("東京a") == 5
    assert truncate("東京東京", 5) == "東京…"
    assert truncate("abc", 3) == "abc"
    assert truncate(None, 3) == "-"
