"""The line of status says what the record says, and no more than is known of every account."""

from reconciler.domain.facts import ClockNotice, PassNotice
from reconciler.domain.moments import MINUTE
from reconciler.domain.words import Source
from reconciler.inbox import Batch
from reconciler.store.apply import Applier
from reconciler.store.engine import Database
from reconciler.store.standing import Standing, standing_of
from tests.feed.memory import START


def passed(database: Database, account: str, until: int) -> None:
    facts = (ClockNotice(offset=0, uncertainty=0), PassNotice(until=until))
    with database.connect() as connection, connection.begin():
        batch = Batch(account=account, source=Source.SWEEP, facts=facts)
        Applier(database).apply(connection, [batch], now=START)


def standing(database: Database, *accounts: str) -> Standing:
    with database.reading() as connection:
        return standing_of(connection, accounts)


def test_the_account_that_is_proven_least_speaks_for_all(database: Database) -> None:
    assert standing(database, "a", "b") == Standing(proven_until=None, open_drifts=0)
    passed(database, "a", START)
    assert standing(database, "a", "b").proven_until is None, "of b nothing is known"
    passed(database, "b", START - MINUTE)
    alone = standing(database, "a").proven_until
    together = standing(database, "a", "b").proven_until
    assert alone is not None
    assert together is not None
    assert alone - together == MINUTE
