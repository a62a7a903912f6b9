"""Markup as plain text, and its division into description and requirements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.parsing.html_text import blocks, one_line, render, texts, tidy, truncated
from app.sources.types import Form, Section, Text


def plain(markup: str, form: Form = Form.HTML) -> str | None:
    return render(blocks(Text(markup, form)))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<ul><li>One</li><li>Two</li></ul><p>After</p>", "- One\n- Two\n\nAfter"),
        ("<li>bare</li><li>items</li>", "- bare\n- items"),
        ("<ul><li><p>in a paragraph</p></li><li><p>too</p></li></ul>", "- in a paragraph\n- too"),
        ("<ul><li>One<ul><li>Inner</li></ul></li></ul>", "- One\n- Inner"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("no markup at all", "no markup at all"),
        ("a &amp; b &lt;c&gt; &nbsp; d&#x27;s", "a & b <c> d's"),
        ("wo<b>rd</b>s <i>of</i> one", "words of one"),
        ("<p>line\nbreaks\r\n  are   blanks</p>", "line breaks are blanks"),
        ("<table><tr><td>A</td><td>B</td></tr><tr><td>C</td><td>D</td></tr></table>", "A B\n\nC D"),
        ("<p>unclosed <b>bold<p>next", "unclosed bold\n\nnext"),
        ("<script>bad()</script><style>p{}</style>good", "good"),
        ("<p>soft\u00adhyphen zero\u200bwidth</p>", "softhyphen zerowidth"),
        ("<section>A one</section><section>B two</section>", "A one\n\nB two"),
        ("<article><header>Head</header>Body</article>", "Head\n\nBody"),
        ("<details><summary>More</summary>Text</details><footer>End</footer>", "More\n\nText\n\nEnd"),
        ("<p>turned \u202eround\u202c</p>", "turned round"),
        ("", None),
        ("<p> </p><p>&nbsp;</p>", None),
    ],
)
def test_html_text_renders_markup(markup, text):
    assert plain(markup) == text


def test_html_text_unescapes_escaped_html_once():
    assert plain("&lt;p&gt;a &amp;amp; b &amp;lt;code&amp;gt;&lt;/p&gt;", Form.ESCAPED_HTML) == "a & b <code>"
    assert plain("&lt;p&gt;&amp;amp;lt; is written so&lt;/p&gt;", Form.ESCAPED_HTML) == "&lt; is written so"


def test_html_text_keeps_plain_text_unchanged():
    assert plain("a < b & c\n\n- not <b>markup</b>", Form.PLAIN) == "a < b & c\n\n- not <b>markup</b>"


@pytest.mark.parametrize(
    "heading",
    [
        "<h2>Requirements</h2>",
        "<h3>Minimum Qualifications:</h3>",
        "<p><strong>What you’ll bring</strong></p>",
        "<p><b>Who you are</b></p>",
        "<div><strong>You might be a fit if:</strong></div>",
        "<p><strong>About you</strong></p>",
        "<h4>Dein Profil</h4>",
        "<p><strong><em>Nice to have</em></strong></p>",
    ],
)
def test_requirements_reach_from_their_heading_to_the_next(heading):
    markup = f"<p>Intro.</p>{heading}<ul><li>Care</li></ul><h2>Benefits</h2><p>Cake.</p>"
    about, needed = texts([Text(markup)], [])
    assert about == "Intro.\n\nBenefits\n\nCake."
    assert needed.endswith("\n\n- Care")


@pytest.mark.parametrize(
    "heading",
    ["You might thrive in this role if you:", "Who we’re looking for", "What you’ll have", "Experience", "Skills:"]
    + ["You’ll be a great addition to the team if you have:", "Requirements</strong>:<strong>"],
)
def test_requirements_heading_is_recognised(heading):
    assert texts([Text(f"<p>A</p><p><strong>{heading}</strong></p><ul><li>Care</li></ul>")], [])[1].endswith("- Care")


@pytest.mark.parametrize(
    "heading", ["What you are going to do", "Why you are going to love it here", "Your experience at Acme", "Benefits"]
)
def test_requirements_heading_ignores_other_headings(heading):
    assert texts([Text(f"<h2>{heading}</h2><p>Fly.</p>")], [])[1] is None


def test_requirements_include_subheadings_and_end_at_their_level():
    markup = (
        "<h3>Requirements</h3><p><strong>Technical</strong></p><ul><li>C</li></ul><h4>Human</h4><p>Wit</p>"
        "<h3>Benefits</h3><p>Cake</p>"
    )
    about, needed = texts([Text(markup)], [])
    assert needed == "Requirements\n\nTechnical\n\n- C\n\nHuman\n\nWit"
    assert about == "Benefits\n\nCake"


def test_requirements_heading_is_not_bold_text_in_a_sentence():
    about, needed = texts([Text("<p>The <strong>requirements</strong> are few.</p><p>Come.</p>")], [])
    assert (about, needed) == ("The requirements are few.\n\nCome.", None)


def test_requirements_sections_of_the_source_take_precedence():
    description = [Text("<h2>Requirements</h2><p>None.</p>")]
    about, needed = texts(description, [Section("You need", Text("<li>Care</li>")), Section("", Text("<p>Wit</p>"))])
    assert about == "Requirements\n\nNone."
    assert needed == "You need\n\n- Care\n\nWit"


def test_one_line_unescapes_and_joins_whitespace():
    assert one_line(" Sales &amp; Ops\n Manager\t\u200b ") == "Sales & Ops Manager"


def test_tidy_removes_characters_that_postgresql_rejects():
    assert tidy("a\x00b\ud800c\x1b[0m\r\nd") == "abc[0m\nd"


def test_html_text_drops_lone_surrogates():
    assert plain("<p>a\ud800b</p>") == "ab"
    assert plain("&lt;p&gt;a\udfffb&lt;/p&gt;", Form.ESCAPED_HTML) == "ab"


@pytest.mark.parametrize(
    "markup", ["<div>", "<ul><li>", "<b>", "<i class=x>", "<table><tr><td>", "<", "<a ", "<!--", "a"]
)
def test_html_text_of_deep_and_long_markup_is_rendered(markup):
    """A parser that builds a tree would take minutes. The product's parser is fast, and keeps the words."""
    assert "deep" in (plain("<p>deep</p><" + markup * 40_000) or "")


def test_html_text_of_long_texts_is_complete():
    assert plain("<div>" * 150 + "deep" + "</div>" * 150) == "deep"
    assert len(plain("<p>word</p>" * 10_000)) == 10_000 * 6 - 2


PIECES = ["<p>", "</li>", "<ul", "&lt", "<!--", "]]>", "<b>", "x"]


@given(markup=st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_html_text_survives_fuzzed_markup(markup):
    for form in Form:
        text = plain(markup, form)
        assert text is None or text.strip() == text != ""


LONG = "x" * 300_000


@pytest.mark.parametrize("form", Form)
def test_texts_limit_the_length_of_all_parts_together(form):
    about, needed = texts([Text(LONG, form)] * 5, [])
    assert (len(about.replace("\n", "")), needed) == (400_000, None)
    about, needed = texts([Text(LONG, form)], [Section("y" * 50_000, Text("z" * 40_000, form))] * 5)
    assert (about, needed.count("z"), needed.count("y")) == (LONG, 40_000, 10_000 + 10_000)


def test_texts_limit_the_tags_of_all_parts_together():
    """The tags of the third part are dropped, as those of one part with too many tags are."""
    about, _ = texts([Text("<p>a</p>" * 4000)] * 3, [])
    assert about.count("\n\n") == 8000 and about.endswith("a a")


def test_texts_limit_the_number_of_parts():
    about, needed = texts([Text("<p>a</p>")] * 1001, [Section("", Text("b"))] * 1001)
    assert (about.count("a"), needed.count("b")) == (1000, 1000)
    assert len(truncated(["a"] * 1001)) == 1000


def test_truncated_returns_the_first_parts_of_a_text():
    assert truncated(["a", "", LONG, LONG, "b"]) == ["a", "", LONG, "x" * 99_999]


@pytest.mark.parametrize("piece", ["&", "&a", "& ", "&#", "&nbsp"])
def test_bare_ampersands_beyond_the_limit_are_dropped(piece):
    """References that end with a semicolon stay."""
    text = plain(f"a{piece * 20_001}&lt;b")
    assert "&" not in text and text.startswith("a") and text.endswith("<b")


def test_ampersands_up_to_the_limit_stay():
    assert plain("&" * 20_000) == "&" * 20_000


def test_one_line_reads_a_limited_length():
    assert one_line("&amp;" * 4000) == "&" * 2000


def test_one_line_replaces_a_reference_that_python_refuses():
    assert one_line(f"Acme &#{'1' * 4500}; &#65;") == "Acme \ufffd A"
