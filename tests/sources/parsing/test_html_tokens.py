"""The search for tokens in a page, window by window."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.sources.parsing import html_tokens
from app.sources.parsing.html_tokens import scripts, split_scripts, without_comments


@given(text=st.text("ab<", max_size=60))
@example(text="b" * 11 + "<aaa")
def test_matches_in_windows_finds_the_same_as_finditer(text):
    pattern = re.compile("a{1,5}b|<(?=(a{0,3}))")
    with pytest.MonkeyPatch.context() as small:
        small.setattr(html_tokens, "WINDOW", 4)
        small.setattr(html_tokens, "MAX_MATCH_LENGTH", 8)
        found = [(match.span(), match.groups()) for match in html_tokens.matches(pattern, text)]
    assert found == [(match.span(), match.groups()) for match in pattern.finditer(text)]


PAGE = "a<!-- b --><SCRIPT c=d>e</Script>f<script g"


def test_pieces_of_a_page_are_its_comments_and_scripts():
    assert without_comments(PAGE) == "a<SCRIPT c=d>e</script>f<script g</script"
    assert split_scripts(PAGE) == ("a   c=d >f  g ", ["e", ""])
    assert list(scripts(PAGE)) == [(" c=d", "e"), (" g", "")]


def test_pieces_of_a_page_beyond_the_limit_are_not_read(monkeypatch):
    monkeypatch.setattr(html_tokens, "MAX_PIECES", 3)
    assert list(scripts("<!-- --><script>a</script><!-- --><script>b</script>")) == [("", "a")]
    assert without_comments("a<!-- -->" * 5) == "aaa"
