from decimal import Decimal

from reconciler.domain.facts import Balance, BalanceReport
from reconciler.domain.words import Source, Wallet
from reconciler.inbox import Applied
from reconciler.store.engine import Database
from reconciler.store.reads import KnownBalance, Reads
from tests.store.samples import ACCOUNT, NOON, apply, balance, batch, report, rows


def totals(database: Database) -> dict[str, Decimal]:
    return {known.balance.asset: known.balance.total for known in Reads(database).balances(ACCOUNT)}


def history(database: Database) -> list[tuple[object, ...]]:
    found = rows(database, "SELECT asset, total, source FROM v_balance_history ORDER BY id")
    return [(asset, Decimal(str(total)), source) for asset, total, source in found]


def test_a_change_is_a_row_of_the_history_and_sameness_is_not(database: Database) -> None:
    assert apply(database, batch(report(0, balance("BTC", "1")))) == [Applied(balances=1)]
    assert apply(database, batch(report(1, balance("BTC", "1.00")), source=Source.QUERY)) == [
        Applied()
    ]
    assert apply(database, batch(report(2, balance("BTC", "0.5", "0.5")))) == [Applied(balances=1)]
    assert history(database) == [("BTC", Decimal(1), "stream")] * 2


def test_a_balance_confirmed_is_newer_and_keeps_its_source(database: Database) -> None:
    apply(database, batch(report(0, balance("BTC", "1"))))
    apply(database, batch(report(7, balance("BTC", "1")), source=Source.QUERY))
    assert Reads(database).balances(ACCOUNT) == [
        KnownBalance(wallet=Wallet.SPOT, balance=balance("BTC", "1"), observed_at=NOON + 7)
    ]
    assert rows(database, "SELECT source FROM v_balances") == [("stream",)]


def test_the_last_report_counts_even_when_the_clock_was_set_back(database: Database) -> None:
    apply(database, batch(report(5, balance("BTC", "5"))))
    next_ = batch(report(3, balance("BTC", "3"), balance("USDT", "1"), complete=True))
    assert apply(database, next_) == [Applied(balances=2)]
    assert totals(database) == {"BTC": Decimal(3), "USDT": Decimal(1)}


def test_what_a_complete_report_does_not_name_is_zero(database: Database) -> None:
    main = BalanceReport(
        wallet=Wallet.MAIN, balances=(balance("BTC", "9"),), complete=True, observed_at=NOON
    )
    apply(database, batch(report(0, balance("BTC", "1"), balance("ETH", "2", "1")), main))
    assert apply(database, batch(report(1, balance("BTC", "1"), complete=True))) == [
        Applied(balances=1)
    ]
    assert apply(database, batch(report(2, balance("BTC", "1"), complete=True))) == [Applied()]
    spot = [known for known in Reads(database).balances(ACCOUNT) if known.wallet is Wallet.SPOT]
    assert [known.balance for known in spot] == [balance("BTC", "1"), balance("ETH", "0")]
    assert rows(database, "SELECT asset FROM v_balances WHERE wallet = 'main'") == [("BTC",)]


def test_an_update_says_nothing_of_what_it_does_not_name(database: Database) -> None:
    apply(database, batch(report(0, balance("BTC", "1"), balance("ETH", "2"))))
    apply(database, batch(report(1, balance("BTC", "3"))))
    assert totals(database) == {"BTC": Decimal(3), "ETH": Decimal(2)}


def test_reports_of_one_batch_count_in_their_order(database: Database) -> None:
    reports = [report(n, balance("BTC", str(n))) for n in (1, 2, 3)]
    assert apply(database, batch(*reports, report(4, complete=True))) == [Applied(balances=4)]
    assert totals(database) == {"BTC": Decimal(0)}
    assert [total for _, total, _ in history(database)] == [1, 2, 3, 0]


def collateral(at: int, available: str | None, borrowed: str | None, total: str) -> BalanceReport:
    shown = Balance(
        asset="USDT",
        available=None if available is None else Decimal(available),
        frozen=None,
        borrowed=None if borrowed is None else Decimal(borrowed),
        total=Decimal(total),
    )
    return BalanceReport(
        wallet=Wallet.COLLATERAL, balances=(shown,), complete=False, observed_at=NOON + at
    )


def test_what_collateral_has_available_moves_without_history(database: Database) -> None:
    apply(database, batch(collateral(0, "40", "0", "50")))
    assert apply(database, batch(collateral(1, "41", "0", "50"))) == [Applied()]
    assert apply(database, batch(collateral(2, "41", "5", "50"))) == [Applied(balances=1)]
    (known,) = Reads(database).balances(ACCOUNT)
    assert known.balance.available == 41


def test_a_part_that_a_report_does_not_say_stays_known(database: Database) -> None:
    apply(database, batch(collateral(0, "40", "7", "50"), collateral(1, None, None, "51")))
    (known,) = Reads(database).balances(ACCOUNT)
    assert (known.balance.available, known.balance.borrowed) == (Decimal(40), Decimal(7))
    assert known.balance.total == 51
