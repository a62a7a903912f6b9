"""The title filter: terms match whole words, as people write them."""

import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.term_automaton import MAX_MATCHED_LENGTH, MAX_STARS
from app.sources.title_filter import Rule, RuleKind, TitleFilter, has_word


def decide(title: str, include: list[str], exclude: list[str]) -> Rule:
    """Return the decision of these filters on a title."""
    return TitleFilter(include, exclude).decide(title)


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ("intern", "Software Engineering Intern"),
        ("intern", "Summer Interns 2027"),
        ("secretary", "Secretaries"),
        ("pm", "Senior PMs"),
        ("engineer", "Engineer+"),
        ("engineer", "Engineer#12"),
        ("engineer", "Engineer_II"),
        ("INTERN", "intern, legal"),
        ("intern*", "Internship, Data"),
        ("*stack", "Fullstack Developer"),
        ("*stack", "Full-Stack Developer"),
        ("front end", "Front-End Engineer"),
        ("front-end", "Front End Engineer"),
        ("software engineer", "Senior Software Engineer II"),
        ("vp engineering", "VP, Engineering"),
        ("developpeur", "Développeur Senior"),
        ("Développeur", "DEVELOPPEUR"),
        ("strasse", "Straße"),
        ("c++", "C++ Developer"),
        ("c#", "Senior C# (Remote)"),
        (".net", ".NET Engineer"),
        ("node.js", "Node.js Developer"),
        ("r&d", "R&D Lead"),
        ("ml", "Engineer (ML)"),
        ("qa", "QA/Test"),
        ("sales", "Head of Sales"),
        ("sale", "Sales Manager"),
        ("data科学", "Data科学家"),
        ("class", "World-class classes"),
        ("business", "Business Analyst"),
        ("エンジニア", "ソフトウェアエンジニア"),
        ("工程师", "高级软件工程师"),
        ("data", "Data科学家"),
        ("ｅｎｇｉｎｅｅｒ", "Engineer"),
        ("*ops engineer*", "DevOps - Engineering Lead"),
        ("*script*", "JavaScripting"),
        ("*ist", "Machinists"),
        ("c++*", "C++17"),
        ("c++* developer", "C++17 Developer"),
        ("c#", "C#+SQL Developer"),
        ("a+b", "A+B Testing"),
        ("engineer", "Data+Engineer"),
        ("entwickler*in", "Entwickler*in (m/w/d)"),
        ("entwickler*in", "Entwicklerin"),
        ("entwicklerin", "Entwickler*in"),
        ("entwickler", "Entwickler*in"),
        ("kund*innenberater*in", "Kund*innenberater*in"),
        ("leiter*in vertrieb", "Junior*Leiter*in - Vertrieb"),
        ("学", "学+"),
        ("科学 data", "数据科学 Data"),
        ("*科学 data", "科学科学 Data"),
    ],
)
def test_decide_term_matches_title(term, title):
    assert decide(title, [term], []) == Rule(RuleKind.INCLUDE, term)
    assert decide(title, [], [term]) == Rule(RuleKind.EXCLUDE, term)


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ("intern", "Internal Tools Engineer"),
        ("intern", "International Sales"),
        ("intern", "Internship"),
        ("c", "C++ Developer"),
        ("c", "C# Developer"),
        ("java", "JavaScript Developer"),
        ("sales", "Salesforce Administrator"),
        ("engineer", "Engineering Manager"),
        ("software engineer", "Engineer, Software"),
        ("end", "Backend Developer"),
        ("ai", "Maintenance"),
        ("stack", "Fullstack"),
        ("ios", "Curious Minds"),
        ("sales", "Sale Engineer"),
        ("devops", "Devop"),
        ("interns", "Design intern"),
        ("*ops engineer", "DevOps Engineering"),
        ("front end", "Front+ End"),
        ("front end", "Front, Back, End"),
        ("c++", "C++17"),
        ("secretary", "Secretaryes"),
        ("*ist", "Listing"),
        ("a b", "ab"),
        ("科学 data", "科学家 Data"),
    ],
)
def test_decide_term_does_not_match_title(term, title):
    assert decide(title, [term], []) == Rule(RuleKind.NOT_INCLUDED)
    assert decide(title, [], [term]) == Rule(RuleKind.NO_FILTER)


def test_decide_exclude_overrides_include():
    assert decide("Engineering Intern", ["engineering"], ["sales", "intern"]) == Rule(RuleKind.EXCLUDE, "intern")


def test_decide_names_the_first_matching_term():
    assert decide("Data Engineer", ["designer", "engineer", "data"], []) == Rule(RuleKind.INCLUDE, "engineer")


def test_decide_without_terms_matches_every_title():
    assert decide("Anything", [], []).is_match
    assert not decide("Anything", ["else"], []).is_match


@pytest.mark.parametrize("term", ["", "   ", "*", "-", "&", "+"])
def test_decide_ignores_terms_without_a_letter_or_digit(term):
    assert not has_word(term)
    assert decide("Engineer", [], [term]).is_match
    assert decide("Engineer", [term], []).kind is RuleKind.NO_FILTER
    assert decide("Engineer", [term, "designer"], []).kind is RuleKind.NOT_INCLUDED


@given(title=st.text(), terms=st.lists(st.text(max_size=20), max_size=4))
def test_decide_survives_fuzzed_titles_and_terms(title, terms):
    rule = decide(title, terms, terms)
    assert rule.term is None or rule.term in terms


def test_decide_joins_the_words_around_few_stars():
    stars = "*a" * (MAX_STARS - 1)
    assert decide(f"Entwickler*in {stars[:-2]}", ["entwicklerin"], []).is_match
    assert not decide(f"Entwickler*in {stars} *a", ["entwicklerin"], []).is_match


@pytest.mark.parametrize("start", ["a " * (MAX_MATCHED_LENGTH // 2), "\ufdfa" * 28 + " ", "ß" * 300 + " "])
def test_decide_matches_the_start_of_a_long_title(start):
    assert not decide(f"{start}intern", ["intern"], []).is_match


RANDOM = random.Random(1)
NEEDLES = ["*" + "".join(RANDOM.choices("abcdefgh", k=98)) + "*" for _ in range(50)]
HOSTILE_TERMS = {
    "stars before": [f"*{'a' * length}b" for length in range(49, 99)],
    "stars around": [f"*{'a' * length}*" for length in range(48, 98)],
    "stars after": [f"{'a' * length}*" for length in range(49, 99)],
    "needles": NEEDLES,
    "phrases of stars": [f"{'*a* ' * 24}{chr(ord('a') + number % 26)}{number}" for number in range(50)],
    "phrases of letters": [f"{'a ' * 48}{number}" for number in range(50)],
    "signs": [f"{'a+' * 48}{number}" for number in range(50)],
    "stars inside": [f"{'a*' * 48}{number}" for number in range(50)],
    "unspaced": ["学" * length for length in range(1, 51)],
}
HOSTILE_TITLES = {
    "one word": "a" * 500,
    "letters": "a " * 250,
    "signs": "a+" * 250,
    "stars": "a*" * 250,
    "only signs": "+" * 500,
    "only stars": "*" * 500,
    "emoji": "😀" * 500,
    "accents": "\u0315" * 250 + "\u0334" * 250,
    "ligatures": "\ufdfa" * 500,
    "unspaced": "学" * 500,
    "scripts": "a学" * 250,
    "almost a needle": NEEDLES[0][1:-2] * 5,
}


def steps(work: Callable[[], object]) -> int:
    """Return the number of lines of Python that the work executes."""
    lines = 0

    def count(frame, event, arg):
        nonlocal lines
        lines += event == "line"
        return count

    previous = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(previous)
    return lines


@pytest.mark.parametrize("title", HOSTILE_TITLES.values(), ids=HOSTILE_TITLES)
@pytest.mark.parametrize("terms", HOSTILE_TERMS.values(), ids=HOSTILE_TERMS)
def test_steps_of_a_decision_are_linear_in_the_title_for_any_terms(terms, title):
    title_filter = TitleFilter(terms, terms)
    whole = steps(lambda: title_filter.decide(title))
    half = steps(lambda: title_filter.decide(title[:250]))
    # Twice the steps, and a few by chance. A quadratic search would take four times as many.
    assert whole <= 2.5 * half + 50
    assert whole <= 25 * len(title)


@pytest.mark.parametrize("title", HOSTILE_TITLES.values(), ids=HOSTILE_TITLES)
@pytest.mark.parametrize("terms", HOSTILE_TERMS.values(), ids=HOSTILE_TERMS)
def test_steps_of_a_decision_do_not_grow_with_the_number_of_terms(terms, title):
    many, few = TitleFilter(terms, terms), TitleFilter(terms[:5], terms[:5])
    assert steps(lambda: many.decide(title)) <= 2 * steps(lambda: few.decide(title))


@pytest.mark.parametrize("terms", HOSTILE_TERMS.values(), ids=HOSTILE_TERMS)
def test_steps_of_compiling_a_filter_are_linear_in_its_terms(terms):
    assert steps(lambda: TitleFilter(terms, [])) <= 3 * steps(lambda: TitleFilter(terms[:25], []))
    assert steps(lambda: TitleFilter(terms, [])) <= 100 * sum(map(len, terms))
