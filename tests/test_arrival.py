import pytest

from app.arrival import MOST_KEPT, is_whole

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("heard", "whole"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\nHost: a", True),
        (b"x" * MOST_KEPT, False),
        (b"x" * (MOST_KEPT + 1), True),
        (HEAD + b"Content-Length: 2\r\n\r\n{", False),
        (HEAD + b"content-length:2\r\nX: y\r\n\r\n{", False),
        (HEAD + b"Content-Length: 2\r\n\r\n{}", True),
        (HEAD + b"Content-Length: 2\r\n\r\n{}GET", True),
        (HEAD + b"X-Content-Length: 2\r\n\r\n{", True),
        (HEAD + b"Content-Length: two\r\n\r\n{", True),
        (HEAD + b"Content-Length: %d\r\n\r\n{" % MOST_KEPT, False),
        (HEAD + b"Content-Length: %d\r\n\r\n{" % (MOST_KEPT + 1), True),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n", False),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n00;a=b\r\nX: y\r\n\r\nGET", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"0\r\n" * 1666 + b"00\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b" " * 5000 + b"\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", True),
    ],
    ids=lambda value: value[-40:].decode("latin1") if isinstance(value, bytes) else str(value),
)
def test_what_is_whole(heard, whole):
    assert is_whole(heard) is whole
