"""The Celery application. A message only wakes a worker; the work to do is in PostgreSQL."""

import ssl
import warnings
from typing import Any

import structlog
from celery import Celery, Task, current_app
from celery.exceptions import SecurityWarning
from celery.signals import (
    celeryd_init,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_shutting_down,
)
from flask import Flask

from app.config.settings import Settings
from app.db.engine import make_connection_slots
from app.extensions import db
from app.observability import logs
from app.services.publisher import MAX_PUBLISHES
from app.tasks import shutdown_flag
from app.worker import queues
from app.worker.heartbeat import HeartbeatStep

PUBLISHER_TRANSPORT_OPTIONS = {
    # With these limits a hanging broker delays a request by 1.5 s (measured); by default it would wait forever.
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 1,
    # The kernel detects a peer that vanished without closing the connection.
    "socket_keepalive": True,
    # An idle connection is checked before a message is sent over it.
    "health_check_interval": 25,
    # The prefix keeps our keys apart from those of other applications on the same Redis.
    "global_keyprefix": "job-ingestion:",
    # As long as a task may take. With early acknowledgement it hardly matters, but kombu uses the shortest value set by
    # any client of this Redis.
    "visibility_timeout": 3600,
}

WORKER_TRANSPORT_OPTIONS = {
    **PUBLISHER_TRANSPORT_OPTIONS,
    # Longer than the wait of BRPOP; a shorter one would be taken for a lost connection.
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    # Detects a half-open connection, which raises no error.
    "health_check_interval": 10,
    "max_retries": None,
}

CELERY_SETTINGS: dict[str, Any] = {
    # Only a worker imports the tasks; other processes publish by task name.
    "imports": ("app.tasks.ingestion", "app.tasks.preview", "app.tasks.boards"),
    # With pickle, anyone who can write to the broker could run code.
    "task_serializer": "json",
    "accept_content": ["json"],
    # The state of a run is in PostgreSQL alone; there is no result backend.
    "task_ignore_result": True,
    # Acknowledged on receipt. If a worker dies, the reconciler republishes the run, not the broker.
    "task_acks_late": False,
    # A busy worker reserves no messages, so another worker can receive them.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    # The default name, "celery", is shared by all applications.
    "task_default_queue": queues.RUNS,
    # Publishers and workers route by the name of the task.
    "task_queues": queues.QUEUES,
    "task_routes": queues.ROUTES,
    # A misspelt ``-Q`` is refused, instead of waiting for messages at a queue to which nobody sends.
    "task_create_missing_queues": False,
    # One immediate retry, for a stale connection; more would delay the request.
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
    "broker_transport_options": PUBLISHER_TRANSPORT_OPTIONS,
    # A worker that starts before Redis waits for it without limit.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # Explicit, because Celery warns that the default will change; harmless with early acknowledgement.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    # The last resort for a hanging task; every unit of work has its own, much shorter limit.
    "task_soft_time_limit": 3300,
    "task_time_limit": 3600,
    # Replaces a child process before a library's memory leak grows large.
    "worker_max_tasks_per_child": 500,
    # KiB; a child that exceeds this is replaced after its task.
    "worker_max_memory_per_child": 400_000,
    # Logging is configured in app/observability/logs.py alone.
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    # No monitor reads Celery's events, so none are sent.
    "worker_send_task_events": False,
}


# Celery warns about workers that run as root, because a pickled message could run code. Our messages are JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)


def celery_init_app(app: Flask) -> Celery:
    """Create the Celery application and store it as ``app.extensions["celery"]``; tasks run in ``app``'s context."""

    class ContextTask(Task):
        """A task that runs in an application context and logs its own id and the request's."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            ids = {"task_id": self.request.id, "request_id": self.request.get("request_id")}
            with app.app_context(), structlog.contextvars.bound_contextvars(**ids):
                return self.run(*args, **kwargs)

    settings: Settings = app.config["SETTINGS"]
    celery = Celery(app.import_name, task_cls=ContextTask)
    celery.conf.update(
        CELERY_SETTINGS,
        broker_url=settings.redis_url,
        # By default kombu accepts any certificate.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss:") else None,
        # One connection for each concurrent publish, so that none waits for a hanging one.
        broker_pool_limit=MAX_PUBLISHES,
        worker_concurrency=settings.worker_concurrency,
    )
    celery.flask_app = app
    celery.steps["consumer"].add(HeartbeatStep)
    celery.set_default()
    app.extensions["celery"] = celery
    return celery


@celeryd_init.connect
def _use_worker_transport_options(conf: Any, **_: Any) -> None:
    conf.broker_transport_options = WORKER_TRANSPORT_OPTIONS


@setup_logging.connect
def _disable_celery_logging(**_: Any) -> None:
    """Disable Celery's logging setup: Celery skips it if this signal has a receiver."""


@worker_process_init.connect
def _discard_inherited_connections(**_: Any) -> None:
    """Replace the connection pool and the semaphore that a child inherits from its parent by the fork."""
    app = current_app.flask_app
    with app.app_context():
        db.engine.dispose(close=False)
        # The parent's heartbeat thread may have held a slot when it forked.
        at_most = queues.connections_per_process(current_app.amqp.queues.consume_from)
        app.extensions["connection_slots"] = make_connection_slots(db.engine, at_most)


@worker_process_shutdown.connect
def _drain_log(**_: Any) -> None:
    """Write the last log lines of a child: it ends without running its exit handlers."""
    logs.drain()


@worker_shutting_down.connect
def _set_shutdown_flag(**_: Any) -> None:
    """Set the flag that children read: only the main process receives the stop signal."""
    shutdown_flag.set_flag()
