"""The costs of attacks, and the hostile boards that cause them."""

import json
import subprocess
import sys
import urllib.request

import pytest

from app.sources.adapters.registry import SOURCES
from tests.drills import hostile_boards
from tests.drills.bystanders import Answers, PreviewEnd
from tests.drills.costly_strangers import outcome_of, wrong_outcome
from tests.drills.costs import Cost, End, violations
from tests.drills.hostile_bodies import numbered, repeated
from tests.drills.hostile_servers import hostile_servers
from tests.drills.memory import Peaks, private_memory

READ = PreviewEnd(1.5, True, "ok", found=20)


def cost(**more: object) -> Cost:
    growth = {"web": 90.4, "worker": 0.0, "previewer": 12.0, "reader": 140.0, "postgres": 12.0}
    answers = Answers([0.004] * 299 + [0.3])
    return Cost("rows", **{"peaks": Peaks(growth), "answers": answers, "small_board": READ, **more})


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({}, []),
        ({"peaks": Peaks({"web": 101.0, "worker": 151.0, "previewer": 151.0, "reader": 151.0, "postgres": 151.0})},
         ["a web process took 101 MB (limit 100)", "a worker's child took 151 MB (limit 150)",
          "a previewer's child took 151 MB (limit 150)",
          "a reader's child took 151 MB (limit 150)",
          "a session of PostgreSQL took 151 MB (limit 150)"]),
        ({"peaks": Peaks({"web": 90.0, "worker": 9.0, "previewer": 9.0, "reader": 300.0, "postgres": 300.0}),
          "boards": 2}, []),
        ({"peaks": Peaks({"web": 9.0, "worker": 9.0, "previewer": 9.0, "reader": 610.0, "postgres": 9.0}, ["reader"]),
          "boards": 8},
         ["a reader's child took 610 MB (limit 1200)"]),
        ({"ends": [End("preview", 96.0, 95, None)]}, ["the preview took 96.0 s (limit 95)"]),
        ({"ends": [End("preview", 9.0, 95, "ended as unreachable")]}, ["the preview ended as unreachable"]),
        ({"answers": Answers([0.1] * 9, ["start: 503"])}, ["another user got 1 errors, first start: 503"]),
        ({"answers": Answers([0.3] * 300)}, ["another user's p99 was 300 ms (limit 250)"]),
        ({"answers": Answers([0.3] * 10)}, []),
        ({"answers": Answers([2.5])}, ["another user waited 2.5 s for an answer (limit 2)"]),
        ({"small_board": PreviewEnd(2.0, True, "throttled", "Try later.")},
         ["another user's small board was not read: throttled, Try later."]),
        ({"small_board": PreviewEnd(31.0, True, "ok", found=20)},
         ["another user's small board took 31.0 s (limit 30)"]),
    ],
    ids=["held", "memory", "two boards", "stopped", "late", "wrong result", "errors", "p99", "p99 of too few",
         "slowest", "shut out", "slow"],
)
def test_violations_name_each_exceeded_limit(changed, sentences):
    assert violations(cost(**changed)) == [f"rows: {sentence}" for sentence in sentences]


def test_violations_expect_nothing_of_a_stopped_process():
    peaks = Peaks({"web": 1010.0, "worker": 0.0, "previewer": 0.0, "reader": 0.0, "postgres": 0.0}, ["web"])
    answers = Answers([0.004] * 299 + [0.3], ["start: no answer"])
    stopped = cost(peaks=peaks, answers=answers, ends=[End("detection", 3.0, 58, "was answered None")])

    assert violations(stopped) == ["rows: a web process took 1010 MB (limit 100)"]
    assert stopped.row() == ("rows", "stopped at 1010", "0", "0", "0", "0", "3.0", "4", "300", "1.5")


def test_sound_board_must_be_read_and_a_hostile_one_must_end():
    sound, hostile = hostile_boards.BOARDS["texts"], hostile_boards.BOARDS["brackets"]
    unread, unfinished = PreviewEnd(9.0, True, "unreachable", "Failed."), PreviewEnd(110.0, False, None, "not finished")

    assert [wrong_outcome(board, unread) for board in (hostile, sound)] == [None, "ended as unreachable, Failed."]
    assert wrong_outcome(hostile, unfinished) == "ended as None, not finished"
    assert wrong_outcome(sound, READ) is None


def test_outcome_judges_p99_over_all_attacks():
    few = [cost(answers=Answers([0.3] * 100)) for _ in range(3)]

    assert outcome_of(few, []).violations == ["all attacks: another user's p99 was 300 ms (limit 250)"]
    assert outcome_of([cost()], ["logged: a fault"]).violations == ["logged: a fault"]


def test_body_has_the_size_and_the_units_asked_for():
    assert b"".join(repeated("[", "{},", "{}]", 100)(0)) == b"[" + b"{}," * 32 + b"{}]"
    assert b"".join(numbered("[", str, "]", 3, separator=",")(100)) == b"[100,101,102]"


@pytest.mark.parametrize("name", hostile_boards.BOARDS)
def test_hostile_board_is_found_by_a_valid_name(name):
    board = hostile_boards.BOARDS[name]
    token = hostile_boards.token(board.source, name, "web")

    assert SOURCES[board.source].valid_board(token) == token
    assert hostile_boards.find(board.source, f"/some/{token}/path") is board


def test_small_boards_are_served_without_the_hostile_ones():
    with hostile_servers() as bases:
        base = json.loads(bases)["greenhouse"]
        with urllib.request.urlopen(f"{base}/v1/boards/small-1/jobs") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/v1/boards/elements-1/jobs")


def test_private_memory_counts_what_a_process_has_written():
    program = "import sys; filled = bytearray(b'a') * 60_000_000; print('ready', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe) as process:
        process.stdout.readline()
        assert 60 < private_memory(process.pid) < 120
        process.stdin.close()
    assert private_memory(process.pid) == 0
