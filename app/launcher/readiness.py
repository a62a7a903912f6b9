"""Checks of the product's parts while the launcher waits for them: each returns a fault as a sentence, or None."""

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
    """Return the body that the web server answers with 200 at this path, or None."""
    connection = HTTPConnection(settings.host, settings.port, timeout=3)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        return found.read() if found.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def port_fault(settings: Settings) -> str | None:
    """Try the port that the web server is to listen on."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def ready_fault(settings: Settings) -> str | None:
    """Check that the web server is ready."""
    return None if fetch(settings, "/readyz") else "it does not answer /readyz with 200."


def health_fault(settings: Settings) -> str | None:
    """Check that everything is well, the web server being ready."""
    health = json.loads(fetch(settings, "/readyz") or '{"status": "not ready"}')
    if health["status"] == "ok":
        return None
    reasons = [check["reason"] for check in health.get("checks", {}).values() if not check["ok"]]
    return " ".join(reasons) or f"/readyz says {health['status']}."


def database_fault(settings: Settings) -> str | None:
    """Check that PostgreSQL can be connected to."""
    try:
        psycopg.connect(**{"connect_timeout": 5, **connect_arguments(settings.database_url)}).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None


def heartbeat_fault(app: Flask, began: float) -> str | None:
    """Check that every component gave a sign of life after that monotonic time.

    An older sign may be a dead process's. Deleting it would be no cure: another product may use the same database.
    """
    elapsed = time.monotonic() - began
    try:
        with app.app_context():
            silences = heartbeats.heartbeat_ages()
            db.engine.dispose()
    except DatabaseUnavailable as error:
        return error.reason
    silent = [each for each in Component if each not in silences or silences[each].total_seconds() > elapsed]
    return f"No sign yet of {', '.join(silent)}." if silent else None
