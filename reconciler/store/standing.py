"""How the record of some accounts stands, in two figures: what a line of status has room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from reconciler.store.clocks import Clocks
from reconciler.store.horizon import Horizon
from reconciler.store.schema import accounts, drifts, is_open_drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Of all the accounts together."""

    proven_until: int | None
    """Up to when everything is known of each of them; None while that can't be said."""
    open_drifts: int


def standing_of(connection: Connection, names: Sequence[str]) -> Standing:
    """What the record says now."""
    ids = connection.execute(select(accounts.c.account_id).where(accounts.c.name.in_(names)))
    numbers = list(ids.scalars())
    horizon, clocks = Horizon(connection.dialect), Clocks(connection.dialect)
    proven = [
        horizon.proven_until(connection, number, clocks.skew_of(connection, number))
        for number in numbers
    ]
    known = [moment for moment in proven if moment is not None]
    is_whole = len(known) == len(names) > 0
    return Standing(
        proven_until=min(known) if is_whole else None,
        open_drifts=connection.execute(
            select(func.count()).where(is_open_drift, drifts.c.account_id.in_(numbers))
        ).scalar_one(),
    )
