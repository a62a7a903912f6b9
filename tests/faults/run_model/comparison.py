"""The comparison of the product with the model: each operation, and the tables after it."""

from collections import Counter
from collections.abc import Callable

from hypothesis.stateful import RuleBasedStateMachine

from tests.faults.comparison import Difference
from tests.faults.run_model.model import Model
from tests.faults.run_model.orders import Candidates, alone
from tests.faults.run_model.product import Product
from tests.faults.run_model.state import ACTIVE, is_left
from tests.faults.run_model.tables import Tables, differences, expected
from tests.faults.run_model.world import COMPANIES, WAITS, Op, Outcome

MAX_SHOWN = 6
"""Differences that are shown."""


class RunComparison(RuleBasedStateMachine):
    """A state machine that performs each operation on the product and on the model, and compares the two."""

    product: Product
    tally: "Counter[str]" = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.product.reset()
        self.model = Model()
        self.tables = Tables(self.product.connection)
        self.tables.read()
        self.tally["examples"] += 1

    def step(self, op: Op) -> Outcome:
        """Perform the operation on the product and the model, compare both, and return the outcome."""
        before = self._begin(op)
        self.tally["operations"] += 1
        outcome = self.product.perform(op)
        self._find(before, lambda model: alone(model, op), outcome, [])
        return outcome

    def _begin(self, *_ops: Op) -> Model:
        """Let a second pass, so that no two operations happen at the same time; return the model."""
        self.model.now += 1
        self.product.set_clock(self.model.now)
        self.product.sources = self.model.sources
        self.model.written = set()
        for board in self.model.boards.values():
            board.written = set()
        return self.model

    def _find(
        self, before: Model, candidates: Callable[[Model], Candidates], outcome: Outcome, others: list[Outcome],
    ) -> None:
        """Find a legal result that agrees with the tables and the outcomes, and make it the state of the model."""
        found = self.tables.read()
        self.tally["steps"] += 1
        nearest: list[str] | None = None
        for model, own, theirs in candidates(before):
            wrong = differences(expected(model), found)
            if (own, theirs) != (outcome, others):
                wrong.insert(0, f"the outcome was {outcome} {others}, expected {own} {theirs}")
            if not wrong:
                self.model = model
                return
            nearest = wrong if nearest is None or len(wrong) < len(nearest) else nearest
        raise Difference("; ".join((nearest or [])[:MAX_SHOWN]))

    def _publish(self, runs: Outcome) -> None:
        for run in runs if isinstance(runs, list) else ():
            self.step(Op("publish", run=run))

    def _pick(self, pick: int) -> int | None:
        """Return one of the runs, counted from the newest active one, or None."""
        runs = self.model.runs
        order = sorted(runs, key=lambda number: (runs[number].status in ACTIVE, number), reverse=True)
        return order[pick % len(order)] if order else None

    def _claim(self, pick: int) -> int:
        """Return one of the last claims, counted from the newest."""
        return max(0, len(self.model.claims) - 1 - pick)

    def _has_work_to_take_in(self, number: int) -> bool:
        run = self.model.runs[number]
        return run.status == "ingesting" and any(map(is_left, run.companies))

    def _op(self, kind: str, pick: int) -> Op | None:
        if kind == "read":
            return Op("read", self._claim(pick)) if self.model.claims else None
        if kind in ("reconcile", "claim"):
            return Op(kind)
        run = self._pick(pick)
        return Op("carry", run=run) if run else None

    def _inner(self, kind: str, pick: int) -> list[Op]:
        """Return the operations that come between. To steal a board, a reader waits until the lease has run out."""
        run = self._pick(pick)
        if kind == "steal":
            board = self.model.claims[-1].board if self.model.claims else "alpha"
            return [Op("wait", seconds=WAITS["lease"]), Op("look_again", board=board)]
        if kind == "start":
            return [Op("start", 1 + pick % len(COMPANIES))]
        if kind in ("claim", "reconcile"):
            return [Op(kind)]
        if kind in ("read", "renew"):
            return [Op(kind, self._claim(pick))] if self.model.claims else []
        if not run:
            return []
        return [Op(kind, self.model.runs[run].user, run, flag=pick % 2 == 0)]
