"""What order types and statuses mean."""

import pytest

from reconciler.domain.words import Wallet, is_market_type, is_terminal, wallet_of


@pytest.mark.parametrize(
    ("type_", "has_no_price", "wallet"),
    [
        ("limit", False, Wallet.SPOT),
        ("market", True, Wallet.SPOT),
        ("stock_market", True, Wallet.SPOT),
        ("stop_limit", False, Wallet.SPOT),
        ("stop_market", True, Wallet.SPOT),
        ("margin_limit", False, Wallet.COLLATERAL),
        ("margin_market", True, Wallet.COLLATERAL),
        ("margin_stop_limit", False, Wallet.COLLATERAL),
        ("margin_stop_market", True, Wallet.COLLATERAL),
        ("normalization", False, Wallet.COLLATERAL),
        ("6", False, Wallet.SPOT),
    ],
)
def test_order_types(type_: str, has_no_price: bool, wallet: Wallet) -> None:
    assert is_market_type(type_) == has_no_price
    assert wallet_of(type_) is wallet


@pytest.mark.parametrize(
    "status",
    [
        "filled",
        "canceled",
        "canceled_stp",
        "canceled_taker_band",
        "auto_canceled_liquidation",
        "canceled_position_side_not_match",
        "vanished",
    ],
)
def test_terminal_statuses(status: str) -> None:
    assert is_terminal(status)


@pytest.mark.parametrize("status", ["open", "new", "pending", "partially_filled", "something_new"])
def test_statuses_that_end_nothing(status: str) -> None:
    assert not is_terminal(status)
