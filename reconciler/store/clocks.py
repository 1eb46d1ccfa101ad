"""What was last measured of the exchange's clock, for an account."""

from sqlalchemy import Connection, select

from reconciler.reconcile.prefix import Skew
from reconciler.store.schema import clocks


def skew_of(connection: Connection, account_id: int) -> Skew:
    """As measured, or that nothing is known."""
    row = connection.execute(
        select(clocks.c.skew, clocks.c.uncertainty).where(clocks.c.account_id == account_id)
    ).first()
    return Skew() if row is None else Skew(offset=row[0], uncertainty=row[1])
