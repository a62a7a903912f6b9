"""Checks that the launcher repeats until the product is ready. Each returns a fault as a sentence, or None."""

import json
import socket
import time
from http.client import HTTPConnection, HTTPException

import psycopg
from flask import Flask

from app.config.settings import Settings
from app.config.validators import connect_arguments
from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import Component
from app.services.health import heartbeats


def fetch(settings: Settings, path: str) -> bytes | None:
    """Return the body of the web server's 200 response for this path; None without one."""
    connection = HTTPConnection(settings.host, settings.port, timeout=3)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read() if response.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def port_fault(settings: Settings) -> str | None:
    """Check that the web server can listen on its port."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def ready_fault(settings: Settings) -> str | None:
    """Check that the web server is ready."""
    return None if fetch(settings, "/readyz") else "/readyz does not return 200."


def health_fault(settings: Settings) -> str | None:
    """Check that /readyz reports every part as healthy."""
    health = json.loads(fetch(settings, "/readyz") or '{"status": "not ready"}')
    if health["status"] == "ok":
        return None
    reasons = [check["reason"] for check in health.get("checks", {}).values() if not check["ok"]]
    return " ".join(reasons) or f"/readyz reports {health['status']}."


def database_fault(settings: Settings) -> str | None:
    """Check that PostgreSQL accepts connections."""
    try:
        psycopg.connect(**{"connect_timeout": 5, **connect_arguments(settings.database_url)}).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None


def heartbeat_fault(app: Flask, started: float) -> str | None:
    """Check that every component has written a heartbeat since ``started``, a monotonic time.

    An older heartbeat may be that of a dead process. It is not deleted: another product may use the same database.
    """
    elapsed = time.monotonic() - started
    try:
        with app.app_context():
            ages = heartbeats.heartbeat_ages()
            db.engine.dispose()
    except DatabaseUnavailable as error:
        return error.reason
    missing = [each for each in Component if each not in ages or ages[each].total_seconds() > elapsed]
    return f"No heartbeat yet from: {', '.join(missing)}." if missing else None
