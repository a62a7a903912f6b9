"""PostgreSQL's log. The launcher passes it on to the output of the product."""

DEADLOCK = "deadlock detected"
"""The words of PostgreSQL's error, in its own log and in an exception of the product."""

MAX_LENGTH = 300


def deadlocks(output: str) -> list[str]:
    """Return a sentence for each line of the product's output that tells of a deadlock."""
    return [f"logged: {line[:MAX_LENGTH]}" for line in output.splitlines() if DEADLOCK in line]
