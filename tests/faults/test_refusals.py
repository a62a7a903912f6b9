"""Failed starts of ``make run``: each prints a sentence, exits with code 1, and changes nothing."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.settings import PROJECT
from tests.support.product import refusal
from tests.support.waiting import WAIT_TIMEOUT

FILES_OF_A_CLUSTER = ("PG_VERSION", "global/pg_control", "base/1/2619")


def test_start_refuses_a_port_in_use(folder: Path, used_port: int) -> None:
    sentence = refusal(folder, PORT=str(used_port))

    assert f"Port {used_port} on 127.0.0.1 cannot be used" in sentence


@pytest.mark.parametrize("below_a_file", [True, False], ids=["below a file", "in /proc"])
def test_start_refuses_a_data_folder_that_cannot_be_written(
    folder: Path, below_a_file: bool
) -> None:
    (folder / "file").touch()
    data_dir = folder / "file" / "data" if below_a_file else Path("/proc/data")

    sentence = refusal(data_dir)

    assert f"DATA_DIR {data_dir} cannot be" in sentence


def test_start_refuses_an_unreachable_database_without_its_password(folder: Path) -> None:
    sentence = refusal(folder, DATABASE_URL="postgresql://x:much-too-secret@127.0.0.1:1/z")

    assert sentence.startswith("DATABASE_URL cannot be used (")
    assert "start that PostgreSQL, correct the address" in sentence
    assert "much-too-secret" not in sentence


def test_start_reports_all_wrong_settings_at_once(folder: Path) -> None:
    sentences = refusal(folder, allowed_line_counts=(2,), PORT="abc", WEB_WORKERS="0")

    assert "PORT must be a whole number from 1 to 65535." in sentences
    assert "WEB_WORKERS must be a whole number from 1 to 64." in sentences


def test_start_refuses_local_mode_on_an_outside_address(folder: Path) -> None:
    sentence = refusal(folder, AUTH="local", HOST="0.0.0.0")

    assert "AUTH=local serves this machine only" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--bind", "0.0.0.0:0"],
            "AUTH=local serves this machine only: listen on 127.0.0.1, not on 0.0.0.0.",
        ),
        (
            ["--bind", "127.0.0.1:0", "--certfile", "/etc/hostname", "--keyfile", "/etc/hostname"],
            "This server does not support TLS. Remove certfile and keyfile, and put a TLS proxy in front of it.",
        ),
    ],
    ids=["outside address without sign-in", "TLS"],
)
def test_gunicorn_refuses_unsafe_options(folder: Path, words: list[str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", *words, "wsgi:app"],
        env={**os.environ, "AUTH": "local", "DATA_DIR": str(folder)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=WAIT_TIMEOUT,
    )
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_start_refuses_accounts_without_a_secret_key(folder: Path) -> None:
    sentence = refusal(folder, AUTH="accounts")

    assert "AUTH=accounts needs a SECRET_KEY" in sentence


def test_start_refuses_a_cluster_of_another_major_version(folder: Path) -> None:
    old = folder / "postgres" / "cluster"
    for name in FILES_OF_A_CLUSTER:
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text("17\n")
    before = contents(folder / "postgres")

    sentence = refusal(folder)

    assert "holds a PostgreSQL 17 cluster" in sentence
    assert contents(folder / "postgres") == before


def contents(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return every file below the folder with its modification time and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]
