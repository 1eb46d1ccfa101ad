"""Keeps the books in the transaction that stores the facts: posts what they did, then judges what
was reported.

Once per account and transaction, after all of its facts are stored: the order in which they came
makes no difference to the books.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Dialect

from reconciler.domain.facts import (
    BalanceReport,
    ClockNotice,
    Deal,
    Market,
    Movement,
    Order,
    PassNotice,
    Transaction,
)
from reconciler.inbox import Batch
from reconciler.reconcile.rules import Rules
from reconciler.store.bookkeeping import Bookkeeping
from reconciler.store.ledger import Ledger, Posted
from reconciler.store.outbox import Outbox
from reconciler.store.proofs import Proofs
from reconciler.store.results import Results

ORDERS = "orders"


class Books:
    """The books of one kind of database.  Remembers nothing between transactions."""

    def __init__(self, dialect: Dialect, rules: Rules, outbox: Outbox | None = None) -> None:
        ledger = Ledger(dialect)
        self._bookkeeping = Bookkeeping(dialect, ledger)
        self._proofs = Proofs(dialect, ledger, self._bookkeeping, rules, outbox)
        self._results = Results(dialect)

    def keep(
        self,
        connection: Connection,
        account_id: int,
        batches: Sequence[Batch],
        *,
        new_deals: int,
        now: int,
    ) -> int:
        """Keeps the books after the facts of these batches of one account were stored, of which so
        many deals were not known before.  Returns of how many assets in wallets the exchange's
        report is in doubt."""
        self.post(connection, account_id, batches, new_deals=new_deals, now=now)
        facts = [fact for batch in batches for fact in batch.facts]
        reports = [fact for fact in facts if isinstance(fact, BalanceReport)]
        passed = any(isinstance(fact, PassNotice) for fact in facts)
        return self._proofs.judge(connection, account_id, reports, passed=passed, now=now)

    def post(
        self,
        connection: Connection,
        account_id: int,
        batches: Sequence[Batch],
        *,
        new_deals: int,
        now: int,
    ) -> None:
        """The same without judging what was reported."""
        facts = [fact for batch in batches for fact in batch.facts]
        deals = [fact for fact in facts if isinstance(fact, Deal)]
        orders = {fact.order_id for fact in facts if isinstance(fact, Order)}
        transactions = [fact for fact in facts if isinstance(fact, Transaction)]
        movements = [fact for fact in facts if isinstance(fact, Movement)]
        spans = [span for batch in batches for span in batch.spans]
        keep, posted = self._bookkeeping, list[Posted]()
        if any(isinstance(fact, Market) for fact in facts):
            posted += keep.markets(connection, account_id, now=now)
        if deals:
            fresh = new_deals == len(deals)
            posted += keep.deals(connection, account_id, deals, fresh=fresh)
        if orders:
            posted += keep.orders(connection, account_id, orders)
        if transactions:
            posted += keep.transactions(connection, account_id, transactions)
        if movements:
            posted += keep.movements(connection, account_id, movements, now=now)
        for span in spans:
            if span.stream == ORDERS:
                posted += keep.covered(connection, account_id, span.until)
        self._results.keep(connection, account_id, deals, spans, new_deals=new_deals)
        for fact in facts:
            match fact:
                case ClockNotice():
                    self._proofs.horizon.clock(connection, account_id, fact)
                case PassNotice():
                    self._proofs.horizon.passed(connection, account_id, fact)
        if posted:
            self._proofs.late(connection, account_id, posted)
