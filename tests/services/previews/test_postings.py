"""The postings of a preview, page by page, with filters, and one with its texts."""

import pytest

from app.services.previews import postings as postings_service
from app.services.previews.errors import PostingNotFound, PreviewNotFound
from tests.support.listings import list_board, offer
from tests.support.previews import begin_preview, company, finish_preview, postings


def test_page_by_page_returns_all_postings_once(user_id):
    for board, number in (("acme", 5), ("beta", 2)):
        company(user_id, board)
        list_board(board, [f"Job {each}" for each in range(number)])
    preview_id = finish_preview(user_id)
    paged, after = [], 0
    while after is not None:
        page, after = postings_service.page(preview_id, user_id, after=after, limit=3)
        paged += [found.posting_id for found in page]
    assert paged == [found.posting_id for found in postings(preview_id)]
    assert len(paged) == 7
    page, after = postings_service.page(preview_id, user_id, limit=7)
    assert (len(page), after) == (7, None)
    assert [found.company for found in postings_service.page(preview_id, user_id, company=2)[0]] == ["Beta"] * 2
    assert postings_service.page(preview_id, user_id, company=3) == ([], None)


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("engineer", ["Ärztin Engineer"]),
        ("ENGIN", ["Ärztin Engineer"]),
        ("ärztin", ["Ärztin Engineer"]),
        ("berlin", ["100% Cook_Chef"]),
        ("Bonn; Ber", ["100% Cook_Chef"]),
        ("research", ["Other/Thing"]),
        ("ACME", ["Ärztin Engineer", "100% Cook_Chef", "Other/Thing"]),
        ("100%", ["100% Cook_Chef"]),
        ("%", ["100% Cook_Chef"]),
        ("_", ["100% Cook_Chef"]),
        ("/", ["Other/Thing"]),
        ("\\", []),
        ("'; --", []),
    ],
)
def test_search_finds_parts_in_any_case_and_escapes_wildcards(user_id, search, titles):
    company(user_id, "acme", exclude=("cook",))
    list_board("acme", ["Ärztin Engineer"])
    offer("acme", "100% Cook_Chef", locations=["Bonn", "Berlin"])
    offer("acme", "Other/Thing", department="Research")
    preview_id = finish_preview(user_id)
    assert [found.title for found in postings_service.page(preview_id, user_id, search=search)[0]] == titles
    not_matched = [found.title for found in postings_service.page(preview_id, user_id, search=search, matched=False)[0]]
    assert not_matched == [title for title in titles if title == "100% Cook_Chef"]


def test_get_posting_returns_texts_within_its_preview_only(user_id):
    company(user_id, "acme")
    list_board("acme")
    posting_id = offer("acme", "Engineer", description="Build.", requirements="Hands.", locations=["Bonn", "Berlin"])
    preview_id = finish_preview(user_id)
    found = postings_service.get(preview_id, posting_id, user_id)
    assert (found.description, found.requirements, found.company) == ("Build.", "Hands.", "Acme")
    assert (found.location, found.external_id, found.matched) == ("Bonn; Berlin", "1", True)
    newer = begin_preview(user_id)
    for ids, error in (((newer, posting_id), PostingNotFound), ((404, posting_id), PreviewNotFound)):
        with pytest.raises(error):
            postings_service.get(*ids, user_id)
