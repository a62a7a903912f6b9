"""The hash of a posting's content and the fingerprint of its texts."""

import random
import statistics
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

import pytest

from app.services.boards import content
from app.services.boards.content import CONTENT_FIELDS, HASH_VERSION, content_hash, simhash
from app.sources.types import Posting, Workplace

POSTING = Posting(
    external_id="4711",
    title="Café manager (m/f)",
    url="https://jobs.example.org/4711",
    locations=("Berlin", "Paris"),
    department="Food",
    workplace=Workplace.HYBRID,
    employment_type="Full-time",
    posted_at=None,
    updated_at=None,
    description="Run the café.\n\nPay: 95,000 EUR.",
    requirements="Five years of cafés.",
)

GOLDEN_HASH = 3003786650047953079
GOLDEN_BARE = 226858393713403844
GOLDEN_SIMHASH = 8458398405919512473

SEED = 17
EDITS = 100
WORDS = 550
VOCABULARY = [f"word{number}" for number in range(20_000)]
FREQUENCIES = [1 / (rank + 1) for rank in range(len(VOCABULARY))]


def text_of(words: list[str]) -> Posting:
    return replace(POSTING, description=" ".join(words), requirements=None)


def numbered(words: int) -> Posting:
    return text_of([f"word{number}" for number in range(words)])


def rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & (2**64 - 1)


def distance(one: Posting, other: Posting) -> int:
    return ((simhash(one) ^ simhash(other)) & (2**64 - 1)).bit_count()


def test_hash_stays_as_it_is_until_its_version_changes():
    """A change of the algorithm without a new HASH_VERSION would make "changed" of every posting."""
    bare = replace(POSTING, locations=(), workplace=None, employment_type=None, description=None, requirements=None)
    assert (HASH_VERSION, content_hash(POSTING), content_hash(bare)) == (1, GOLDEN_HASH, GOLDEN_BARE)


def test_fields_of_the_hash_are_those_that_are_declared():
    assert set(content._content(POSTING)) == set(CONTENT_FIELDS)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Café manager"},
        {"title": "CAFÉ manager (m/f)"},
        {"locations": ("Berlin",)},
        {"locations": ("Berlin, Paris",)},
        {"locations": ()},
        {"workplace": Workplace.REMOTE},
        {"workplace": None},
        {"employment_type": "Part-time"},
        {"description": "Run the café.\n\nPay: 85,000 EUR."},
        {"description": None},
        {"requirements": "Five years of cafés"},
        {"requirements": ""},
    ],
    ids=str,
)
def test_hash_changes_with_what_counts(change):
    assert content_hash(replace(POSTING, **change)) != content_hash(POSTING)


@pytest.mark.parametrize(
    "change",
    [
        {"external_id": "4712"},
        {"url": "https://jobs.example.org/4711?utm_source=feed"},
        {"department": "Drinks"},
        {"posted_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"locations": ("Paris", "Berlin")},
        {"locations": ("Berlin", "Paris", "Berlin")},
        {"title": "Cafe\u0301 manager (m/f)"},
        {"title": "Café\u00a0manager  (m/f) "},
        {"title": "Café\u202fmana\u00adger\u200b (m/f)\ufeff"},
        {"title": "Cafe\u200d\u0301 manager (m/f)"},
        {"description": "Run the café. Pay: 95,000 EUR."},
        {"requirements": "\u200eFive years\r\nof\tcafés."},
    ],
    ids=ascii,
)
def test_hash_does_not_change_with_what_does_not_count(change):
    assert content_hash(replace(POSTING, **change)) == content_hash(POSTING)


def test_plain_text_is_that_of_its_definition():
    """Here the definition is followed step by step, for texts of what is rare."""
    chance = random.Random(SEED)
    parts = [*"ab \n\t\r\v\x1c\x1f", "\n\n", "  ", *"\x85\u00a0\u2003\u2028\u3000\u00ad\u200d\ufeffée\u0301\u212b漢’"]
    for _ in range(5000):
        text = "".join(chance.choices(parts, k=chance.randint(0, 12)))
        visible = unicodedata.normalize("NFC", content._INVISIBLE.sub("", text))
        assert content._plain(text) == " ".join(visible.split()).encode(), ascii(text)


def test_hash_tells_a_missing_text_from_an_empty_one():
    for name in ("employment_type", "description", "requirements"):
        assert content_hash(replace(POSTING, **{name: None})) != content_hash(replace(POSTING, **{name: ""}))


def test_hash_is_unambiguous_at_the_borders_of_fields():
    texts = replace(POSTING, description="one", requirements="two,5:three")
    shifted = replace(POSTING, description="one,3:two", requirements="three")
    assert content_hash(texts) != content_hash(shifted)
    apart, moved = replace(POSTING, locations=("1,2",)), replace(POSTING, locations=("1", "2"))
    joined = replace(POSTING, locations=("Berlin,5:Paris",))
    assert content_hash(apart) != content_hash(moved)
    assert content_hash(joined) != content_hash(POSTING)


def test_hash_fits_a_bigint_of_either_sign():
    hashes = [content_hash(replace(POSTING, title=str(number))) for number in range(100)]
    assert all(-(2**63) <= each < 2**63 for each in hashes)
    assert min(hashes) < 0 < max(hashes)


def test_simhash_stays_as_it_is():
    assert simhash(numbered(WORDS)) == GOLDEN_SIMHASH


def test_simhash_is_the_majority_of_the_shingles_bits():
    """The bits are counted one by one here."""
    words = [f"word{number}" for number in range(200)]
    hashes = [int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big") for word in words]
    shingles = [
        one ^ rotated(two, 24) ^ rotated(three, 48) for one, two, three in zip(hashes, hashes[1:], hashes[2:])
    ]
    bits = sum(1 << bit for bit in range(64) if sum(each >> bit & 1 for each in shingles) > 99)
    assert simhash(numbered(200)) & (2**64 - 1) == bits


def test_simhash_begins_at_200_words_of_both_texts():
    assert simhash(numbered(199)) is None
    assert simhash(replace(numbered(199), requirements="one")) is not None
    assert simhash(replace(POSTING, description=None, requirements=None)) is None


def test_simhash_ignores_case_and_white_space():
    posting = numbered(WORDS)
    loud = replace(posting, description=posting.description.upper().replace(" ", "\u00a0\n"))
    assert simhash(loud) == simhash(posting)


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.002, 1, 3.5), (0.01, 3.5, 6.5), (0.05, 9, 13), (0.5, 26, 32), (1, 29, 34)]
)
def test_simhash_distance_describes_the_share_of_changed_words(share, least, most):
    chance = random.Random(SEED)
    distances = []
    for _ in range(EDITS):
        words = chance.choices(VOCABULARY, FREQUENCIES, k=WORDS)
        changed = list(words)
        for at in chance.sample(range(WORDS), max(1, round(share * WORDS))):
            changed[at] = chance.choice(VOCABULARY)
        distances.append(distance(text_of(words), text_of(changed)))
    assert least <= statistics.mean(distances) <= most
