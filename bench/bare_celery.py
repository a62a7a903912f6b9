"""Celery alone, as its documentation begins: what a message costs without us, but for the Redis client that is kept."""

import os
import time

from celery import Celery

RECEIVED = "bench:received"

app = Celery("bare", broker=os.environ.get("BROKER"))
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bench"


@app.task(name="bench.receive")
def receive(number: int) -> None:
    """Tell when the task began."""
    now = time.time()
    with app.pool.acquire() as connection:
        connection.default_channel.client.rpush(RECEIVED, now)
