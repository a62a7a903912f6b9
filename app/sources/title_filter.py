"""The filters on titles: the terms of *only* and *never*, matched as users mean them.

A term matches whole words, without regard to case and accents: *intern* does not match *internal tools engineer*. A
plural matches its singular term. ``*`` at the end or start stands for any letters; inside a word it may be absent
(*Entwickler*in*). Several words are a phrase, with any signs between them (*front end* finds *Front-End*). In scripts
without spaces between words, a term matches anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.sources.term_automaton import TermAutomaton, decomposed, fold


class RuleKind(StrEnum):
    """The reason for which a posting matches or does not."""

    NO_FILTER = "no_filter"
    """A match: there are no *only* terms, and no *never* term occurs."""

    INCLUDE = "include"
    """A match: an *only* term occurs."""

    EXCLUDE = "exclude"
    """No match: a *never* term occurs."""

    NOT_INCLUDED = "not_included"
    """No match: no *only* term occurs."""


@dataclass(frozen=True)
class Rule:
    """The decision on a posting, and the term that decided it."""

    kind: RuleKind
    term: str | None = None

    @property
    def is_match(self) -> bool:
        """True if the filters match the posting."""
        return self.kind in (RuleKind.NO_FILTER, RuleKind.INCLUDE)


def has_word(term: str) -> bool:
    """Return whether a term has a letter or digit that could match a title."""
    return bool(re.search("[A-Za-z0-9]", term)) or any(map(str.isalnum, decomposed(term)))


class TitleFilter:
    """A company's filters, compiled once for many titles. It takes up to 6 MB (measured with the longest lists).

    A title must have no term of ``exclude``, and one of ``include`` if there are any.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._terms = [*exclude, *include]
        self._excluded = len(exclude)
        self._automaton = TermAutomaton(self._terms)
        includes = any(number >= self._excluded for number in self._automaton.terms.values())
        self._otherwise = Rule(RuleKind.NOT_INCLUDED if includes else RuleKind.NO_FILTER)

    def decide(self, title: str) -> Rule:
        """Return the decision on a title. It names the first term that matches; those of ``exclude`` come first."""
        # Many companies have no filter, and some boards 10,000 postings.
        number = self._automaton.first_match(fold(title)) if self._automaton.terms else None
        if number is None:
            return self._otherwise
        return Rule(RuleKind.EXCLUDE if number < self._excluded else RuleKind.INCLUDE, self._terms[number])
