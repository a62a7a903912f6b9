"""kombu's channel, which keeps its client."""

from app import broker as ours
from tests.support.bare import bare_celery


def test_a_channel_keeps_its_client_as_long_as_its_connections(settings, broker):
    with bare_celery(settings).connection_for_write() as connection:
        channel = connection.channel()
        assert isinstance(channel, ours.Channel)
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
            assert first.ping()
        with channel.conn_or_acquire("another") as given:
            assert given == "another"
        channel._disconnect_pools()
        with channel.conn_or_acquire() as after:
            assert after is not first
            assert after.ping()


def test_channels_do_not_share_it(settings, broker):
    with bare_celery(settings).connection_for_write() as connection:
        with connection.channel().conn_or_acquire() as mine, connection.channel().conn_or_acquire() as yours:
            assert mine is not yours
