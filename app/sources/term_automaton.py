"""The automaton of a filter's terms, which reads a title once for all terms together.

Each word of each term has a *place*, one bit of an integer. Look-ups return the places that a word of the title fits. A
shift leads to the next word of a phrase. So the time is linear in the title's length.
"""

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import chain, filterfalse, islice
from typing import NamedTuple

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: the letters of scripts without spaces between words."""

MAX_MATCHED_LENGTH = 500
"""The part of a title or term that is matched, before and after folding: U+FDFA becomes 18 characters."""

CHUNK_LENGTH = 16
"""Characters that are decomposed at once. Accents in a row are sorted, in time quadratic in their number."""

MAX_JOINED = 3
"""The parts of a word between stars that are read as one: *Kund*innenberater*in* has three."""

MAX_STARS = 20
"""A title with more stars is decorated: its stars only separate words."""

TOKEN = re.compile(r"([^\w+#]*)(\w*)([+#]*)")
"""The gap before a word, the word, and the signs after it: C, C++ and C# are three words."""

EDGE = " "
"""The start or end of a word, where parts of words are searched."""

UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")

SEAM = re.compile(f"(?<=[{UNSPACED}])(?=[^\\W{UNSPACED}])|(?<=[^\\W{UNSPACED}])(?=[{UNSPACED}])")
"""The places within a word where an unspaced script starts or ends: a space is inserted there."""

INNER_STARS = re.compile(r"(?<=[\w+#])\*+(?=[\w+#])")
"""The stars inside a word of a term: a title may have them or not."""


class _Place(NamedTuple):
    """A word of a term with the signs after it, and what may stand beside it in a title."""

    word: str
    signs: str
    is_first: bool
    """True if it is the first place of the term."""
    is_last: bool
    is_before_gap: bool
    is_alone: bool
    """True if nothing else stands in its word: *a+b* is one word with two places."""
    has_star_before: bool
    has_star_after: bool

    @property
    def is_open_before(self) -> bool:
        """True if letters may precede the word."""
        return self.has_star_before or self.is_first and UNSPACED_LETTER.match(self.word) is not None

    @property
    def is_open_after(self) -> bool:
        """True if letters may follow the word."""
        is_unspaced = self.is_last and UNSPACED_LETTER.match(self.word) is not None
        return not self.signs and (self.has_star_after or is_unspaced)


class TermAutomaton:
    """Terms as masks of places. Its state is such a mask: the places up to which a title matches."""

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms: dict[int, int] = {}
        """The number of each term by its last place."""
        self._words: defaultdict[str, int] = defaultdict(int)
        """The places that a whole word fits."""
        self._parts = _Parts()
        self._signs: defaultdict[str, int] = defaultdict(int)
        """The places that signs fit if there are no more of them."""
        self._first_signs: defaultdict[str, int] = defaultdict(int)
        """The places that signs fit even if more of them follow."""
        self._starts = self._ends = self._ends_before_letters = self._before_gap = self._before_any_letters = 0
        size = 0
        for number, term in enumerate(terms):
            for place in _places(term):
                self._add(place, 1 << size)
                if place.is_last:
                    self.terms[size] = number
                size += 1
        self._parts.link()
        self._before_no_gap = ~self._before_gap
        self._unsigned = self._fitting_signs("")

    def _add(self, place: _Place, bit: int) -> None:
        start, end = "" if place.is_open_before else EDGE, "" if place.is_open_after else EDGE
        for form in _forms(place):
            if start and end:
                self._words[form] |= bit
            else:
                self._parts.add(f"{start}{form}{end}", bit)
        # C does not match C++ or C#. A longer word also matches if one of these signs follows it.
        is_letter = place.is_alone and len(place.word) == 1 and not place.signs and not place.is_open_after
        signs = self._first_signs if place.is_last and not is_letter else self._signs
        signs[place.signs] |= bit
        self._add_to_masks(place, bit)

    def _add_to_masks(self, place: _Place, bit: int) -> None:
        if place.is_first:
            self._starts |= bit
        if place.is_last:
            self._ends |= bit
            if not place.signs or place.has_star_after:
                self._ends_before_letters |= bit
        elif place.is_before_gap:
            self._before_gap |= bit
            if place.signs and place.has_star_after:
                self._before_any_letters |= bit

    def first_match(self, folded: str) -> int | None:
        """Return the number of the first term that occurs in a folded title."""
        if folded.count("*") > MAX_STARS:
            folded = folded.replace("*", " ")
        matched = state = 0
        parts: list[tuple[int, str]] = []
        # The last gap ends the last word.
        for gap, word, signs in TOKEN.findall(f"{folded} "):
            matched |= state & (self._ends if gap else self._ends_before_letters)
            kept = 0 if gap else state & self._before_any_letters
            if gap and not gap.strip("*"):
                # The stars may be absent: join the word to the parts before it, and keep the whole state.
                parts = [(reached, part + word) for reached, part in parts[1 - MAX_JOINED:]]
            else:
                parts = []
                state &= self._before_gap if gap else self._before_no_gap
            parts.append((state << 1 | self._starts, word))
            state = 0
            for reached, part in parts:
                state |= reached & self._fitting(part)
            state = kept | state & (self._fitting_signs(signs) if signs else self._unsigned)
            if signs:
                # C# is found in C#+SQL: more signs follow it, so letters after them do not matter.
                matched |= state & self._ends & ~self._first_signs.get(signs, 0)
                parts = []
        return self.terms[(matched & -matched).bit_length() - 1] if matched else None

    def _fitting(self, word: str) -> int:
        return self._words.get(word, 0) | self._parts.find(word)

    def _fitting_signs(self, signs: str) -> int:
        fitting = self._signs.get(signs, 0)
        for length in range(len(signs) + 1):
            fitting |= self._first_signs.get(signs[:length], 0)
        return fitting


class _Node:
    """A part of a word, or the start of one."""

    __slots__ = ("longer", "shorter", "places")

    def __init__(self, root: "_Node | None" = None) -> None:
        self.longer: dict[str, _Node] = {}
        """The nodes with one letter more."""
        self.shorter = root or self
        """The longest node that this one ends with. The root leads to itself."""
        self.places = 0

    def step(self, letter: str) -> "_Node":
        """Return the longest node that this one, followed by a letter, ends with."""
        node = self
        while letter not in node.longer:
            if node.shorter is node:
                return node
            node = node.shorter
        return node.longer[letter]


class _Parts:
    """Parts of words, and the places that they fit: an automaton of Aho and Corasick, which finds all in one pass."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, part: str, places: int) -> None:
        """Add a part."""
        node = self._root
        for letter in part:
            if letter not in node.longer:
                node.longer[letter] = _Node(self._root)
            node = node.longer[letter]
        node.places |= places

    def link(self) -> None:
        """Link each node to a shorter one, after all parts are added."""
        queue = deque(self._root.longer.values())
        while queue:
            node = queue.popleft()
            for letter, longer in node.longer.items():
                longer.shorter = shorter = node.shorter.step(letter)
                # Most nodes share the integer of a shorter one: a copy for each would take much memory.
                longer.places = longer.places | shorter.places if longer.places else shorter.places
                queue.append(longer)

    def find(self, word: str) -> int:
        """Return the places that the parts in a word fit."""
        places = 0
        node = self._root
        if node.longer:
            for letter in f"{EDGE}{word}{EDGE}":
                node = node.longer[letter] if letter in node.longer else node.step(letter)
                if node.places:
                    places |= node.places
        return places


def _places(term: str) -> Iterator[_Place]:
    """Yield the places of a term."""
    folded = SEAM.sub(" ", INNER_STARS.sub("", fold(term)))
    words = [word for word in re.split(r"[^\w+#*]+", folded) if re.search(r"\w", word)]
    for number, word in enumerate(words):
        tokens = [(letters, signs) for _, letters, signs in TOKEN.findall(word.strip("*")) if letters or signs]
        for position, (letters, signs) in enumerate(tokens):
            starts, ends = position == 0, position == len(tokens) - 1
            yield _Place(
                word=letters,
                signs=signs,
                is_first=starts and number == 0,
                is_last=ends and number == len(words) - 1,
                is_before_gap=ends and number < len(words) - 1,
                is_alone=starts and ends,
                has_star_before=starts and word.startswith("*"),
                has_star_after=ends and word.endswith("*"),
            )


def _forms(place: _Place) -> list[str]:
    """Return the word, and its plurals unless a star or sign follows."""
    word = place.word
    if not place.is_alone or place.signs or place.has_star_after or not re.fullmatch(r"[^\W\d_]{2,}", word):
        return [word]
    if re.search("[^aeiou]y$", word):
        return [word, f"{word[:-1]}ies", f"{word}s"]
    return [word, f"{word}s", f"{word}es"]


def fold(text: str) -> str:
    """Remove differences of case, accents and width. Put a space where scripts meet, and for each underscore."""
    if text.isascii():
        return text[:MAX_MATCHED_LENGTH].lower().replace("_", " ")
    plain = "".join(islice(decomposed(text[:MAX_MATCHED_LENGTH]), MAX_MATCHED_LENGTH)).casefold()
    return SEAM.sub(" ", plain.replace("_", " "))[:MAX_MATCHED_LENGTH]


def decomposed(text: str) -> Iterator[str]:
    """Yield the characters of a text without accents and differences of width."""
    chunks = (text[start:start + CHUNK_LENGTH] for start in range(0, len(text), CHUNK_LENGTH))
    decomposed = chain.from_iterable(unicodedata.normalize("NFKD", chunk) for chunk in chunks)
    return filterfalse(unicodedata.combining, decomposed)
