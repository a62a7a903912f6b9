"""How far an HTTP request has arrived, as far as that can be told without parsing it."""

import re

MOST_KEPT = 128 * 1024
"""Bytes of a request that are kept until it is whole. A thread reads a longer one, as some imports are, itself."""

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*0*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
ENCODED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
EXPECTING = re.compile(rb"\r\nexpect:", re.IGNORECASE)
BARE = re.compile(rb"(?<!\r)\n")
SIZE = re.compile(rb"0*([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n", re.IGNORECASE)
MOST_SIZE_LINE = 300


class Arrival:
    """Looks at a request that comes in pieces; at each byte once, however small the pieces are.

    What a request is, gunicorn's parser decides. So whatever is not plainly a beginning is for it: a wrong guess costs
    time, nothing else.
    """

    def __init__(self) -> None:
        self._looked_at = 0
        self._ends_at: int | None = None
        """Where the body ends that has a length, or is refused."""
        self._chunk_at: int | None = None
        """Where the next chunk begins, of a body in chunks."""

    def is_whole(self, heard: bytes) -> bool:
        """Whether a thread may go to work on what has been heard so far, because it need not wait for more."""
        if len(heard) > MOST_KEPT:
            return True
        if self._ends_at is None and self._chunk_at is None and not self._head_is_here(heard):
            if BARE.search(heard, self._looked_at):
                # A line that ends in another way is refused.
                return True
            self._looked_at = len(heard)
            return False
        if self._ends_at is not None:
            return len(heard) >= self._ends_at
        return self._is_last_chunk_here(heard)

    def _head_is_here(self, heard: bytes) -> bool:
        end = heard.find(b"\r\n\r\n", max(0, self._looked_at - 3))
        if end < 0:
            return False
        head, body = heard[: end + 2], end + 4
        length = LENGTH.search(head)
        # One who expects something waits to be asked for his body (RFC 9110, 10.1.1).
        is_sent = not EXPECTING.search(head)
        if is_sent and CHUNKED.search(head) and not length:
            self._chunk_at = body
        elif is_sent and length and int(length[1]) <= MOST_KEPT and not ENCODED.search(head):
            self._ends_at = body + int(length[1])
        else:
            # None, one that is refused, or longer than what is kept.
            self._ends_at = body
        return True

    def _is_last_chunk_here(self, heard: bytes) -> bool:
        """Go from chunk to chunk (RFC 9112, 7.1)."""
        while True:
            at: int = self._chunk_at or 0
            size = SIZE.match(heard, at)
            if not size:
                return len(heard) > at + MOST_SIZE_LINE or b"\r\n" in heard[at:]
            if not int(size[1], 16):
                # Trailers, if any, end as a head does.
                return heard.find(b"\r\n\r\n", size.end() - 2) >= 0
            if len(heard) < size.end() + int(size[1], 16) + 2:
                return False
            self._chunk_at = size.end() + int(size[1], 16) + 2
