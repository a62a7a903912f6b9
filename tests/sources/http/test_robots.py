"""The cost of a robots.txt: it is filtered before it is parsed, and parsed once."""

import pytest

from app.config.settings import BOARD_THREADS
from app.sources.deadline import Deadline
from app.sources.errors import Forbidden
from app.sources.http import robots
from app.sources.listing import list_board
from app.sources.parsing.robots_txt import MAX_RULES
from tests.sources.conftest import make_client
from tests.support.web import Reply

ACME = "/v1/boards/acme/jobs"
NAMES = "\n".join(f"User-agent: bot{number}" for number in range(2000))
RULES = "\n".join(f"Disallow: /{number}" for number in range(2000))


@pytest.fixture
def http_client(web, limiter):
    """A client with an empty cache and the shared rate limiter."""
    robots._parse_small.cache_clear()
    robots._parse_large.cache_clear()
    web.json(ACME, {"jobs": []})
    return make_client(web, limiter)


def cached(http_client, web) -> str:
    return http_client.limiter.get(f"robots:{web.url}")


def test_robots_txt_with_many_names_is_cached_without_them(web, http_client):
    """Protego alone would store four million rules."""
    web.replies["/robots.txt"] = Reply(f"{NAMES}\n{RULES}\nUser-agent: *\nDisallow: /private".encode())
    assert list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20)).is_complete
    assert cached(http_client, web) == "User-agent: *\nDisallow: /private"


def test_robots_txt_with_many_names_and_ours_is_obeyed(web, http_client):
    web.replies["/robots.txt"] = Reply(f"{NAMES}\nUser-agent: JobIngestion\n{RULES}\nDisallow: /v1".encode())
    with pytest.raises(Forbidden):
        list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20))
    assert web.paths() == []


def test_robots_txt_with_too_many_rules_forbids_the_host(web, http_client):
    rules = "\n".join(f"Disallow: /{number}" for number in range(MAX_RULES + 1))
    web.replies["/robots.txt"] = Reply(f"User-agent: *\n{rules}".encode())
    for _ in range(2):
        with pytest.raises(Forbidden, match="has a robots.txt with too many rules to obey, so it is not read"):
            list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20))
    assert web.paths() == [] and len(cached(http_client, web)) < 100


def test_robots_txt_is_parsed_once_for_a_host(web, http_client):
    web.replies["/robots.txt"] = Reply(f"User-agent: *\n{RULES}".encode())
    for _ in range(5):
        assert list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20)).is_complete
    assert (robots._parse_large.cache_info().misses, robots._parse_large.cache_info().hits) == (1, 4)


def test_robots_txt_with_large_rules_is_cached_for_a_shorter_time(web, http_client, broker):
    web.replies["/robots.txt"] = Reply(f"User-agent: *\n{RULES}\n{'#' * 30_000}".encode())
    assert list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20)).is_complete
    [key] = broker.keys("*robots:*")
    assert 0 < broker.ttl(key) <= robots.LARGE_ROBOTS_KEPT_SECONDS


def test_robots_txt_from_an_earlier_version_is_filtered_before_parsing(web, http_client):
    http_client.limiter.set(f"robots:{web.url}", f"{NAMES}\n{RULES}\nUser-agent: *\nDisallow: /private", 60)
    assert list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20)).is_complete
    assert web.paths() == [ACME]


def test_robots_txt_stays_parsed_while_a_process_reads_other_hosts():
    robots._parse_small.cache_clear()
    texts = [f"User-agent: *\nDisallow: /{number}" for number in range(BOARD_THREADS)]
    for text in texts * 3:
        assert robots.decide(text, "https://acme.example/jobs", "JobIngestion").is_allowed
    assert robots._parse_small.cache_info().misses == BOARD_THREADS
