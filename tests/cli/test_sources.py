"""The command line for sources and their boards."""

import json

import pytest

from app.cli.tables import display_width, truncate
from app.sources.adapters.registry import SOURCES
from app.sources.http.rate_limit import RateLimiter, connect
from tests.support.boards import job


@pytest.fixture
def sources(app, boards):
    """Return a function that runs a command in this process."""
    return lambda *words: app.test_cli_runner().invoke(args=["sources", *words])


def test_list_shows_every_source(sources):
    done = sources("list")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["SOURCE", *SOURCES]
    assert " ON " in done.stdout and "OFF" not in done.stdout


def test_list_works_without_a_database(flask_command):
    done = flask_command("sources", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == list(SOURCES)
    assert all("-" in row for row in rows)


def test_off_and_on_switch_a_source_and_repeat_without_effect(sources):
    off = [sources("off", "lever") for _ in range(2)]
    assert [done.exit_code for done in off] == [0, 0]
    assert "Lever is switched off" in off[0].stdout and "already" in off[1].stdout
    [line] = [line for line in sources("list").stdout.splitlines() if " OFF " in line]
    assert line.startswith("lever")
    on = [sources("on", "lever") for _ in range(2)]
    assert "Lever is switched on" in on[0].stdout and "already" in on[1].stdout
    assert " OFF " not in sources("list").stdout


@pytest.mark.parametrize("word", ["off", "on"])
def test_switch_of_an_unknown_source_is_a_usage_error(sources, word):
    done = sources(word, "monster")
    assert done.exit_code == 2
    assert "'monster' is not one of" in done.stderr


def test_detect_prints_the_board_of_an_address(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook")])
    done = sources("detect", "https://boards.greenhouse.io/acme")
    assert done.exit_code == 0
    assert "Greenhouse (greenhouse)" in done.stdout and "Engineer; Cook" in done.stdout


def test_detect_that_fails_prints_a_sentence(sources):
    done = sources("detect", "https://127.0.0.1/")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: 127.0.0.1 is not on the public Internet")
    assert "Traceback" not in done.output


def test_preview_prints_a_table(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook", location={"name": "東京"})])
    done = sources("preview", "greenhouse", "acme", "--exclude", "cook")
    assert done.exit_code == 0
    header, first, second = done.stdout.splitlines()
    assert header.split() == ["MATCH", "TITLE", "LOCATION", "DEPARTMENT", "POSTED", "LINK"]
    assert first.split() == ["yes", "Engineer", "Berlin", "Research", "2026-01-02", "https://example.org/jobs/1"]
    assert second.split()[0] == "no"
    assert "acme: 1 of 2 postings match" in done.stderr


def test_preview_and_detect_work_without_redis(app, sources, boards, monkeypatch):
    away = RateLimiter(connect("redis://127.0.0.1:1"))
    monkeypatch.setitem(app.extensions, "sources", app.extensions["sources"].with_limiter(away))
    boards.greenhouse("acme", [job(1, "Engineer")])
    assert "acme: 1 of 1 postings match" in sources("preview", "greenhouse", "acme").stderr
    assert "Greenhouse (greenhouse)" in sources("detect", "https://boards.greenhouse.io/acme").stdout


def test_preview_prints_json(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer", "&lt;p&gt;Build.&lt;/p&gt;")])
    [line] = sources("preview", "greenhouse", "acme", "--include", "engineer", "--json").stdout.splitlines()
    posting = json.loads(line)
    assert (posting["external_id"], posting["description"], posting["rule"]) == ("1", "Build.", "include")
    assert posting["matched"] is True
    assert posting["posted_at"] == "2026-01-02T08:04:05+00:00"


def test_preview_of_several_boards_survives_a_failed_one(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer")])
    done = sources("preview", "greenhouse", "nobody", "acme", "../x")
    assert done.exit_code == 1
    assert "Engineer" in done.stdout
    assert done.stderr.count("Error: ") == 2


def test_preview_reports_postings_that_could_not_be_read(sources, boards):
    boards.greenhouse("acme", [job(1, "Engineer"), {"id": 2}])
    assert "1 more could not be read" in sources("preview", "greenhouse", "acme").stderr


def test_preview_prints_no_control_characters_of_a_board(sources, boards):
    boards.greenhouse("acme", [job(1, "Eng\x1b[31mineer\n\r")])
    assert "\x1b" not in sources("preview", "greenhouse", "acme").stdout


def test_truncate_fits_characters_of_every_width():
    assert display_width("東京a") == 5
    assert truncate("東京東京", 5) == "東京…"
    assert truncate("abc", 3) == "abc"
    assert truncate(None, 3) == "-"
    assert display_width("👩\u200d💻") == 4
