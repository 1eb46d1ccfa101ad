"""Deals, orders and balances as rows and back, value by value in the order of the tables' columns.

Written out, because millions of rows pass here.  Whatever a row holds came from a record, so
reading one back can only fail if someone else wrote to the tables.  Words go out as plain `str`:
drivers are slow to take a subclass.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.domain.facts import Balance, Deal, Order
from reconciler.domain.money import canonical
from reconciler.domain.words import Role, Side
from reconciler.store.columns import ID_MAX, Encoding, amount, storable
from reconciler.store.statements import Values

_SIDES = {str(side): side for side in Side} | {None: None}
_ROLES = {str(role): role for role in Role} | {None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one kind of database."""

    encoding: Encoding

    def deal(self, account_id: int, deal: Deal, source: str) -> Values:
        """A row of `deals`."""
        return (
            account_id,
            deal.order_id,
            deal.deal_id,
            deal.market,
            deal.side and str(deal.side),
            deal.role and str(deal.role),
            canonical(deal.price),
            canonical(deal.amount),
            canonical(deal.total),
            canonical(deal.fee),
            deal.fee_asset,
            deal.client_order_id,
            self.encoding.moment(deal.executed_at),
            source,
        )

    def deal_of(self, row: Values) -> Deal:
        """The deal in a row of `deals`."""
        number = self.encoding.amount_of
        return Deal(
            order_id=row[1],
            deal_id=row[2],
            market=row[3],
            side=_SIDES[row[4]],
            role=_ROLES[row[5]],
            price=number(row[6]),
            amount=number(row[7]),
            total=number(row[8]),
            fee=number(row[9]),
            fee_asset=row[10],
            client_order_id=row[11],
            executed_at=self.encoding.moment_of(row[12]),
        )

    def order(self, account_id: int, order: Order, source: str) -> Values:
        """A row of `orders`."""
        moment = self.encoding.moment
        return (
            account_id,
            order.order_id,
            order.market,
            str(order.side),
            order.type,
            order.status,
            order.final,
            amount(order.price),
            amount(order.amount),
            canonical(order.filled_amount),
            canonical(order.filled_total),
            canonical(order.fee),
            amount(order.remaining),
            order.fee_asset,
            order.client_order_id,
            moment(order.created_at),
            moment(order.updated_at),
            moment(order.finished_at),
            source,
        )

    def order_of(self, row: Values) -> Order:
        """The order in a row of `orders`."""
        number, moment = self.encoding.amount_of, self.encoding.moment_of
        return Order(
            order_id=row[1],
            market=row[2],
            side=Side(row[3]),
            type=row[4],
            status=row[5],
            final=bool(row[6]),
            price=number(row[7]),
            amount=number(row[8]),
            filled_amount=number(row[9]),
            filled_total=number(row[10]),
            fee=number(row[11]),
            remaining=number(row[12]),
            fee_asset=row[13],
            client_order_id=row[14],
            created_at=moment(row[15]),
            updated_at=moment(row[16]),
            finished_at=moment(row[17]),
        )

    def balance(
        self, account_id: int, wallet: str, balance: Balance, observed_at: int, source: str
    ) -> Values:
        """A row of `balances`, or of `balance_history` behind its id."""
        return (
            account_id,
            wallet,
            balance.asset,
            amount(balance.available),
            amount(balance.frozen),
            amount(balance.borrowed),
            canonical(balance.total),
            self.encoding.moment(observed_at),
            source,
        )

    def balance_of(self, row: Values) -> Balance:
        """The balance in a row of `balances`."""
        number = self.encoding.amount_of
        return Balance(
            asset=row[2],
            available=number(row[3]),
            frozen=number(row[4]),
            borrowed=number(row[5]),
            total=number(row[6]),
        )

    def observed_at(self, row: Values) -> int:
        """When the balance in a row of `balances` was reported."""
        observed_at: int = self.encoding.moment_of(row[7])
        return observed_at


def storable_deal(deal: Deal) -> Deal | None:
    """The deal with texts that a database takes, nearly always itself; None if an id is too big."""
    if not (0 <= deal.order_id <= ID_MAX and 0 <= deal.deal_id <= ID_MAX):
        return None
    # One look at all texts together: this is asked of every deal.
    if f"{deal.market}{deal.fee_asset}{deal.client_order_id}".isprintable():
        return deal
    return replace(
        deal,
        market=storable(deal.market),
        fee_asset=_storable(deal.fee_asset),
        client_order_id=_storable(deal.client_order_id),
    )


def storable_order(order: Order) -> Order | None:
    """The order with texts that a database takes, nearly always itself; None for an id too big."""
    if not 0 <= order.order_id <= ID_MAX:
        return None
    texts = f"{order.market}{order.type}{order.status}{order.fee_asset}{order.client_order_id}"
    if texts.isprintable():
        return order
    return replace(
        order,
        market=storable(order.market),
        type=storable(order.type),
        status=storable(order.status),
        fee_asset=_storable(order.fee_asset),
        client_order_id=_storable(order.client_order_id),
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
