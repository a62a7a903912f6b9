"""How many requests a second, beside what the database itself does."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bench import limits
from bench.load import Measured, Script, put, reader, starter
from bench.stage import SPARE_PEOPLE, Stage

CLIENTS = (1, 8, 32, 200)
ROUNDS = 3
SECONDS = 4.0
LIMIT_SECONDS = 2.0
MOST_CONNECTIONS = SPARE_PEOPLE
"""Of pgbench, each of whose clients has one; PostgreSQL is started with as many as the product needs."""


@dataclass(frozen=True)
class Kind:
    """A kind of load: what a client says, how many of its requests are one unit, and the same for pgbench."""

    name: str
    script: Callable[[str], Script]
    requests: int
    limit: str


@dataclass
class Row:
    """A kind of load with so many clients."""

    kind: Kind
    clients: int
    ours: Measured = field(default_factory=Measured)
    limits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.ours.rate / self.kind.requests

    @property
    def limit(self) -> float:
        """What pgbench did in the same minutes."""
        return sum(self.limits) / len(self.limits)

    @property
    def ratio(self) -> float:
        """The share of the limit."""
        return self.rate / self.limit


def kinds() -> list[Kind]:
    """The two that pages and programs live by."""
    return [
        Kind("`GET /current-run`", lambda token: reader(token, "current-run"), 1, limits.current_run()),
        Kind("start → abort", starter, 2, limits.cycle()),
    ]


def measure(stage: Stage) -> list[Row]:
    """Ours and pgbench's turn by turn, so that a machine which is slow for a minute is slow for both."""
    rows = [Row(kind, clients) for kind in kinds() for clients in CLIENTS]
    put(stage.port, [reader(token, "current-run") for token in stage.tokens[:32]], SECONDS)
    for number in range(ROUNDS):
        for row in rows:
            print(f"throughput, round {number + 1} of {ROUNDS}: {row.kind.name}, {row.clients} clients", flush=True)
            connections = min(row.clients, MOST_CONNECTIONS)
            row.limits.append(limits.rate(stage.product, row.kind.limit, connections, LIMIT_SECONDS))
            scripts = [row.kind.script(token) for token in stage.tokens[: row.clients]]
            row.ours.add(put(stage.port, scripts, SECONDS))
            stage.end_runs()
    return rows
