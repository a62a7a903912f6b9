"""The search for tokens in a page, window by window."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.sources.parsing import html_tokens


@given(text=st.text("ab<", max_size=60))
@example(text="b" * 11 + "<aaa")
def test_matches_in_windows_finds_the_same_as_finditer(text):
    pattern = re.compile("a{1,5}b|<(?=(a{0,3}))")
    with pytest.MonkeyPatch.context() as small:
        small.setattr(html_tokens, "WINDOW", 4)
        small.setattr(html_tokens, "MAX_MATCH_LENGTH", 8)
        found = [(match.span(), match.groups()) for match in html_tokens.matches(pattern, text)]
    assert found == [(match.span(), match.groups()) for match in pattern.finditer(text)]
