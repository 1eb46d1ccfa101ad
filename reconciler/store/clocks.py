"""What was last measured of the exchange's clock, for an account."""

from sqlalchemy import Connection, Dialect, bindparam, select

from reconciler.reconcile.prefix import Skew
from reconciler.store.schema import clocks
from reconciler.store.statements import Read


class Clocks:
    """Asks for it, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        measured = select(clocks.c.skew, clocks.c.uncertainty)
        of_account = clocks.c.account_id == bindparam("account")
        self._measured = Read(dialect, measured.where(of_account))

    def skew_of(self, connection: Connection, account_id: int) -> Skew:
        """As measured, or that nothing is known."""
        for offset, uncertainty in self._measured(connection, account=account_id):
            return Skew(offset=offset, uncertainty=uncertainty)
        return Skew()
