"""Celery, configured to be a wake-up call and nothing more: PostgreSQL knows what there is to do."""

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
from app.worker.heartbeat import HeartbeatStep

PRODUCER_TRANSPORT = {
    # A broker that hangs may cost a request 1.5 s, measured with exactly these figures; the default is for ever.
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 1,
    # Lets the kernel notice a peer that is gone without a word.
    "socket_keepalive": True,
    # Asks an idle connection whether it still lives before a message is trusted to it.
    "health_check_interval": 25,
    # Our keys carry a name of their own, so another application on the same Redis neither reads nor times them out.
    "global_keyprefix": "job-ingestion:",
    # Longer than any task: with early acknowledgement it hardly matters, but the shortest on a broker rules.
    "visibility_timeout": 3600,
}

WORKER_TRANSPORT = {
    **PRODUCER_TRANSPORT,
    # A worker waits for messages for a living; a timeout below its BRPOP wait would look like a lost connection.
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    # Finds a half-open connection that no error ever reports.
    "health_check_interval": 10,
    "max_retries": None,
}

SETTINGS: dict[str, Any] = {
    # Loaded by a worker when it starts. Others publish by the names of tasks and need none of them.
    "imports": ("app.tasks.ingestion", "app.tasks.preview"),
    # Pickle is code execution for whoever reaches the broker.
    "task_serializer": "json",
    "accept_content": ["json"],
    # State lives in ingestion_runs and nowhere else; there is no result backend.
    "task_ignore_result": True,
    # Acknowledged on receipt: the reconciler, not the broker, brings back what a dying worker took with it.
    "task_acks_late": False,
    # A busy worker takes no message it cannot start; another may.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    # A queue of our own name; the default, "celery", is everybody's.
    "task_default_queue": "ingestion",
    # One more try at once, for a connection that went stale; more would make the request wait.
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
    "broker_transport_options": PRODUCER_TRANSPORT,
    # A worker that starts before Redis waits for it, and for as long as it takes.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # Harmless with early acknowledgement; said explicitly because the default is about to change.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    # The last fence around a task that hangs; every unit of work has its own, much shorter limit.
    "task_soft_time_limit": 3300,
    "task_time_limit": 3600,
    # A leak in a library costs a child process, not the machine.
    "worker_max_tasks_per_child": 500,
    # KiB; the child ends after the task that took it above this.
    "worker_max_memory_per_child": 400_000,
    # Our own logging (app/observability/logs.py) is the only one.
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    # Nobody asks Celery how things are; not announcing it saves the broker the chatter.
    "worker_send_task_events": False,
}


# Celery warns of a worker that runs as root because a pickled message could then do anything; ours are JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)


def celery_init_app(app: Flask) -> Celery:
    """Make the Celery application whose tasks run inside ``app``'s context; it is ``app.extensions["celery"]``."""

    class ContextTask(Task):
        """A task with an application context, whose log lines carry its id and its request's."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            known = {"task_id": self.request.id, "request_id": self.request.get("request_id")}
            with app.app_context(), structlog.contextvars.bound_contextvars(**known):
                return self.run(*args, **kwargs)

    settings: Settings = app.config["SETTINGS"]
    celery = Celery(app.import_name, task_cls=ContextTask)
    celery.conf.update(
        SETTINGS,
        broker_url=settings.redis_url,
        # kombu's default for TLS is to believe any certificate.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss:") else None,
        # As many connections as publish at a time, so that none waits for another's frozen one.
        broker_pool_limit=MAX_PUBLISHES,
        worker_concurrency=settings.worker_concurrency,
    )
    celery.flask_app = app
    celery.steps["consumer"].add(HeartbeatStep)
    celery.set_default()
    app.extensions["celery"] = celery
    return celery


@celeryd_init.connect
def _use_worker_transport(conf: Any, **_: Any) -> None:
    conf.broker_transport_options = WORKER_TRANSPORT


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """A receiver, whatever it does, tells Celery to leave logging alone."""


@worker_process_init.connect
def _forget_inherited_connections(**_: Any) -> None:
    """A forked child must not talk on its parent's sockets."""
    app = current_app.flask_app
    with app.app_context():
        db.engine.dispose(close=False)
        # The parent's heartbeat may have held a place at the moment of the fork.
        app.extensions["connection_slots"] = make_connection_slots(db.engine)


@worker_process_shutdown.connect
def _drain_log(**_: Any) -> None:
    """A forked child ends without its exit handlers."""
    logs.drain()


@worker_shutting_down.connect
def _tell_children(**_: Any) -> None:
    """The signal arrives in the main process alone, and a child at work hears nothing of it."""
    shutdown_flag.set_flag()
