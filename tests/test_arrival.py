import pytest

from app.arrival import MOST_KEPT, Arrival

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

BEGINNINGS = [
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r",
    b"x" * MOST_KEPT,
    HEAD + b"Content-Length: 2\r\n\r\n{",
    HEAD + b"content-length:0000000002\r\nX: y\r\n\r\n{",
    HEAD + b"Content-Length: %d\r\n\r\n{" % MOST_KEPT,
    CHUNKED,
    CHUNKED + b"1",
    CHUNKED + b"10\r\n",
    CHUNKED + b"2\r\n{}",
    CHUNKED + b"2\r\n{}\r\n0\r\n",
    CHUNKED + b"2\r\n{}\r\n0\r\nX: y\r\n",
    CHUNKED + b"000000000010\r\n{",
    CHUNKED + b"1000\r\n\r\n0\r\n\r\n",
]

WHOLES = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a",
    b"x" * (MOST_KEPT + 1),
    HEAD + b"Content-Length: 0\r\n\r\n",
    HEAD + b"Content-Length: 2\r\n\r\n{}",
    HEAD + b"Content-Length: 2\r\n\r\n{}GET",
    HEAD + b"X-Content-Length: 2\r\n\r\n{",
    HEAD + b"Content-Length: two\r\n\r\n{",
    HEAD + b"Content-Length: %d\r\n\r\n{" % (MOST_KEPT + 1),
    HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    HEAD + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2 ; a=b\r\n{}\r\n00;c\r\nX: y\r\nZ: z\r\n\r\nGET",
    CHUNKED + b"1388\r\n" + b" " * 5000 + b"\r\n0\r\n\r\n" + b"GET" * 2000,
    CHUNKED + b"nonsense\r\n",
    CHUNKED + b"1" * 301,
    HEAD + b"Content-Length: %d\r\n\r\n" % MOST_KEPT + b" " * MOST_KEPT,
]


def shown(words: bytes) -> str:
    return words[-40:].decode("latin1")


@pytest.mark.parametrize("heard", BEGINNINGS, ids=shown)
def test_a_beginning_is_waited_on(heard):
    assert not Arrival().is_whole(heard)


@pytest.mark.parametrize("heard", WHOLES, ids=shown)
def test_what_is_whole_is_not(heard):
    arrival = Arrival()
    assert arrival.is_whole(heard)
    assert arrival.is_whole(heard)


@pytest.mark.parametrize("heard", [*BEGINNINGS, *WHOLES], ids=shown)
def test_in_which_pieces_it_comes_makes_no_difference(heard):
    """Every piece of up to three bytes is looked at as it comes; the last word is what counts."""
    for size in (1, 2, 3, 7, 1000):
        arrival, whole = Arrival(), False
        for end in range(min(size, len(heard)), min(len(heard), 1000) + 1, size):
            whole = arrival.is_whole(heard[:end])
            if whole:
                break
        assert (whole or arrival.is_whole(heard)) == Arrival().is_whole(heard)
