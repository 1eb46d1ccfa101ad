"""Balances of three wallets, against the vendor's documented examples."""

from decimal import Decimal

import pytest

from reconciler.domain.facts import Balance, BalanceReport, Fact, Unreadable
from reconciler.domain.words import Wallet
from reconciler.wire import rest
from reconciler.wire.frames import balances_result
from reconciler.wire.frames import read as read_frame
from reconciler.wire.records import Unintelligible
from reconciler.wire.updates import Update
from tests.wire.examples import example, result

NOW = 1738251095345432


def test_spot_rest() -> None:
    report = one(rest.spot_balances().decode(example("rest", "trade-account/balance"), NOW))
    assert report == BalanceReport(
        wallet=Wallet.SPOT,
        balances=(spot("BTC", "0.123", "0.01"), spot("USDT", "1000.50", "100.00")),
        complete=True,
        observed_at=NOW,
    )


def test_spot_query() -> None:
    report = one(balances_result(result("ws_balance_spot", "balanceSpotResponse"), Wallet.SPOT, 1))
    assert report.complete
    assert report.balances == (spot("ETH", "0", "0"), spot("BTC", "0", "0"))


def test_spot_push() -> None:
    report = one(pushed(example("ws_balance_spot", "balanceSpotUpdate")))
    assert not report.complete
    assert report.balances == (spot("USDT", "100.1885", "0"),)


def test_recorded_exponent() -> None:
    report = one(pushed(example("recorded", "balanceSpot_update")))
    assert report.balances == (spot("USDT", "0.00000095", "0"),)


def test_every_asset_of_every_map_of_a_push() -> None:
    """Trap 81: one map in the documents, several possible, each with several assets."""
    facts = pushed(
        b"""{"id":null,"method":"balanceSpot_update","params":[
        {"A":{"available":"1","freeze":"2"},"B":{"available":"3","freeze":"0"}},
        {"A":{"available":"4","freeze":"0"}},{}]}"""
    )
    assert [report.balances for report in facts if isinstance(report, BalanceReport)] == [
        (spot("A", "1", "2"), spot("B", "3", "0")),
        (spot("A", "4", "0"),),
    ]


def test_main_rest() -> None:
    report = one(rest.main_balances().decode(example("rest", "main-account/balance"), NOW))
    assert report.wallet is Wallet.MAIN
    assert len(report.balances) == 5
    assert report.balances[-1] == Balance(
        asset="XLM",
        available=Decimal("36.48"),
        frozen=None,
        borrowed=None,
        total=Decimal("36.48"),
    )


def test_recorded_main_balance_keeps_sixteen_decimals() -> None:
    report = one(rest.main_balances().decode(example("recorded", "main-account/balance"), NOW))
    assert report.balances[0].total == Decimal("0.0013929494020316")


def test_collateral_rest_summary() -> None:
    report = one(
        rest.collateral_balances().decode(
            example("rest", "collateral-account/balance-summary"), NOW
        )
    )
    assert report.complete
    assert report.balances == (
        collateral("BTC", "0.5", "0", "0.5"),
        collateral("USDT", "1000", "0", "1000"),
    )


@pytest.mark.parametrize(("file", "totals"), [("rest", ["1", "1000", "5.5"]), ("recorded", ["50"])])
def test_collateral_rest_totals_are_numbers_or_strings(file: str, totals: list[str]) -> None:
    report = one(rest.collateral_totals().decode(example(file, "collateral-account/balance"), NOW))
    assert [balance.total for balance in report.balances] == [Decimal(total) for total in totals]
    assert {balance.available for balance in report.balances} == {None}


def test_collateral_query() -> None:
    raw = result("ws_balance_margin", "balanceMarginResponse")
    report = one(balances_result(raw, Wallet.COLLATERAL, NOW))
    assert report.balances[0] == collateral("BTC", "0.0006092", "0", "0.0006092")


@pytest.mark.parametrize(
    ("file", "name"),
    [("ws_balance_margin", "balanceMarginUpdate"), ("recorded", "balanceMargin_update")],
)
def test_collateral_push(file: str, name: str) -> None:
    report = one(pushed(example(file, name)))
    assert (report.wallet, report.complete) == (Wallet.COLLATERAL, False)
    assert {balance.borrowed for balance in report.balances} == {Decimal(0)}
    assert all(balance.available is not None for balance in report.balances)


def test_an_empty_map_may_be_a_list() -> None:
    """Trap 29; and empty is a statement: every asset is zero."""
    for text in (b"[]", b"{}"):
        report = one(rest.spot_balances().decode(text, NOW))
        assert report == BalanceReport(
            wallet=Wallet.SPOT, balances=(), complete=True, observed_at=NOW
        )


def test_a_broken_entry_spoils_only_itself_and_the_completeness() -> None:
    """A complete report says that what it does not name is zero: that must not be concluded."""
    facts = rest.spot_balances().decode(
        b'{"A":{"available":"1","freeze":"2"},"B":{"available":"NaN","freeze":"0"}}', NOW
    )
    report, bad = facts
    assert isinstance(report, BalanceReport)
    assert (report.balances, report.complete) == ((spot("A", "1", "2"),), False)
    assert isinstance(bad, Unreadable)
    assert bad.excerpt == 'B: {"available":"NaN","freeze":"0"}'


def test_named_assets_make_no_complete_report() -> None:
    raw = result("ws_balance_spot", "balanceSpotResponse")
    assert not one(balances_result(raw, Wallet.SPOT, NOW, complete=False)).complete


@pytest.mark.parametrize("body", [b"", b"null", b"7", b'"x"', b'[{"A":1}]', b"{", b"\xff"])
def test_what_is_no_report_at_all(body: bytes) -> None:
    with pytest.raises(Unintelligible):
        rest.spot_balances().decode(body, NOW)
    with pytest.raises(Unintelligible):
        balances_result(body, Wallet.SPOT, NOW)


def spot(asset: str, available: str, frozen: str) -> Balance:
    return Balance(
        asset=asset,
        available=Decimal(available),
        frozen=Decimal(frozen),
        borrowed=None,
        total=Decimal(available) + Decimal(frozen),
    )


def collateral(asset: str, total: str, borrowed: str, available: str) -> Balance:
    return Balance(
        asset=asset,
        available=Decimal(available),
        frozen=None,
        borrowed=Decimal(borrowed),
        total=Decimal(total),
    )


def pushed(frame: bytes) -> tuple[Fact, ...]:
    update = read_frame(frame, NOW)
    assert isinstance(update, Update)
    assert update.surplus == 0
    return update.facts


def one(facts: tuple[Fact, ...]) -> BalanceReport:
    [report] = facts
    assert isinstance(report, BalanceReport)
    assert report.observed_at in (NOW, 1)
    return report
