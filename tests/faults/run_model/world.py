"""The world of the check: boards, users and their companies, and the operations that they are put through."""

from dataclasses import dataclass, field, replace
from typing import Any

SOURCE = "greenhouse"
SIZES = {"alpha": 64, "beta": 4, "gamma": 2}
"""The boards, each with its number of postings. The large one can shrink, and can make a run ask."""

KINDS = ("Engineer", "Gardener")
PART = 60
"""Rows of a part. The large board's new postings take two parts, and no other change of a company does.

So it is certain which rows the first part has written.
"""

WAITS = {"moment": 9, "lease": 40, "stale": 700, "late": 1000, "witness": 3700, "gone": 6 * 3600 + 60,
         "empty": 12 * 3600 + 60, "reuse": 25 * 3600}
"""Pauses, each named after what it is long enough for, in seconds."""

CHANGES = ("drop", "add", "title", "place", "text", "kind", "back", "empty", "restore", "shrink", "partial", "unread",
           "missing", "failing", "well", "well", "tag")

Filters = tuple[tuple[str, ...], tuple[str, ...]]
"""The words that a title must have one of, and those that it may not have."""

ALL: Filters = ((), ())
ENGINEERS: Filters = (("engineer",), ())
NO_ENGINEERS: Filters = ((), ("engineer",))
FILTERS = (ALL, ENGINEERS, NO_ENGINEERS)

COMPANIES: dict[int, dict[str, Filters]] = {
    1: {"alpha": ALL, "beta": ALL, "gamma": ALL},
    2: {"alpha": ENGINEERS, "beta": NO_ENGINEERS},
    3: {"beta": ENGINEERS, "gamma": ALL},
}
"""The companies of each user. Their positions in a run follow their names."""

Outcome = Any
"""The outcome of an operation: a plain value that the model predicts and the product returns."""


@dataclass(frozen=True)
class Content:
    """The content of a posting."""

    title: str
    place: str = "Berlin"
    text: str = "Work."

    def differs(self, other: "Content") -> frozenset[str]:
        """Return the names of the fields that differ."""
        names = {"title": "title", "locations": "place", "description": "text"}
        return frozenset(name for name, own in names.items() if getattr(self, own) != getattr(other, own))


@dataclass(frozen=True)
class Op:
    """An operation: its kind, and what it acts on. Users, runs and claims are numbers."""

    kind: str
    who: int = 0
    """A user, or the number of a claim."""
    run: int = 0
    flag: bool = False
    seconds: int = 0
    board: str = ""
    values: Any = None


@dataclass
class Source:
    """The board itself, as it stands on the web: what a reading shows."""

    name: str
    contents: dict[str, Content] = field(default_factory=dict)
    fault: str | None = None
    """``missing``, ``failing``, or ``partial``: the last postings are on a page that is lost."""
    unread: frozenset[str] = frozenset()
    """Postings of which only the id can be read."""
    has_tag: bool = True
    """True if the board answers conditional requests."""

    def copy(self) -> "Source":
        """Return a copy that can be changed."""
        return replace(self, contents=dict(self.contents))

    def shown(self) -> dict[str, Content]:
        """Return the postings that a reading shows with their contents."""
        names = list(self.contents)
        if self.fault == "partial":
            names = names[: len(names) // 2]
        return {name: self.contents[name] for name in names if name not in self.unread}

    def seen(self) -> frozenset[str]:
        """Return the ids that a reading shows without a content."""
        return self.unread & self.contents.keys() if self.fault != "partial" else frozenset()

    def tag(self) -> str:
        """Return the entity tag of what the board shows."""
        return str(hash((tuple(self.contents.items()), tuple(sorted(self.unread)))))


def first_contents(name: str) -> dict[str, Content]:
    """Return the contents with which a board begins."""
    return {f"{name}-{number}": Content(f"{KINDS[number % 2]} {number}") for number in range(SIZES[name])}


def matches(filters: Filters, title: str) -> bool:
    """Return whether a title passes the filters."""
    words = set(title.lower().split())
    include, exclude = filters
    return not words & set(exclude) and (not include or bool(words & set(include)))


def change_source(source: Source, what: str, number: int) -> None:
    """Change what a board shows. The number chooses postings, and makes texts differ."""
    names = sorted(source.contents, key=lambda name: int(name.rpartition("-")[2]))
    some = [names[(number + step) % len(names)] for step in range(min(2, len(names)))] if names else []
    left = {
        "empty": 0, "shrink": max(1, len(names) * (1 + number % 4) // 9)
    }.get(what, len(names))
    if what in ("missing", "failing", "partial", "well"):
        source.fault = None if what == "well" else what
    if what in ("well", "unread"):
        source.unread = frozenset(some if what == "unread" else ())
    if what == "tag":
        source.has_tag = not source.has_tag
    if what in ("drop", "empty", "shrink"):
        kept = [name for name in names[:left] if what != "drop" or name not in some]
        source.contents = {name: source.contents[name] for name in kept}
    _add_or_edit(source, what, number, some[:1] if what != "back" else names)


def _add_or_edit(source: Source, what: str, number: int, names: list[str]) -> None:
    """Add postings, or edit these."""
    first = first_contents(source.name)
    if what == "restore":
        source.contents = first | source.contents
    if what == "add":
        source.contents[f"{source.name}-{100 + number}"] = Content(f"{KINDS[number % 2]} {100 + number}")
    for name in names if what in ("back", "kind", "title", "place", "text") else ():
        source.contents[name] = _edited(source.contents[name], first.get(name), what, number)


def _edited(content: Content, first: Content | None, what: str, number: int) -> Content:
    """Return a content after an edit of its title, place or text, of its kind, or after all of these are undone."""
    if what == "back":
        return first or content
    if what == "kind":
        kind, _, rest = content.title.partition(" ")
        return replace(content, title=f"{KINDS[1 - KINDS.index(kind)]} {rest}")
    values = {"title": f"{content.title.partition(' v')[0]} v{number}", "place": f"Town {number}", "text": f"T{number}"}
    return replace(content, **{what: values[what]})
