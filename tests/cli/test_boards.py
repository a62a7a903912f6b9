"""The command line for boards."""

import pytest

from app.services.companies import companies
from tests.support.factories import make_user, sql
from tests.support.listed_boards import add_listing, add_postings, make_board


@pytest.fixture
def invoke(app):
    """Return a function that runs a command in this process and returns its exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["boards", *words])
        return done.exit_code, done.output

    return run


@pytest.fixture
def acme(app) -> int:
    """A board of two users, with three postings of which one is missing."""
    for email in ("ann@example.org", "bob@example.org"):
        fields = {"source": "greenhouse", "board": "acme", "name": "Acme"}
        companies.add(make_user(email), {**fields, "enabled": True, "include": [], "exclude": []})
    board_id = make_board("greenhouse", "acme")
    add_postings(board_id, ["1", "2", "3"])
    listing_id = add_listing(board_id, "complete", "ok", 2)
    sql("UPDATE postings SET missing_since = now(), missing_listing_id = :id WHERE external_id = '3'", id=listing_id)
    return board_id


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()[1:]]


def board_row() -> tuple:
    return tuple(sql("SELECT is_on_hold, is_shrink_allowed, held_listing_id FROM boards")[0])


def test_list_shows_the_last_listing_and_the_counts(invoke, acme):
    code, output = invoke("list")
    assert code == 0
    assert output.split("\n")[0].split() == ["ID", "SOURCE", "BOARD", "LISTED", "CLASS", "OPEN", "MISSING", "USERS"]
    [row] = rows(output)
    assert (row[:3], row[-4:]) == (["1", "greenhouse", "acme"], ["complete", "3", "1", "2"])


def test_list_shows_a_board_that_was_never_read(invoke):
    make_board("lever", "new")
    assert rows(invoke("list")[1]) == [["1", "lever", "new", "-", "-", "0", "0", "0"]]


def test_list_begins_with_the_last_read_and_reports_more(invoke):
    for board in ("never", "first", "second"):
        make_board("lever", board)
    for board in ("first", "second"):
        add_listing(make_board("lever", board), "complete", "ok", 0)
    _, output = invoke("list", "--limit", "1")
    assert rows(output)[0][2] == "second"
    assert "There are more boards; show more with --limit 2." in output


@pytest.mark.parametrize(
    ("state", "column"),
    [
        ("held", "held_listing_id = 1"),
        ("empty", "empty_listing_id = 1"),
        ("gone", "gone_at = now()"),
        ("on-hold", "is_on_hold = true"),
    ],
)
def test_list_can_be_filtered_by_state_and_source(invoke, acme, state, column):
    make_board("lever", "other")
    assert rows(invoke("list", "--state", state)[1]) == []
    sql(f"UPDATE boards SET {column}")
    assert len(rows(invoke("list", "--state", state)[1])) == 2
    assert [row[2] for row in rows(invoke("list", "--state", state, "--source", "lever")[1])] == ["other"]


def test_list_of_failing_boards(invoke, acme):
    assert rows(invoke("list", "--state", "failing")[1]) == []
    add_listing(acme, "failed", "unreachable", sentence="It did not answer.")
    [row] = rows(invoke("list", "--state", "failing")[1])
    assert row[-4] == "failed"


@pytest.mark.parametrize("words", [["1"], ["greenhouse", "acme"], ["greenhouse", " acme "]])
def test_show_prints_a_board_with_its_listings(invoke, acme, words):
    add_listing(acme, "failed", "unreachable", sentence="It did\n not \x1b[31manswer.")
    code, output = invoke("show", *words)
    assert code == 0
    assert "Missing: 1 of its 3 open postings. The first witness is listing 2, which began at 20" in output
    assert "The next second look is not needed." in output
    listings = [line.split() for line in output.splitlines() if line.split()[0] in "123" and "20" in line]
    assert [line[0] for line in listings] == ["3", "2", "1"]
    assert "failed" in listings[0] and "It did not [31manswer." in output
    assert "\x1b" not in output


def test_show_prints_the_last_ten_listings(invoke, acme):
    for _ in range(12):
        add_listing(acme, "unchanged", "ok", 2)
    assert invoke("show", "1")[1].count("unchanged") == 10


def test_show_prints_the_evidence_with_its_witnesses(invoke, acme):
    sql(
        "UPDATE boards SET held_listing_id = 1, empty_listing_id = 2, empty_count = 2, gone_listing_id = 1,"
        " gone_last_listing_id = 2, gone_count = 2, gone_at = now(), is_on_hold = true, is_shrink_allowed = true,"
        " look_again_at = '2030-01-02 03:04:05Z'"
    )
    output = invoke("show", "1")[1]
    for sentence in (
        "On hold: no listing makes a posting missing or closed until the board is released.",
        "Released: its next complete listing is not held",
        "Held: it lacks many open postings. The first witness is listing 1, which began at 20",
        "Empty: 2 in a row. The first witness is listing 2, which began at 20",
        "Not found: 2 in a row. The first witness is listing 1, which began at 20",
        "the last one is listing 2, which began at 20",
        "Gone since 20",
        "The next second look is due at 2030-01-02 03:04:05Z.",
    ):
        assert sentence in output


def test_hold_and_release_change_the_board_once(invoke, acme):
    assert invoke("hold", "1")[1].startswith("Board 1 (greenhouse acme) is on hold: no listing")
    assert board_row() == (True, False, None)
    assert invoke("hold", "greenhouse", "acme") == (
        0, "Board 1 (greenhouse acme) was on hold already; nothing changed.\n"
    )
    sql("UPDATE boards SET held_listing_id = 2")
    code, output = invoke("release", "1")
    assert (code, output.splitlines()) == (
        0,
        [
            "Board 1 (greenhouse acme) is no longer on hold.",
            "Listing 2 of Board 1 (greenhouse acme) is no longer held.",
            "The next complete listing of Board 1 (greenhouse acme) counts, however many postings it lacks.",
        ],
    )
    assert board_row() == (False, True, None)
    assert invoke("release", "1") == (0, "Board 1 (greenhouse acme) was released already; nothing changed.\n")


def test_hold_and_release_leave_other_boards(invoke, acme):
    other = make_board("lever", "other")
    for word in ("hold", "release"):
        invoke(word, str(other))
        assert sql("SELECT is_on_hold, is_shrink_allowed FROM boards WHERE board_id = :id", id=acme) == [(False, False)]


@pytest.mark.parametrize("command", ["show", "read", "hold", "release"])
def test_unknown_board_is_reported_in_a_sentence(invoke, command):
    assert invoke(command, "77") == (1, "Error: There is no board 77.\n")
    assert invoke(command, "lever", "acme") == (1, "Error: There is no board acme of lever.\n")


@pytest.mark.parametrize("command", ["show", "read", "hold", "release"])
@pytest.mark.parametrize(
    "words", [["acme"], ["monster", "acme"], ["0"], ["9" * 30], ["lever", "a/b"], ["lever", "a", "b"]]
)
def test_impossible_board_is_a_usage_error(invoke, command, words):
    code, output = invoke(command, *words)
    assert code == 2
    assert output.splitlines()[-1].startswith("Error: ")
