"""The filters on titles: the terms of *only* and *never*, matched as users mean them.

A term matches whole words, without regard to case and accents: *intern* does not match *internal tools engineer*. A
plural matches its singular term. ``*`` at the end or start stands for any letters. Several words are a phrase, with any
signs between them (*front end* finds *Front-End*). In scripts without spaces between words, a term matches anywhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: the letters of scripts without spaces between words."""

MAX_MATCHED_LENGTH = 1000
"""The part of a title that is searched. Real titles are far shorter."""

IN_WORD = r"\w+#"
"""The characters of a word. C, C++ and C# are three words."""

LETTER_OR_DIGIT = re.compile(r"[^\W_]")

UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")

SEAM = re.compile(f"(?<=[{UNSPACED}])(?=[^\\W{UNSPACED}])|(?<=[^\\W{UNSPACED}])(?=[{UNSPACED}])")
"""The places within a word where an unspaced script starts or ends: a space is inserted there."""


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


def decide(title: str, include: Sequence[str], exclude: Sequence[str]) -> Rule:
    """Apply a company's filters: a title must have no term of ``exclude``, and one of ``include`` if there are any."""
    folded = _fold(title[:MAX_MATCHED_LENGTH])
    if (term := _first_match(folded, exclude)) is not None:
        return Rule(RuleKind.EXCLUDE, term)
    wanted = [term for term in include if has_word(term)]
    if not wanted:
        return Rule(RuleKind.NO_FILTER)
    if (term := _first_match(folded, wanted)) is not None:
        return Rule(RuleKind.INCLUDE, term)
    return Rule(RuleKind.NOT_INCLUDED)


def has_word(term: str) -> bool:
    """Return whether a term has a letter or digit that could match a title."""
    first = LETTER_OR_DIGIT.search(term)
    # Few letters vanish when decomposed (U+037A); some signs become letters (™). U+FDFA becomes eighteen characters.
    return bool(first and _has_letter(first[0])) or _has_letter("".join(set(term)))


def _has_letter(text: str) -> bool:
    return bool(LETTER_OR_DIGIT.search(unicodedata.normalize("NFKD", text)))


def _first_match(folded: str, terms: Sequence[str]) -> str | None:
    return next((term for term in terms if (pattern := _pattern(term)) and pattern.search(folded)), None)


@lru_cache(maxsize=4096)
def _pattern(term: str) -> re.Pattern[str] | None:
    """Compile a term to a pattern for folded titles. None if it has no letter or digit: it would match everything."""
    words = [word for word in re.split(rf"[^{IN_WORD}*]+", _fold(term)) if re.search(r"\w", word)]
    return re.compile(rf"[^{IN_WORD}]+".join(map(_word, words))) if words else None


def _word(word: str) -> str:
    """Return the pattern of one word. The group is atomic; otherwise stars could backtrack endlessly."""
    stem = word.strip("*")
    middle = re.escape(stem).replace(r"\*", r"\*?")
    if re.fullmatch(r"[^\W\d_]{2,}", stem) and not word.endswith("*"):
        # Match the plural too.
        middle = f"{middle[:-1]}(?:y|ies|ys)" if re.search(r"[^aeiou]y$", stem) else f"{middle}(?:e?s)?"
    before = r"\w*?" if word.startswith("*") else _edge(stem[0], before=True)
    after = r"\w*" if word.endswith("*") else _edge(stem[-1], before=False)
    # C does not match C++ or C#. A longer word also matches if one of these signs follows it.
    sign = "(?![+#])" if re.fullmatch(r"\w", stem) and not word.endswith("*") else ""
    return f"(?>{before}{middle}{after}{sign})"


def _edge(letter: str, *, before: bool) -> str:
    """Return the pattern of a word's edge, which has no letter beside it. Scripts without spaces have no edges."""
    if UNSPACED_LETTER.match(letter):
        return ""
    return r"(?<!\w)" if before else r"(?!\w)"


def _fold(text: str) -> str:
    """Remove differences of case, accents and width. Put a space where scripts meet, and for each underscore."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    return SEAM.sub(" ", plain.replace("_", " "))
