"""The long fuzzing of two products, one for each AUTH, over HTTP and against the OpenAPI document.

Run it alone with ``python -m tests.drills.contract_fuzzing --examples 100 --seed 1``.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import schemathesis

from tests.support.accounts import PASSWORD
from tests.support.boards import Boards, environment, job
from tests.support.contract import USERS, FuzzReport, fuzz, write_tokens
from tests.support.product import Product, temporary_folder, temporary_product

RATE_LIMITED = ("/detect", "/login", "/password")
SECRET_KEY = "a-key-of-this-drill-and-of-nothing-else-0123456789"


@dataclass(frozen=True)
class FuzzingResult:
    """The result for both products together."""

    seed: int
    examples: int
    seconds: float
    reports: dict[str, FuzzReport] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """The number of requests."""
        return sum(each.cases for each in self.reports.values())

    @property
    def checks(self) -> int:
        """The number of checks of answers."""
        return sum(each.checks for each in self.reports.values())

    @property
    def server_errors(self) -> int:
        """The number of answers with a 5xx status."""
        return sum(count for each in self.reports.values() for status, count in each.answers.items() if status >= 500)

    @property
    def failures(self) -> list[str]:
        """The deviations from the document, in words."""
        return [f"AUTH={auth}: {failure}" for auth, each in self.reports.items() for failure in each.failures]


def run(examples: int = 100, seed: int = 1) -> FuzzingResult:
    """Fuzz a product with AUTH=local, then one with AUTH=accounts and two users."""
    began, boards = time.monotonic(), Boards()
    boards.greenhouse("acme", [job(1, "Engineer")])
    settings = {**environment(boards.url), "LOG_FORMAT": "json"}
    try:
        reports = {
            "local": _local(examples, seed, settings),
            "accounts": _accounts(examples, seed, {**settings, "AUTH": "accounts", "SECRET_KEY": SECRET_KEY}),
        }
    finally:
        boards.stop()
    return FuzzingResult(seed, examples, time.monotonic() - began, reports)


def _local(examples: int, seed: int, environment: dict[str, str]) -> FuzzReport:
    with temporary_folder() as folder, temporary_product(folder, False, **environment) as product:
        product.start()
        return fuzz(_load(product), examples, seed, before=_reset_rate_limits(product))


def _accounts(examples: int, seed: int, environment: dict[str, str]) -> FuzzReport:
    with temporary_folder() as folder, temporary_product(folder, False, **environment) as product:
        product.start()
        tokens, revive = write_tokens(Path(folder))
        for name in USERS:
            added = product.command("users", "add", f"{name}@example.org", "--password-stdin", stdin=PASSWORD)
            assert added.returncode == 0, added.stderr
        product.sql(revive)

        def restore_tokens(operation: str) -> None:
            if operation.startswith("DELETE /api/auth/"):
                product.sql(revive)

        return fuzz(_load(product), examples, seed, tokens, _reset_rate_limits(product), restore_tokens)


def _load(product: Product) -> Callable[..., schemathesis.BaseSchema]:
    return partial(schemathesis.openapi.from_url, f"{product.url}/api/openapi.json")


def _reset_rate_limits(product: Product) -> Callable[[str], None]:
    """Return a hook that resets the rate limits, which have tests of their own."""

    def before(operation: str) -> None:
        if operation.endswith(RATE_LIMITED):
            product.flush_redis()

    return before


def main(words: list[str] | None = None) -> int:
    """Run the fuzzing and print its figures; return 1 if an answer deviates from the document."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills.contract_fuzzing", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="per operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    outcome = run(arguments.examples, arguments.seed)
    for auth, each in outcome.reports.items():
        phases = ", ".join(f"{name} {count}" for name, count in each.phases.items())
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(each.answers.items()))
        print(f"AUTH={auth}: {each.operations} operations, {each.cases} cases ({phases}), {each.checks} checks")
        print(f"  {len(each.succeeded)} operations succeeded; {each.excused} refusals excused; answers {answers}")
    print(*outcome.failures, sep="\n\n")
    print(
        f"seed {outcome.seed}: {outcome.cases} cases, {outcome.checks} checks, {outcome.server_errors} server errors,"
        f" {len(outcome.failures)} failures in {outcome.seconds:.0f} s"
    )
    return int(bool(outcome.failures))


if __name__ == "__main__":
    sys.exit(main())
