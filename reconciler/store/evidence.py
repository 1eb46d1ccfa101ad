"""Gathers what may speak for a reason of a drift, when one is detected or changes.

That is rare, but happens within the writer's transaction.  What the record tells is asked of
the `witness`, what is wrong with it of `hints`; what the evidence means says `reconcile.explain`.
"""

from sqlalchemy import Connection, Dialect

from reconciler.domain.words import Wallet
from reconciler.reconcile.explain import Evidence, Told
from reconciler.store.hints import Hints
from reconciler.store.ledger import Place
from reconciler.store.witness import BEFORE, Witness


class Evidences:
    """What one kind of database knows.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._witness = Witness(dialect)
        self._hints = Hints(dialect)

    def gather(
        self, connection: Connection, account_id: int, place: Place, since: int, until: int
    ) -> Evidence:
        """What is known of a place between two moments of the exchange, and of the time before as
        far as that may matter."""
        asset = place[1]
        told = {
            (each.kind, each.reference): each
            for each in self._witness.lines(connection, account_id, place, since, until)
        }
        for each in self._witness.history(connection, account_id, place, since, until):
            told[each.kind, each.reference] = each
        for each in self._witness.in_transit(connection, account_id, asset):
            told[each.kind, each.reference] = each
        waiting, hints = self._witness.waiting(connection, account_id, place, since, until)
        for each in waiting:
            told[each.kind, each.reference] = each
        orders = [int(key[1].partition(":")[2]) for key in told if key[0] == "deal"]
        hints += self._hints.totals(connection, account_id, asset, orders)
        hints += self._hints.odd_orders(connection, account_id, orders)
        hints += self._hints.findings(connection, account_id, since - BEFORE)
        if place[0] == Wallet.SPOT:
            hints += self._hints.frozen(connection, account_id, asset, until)
        return Evidence(
            told=tuple(told.values()),
            siblings=tuple(self._hints.siblings(connection, account_id, place)),
            hints=tuple(hints),
            holes=tuple(self._hints.holes(connection, account_id, since, until)),
            refused=tuple(self._hints.refused(connection, account_id)),
        )

    def lines(
        self, connection: Connection, account_id: int, place: Place, since: int, until: int
    ) -> list[Told]:
        """What was posted to the place in that time, the newest of it."""
        return self._witness.lines(connection, account_id, place, since, until)
