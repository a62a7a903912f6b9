"""Passwords in the two forms in which keyboards compose a letter."""

import unicodedata

import pytest

from app.services.accounts import passwords, users
from tests.support.accounts import Visitor, person

ANN = "ann@example.org"
COMPOSED = "crème brûlée déjà"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
PLAIN = "correct horse battery"


@pytest.fixture
def verified(monkeypatch) -> list[tuple[str, str]]:
    """The hashes and the passwords that argon2 verifies."""
    seen, hasher = [], passwords.HASHER

    class Recording:
        def verify(self, password_hash, password):
            seen.append((password_hash, password))
            return hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "HASHER", Recording())
    return seen


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_password_is_verified_in_either_form(stored, typed):
    assert passwords.verify_password(passwords.hash_password(stored), typed)


def test_password_hashed_as_typed_by_an_earlier_version_is_still_verified():
    old = passwords.HASHER.hash(DECOMPOSED)
    assert passwords.verify_password(old, DECOMPOSED)
    assert not passwords.verify_password(old, DECOMPOSED + "!")


@pytest.mark.parametrize(("typed", "times"), [(PLAIN, 1), (COMPOSED, 1), (DECOMPOSED, 2)])
def test_wrong_password_costs_the_same_for_unknown_users(verified, typed, times):
    for password_hash in (None, passwords.DUMMY_HASH):
        verified.clear()
        assert not passwords.verify_password(password_hash, typed)
        assert [each for each, _ in verified] == [passwords.DUMMY_HASH] * times


def test_sign_in_and_password_change_accept_either_form(accounts_app):
    ann = person(accounts_app, ANN)
    with accounts_app.app_context():
        users.set_password(ann, DECOMPOSED)
    visitor = Visitor(accounts_app)
    assert visitor.sign_in(ANN, COMPOSED).status_code == 204
    change = {"current_password": DECOMPOSED, "new_password": f"{DECOMPOSED}!"}
    assert visitor.call("POST", "auth/password", change).status_code == 204
    assert Visitor(accounts_app).sign_in(ANN, f"{COMPOSED}!").status_code == 204


@pytest.mark.parametrize("typed", ["e\u0301" * 7, "\u0958" * 600])
def test_new_password_length_counts_as_typed_and_as_hashed(accounts_app, typed):
    """Seven letters of two characters each; 600 characters that become 1,200."""
    person(accounts_app, ANN)
    visitor = Visitor(accounts_app)
    visitor.sign_in(ANN)
    response = visitor.call("POST", "auth/password", {"current_password": PLAIN, "new_password": typed})
    assert (response.status_code, list(response.json["errors"])) == (422, ["new_password"])
    assert len(response.json["errors"]["new_password"]) == 1
