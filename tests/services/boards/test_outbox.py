"""The messages that wake readers of boards."""

import json

import pytest

from app.config.settings import BOARD_THREADS
from app.services import publisher
from app.services.boards import outbox
from tests.support.outages import refusing
from tests.support.outbox import BOARDS_QUEUE, PREVIEWS_QUEUE


@pytest.mark.parametrize(
    ("boards", "messages"),
    [(0, 0), (1, 1), (BOARD_THREADS, 1), (BOARD_THREADS + 1, 2), (1000, outbox.MAX_WAKE_UPS)],
)
def test_messages_suffice_for_the_boards_but_are_few(app, broker, boards, messages):
    assert outbox.wake_readers(7, boards)
    found = [json.loads(message) for message in broker.lrange(BOARDS_QUEUE, 0, -1)]
    assert [message["headers"]["task"] for message in found] == ["boards.read"] * messages
    assert {message["headers"]["argsrepr"] for message in found} <= {"(7,)"}
    assert broker.llen(PREVIEWS_QUEUE) == 0


def test_message_expires_after_a_minute(app, broker):
    outbox.wake_readers(0, 1)
    headers = json.loads(broker.lindex(BOARDS_QUEUE, 0))["headers"]
    assert headers["expires"] is not None


def test_wake_up_without_a_broker_raises_nothing(app, broker):
    with refusing(broker):
        assert outbox.wake_readers(7, 100) is False
    publisher.breaker = publisher.CircuitBreaker()
    assert outbox.wake_readers(7, 1) is True
    assert broker.llen(BOARDS_QUEUE) == 1
