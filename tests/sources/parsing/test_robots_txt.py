"""The rules of a robots.txt for this program, and its sitemaps: read as Protego reads them, and bounded."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from protego import Protego

from app.sources.parsing import robots_txt
from app.sources.parsing.robots_txt import TOO_MANY_RULES, rules_for, sitemaps_in

AGENT = "JobIngestion"
PATHS = ["/", "/a", "/a/b", "/b?x=1", "/a.html", "/%61", "/index.html"]

FIELDS = st.sampled_from(
    ["User-agent", "useragent", "USER AGENT", "Disallow", "disalow", "Allow", "Crawl-delay", "crawl delay"]
    + ["Sitemap", "site-map", "Host", "Visit-time", "Request-rate", "Unknown", "User", "agent", ""]
)
VALUES = st.sampled_from(
    ["*", "JobIngestion", "jobingestion*", "j*o*b", "job", "j", "ingestion", "other", "**", "", "/", "/a", "/*b", "/a$"]
    + ["$", "/index.html", "1", "2.5", "-1", "nan", "inf", "1e999", "99999999999", "one", "http://x/y", "a b"]
)
SEPARATORS = st.sampled_from([": ", ":", " : ", " ", "  ", ":\t", "::", ""])
COMMENTS = st.sampled_from(["", "", "", " # note", "#"])
LINES = st.builds("{}{}{}{}".format, FIELDS, SEPARATORS, VALUES, COMMENTS)


@given(lines=st.lists(LINES, max_size=12), end=st.sampled_from(["\n", "\r\n", "\r", "\u2028"]))
@example(lines=["User-agent: j", "Disallow: /", "User-agent: *", "Allow: /a"], end="\n")
@example(lines=["User-agent: *", "Disallow: /", "", "User-agent: jobingestion"], end="\n")
@example(lines=["User-agent: *", "Sitemap: /x", "User-agent: other", "Disallow: /a"], end="\n")
@example(lines=["User-agent: *", "Crawl-delay: 2", "Crawl-delay: 3", "Crawl-delay: 2"], end="\n")
def test_rules_for_a_program_are_those_that_protego_finds(lines, end):
    text = end.join(lines)
    whole, own = Protego.parse(text), Protego.parse(rules_for(AGENT, text))
    for path in PATHS:
        url = f"https://acme.example{path}"
        assert own.can_fetch(url, AGENT) == whole.can_fetch(url, AGENT)
    assert (own.crawl_delay(AGENT) or 0) == (whole.crawl_delay(AGENT) or 0)
    assert sitemaps_in(text) == (list(dict.fromkeys(whole.sitemaps)), True)
    assert rules_for(AGENT, rules_for(AGENT, text)) == rules_for(AGENT, text)


def test_rules_for_other_programs_are_left_out():
    names = "\n".join(f"User-agent: bot{number}" for number in range(1000))
    rules = "\n".join(f"Disallow: /{number}" for number in range(1000))
    assert rules_for(AGENT, f"{names}\n{rules}\nUser-agent: *\nDisallow: /x") == "User-agent: *\nDisallow: /x"
    assert len(rules_for(AGENT, f"{names}\nUser-agent: *\n{rules}")) < 20_000


@pytest.mark.parametrize(
    ("rules", "is_too_many"),
    [
        ([f"Disallow: /{number}" for number in range(robots_txt.MAX_RULES)], False),
        ([f"Disallow: /{number}" for number in range(robots_txt.MAX_RULES + 1)], True),
        (["Disallow: /x"] * 20_000, False),
        ([f"Crawl-delay: {number}" for number in range(robots_txt.MAX_RULES + 1)], True),
        (["Disallow: /" + "x" * 1999], False),
        (["Disallow: /" + "x" * 2000], True),
        ([f"Allow: /*{number:048}" for number in range(1000)], False),
        ([f"Allow: /*{number:048}" for number in range(1001)], True),
    ],
    ids=["most", "one more", "the same", "delays", "long", "too long", "wildcards", "too many wildcards"],
)
def test_rules_beyond_the_limits_forbid_everything(rules, is_too_many):
    found = rules_for(AGENT, "\n".join(["User-agent: *", *rules]))
    assert (found == TOO_MANY_RULES) == is_too_many
    assert not Protego.parse(TOO_MANY_RULES).can_fetch("https://acme.example/", AGENT)


def test_sitemaps_beyond_the_limit_are_left_out():
    lines = [f"Sitemap: /{number}.xml" for number in range(robots_txt.MAX_SITEMAPS)]
    assert sitemaps_in("\n".join([*lines, *lines])) == ([line.partition(" ")[2] for line in lines], True)
    found, is_whole = sitemaps_in("\n".join([*lines, "Sitemap: /more.xml"]))
    assert (len(found), is_whole) == (robots_txt.MAX_SITEMAPS, False)
