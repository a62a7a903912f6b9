"""Pages cut into pieces, once from left to right: no tree is built of them, whose depth would be theirs to choose."""

from collections.abc import Iterator


def without_comments(page: str) -> str:
    """The page without what nobody sees of it."""
    return "".join(before for before, _ in _cut(page, "<!--", "-->"))


def apart(page: str) -> tuple[str, list[str]]:
    """The markup, with the scripts' own tags, and what is within each script."""
    pieces = list(_cut(page, "<script", "</script"))
    outside = [piece for before, script in pieces for piece in (before, script.partition(">")[0])]
    return " ".join(outside), [script.partition(">")[2] for _, script in pieces]


def scripts(page: str) -> Iterator[tuple[str, str]]:
    """Each script of the page: what its tag says, and what is within."""
    for _, script in _cut(page, "<script", "</script"):
        says, _, within = script.partition(">")
        yield says, within


def _cut(page: str, start: str, end: str) -> Iterator[tuple[str, str]]:
    """What is before each part from ``start`` to ``end``, and the part; one that has no end goes on to the page's."""
    lowered, position = page.lower(), 0
    if len(lowered) != len(page):
        # A few letters of some scripts grow when they are made small; then every place would be another.
        lowered = page
    while (begin := lowered.find(start, position)) >= 0:
        inside = begin + len(start)
        finish = lowered.find(end, inside)
        finish = len(page) if finish < 0 else finish
        yield page[position:begin], page[inside:finish]
        position = finish + len(end)
    yield page[position:], ""
