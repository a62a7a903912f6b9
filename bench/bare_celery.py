"""Celery alone, as in its first tutorial: the cost of a message without the product. Only the Redis client is kept."""

import os
import time

from celery import Celery

RECEIVED = "bench:received"

app = Celery("bare", broker=os.environ.get("BROKER"))
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bench"


@app.task(name="bench.receive")
def receive(number: int) -> None:
    """Report the time at which the task began."""
    now = time.time()
    with app.pool.acquire() as connection:
        connection.default_channel.client.rpush(RECEIVED, now)
