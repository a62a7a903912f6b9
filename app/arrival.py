"""Whether an HTTP request has arrived, as far as that can be told without parsing it."""

import re

MOST_KEPT = 128 * 1024
"""Bytes of a request that are kept until it is whole. A thread reads a longer one, as some imports are, itself."""

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
LAST_CHUNK = re.compile(rb"(?:^|\r\n)0+[ \t]*(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n){0,8}\r\n")
LAST_BYTES = 4096
"""In which the last chunk is looked for: nobody may keep us busy by sending a body byte by byte."""

EXPECTING = re.compile(rb"\r\nexpect:", re.IGNORECASE)


def is_whole(heard: bytes) -> bool:
    """Whether a thread may go to work on what a client has said so far, because it need not wait for more.

    What a request is, gunicorn's parser decides; so whatever is not plainly a beginning is for it. Changes nothing.
    """
    head, end, body = heard.partition(b"\r\n\r\n")
    if len(heard) > MOST_KEPT:
        return True
    if not end:
        # A line that ends otherwise is refused.
        return heard.count(b"\n") != heard.count(b"\r\n")
    if EXPECTING.search(head):
        # Such a client waits for a word of ours before it goes on (RFC 9110, 10.1.1).
        return True
    if CHUNKED.search(head):
        return LAST_CHUNK.search(body, max(0, len(body) - LAST_BYTES)) is not None
    length = LENGTH.search(head + b"\r\n")
    return not length or not len(body) < int(length[1]) <= MOST_KEPT
