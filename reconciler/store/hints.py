"""What is odd, wrong or missing in the record, and may speak for a reason of a drift.

Every question is answered by an index and bounded, as it is asked within the writer's transaction.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Dialect, select

from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import GapState, Side, Wallet, is_known_type
from reconciler.reconcile.explain import CandidateKind, Hint, Hole, Sibling
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.offsets import differences
from reconciler.store import schema
from reconciler.store.ledger import Place
from reconciler.store.markets import Markets
from reconciler.store.soft_checks import (
    SoftChecks,
    TotalFinding,
    said_of_frozen,
    said_of_total,
)

FINDINGS_MAX = 20


class Hints:
    """What one kind of database has of it.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._markets = Markets(dialect)
        self._checks = SoftChecks(dialect)

    def siblings(self, connection: Connection, account_id: int, place: Place) -> Iterator[Sibling]:
        """Other wallets that differ by this asset too."""
        p = schema.proofs.c
        rows = connection.execute(
            select(p.wallet, p.proof).where(
                p.account_id == account_id,
                p.asset == place[1],
                p.wallet != place[0],
                schema.is_unverified,
            )
        )
        for wallet, text in rows:
            proof = _PROOF.decode(text)
            now = proof.level if proof.step is None else proof.step.level
            if proof.base and now and now != proof.base:
                yield Sibling(wallet=Wallet(wallet), moved=differences(now, proof.base))

    def totals(
        self, connection: Connection, account_id: int, asset: str, orders: Sequence[int]
    ) -> list[Hint]:
        """Orders of which deals are missing, or whose deals are more than they say."""
        hints = []
        for found in self._checks.totals(connection, account_id, also=orders, open_too=True):
            market = self._markets.named(connection, found.order.market)
            if market is not None and asset in (market.base_asset, market.quote_asset):
                hints.append(_of_total(found, asset == market.base_asset))
        return hints

    def odd_orders(
        self, connection: Connection, account_id: int, orders: Sequence[int]
    ) -> list[Hint]:
        """Orders of a type that is not documented, among those whose deals are looked at."""
        o = schema.orders.c
        rows = connection.execute(
            select(o.order_id, o.type)
            .where(o.account_id == account_id, o.order_id.in_(sorted(set(orders))))
            .order_by(o.order_id)
        )
        return [
            Hint(
                kind=CandidateKind.ORDER_TYPE,
                reference=str(order_id),
                said=f"order {order_id} is of the unknown type {type_!r}: counted in spot",
            )
            for order_id, type_ in rows
            if not is_known_type(type_)
        ]

    def findings(self, connection: Connection, account_id: int, since: int) -> list[Hint]:
        """What was told differently before, or could not be understood."""
        q = schema.quarantine.c
        newest = (
            select(q.id, q.stream, q.reason, q.received_at)
            .where(q.account_id == account_id)
            .order_by(q.id.desc())
            .limit(FINDINGS_MAX)
        )
        return [
            Hint(
                kind=CandidateKind.RESTATED
                if " restated: " in row.reason
                else CandidateKind.UNREADABLE,
                reference=str(row.id),
                said=f"{row.stream}: {row.reason} (v_quarantine {row.id})",
            )
            for row in connection.execute(newest)
            if row.received_at >= since
        ]

    def frozen(self, connection: Connection, account_id: int, asset: str, now: int) -> list[Hint]:
        """That more or less is frozen than open orders hold."""
        return [
            Hint(
                kind=CandidateKind.FROZEN,
                reference=asset,
                said=said_of_frozen(found),
            )
            for found in self._checks.frozen(connection, account_id, now=now, assets=[asset])
        ]

    def holes(
        self, connection: Connection, account_id: int, since: int, until: int
    ) -> Iterator[Hole]:
        """Time of which not all is known."""
        g = schema.gaps.c
        rows = connection.execute(
            select(g.stream, g.gap_from, g.gap_until, g.state, g.reason)
            .where(
                g.account_id == account_id,
                g.state != str(GapState.CLOSED),
                g.gap_from < until,
                g.gap_until > since,
            )
            .order_by(g.stream, g.gap_from)
            .limit(FINDINGS_MAX)
        )
        for row in rows:
            yield Hole(
                stream=row.stream,
                since=row.gap_from,
                until=row.gap_until,
                state=GapState(row.state),
                reason=row.reason,
            )

    def refused(self, connection: Connection, account_id: int) -> Iterable[str]:
        """The streams that the key may not read."""
        r = schema.refused_streams.c
        names = select(r.stream).where(r.account_id == account_id).order_by(r.stream)
        return connection.execute(names).scalars()


_PROOF = msgspec.json.Decoder(Proof)


def _of_total(found: TotalFinding, is_base: bool) -> Hint:
    missing = found.missing if is_base else found.missing_total
    gains = (found.order.side is Side.BUY) == is_base
    return Hint(
        kind=CandidateKind.ORDER_TOTAL,
        reference=str(found.order.order_id),
        amount=missing if gains else minus(ZERO, missing),
        said=said_of_total(found),
    )
