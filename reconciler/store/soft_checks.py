"""Checks that make nobody wake up: what is frozen against the open orders, and finished orders
against their deals.

Both look at a bounded number of rows, the newest, so that they cost the same however long the
record is.  A frozen amount that may have been told amid a change of orders is not judged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    bindparam,
    func,
    literal_column,
    select,
)

from reconciler.domain.facts import Market, Order
from reconciler.domain.moments import SECOND
from reconciler.domain.money import ZERO, canonical, minus, plus
from reconciler.domain.words import Wallet, wallet_of
from reconciler.reconcile.frozen import FrozenFinding, Range, finding, plausible
from reconciler.store import schema
from reconciler.store.columns import Moment, encoding_of
from reconciler.store.engine import Database
from reconciler.store.markets import Markets
from reconciler.store.rows import Rows
from reconciler.store.statements import LookUp, Read

ORDERS_MAX = 300
"""Finished orders looked at, those with the highest ids."""

DEALS_MAX = 5_000
"""And of their deals."""

OPEN_ORDERS_MAX = 2_000
"""Of more open orders than that nothing is said."""

QUIET = 5 * SECOND
"""How long before a report of a balance, and until now, no order of the asset may have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalFinding:
    """An order of which more, or less, was filled than its deals on record say."""

    order: Order
    missing: Decimal
    """In the base asset; negative: there are deals too many."""
    missing_total: Decimal
    """In the quote asset."""


class SoftChecks:
    """The checks on one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        self._rows = Rows(encoding=self._encoding)
        self._markets = Markets(dialect)
        orders, deals = schema.orders, schema.deals
        of_account = orders.c.account_id == bindparam("account")
        open_ids = select(orders.c.order_id).where(of_account, schema.is_open)
        self._open = Read(
            dialect,
            select(orders)
            .where(of_account, orders.c.order_id.in_(open_ids))
            .limit(_number(OPEN_ORDERS_MAX + 1))
            .offset(_number(0)),
        )
        self._newest = Read(
            dialect,
            select(orders)
            .where(of_account)
            .order_by(orders.c.order_id.desc())
            .limit(_number(ORDERS_MAX))
            .offset(_number(0)),
        )
        self._orders = LookUp(dialect, orders, by=["order_id"])
        self._deals = Read(
            dialect,
            select(deals.c.order_id, deals.c.amount, deals.c.total)
            .where(
                deals.c.account_id == bindparam("account"), deals.c.order_id >= bindparam("first")
            )
            .order_by(deals.c.order_id.desc())
            .limit(_number(DEALS_MAX))
            .offset(_number(0)),
        )
        self._deals_of = LookUp(dialect, deals, by=["order_id"])

    def frozen(
        self,
        connection: Connection,
        account_id: int,
        *,
        display_decimals: int = 8,
        now: int,
        assets: Iterable[str] | None = None,
    ) -> list[FrozenFinding]:
        """Of the spot wallet's assets, or only of these, in which frozen is off."""
        open_orders = [
            self._rows.order_of(row) for row in self._open(connection, account=account_id)
        ]
        if len(open_orders) > OPEN_ORDERS_MAX:
            return []
        newest = self._newest_orders(connection, account_id)
        markets = self._markets.all(connection)
        expected = plausible(open_orders, markets)
        changed = _last_changes([*open_orders, *newest], markets)
        b = schema.balances.c
        wanted = select(b.asset, b.frozen, b.observed_at).where(
            b.account_id == account_id, b.wallet == str(Wallet.SPOT), b.frozen.is_not(None)
        )
        if assets is not None:
            wanted = wanted.where(b.asset.in_(list(assets)))
        found = []
        for asset, frozen, observed_at in connection.execute(wanted.order_by(b.asset)):
            last = changed.get(asset, 0)
            if last > now - QUIET or abs(last - observed_at) < QUIET:
                continue
            wrong = finding(asset, frozen, expected.get(asset, Range()), decimals=display_decimals)
            if wrong is not None:
                found.append(wrong)
        return found

    def totals(
        self,
        connection: Connection,
        account_id: int,
        *,
        also: Sequence[int] = (),
        open_too: bool = False,
    ) -> list[TotalFinding]:
        """The newest orders, and `also` those of these ids, whose deals don't add up to what they
        say was filled, of the time for which all deals and orders are known."""
        since, until = self._covered(connection, account_id)
        newest = self._newest_orders(connection, account_id)
        sums = self._sums(connection, account_id, newest)
        judged = {order.order_id: order for order in newest if order.order_id in sums}
        missing = [(id_,) for id_ in also if id_ not in judged]
        for row in set(self._orders(connection, account_id, missing)):
            judged[row[1]] = self._rows.order_of(row)
        for row in set(self._deals_of(connection, account_id, missing)):
            amount, total = sums.get(row[1], (ZERO, ZERO))
            number = self._encoding.amount_of
            sums[row[1]] = plus(amount, number(row[7])), plus(total, number(row[8]))
        found = []
        for order in judged.values():
            ended = order.finished_at or order.updated_at or order.created_at
            begun = order.created_at
            if begun is None or ended is None or begun < since or ended >= until:
                continue
            if not (order.final or open_too):
                continue
            amount, total = sums.get(order.order_id, (ZERO, ZERO))
            one = TotalFinding(
                order=order,
                missing=minus(order.filled_amount, amount),
                missing_total=minus(order.filled_total, total),
            )
            if one.missing or one.missing_total:
                found.append(one)
        return found

    def _newest_orders(self, connection: Connection, account_id: int) -> list[Order]:
        return [self._rows.order_of(row) for row in self._newest(connection, account=account_id)]

    def _sums(
        self, connection: Connection, account_id: int, orders: Sequence[Order]
    ) -> dict[int, tuple[Decimal, Decimal]]:
        """What the deals of each order add up to; without those of which not all were read."""
        if not orders:
            return {}
        number = self._encoding.amount_of
        sums = {order.order_id: (ZERO, ZERO) for order in orders}
        rows = list(self._deals(connection, account=account_id, first=min(sums)))
        for order_id, amount, total in rows:
            before = sums.get(order_id, (ZERO, ZERO))
            sums[order_id] = plus(before[0], number(amount)), plus(before[1], number(total))
        if len(rows) == DEALS_MAX:
            last = rows[-1][0]
            sums = {order_id: both for order_id, both in sums.items() if order_id > last}
        return sums

    def _covered(self, connection: Connection, account_id: int) -> tuple[int, int]:
        """The newest time for which deals and orders are both proven complete; empty if none is."""
        c = schema.coverage.c
        spans = connection.execute(
            select(
                c.stream,
                func.max(c.covered_from, type_=Moment),
                func.max(c.covered_until, type_=Moment),
            )
            .where(c.account_id == account_id, c.stream.in_(["deals", "orders"]))
            .group_by(c.stream)
        ).all()
        if len(spans) < 2:
            return 0, 0
        return max(since for _, since, _ in spans), min(until for _, _, until in spans)


def soft_findings(database: Database, *, now: int) -> dict[str, list[str]]:
    """What the checks say of every account, by its name, for people.  Raises DatabaseUnusable."""
    checks = SoftChecks(database.dialect)
    names = select(schema.accounts.c.name, schema.accounts.c.account_id)
    with database.reading() as connection:
        return {
            name: [
                *map(said_of_frozen, checks.frozen(connection, id_, now=now)),
                *map(said_of_total, checks.totals(connection, id_)),
            ]
            for name, id_ in connection.execute(names).all()
        }


def said_of_frozen(found: FrozenFinding) -> str:
    """For people."""
    least, most = canonical(found.plausible.least), canonical(found.plausible.most)
    between = least if least == most else f"{least} to {most}"
    frozen = f"{canonical(found.frozen)} {found.asset}"
    return f"{frozen} is frozen, but the open orders account for {between}"


def said_of_total(found: TotalFinding) -> str:
    """For people."""
    order = found.order
    return (
        f"order {order.order_id} on {order.market} says that {canonical(order.filled_amount)} for "
        f"{canonical(order.filled_total)} was filled; in its deals {canonical(found.missing)} for "
        f"{canonical(found.missing_total)} is missing"
    )


def _number(number: int) -> ColumnElement[int]:
    """Not a parameter: those of a `Read` have names."""
    return literal_column(str(number), Integer)


def _last_changes(orders: Iterable[Order], markets: dict[str, Market]) -> dict[str, int]:
    """When an order last changed that may freeze the asset."""
    last: dict[str, int] = {}
    for order in orders:
        market = markets.get(order.market)
        if market is None or wallet_of(order.type) is not Wallet.SPOT:
            continue
        at = max(order.finished_at or 0, order.updated_at or 0, order.created_at or 0)
        for asset in (market.base_asset, market.quote_asset):
            last[asset] = max(at, last.get(asset, 0))
    return last
