"""Markets as they are known: what a deal is of."""

from sqlalchemy import Connection, Dialect, bindparam, select

from reconciler.domain.facts import Market
from reconciler.store.schema import markets
from reconciler.store.statements import Read, Values


class Markets:
    """Looks them up, in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        m = markets.c
        query = select(m.name, m.base_asset, m.quote_asset, m.kind)
        self._all = Read(dialect, query)
        self._named = Read(dialect, query.where(m.name == bindparam("name")))

    def named(self, connection: Connection, name: str) -> Market | None:
        """The market of this name, if it was ever listed."""
        return next(map(_market, self._named(connection, name=name)), None)

    def all(self, connection: Connection) -> dict[str, Market]:
        """Every market, by name."""
        return {row[0]: _market(row) for row in self._all(connection)}


def _market(row: Values) -> Market:
    name, base, quote, kind = row
    return Market(name=name, base_asset=base, quote_asset=quote, kind=kind)
