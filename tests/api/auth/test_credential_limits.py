"""The limits on sessions and tokens over HTTP: the refusal of a token, and the pages of the list."""

import pytest

from app.models import MAX_TOKENS
from tests.support.factories import sql
from tests.support.responses import problem


def test_token_beyond_the_maximum_is_409_until_one_is_revoked(browser):
    made = [browser.call("POST", "auth/credentials", {"name": f"t{n}"}) for n in range(MAX_TOKENS)]
    assert {response.status_code for response in made} == {201}
    refused = browser.call("POST", "auth/credentials", {"name": "one more"})
    problem(refused, 409, "too_many_tokens")
    assert refused.json["detail"] == "There are already 50 tokens, the maximum. Revoke one that is no longer needed."
    assert browser.call("DELETE", made[0].headers["Location"].removeprefix("/api/")).status_code == 204
    assert browser.call("POST", "auth/credentials", {"name": "one more"}).status_code == 201


def test_credentials_are_paged(browser):
    for number in range(4):
        browser.call("POST", "auth/credentials", {"name": f"t{number}"})
    whole = browser.call("GET", "auth/credentials").json
    assert (len(whole["credentials"]), whole["next"]) == (5, None)
    first = browser.call("GET", "auth/credentials?limit=3").json
    assert isinstance(first["next"], str)
    second = browser.call("GET", f"auth/credentials?limit=3&after={first['next']}").json
    assert first["credentials"] + second["credentials"] == whole["credentials"]
    assert second["next"] is None and second["credentials"][-1]["is_current"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=", "after=0", "after=x", "before=1"])
def test_credentials_refuse_an_invalid_page(browser, query):
    problem(browser.call("GET", f"auth/credentials?{query}"), 422, "invalid_input")


def test_credentials_of_another_user_are_on_no_page(accounts_app, browser, curl):
    other = sql("INSERT INTO users (email) VALUES ('bob@example.org') RETURNING user_id")[0].user_id
    values = "(:id, 'token', 'b', 'x', 0)"
    sql(f"INSERT INTO credentials (user_id, kind, name, secret_hash, epoch) VALUES {values}", id=other)
    listed = browser.call("GET", "auth/credentials?after=9223372036854775807").json["credentials"]
    assert [each["name"] for each in listed if each["name"] == "b"] == []
    assert len(listed) == 2
