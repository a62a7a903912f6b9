"""Which titles are taken: the words of *only* and *never*, matched as people mean them.

A term matches whole words, upper or lower case and accents alike, so that *intern* leaves *internal tools engineer*
alone. A plural of one is the same word. ``*`` at its end or beginning stands for any. Several words are a phrase,
whatever stands between them (*front end* finds *Front-End*). In scripts that set no blanks between words, any place
will do.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: letters that stand without blanks between the words."""

MAX_TITLE_LENGTH = 1000
"""What is looked at of a title; no real one comes near."""

IN_WORD = r"\w+#"
"""What belongs to a word: C, C++ and C# are three."""

UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")

SEAM = re.compile(f"(?<=[{UNSPACED}])(?=[^\\W{UNSPACED}])|(?<=[^\\W{UNSPACED}])(?=[{UNSPACED}])")
"""Where such a script begins or ends within a word: there a blank belongs."""


class RuleKind(StrEnum):
    """What let a posting in or kept it out."""

    NO_FILTER = "no_filter"
    """Nothing was asked for, and nothing ruled out that it has."""

    INCLUDE = "include"
    """Let in by a word of *only*."""

    EXCLUDE = "exclude"
    """Kept out by a word of *never*."""

    NOT_INCLUDED = "not_included"
    """Kept out because it has no word of *only*."""


@dataclass(frozen=True)
class Rule:
    """What was decided on a posting, and by which term."""

    kind: RuleKind
    term: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the posting is let in."""
        return self.kind in (RuleKind.NO_FILTER, RuleKind.INCLUDE)


def decide(title: str, include: Sequence[str], exclude: Sequence[str]) -> Rule:
    """Apply a company's filters to a title: none of ``exclude``, and any of ``include`` if there are any."""
    folded = _fold(title[:MAX_TITLE_LENGTH])
    if (term := _first_match(folded, exclude)) is not None:
        return Rule(RuleKind.EXCLUDE, term)
    wanted = [term for term in include if has_word(term)]
    if not wanted:
        return Rule(RuleKind.NO_FILTER)
    if (term := _first_match(folded, wanted)) is not None:
        return Rule(RuleKind.INCLUDE, term)
    return Rule(RuleKind.NOT_INCLUDED)


def has_word(term: str) -> bool:
    """Whether there is anything in a term that a title could match."""
    return any(map(str.isalnum, _fold(term)))


def _first_match(folded: str, terms: Sequence[str]) -> str | None:
    return next((term for term in terms if (pattern := _pattern(term)) and pattern.search(folded)), None)


@lru_cache(maxsize=4096)
def _pattern(term: str) -> re.Pattern[str] | None:
    """The term as a pattern for folded titles; None if it has no letter or digit, which would match everything."""
    words = [word for word in re.split(rf"[^{IN_WORD}*]+", _fold(term)) if re.search(r"\w", word)]
    return re.compile(rf"[^{IN_WORD}]+".join(map(_word, words))) if words else None


def _word(word: str) -> str:
    """One word of a phrase. What was matched is never tried again otherwise, or stars could cost any time at all."""
    stem = word.strip("*")
    middle = re.escape(stem).replace(r"\*", r"\*?")
    if re.fullmatch(r"[^\W\d_]{2,}", stem) and not word.endswith("*"):
        # A plural is the same word.
        middle = f"{middle[:-1]}(?:y|ies|ys)" if re.search(r"[^aeiou]y$", stem) else f"{middle}(?:e?s)?"
    before = r"\w*?" if word.startswith("*") else _edge(stem[0], before=True)
    after = r"\w*" if word.endswith("*") else _edge(stem[-1], before=False)
    # C is neither C++ nor C#; a longer word with a sign behind it is still that word.
    sign = "(?![+#])" if re.fullmatch(r"\w", stem) and not word.endswith("*") else ""
    return f"(?>{before}{middle}{after}{sign})"


def _edge(letter: str, *, before: bool) -> str:
    """No letter beside it; in scripts without blanks any letter may stand there."""
    if UNSPACED_LETTER.match(letter):
        return ""
    return r"(?<!\w)" if before else r"(?!\w)"


def _fold(text: str) -> str:
    """Upper and lower case, accents and full width alike; with a blank where scripts meet, and for an underscore."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    return SEAM.sub(" ", plain.replace("_", " "))
