"""The commands of the README, as printed, on a fresh product with boards on this machine."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config.settings import PROJECT
from tests.support.boards import Boards, environment, job
from tests.support.product import Product, temporary_product
from tests.support.waiting import WAIT_TIMEOUT

TITLES = ("Software Engineer", "Internal Tools Engineer", "Engineering Intern", "Designer")

TEXT = "<p>Build things.</p><h2>Requirements</h2><ul><li>Python</li></ul>"


@pytest.fixture
def fresh_product(folder: Path, board_server: Boards) -> Iterator[Product]:
    """A fresh product that ingests, with GitLab's board."""
    board_server.greenhouse("gitlab", [job(number, title, TEXT) for number, title in enumerate(TITLES, start=1)])
    settings = {"INGESTION": "run", "AUTH": "local", **environment(board_server.url)}
    with temporary_product(folder / "data", **settings) as product:
        product.start()
        yield product
    board_server.reset()


def commands() -> list[str]:
    """Return the commands of the section "With curl", each with its further lines and its comment."""
    section = (PROJECT / "README.md").read_text().partition("## With curl")[2]
    block = section.partition("```sh\n")[2].partition("```")[0]
    return [line for line in re.split(r"(?<!\\)\n", block) if line]


def outputs(lines: list[str], product: Product, home: Path) -> list[str]:
    """Run the lines in one shell; return the output of each. Fail at the first that exits with another code than 0.

    curl's own settings lead the printed address to this product.
    """
    (home / ".curlrc").write_text(f'connect-to = "127.0.0.1:8000:127.0.0.1:{product.port}"\nno-progress-meter\n')
    script = "\n".join(f"{line}\nprintf '\\036'" for line in lines)
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        env={**os.environ, "CURL_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=WAIT_TIMEOUT * 2,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout.split("\036")[:-1]


def test_curl_block_brings_jobs_as_its_comments_say(fresh_product: Product, folder: Path) -> None:
    lines = commands()
    answers: list[Any] = [json.loads(output or "null") for output in outputs(lines, fresh_product, folder)]
    detected, company, preview, progress, start, _, run, companies, *rest = answers
    timeline, jobs, job_1, _, again, abort, history = rest
    assert (detected["source"], detected["board"]) == ("greenhouse", "gitlab")
    assert (company["name"], company["include"], company["exclude"]) == ("GitLab", ["engineer"], ["intern"])
    assert (preview, start) == ({"preview_id": 1}, {"run_id": 1})
    assert progress["companies"][0]["name"] == "GitLab"
    assert (run["status"], run["jobs_new"], run["jobs_ready"], run["companies_taken_in"]) == ("finished", 2, 2, 1)
    [unit] = companies["companies"]
    assert (unit["name"], unit["state"], unit["new"]) == ("GitLab", "taken_in", 2)
    assert [each["to"] for each in timeline["events"]] == ["pending", "initializing", "ingesting", "finished"]
    assert all(each["actor"] for each in timeline["events"])
    assert {each["title"] for each in jobs["jobs"]} == {"Software Engineer", "Internal Tools Engineer"}
    assert "Build things." in job_1["description"] and [each["kind"] for each in job_1["history"]] == ["new"]
    assert again == {"run_id": 2}
    assert abort.get("success") is True or abort["status"] == 409
    assert [each["run_id"] for each in history["runs"]] == [2, 1]


def test_start_with_the_key_of_the_readme_starts_nothing_twice(fresh_product: Product, folder: Path) -> None:
    [key] = [line for line in commands() if line.startswith("KEY=")]
    [start] = [line for line in commands() if "Idempotency-Key" in line]

    answers = outputs([key, start, start], fresh_product, folder)

    assert [json.loads(answer) for answer in answers[1:]] == [{"run_id": 1}, {"run_id": 1}]
    assert fresh_product.sql("SELECT count(*) FROM ingestion_runs") == [(1,)]
