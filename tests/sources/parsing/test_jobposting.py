"""Postings in JSON-LD (schema.org's JobPosting), in the forms that companies publish."""

import gc
import html
import json
import weakref
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.errors import ShapeChanged
from app.sources.parsing.jobposting import employer, job_postings, job_postings_on, own_identity, raw_posting_of
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.postings import normalize
from tests.sources.adapters.examples import drain

HERE = "https://acme.example/jobs/1"
JOB = {"@type": "JobPosting", "title": "Baker"}
ORGANIZATION = {"@type": "Organization", "name": "Acme"}
NAMES = [
    *("@type", "@graph", "item", "title", "url", "identifier", "jobLocation", "address", "description", "skills"),
    *("validThrough", "hiringOrganization", "employmentType", "applicantLocationRequirements", "name", "value"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("JobPosting"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=15,
)


def record(**members: object) -> Record:
    return Record({**JOB, **members}, "JobPosting")


def read(**members: object):
    """Return the posting with these members, parsed and normalised."""
    return normalize(raw_posting_of(record(**members), HERE))


def day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).date().isoformat()


@pytest.mark.parametrize(
    "document",
    [
        JOB,
        [JOB],
        [ORGANIZATION, [JOB]],
        {"@context": "https://schema.org", "@graph": [ORGANIZATION, JOB]},
        {"@graph": JOB},
        {**JOB, "@type": ["Thing", "JobPosting"]},
        {**JOB, "@type": "https://schema.org/JobPosting"},
        {**JOB, "@type": "schema:JobPosting"},
        {"@type": "WebPage", "mainEntity": JOB},
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": JOB}]},
    ],
    ids=[
        *("alone", "list", "nested list", "graph", "graph of one", "several types", "type as URL", "type with prefix"),
        *("main entity", "item list"),
    ],
)
def test_job_postings_are_found_at_any_depth(document):
    assert [found["title"] for found in job_postings(json.dumps(document))] == ["Baker"]


@pytest.mark.parametrize("document", [ORGANIZATION, [], {}, None, 7, "JobPosting", {"@type": None}, {"@type": [7]}])
def test_job_postings_ignores_other_documents(document):
    assert list(job_postings(json.dumps(document))) == []


def test_job_postings_keep_their_order():
    document = {"@graph": [{**JOB, "title": "A"}, [{**JOB, "title": "B"}], {**JOB, "title": "C"}]}
    assert [found["title"] for found in job_postings(json.dumps(document))] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "around",
    ["%s", " \n%s;\n", "<!-- %s -->", "//<![CDATA[\n%s\n//]]>", "\ufeff%s"],
    ids=["nothing", "semicolon", "comment", "CDATA", "byte order mark"],
)
def test_job_postings_ignores_wrappers_of_the_script(around):
    assert len(list(job_postings(around % json.dumps(JOB)))) == 1


def test_job_postings_accepts_line_breaks_and_escaped_json():
    assert list(job_postings('{"@type": "JobPosting", "title": "A\nB\t"}'))[0]["title"] == "A\nB\t"
    assert len(list(job_postings(html.escape(json.dumps(JOB))))) == 1


@pytest.mark.parametrize("script", ["", "   ", "null", "{", "var x = 1", "[" * 100_000])
def test_job_postings_of_an_unrelated_script_is_empty(script):
    assert list(job_postings(script)) == []


@pytest.mark.parametrize("script", ['{"@type": "JobPosting"', "{'@type': 'JobPosting'}", '"JobPosting' + "[" * 100_000])
def test_job_postings_raises_for_a_broken_posting(script):
    with pytest.raises(ShapeChanged):
        list(job_postings(script))


def test_job_postings_of_a_long_list_is_fast():
    assert list(job_postings(json.dumps([[]] * 300_000))) == []


def test_job_postings_on_reads_all_json_ld_scripts_of_a_page():
    page = f"""<html><script type="application/ld+json">{json.dumps(ORGANIZATION)}</script>
        <script type="application/ld+json"></script>
        <body><script type='application/LD+JSON; charset=utf-8'>{json.dumps(JOB)}</script>
        <script>{json.dumps({**JOB, "title": "No"})}</script>
        <script type=application/ld+json>{json.dumps({**JOB, "title": "Koch"})}</script>"""
    assert [found["title"] for found in job_postings_on(page)] == ["Baker", "Koch"]


@pytest.mark.parametrize(
    ("identifier", "identity"),
    [
        ("R-7", "R-7"),
        (7, "7"),
        ({"@type": "PropertyValue", "name": "Acme", "value": "R-7"}, "R-7"),
        ({"value": 7}, "7"),
        ([{"value": None}, {"value": "R-7"}], "R-7"),
        (["R-7"], "R-7"),
        ({"value": "Acme"}, None),
        *((odd, None) for odd in (None, "", True, 7.5, {}, [], {"value": {}}, {"value": True}, [None])),
    ],
)
def test_own_identity_accepts_text_number_and_property_value(identifier, identity):
    assert own_identity(record(identifier=identifier, hiringOrganization=ORGANIZATION)) == identity


@pytest.mark.parametrize(
    "organization",
    ["Acme", ORGANIZATION, [ORGANIZATION], [None, "Acme"]],
    ids=["text", "object", "list of objects", "list of texts"],
)
def test_employer_is_found_in_every_form(organization):
    assert employer(record(hiringOrganization=organization)) == "Acme"
    assert employer(record()) is None


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ({"address": {"addressLocality": "Ghent", "addressRegion": "O", "addressCountry": "BE"}}, ("Ghent, O, BE",)),
        ({"address": {"addressLocality": "Ghent", "addressCountry": {"name": "Belgium"}}}, ("Ghent, Belgium",)),
        ({"address": [{"addressLocality": "Ghent"}]}, ("Ghent",)),
        ({"address": "Korenmarkt 1, Ghent"}, ("Korenmarkt 1, Ghent",)),
        ({"name": "Headquarters", "address": {}}, ("Headquarters",)),
        ([{"address": {"addressLocality": "Ghent"}}, {"address": "Oslo"}, {"address": "Oslo"}], ("Ghent", "Oslo")),
        ("Ghent; Oslo", ("Ghent", "Oslo")),
        *((odd, ()) for odd in (None, 7, {}, [], [None], {"address": 7}, {"address": [[]]}, {"name": {}})),
    ],
)
def test_locations_are_read_from_job_location(place, found):
    assert read(jobLocation=place).locations == found


def test_locations_fall_back_to_applicant_requirements():
    countries = [{"@type": "Country", "name": "Belgium"}, {"name": "Norway"}]
    posting = read(jobLocationType="TELECOMMUTE", applicantLocationRequirements=countries)
    assert (posting.locations, posting.workplace) == (("Belgium", "Norway"), "remote")
    assert read(jobLocation="Ghent", applicantLocationRequirements=countries).locations == ("Ghent",)


MARKUP = "<p>Bake &amp; more.</p><ul><li>Bread</li></ul>"


@pytest.mark.parametrize("text", [MARKUP, html.escape(MARKUP)])
def test_description_may_be_escaped(text):
    assert read(description=text).description == "Bake & more.\n\n- Bread"


def test_description_without_markup_keeps_its_lines():
    assert read(description="Bake &amp; more.\n\nAll day").description == "Bake & more.\n\nAll day"


@pytest.mark.parametrize("text", ["Bread\nCakes", ["Bread", "Cakes"], "Bread<br>Cakes", ["<b>Bread</b>", "Cakes"]])
def test_requirements_join_qualifications_and_responsibilities(text):
    posting = read(description="Bake.", qualifications=text, responsibilities=[html.escape("<p>Rise early</p>")])
    assert posting.requirements == "Qualifications\n\nBread\nCakes\n\nResponsibilities\n\nRise early"
    assert posting.description == "Bake."


def test_requirements_name_skills_that_are_objects():
    posting = read(skills=[{"name": "Baking"}, {"description": "Rising early"}])
    assert posting.requirements == "Skills\n\nBaking\nRising early"


@pytest.mark.parametrize(
    ("until", "is_listed"),
    [(day(-2), False), (day(0), True), (day(3), True), ("2020-01-01T00:00:00+02:00", False), ("2999-01-01T00Z", True)]
    + [(odd, True) for odd in (None, "", "soon", 7, [], "0000-00-00", "9999-12-31")],
)
def test_valid_through_includes_its_day(until, is_listed):
    assert (raw_posting_of(record(validThrough=until), HERE) is not None) is is_listed


@pytest.mark.parametrize("salary", [None, 7, "much", {"@type": "MonetaryAmount", "value": {"minValue": 1}}, [[]]])
def test_base_salary_is_ignored(salary):
    assert read(baseSalary=salary) == read()


def test_title_is_required_and_unescaped():
    assert read(title="Pricing &amp; Sales").title == "Pricing & Sales"
    assert read(title=None, name="Baker").title == "Baker"
    with pytest.raises(ShapeChanged, match="title is null"):
        read(title=None)


@given(document=JSON)
def test_job_postings_survives_fuzzed_documents(document):
    page = f'<script type="application/ld+json">{json.dumps(document)}</script>'
    for text in (page, json.dumps({**JOB, "x": document})):
        for found in job_postings_on(text):
            _finish(found)
    for name in NAMES:
        _finish({**JOB, name: document})


@given(script=st.text(max_size=60))
def test_job_postings_survives_fuzzed_scripts(script):
    for text in (script, f"<script type=application/ld+json>{script}</script>", f'{{"@type":"JobPosting",{script}'):
        for read_it in (job_postings, job_postings_on):
            try:
                list(read_it(text))
            except ShapeChanged:
                pass


def _finish(found: dict) -> None:
    try:
        raw = raw_posting_of(Record(found, "JobPosting"), HERE)
    except ShapeChanged:
        return
    if raw:
        normalize(raw)


def test_locations_with_equal_addresses_use_their_names():
    address = {"addressLocality": "Sunnyvale", "addressRegion": "CA"}
    several = [{"address": address, "name": name} for name in ("Austin, TX", "Remote, US")]
    assert read(jobLocation=several).locations == ("Austin, TX", "Remote, US")
    assert read(jobLocation=several[:1]).locations == ("Sunnyvale, CA",)


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00", "1900-01-01"])
def test_valid_through_ignores_placeholder_dates(end):
    assert raw_posting_of(record(validThrough=end), HERE) is not None


def test_job_postings_on_skips_a_broken_script():
    page = (
        '<script type="application/ld+json">{"@type": "JobPosting", </script>'
        '<script type="application/ld+json">{"@type": "JobPosting", "title": "A"}</script>'
    )
    assert [each["title"] for each in job_postings_on(page)] == ["A"]


def script(code: str) -> str:
    return f'<script type="application/ld+json">{code}</script>'


@pytest.mark.parametrize("piece", ["{},", "[],", "1,", '"a",', "&#44;"])
def test_job_postings_refuses_too_many_values(piece):
    """They are counted before they are parsed: this is not even JSON."""
    for page in (script("JobPosting" + piece * 200_001), script("JobPosting" + piece * 100_001) * 2):
        with pytest.raises(ShapeChanged, match="more than 200,000 values"):
            job_postings_on(page)
    with pytest.raises(ShapeChanged, match="more than 200,000 values"):
        list(job_postings("JobPosting" + piece * 200_001))
    assert job_postings_on(script(piece * 200_001) + script(json.dumps(JOB))) == [JOB]


@pytest.mark.parametrize(
    "pages",
    [lambda number: script(json.dumps([JOB] * number)), lambda number: script(json.dumps([JOB] * 4)) * (number // 4)],
    ids=["one script", "several scripts"],
)
def test_job_postings_on_refuses_too_many_postings(pages):
    assert len(job_postings_on(pages(1000))) == 1000
    with pytest.raises(ShapeChanged, match="more than 1,000 times"):
        job_postings_on(pages(1004))


def test_job_postings_does_not_parse_other_scripts(monkeypatch):
    monkeypatch.setattr(json, "loads", lambda *_, **__: 1 / 0)
    assert job_postings_on(script('{"@type": "Product"}')) == []


def test_posting_with_many_places_and_long_texts_is_truncated():
    places = [{"name": str(number)} for number in range(60)]
    raw = raw_posting_of(record(jobLocation=places, description=["x" * 300_000] * 3), HERE)
    assert raw.locations == tuple(map(str, range(50)))
    assert len(raw.description[0].content) == 400_000 + 1
    assert len(raw_posting_of(record(title="&amp;" * 1_000_000), HERE).title) == 1000


def test_job_posting_with_an_endless_reference_is_read():
    endless = f"&#{'1' * 4500};"
    posting = read(title=f"Baker {endless}", description=f"Bake. {endless}")
    assert (posting.title, posting.description) == ("Baker \ufffd", "Bake. \ufffd")


class Page(str):
    """A page to which a weak reference is possible."""


class Row(dict):
    """A row to which a weak reference is possible."""


@pytest.mark.parametrize(
    ("parse", "source"),
    [
        (job_postings_on, Page(f'<script type="application/ld+json">{{"@type": "JobPosting" {"x" * 1000}</script>')),
        (
            lambda row: drain(
                parse_rows([row], "JobPosting", lambda found: raw_posting_of(found, HERE), identity_in("identifier"))
            ),
            Row(title=None),
        ),
    ],
    ids=["page", "rows"],
)
def test_job_postings_that_fail_keep_no_page_in_memory(parse, source):
    copied = type(source)(source)
    reference = weakref.ref(copied)
    gc.disable()
    try:
        with pytest.raises(ShapeChanged):
            parse(copied)
        del copied
        assert reference() is None
    finally:
        gc.enable()
