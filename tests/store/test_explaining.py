"""Explaining a drift beside a running daemon: the balance is verified, stays so, and what comes
later is another drift."""

from collections.abc import Callable
from decimal import Decimal

import pytest
import trio
from sqlalchemy import Connection

from reconciler.domain.moments import SECOND
from reconciler.domain.words import Source, Wallet
from reconciler.inbox import Batch, Hold
from reconciler.reconcile.explain import CandidateKind
from reconciler.store.apply import Applier
from reconciler.store.engine import Database, DatabaseAway, open_database
from reconciler.store.explaining import AlreadyClosed, acknowledged, explain, listed
from reconciler.store.facts import Facts
from reconciler.store.holders import hold_off, take
from reconciler.store.rebuild import unequal_books
from tests.drifting import SETTLED_SECONDS, make_drift, settle_in, states
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.grids import mostly_sqlite
from tests.store.samples import NOON, deal, rows


def check(stage: Stage, asset: str = "USDT") -> tuple[object, ...]:
    """State and difference of the asset in the spot wallet."""
    query = (
        f"SELECT state, difference FROM v_balance_check WHERE wallet = 'spot' AND asset = '{asset}'"
    )
    [(state, difference)] = rows(stage.database, query)
    return state, str(difference)


@mostly_sqlite
def test_when_explained_it_stays_explained_and_the_next_is_another(database_url: str) -> None:
    async def main() -> None:
        async with open_stage(database_url) as stage:
            await settle_in(stage)
            stage.exchange.phantom(ACCOUNT, "USDT", "-15")
            await trio.sleep(SETTLED_SECONDS)
            assert states(stage) == [("open", "-15", None)]
            assert explain(stage.database, 1, note="a fee", now=NOON).is_new
            assert not explain(stage.database, 1, note="a fee", now=NOON).is_new
            assert check(stage) == ("verified", "0")
            with pytest.raises(AlreadyClosed):
                acknowledged(stage.database, 1, now=NOON)
            stage.exchange.fill(ACCOUNT, "BTC_USDT", "sell", "0.5", "40000")
            await trio.sleep(SETTLED_SECONDS)
            assert states(stage) == [("explained", "-15", "a fee")]
            assert check(stage) == ("verified", "0")
            stage.exchange.phantom(ACCOUNT, "USDT", "15")
            await trio.sleep(SETTLED_SECONDS)
            assert states(stage) == [("explained", "-15", "a fee"), ("open", "15", None)]
            assert unequal_books(stage.database) == {}

    run(main)


@mostly_sqlite
def test_a_drift_that_changes_is_one_and_is_explained_whole(database_url: str) -> None:
    async def main() -> None:
        async with open_stage(database_url) as stage:
            await settle_in(stage)
            stage.exchange.phantom(ACCOUNT, "USDT", "-15")
            await trio.sleep(SETTLED_SECONDS)
            acknowledged(stage.database, 1, now=NOON)
            stage.exchange.phantom(ACCOUNT, "USDT", "-1.00000123")
            await trio.sleep(SETTLED_SECONDS)
            [drift] = listed(stage.database)
            assert drift.difference == Decimal("-16.00000123")
            assert drift.acknowledged_at is None, "what changed was not seen yet"
            explain(stage.database, 1, note="both", now=NOON)
            await trio.sleep(SETTLED_SECONDS)
            assert states(stage) == [("explained", "-16.00000123", "both")]
            assert check(stage) == ("verified", "0")

    run(main)


@mostly_sqlite
def test_ledger_and_reports_part_between_two_reports(database_url: str) -> None:
    make_drift(database_url)
    [drift] = listed(open_database(database_url))
    assert drift.parted_after is not None
    assert drift.parted_until - drift.parted_after == 10 * SECOND
    assert drift.detected_at > drift.parted_until
    assert {each.kind for each in drift.candidates} == {CandidateKind.REFUSED}


def test_what_one_wallet_lacks_may_be_what_another_has_too_much(sqlite_url: str) -> None:
    """Not to the last digit, so that no transfer is inferred."""

    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            await settle_in(stage)
            stage.exchange.phantom(ACCOUNT, "USDT", "-15")
            stage.exchange.phantom(ACCOUNT, "USDT", "14", Wallet.MAIN)
            await trio.sleep(2 * SETTLED_SECONDS)
            drifts = {drift.wallet: drift for drift in listed(stage.database)}
            assert {wallet: drift.difference for wallet, drift in drifts.items()} == {
                "spot": -15,
                "main": 14,
            }
            [sibling] = [
                each for each in drifts["spot"].candidates if each.kind is CandidateKind.SIBLING
            ]
            assert (sibling.reference, sibling.fits) == ("main", "partly")

    run(main)


def test_nobody_commits_to_the_account_meanwhile(postgres_url: str) -> None:
    """On SQLite there is one writer anyway."""
    database = open_database(postgres_url)
    hold = Hold(token=take(database, ACCOUNT, name="desk1 pid 7", now=NOON), lost=lambda: None)
    heard = Batch(account=ACCOUNT, source=Source.STREAM, facts=(deal(1),), hold=hold)

    def commit(connection: Connection) -> None:
        impatient(connection)
        Applier(database).apply(connection, [heard], now=NOON)

    with database.writing() as explaining:
        hold_off(explaining, Facts(database.dialect).account_id(explaining, ACCOUNT))
        with pytest.raises(DatabaseAway):
            alone(database, commit)
    alone(database, commit)
    assert rows(database, "SELECT count(*) FROM v_deals") == [(1,)]


def alone(database: Database, act: Callable[[Connection], None]) -> None:
    with database.writing() as connection:
        act(connection)


def impatient(connection: Connection) -> None:
    connection.exec_driver_sql("SET LOCAL lock_timeout = 50")
