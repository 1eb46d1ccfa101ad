"""How many deals and orders an account has: counted as they are stored.

Of a million rows a count would take longer than a glance should.  Only these two are ever so many;
the rest is counted when asked.
"""

from sqlalchemy import BindParameter, Connection, Dialect, bindparam, func, select

from reconciler.store.schema import counts, deals, orders
from reconciler.store.statements import Read, Values, Write


class Counts:
    """Keeps them, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        account: BindParameter[int] = bindparam("account")
        self._add = Write(dialect, counts, increased=["deals", "orders"])
        self._put = Write(dialect, counts, overwritten=["deals", "orders"])
        self._count = Read(
            dialect,
            select(
                select(func.count()).where(deals.c.account_id == account).scalar_subquery(),
                select(func.count()).where(orders.c.account_id == account).scalar_subquery(),
            ),
        )

    def add(
        self, connection: Connection, account_id: int, *, deals: int = 0, orders: int = 0
    ) -> None:
        """So many were stored that were not known before."""
        if deals or orders:
            self._add(connection, [(account_id, deals, orders)])

    def count_again(self, connection: Connection, account_id: int) -> None:
        """After rows were written by another way than the writer's."""
        found: Values = next(self._count(connection, account=account_id))
        self._put(connection, [(account_id, *found)])
