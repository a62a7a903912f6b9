"""The key of a board in jobs."""

from hashlib import sha256

from app.services.jobs.company_key import company_key


def test_a_short_key_is_source_and_board():
    assert company_key("greenhouse", "acme") == "greenhouse:acme"
    assert company_key("lever", "b" * 94) == "lever:" + "b" * 94


def test_a_long_key_ends_with_its_digest():
    whole = "website:" + "ä" * 93
    expected = f"{whole[:83]}~{sha256(whole.encode()).hexdigest()[:16]}"
    assert len(expected) == 100
    assert company_key("website", "ä" * 93) == expected
