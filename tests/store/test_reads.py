from reconciler.domain.facts import SessionNotice, Unreadable
from reconciler.domain.words import Wallet
from reconciler.inbox import Span
from reconciler.store.engine import Database
from reconciler.store.reads import AccountStatus, KnownBalance, Reads
from tests.store.samples import ACCOUNT, NOON, apply, balance, batch, deal, order, report


def test_of_an_unknown_account_nothing_is_known(database: Database) -> None:
    reads = Reads(database)
    assert reads.newest_deal_at("nobody") is None
    assert reads.covered_until("nobody", "deals") is None
    assert reads.newest_session_id("nobody") is None
    assert reads.unproven("nobody", "deals", 1, 3) == ((1, 3),)
    assert reads.open_orders("nobody") == []
    assert reads.status() == []


def test_the_newest_deal_is_the_one_executed_last(database: Database) -> None:
    apply(database, batch(deal(1, executed_at=NOON + 5), deal(2, executed_at=NOON)))
    assert Reads(database).newest_deal_at(ACCOUNT) == NOON + 5


def test_open_orders_come_whole_and_by_id(database: Database) -> None:
    apply(database, batch(order(3), order(1), order(2, final=True, status="filled")))
    assert Reads(database).open_orders(ACCOUNT) == [order(1), order(3)]


def test_balances_come_by_wallet_and_asset(database: Database) -> None:
    apply(database, batch(report(0, balance("USDT", "0"), balance("BTC", "1.5", "0.5"))))
    assert Reads(database).balances(ACCOUNT) == [
        KnownBalance(wallet=Wallet.SPOT, balance=balance("BTC", "1.5", "0.5"), observed_at=NOON),
        KnownBalance(wallet=Wallet.SPOT, balance=balance("USDT", "0"), observed_at=NOON),
    ]


def test_the_status_tells_every_account_at_a_glance(database: Database) -> None:
    apply(
        database,
        batch(
            SessionNotice(session_id=1, connected_at=NOON),
            SessionNotice(session_id=2, connected_at=NOON + 1, live_at=NOON + 2),
            deal(1),
            deal(2, executed_at=NOON + 9),
            order(1),
            order(2, final=True, status="filled"),
            report(0, balance("BTC", "1"), balance("USDT", "0")),
            Unreadable(stream="deals", reason="?", excerpt="", received_at=NOON),
            spans=[Span(stream="deals", since=NOON, until=NOON + 4)],
        ),
        batch(account="quiet"),
    )
    quiet, treasury = Reads(database).status()
    assert (quiet.account, quiet.session, quiet.deals) == ("quiet", None, 0)
    assert treasury == AccountStatus(
        account=ACCOUNT,
        session=SessionNotice(session_id=2, connected_at=NOON + 1, live_at=NOON + 2),
        deals=2,
        orders=2,
        open_orders=1,
        balances=1,
        transactions=0,
        movements=0,
        open_gaps=0,
        unreachable_gaps=0,
        refused_streams=(),
        quarantined=1,
        newest_deal_at=NOON + 9,
        covered_until={"deals": NOON + 4},
    )
    assert Reads(database).newest_session_id(ACCOUNT) == 2
