"""Cleaning texts of characters that users cannot see or PostgreSQL cannot store, and shortening them."""

import pytest

from app.text import clean_line, is_encoding, shorten, storable


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  Acme\t\n Ltd ", "Acme Ltd"),
        ("Ac\x1b[31mme\x00", "Ac[31mme"),
        ("A\u202ecme\u202c", "Acme"),
        ("\u200d Acme \u200c", "Acme"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\u202e\u200d", ""),
    ],
)
def test_clean_line_keeps_what_can_be_printed_in_one_line(text, line):
    assert clean_line(text) == line


def test_clean_line_is_cut_and_ends_with_no_blank():
    assert clean_line("Acme Holding Ltd", 5) == "Acme"


def test_storable_removes_nul_and_lone_surrogates():
    assert storable("a\x00b\ud800c\udfffd 🙂") == "abcd 🙂"


@pytest.mark.parametrize(("text", "short"), [("", ""), ("Acme", "Acme"), ("Acmes", "Acm…")])
def test_shorten_marks_what_is_cut(text, short):
    assert shorten(text, 4) == short


@pytest.mark.parametrize("name", ["utf-8-sig", "UTF8", "iso-8859-15", "windows-1252", "gb18030", "Shift_JIS", "koi8-r"])
def test_encodings_of_texts_are_known(name):
    assert is_encoding(name)


@pytest.mark.parametrize("name", ["idna", "punycode", "unicode_escape", "rot13", "zlib", "nonsense", "\0"])
def test_encodings_that_may_take_minutes_are_not_known(name):
    assert not is_encoding(name)
