"""Users with a token each. Their requests and answers are recorded in the log of the history checker."""

import http.client
import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.drills.sleep import sleep_for

if TYPE_CHECKING:
    from tests.drills.testbed import Testbed

RETRY_SECONDS = 90


@dataclass(frozen=True)
class Reply:
    """An answer. ``status`` is None if no answer came."""

    status: int | None
    document: Any
    headers: Any
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """The seconds from the request to the answer."""
        return (self.ended - self.began).total_seconds()

    @property
    def run_id(self) -> int | None:
        """The run that the answer names, or None."""
        return self.document.get("run_id") if isinstance(self.document, dict) else None


class User:
    """A user of the API with a bearer token."""

    def __init__(self, testbed: "Testbed", user_id: int, token: str, randomness: random.Random) -> None:
        self.testbed = testbed
        self.user_id = user_id
        self.token = token
        self.random = randomness
        self.port: int | None = None
        """The port of another web server than the testbed's."""

    def choose(self, boards: Iterable[str], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        """Add companies at these boards, with these title filters. Raises RuntimeError if they are refused."""
        filters = {"include": [*include], "exclude": [*exclude]}
        companies = [{"source": "greenhouse", "board": board, "name": board, **filters} for board in boards]
        reply = self.request("POST", "/api/ingestion/companies/import", 60, body={"companies": companies})
        if reply.status != 200:
            raise RuntimeError(f"companies were not added: {reply.status} {reply.document}")

    def start(self, key: str | None = None, body: Any = None, timeout: float = 30) -> Reply:
        """Send POST /start, and record the answer."""
        reply = self.request("POST", "/api/ingestion/start", timeout, key, body)
        if reply.status in (201, 200):
            self._log("started" if reply.status == 201 else "replayed", reply, reply.run_id, key=key)
        elif reply.status == 409:
            self._log("refused", reply, reply.run_id, key=key)
        elif reply.status in (None, 502, 503, 504):
            self._log("lost", reply, None, key=key)
        elif body is None:
            self._record_wrong_answer(reply, "start")
        return reply

    def start_until_answered(self, key: str, seconds: float = RETRY_SECONDS) -> Reply:
        """Repeat a start with a key until an answer names the run."""
        deadline = time.monotonic() + seconds
        while (reply := self.start(key)).status not in (200, 201, 409):
            if time.monotonic() > deadline:
                self.testbed.record_violation(f"a start with a key got no run within {seconds:.0f} s ({reply.status})")
                break
            sleep_for(self.random.uniform(0.05, 0.3))
        return reply

    def abort(self, run_id: int, timeout: float = 30) -> Reply:
        """Send POST /abort, and record the answer."""
        reply = self.request("POST", f"/api/ingestion/abort/{run_id}", timeout)
        if reply.status == 200:
            self._log("aborted", reply, run_id)
        elif reply.status == 409:
            self._log("abort_refused", reply, run_id, status=reply.document.get("run_status"))
        elif reply.status in (None, 502, 503, 504):
            self._log("lost", reply, run_id)
        else:
            self._record_wrong_answer(reply, f"abort of run {run_id}")
        return reply

    def get_run(self, run_id: int, timeout: float = 30) -> Reply:
        """Send GET of a run, and record the answer."""
        reply = self.request("GET", f"/api/ingestion/runs/{run_id}", timeout)
        if reply.status == 200:
            self._log("seen", reply, run_id, status=reply.document["status"])
        elif reply.status not in (None, 502, 503, 504):
            self._record_wrong_answer(reply, f"read of run {run_id}")
        return reply

    def get_current_run(self, timeout: float = 30) -> Reply:
        """Send GET /current-run, and record the answer."""
        reply = self.request("GET", "/api/ingestion/current-run", timeout)
        if reply.status == 200:
            self._log("seen", reply, reply.run_id)
        elif reply.status not in (None, 502, 503, 504):
            self._record_wrong_answer(reply, "read of the current run")
        return reply

    def request(self, method: str, path: str, timeout: float, key: str | None = None, body: Any = None) -> Reply:
        """Send a request on a new connection; return the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        if body is not None:
            headers["Content-Type"] = "application/json"
        began = datetime.now(UTC)
        status, document, received = send_request(self.port or self.testbed.port, method, path, timeout, headers, body)
        return Reply(status, document, received, began, datetime.now(UTC))

    def _log(self, kind: str, reply: Reply, run_id: int | None, status: str | None = None, key: Any = None) -> None:
        self.testbed.log.record(kind, self.user_id, reply.began, run_id, status, key, reply.ended)

    def _record_wrong_answer(self, reply: Reply, what: str) -> None:
        self.testbed.record_violation(f"{what} was answered {reply.status} {json.dumps(reply.document)[:200]}")


def send_request(port: int, method: str, path: str, timeout: float, headers: dict[str, str], body: Any) -> Any:
    """Send a request; return status, document and headers, or three times None if no complete answer came."""
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
