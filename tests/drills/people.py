"""People with a token each, whose requests and answers are all written down for the checker."""

import http.client
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.drills.lasting import lasts

if TYPE_CHECKING:
    from tests.drills.stage import Stage

RETRY_SECONDS = 90


@dataclass(frozen=True)
class Reply:
    """What came back: ``status`` None if nothing did."""

    status: int | None
    document: Any
    headers: Any
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began).total_seconds()

    @property
    def run_id(self) -> int | None:
        """The run that the answer names."""
        return self.document.get("run_id") if isinstance(self.document, dict) else None


class Person:
    """Somebody with curl."""

    def __init__(self, stage: "Stage", user_id: int, token: str, chance: random.Random) -> None:
        self.stage = stage
        self.user_id = user_id
        self.token = token
        self.random = chance

    def start(self, key: str | None = None, body: Any = None, timeout: float = 30) -> Reply:
        """POST /start."""
        reply = self.ask("POST", "/api/ingestion/start", timeout, key, body)
        if reply.status in (201, 200):
            self._note("started" if reply.status == 201 else "replayed", reply, reply.run_id, key=key)
        elif reply.status == 409:
            self._note("refused", reply, reply.run_id, key=key)
        elif reply.status in (None, 502, 503, 504):
            self._note("lost", reply, None, key=key)
        elif body is None:
            self._complain(reply, "start")
        return reply

    def start_surely(self, key: str, seconds: float = RETRY_SECONDS) -> Reply:
        """Start with a key, again and again until there is an answer that says where the run is."""
        deadline = time.monotonic() + seconds
        while (reply := self.start(key)).status not in (200, 201, 409):
            if time.monotonic() > deadline:
                self.stage.wrong(f"start with a key was not answered within {seconds:.0f} s ({reply.status})")
                break
            lasts(self.random.uniform(0.05, 0.3))
        return reply

    def abort(self, run_id: int, timeout: float = 30) -> Reply:
        """POST /abort."""
        reply = self.ask("POST", f"/api/ingestion/abort/{run_id}", timeout)
        if reply.status == 200:
            self._note("aborted", reply, run_id)
        elif reply.status == 409:
            self._note("abort_refused", reply, run_id, status=reply.document.get("run_status"))
        elif reply.status in (None, 502, 503, 504):
            self._note("lost", reply, run_id)
        else:
            self._complain(reply, f"abort of run {run_id}")
        return reply

    def look(self, run_id: int, timeout: float = 30) -> Reply:
        """GET the run."""
        reply = self.ask("GET", f"/api/ingestion/runs/{run_id}", timeout)
        if reply.status == 200:
            self._note("seen", reply, run_id, status=reply.document["status"])
        elif reply.status not in (None, 502, 503, 504):
            self._complain(reply, f"look at run {run_id}")
        return reply

    def current(self, timeout: float = 30) -> Reply:
        """GET /current-run."""
        reply = self.ask("GET", "/api/ingestion/current-run", timeout)
        if reply.status == 200:
            self._note("seen", reply, reply.run_id)
        elif reply.status not in (None, 502, 503, 504):
            self._complain(reply, "current-run")
        return reply

    def ask(self, method: str, path: str, timeout: float, key: str | None = None, body: Any = None) -> Reply:
        """One request on a connection of its own."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        if body is not None:
            headers["Content-Type"] = "application/json"
        began = datetime.now(UTC)
        status, document, received = exchange(self.stage.port, method, path, timeout, headers, body)
        return Reply(status, document, received, began, datetime.now(UTC))

    def _note(self, kind: str, reply: Reply, run_id: int | None, status: str | None = None, key: Any = None) -> None:
        self.stage.log.note(kind, self.user_id, reply.began, run_id, status, key, reply.ended)

    def _complain(self, reply: Reply, what: str) -> None:
        self.stage.wrong(f"{what} was answered {reply.status} {json.dumps(reply.document)[:200]}")


def exchange(port: int, method: str, path: str, timeout: float, headers: dict[str, str], body: Any) -> Any:
    """Status, document and headers of one exchange; three times None if there was no whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text), answer.headers
    except (OSError, http.client.HTTPException):
        return None, None, None
    except ValueError:
        return answer.status, {"not JSON": text.decode(errors="replace")[:100]}, answer.headers
    finally:
        connection.close()
