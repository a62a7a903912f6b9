"""What the launcher asks the product's parts while it waits for them: each answers with a fault, or None."""

import json
import socket
from http.client import HTTPConnection, HTTPException

import psycopg

from app.checks import connect_arguments
from app.config import Settings


def answer(settings: Settings, path: str) -> bytes | None:
    """What the web server answers with 200 on this address, or None."""
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
    """Why the web server could not listen on its port."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def ready_fault(settings: Settings) -> str | None:
    """Why the web server is not ready."""
    return None if answer(settings, "/readyz") else "it does not answer /readyz with 200."


def health_fault(settings: Settings) -> str | None:
    """What is not well, though the web server is ready."""
    health = json.loads(answer(settings, "/readyz") or '{"status": "not ready"}')
    if health["status"] == "ok":
        return None
    reasons = [check["reason"] for check in health.get("checks", {}).values() if not check["ok"]]
    return " ".join(reasons) or f"/readyz says {health['status']}."


def database_fault(settings: Settings) -> str | None:
    """Why PostgreSQL cannot be connected to."""
    try:
        psycopg.connect(**{"connect_timeout": 5, **connect_arguments(settings.database_url)}).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None
