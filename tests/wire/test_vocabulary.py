"""The exchange's numbers and words, PROTOCOL § 3.10."""

import pytest

from reconciler.domain.words import Role, Side, TransactionKind
from reconciler.wire import vocabulary
from reconciler.wire.numbers import Misshapen


@pytest.mark.parametrize(
    ("number", "words", "type_"),
    [
        (1, ["limit"], "limit"),
        (2, ["market"], "market"),
        (202, ["stock market", "market_stock", "stock_market"], "stock_market"),
        (3, ["stop limit", "stop_limit"], "stop_limit"),
        (4, ["stop market", "stop_market"], "stop_market"),
        (7, ["margin limit", "margin_limit"], "margin_limit"),
        (8, ["margin market"], "margin_market"),
        (9, ["margin stop limit"], "margin_stop_limit"),
        (10, ["trigger margin market", "trigger stop market"], "margin_stop_market"),
        (14, ["normalization", "Normalization"], "normalization"),
    ],
)
def test_order_types_have_one_spelling(number: int, words: list[str], type_: str) -> None:
    spellings: list[int | str] = [number, *words]
    assert {vocabulary.order_type(spelled) for spelled in spellings} == {type_}


def test_an_unknown_type_or_status_is_kept_as_text() -> None:
    assert vocabulary.order_type(5) == "5"
    assert vocabulary.order_type("Iceberg Limit") == "iceberg_limit"
    assert vocabulary.status("AUTO_CANCELED_ON_MARS") == "auto_canceled_on_mars"


def test_sides_and_roles_are_of_our_order() -> None:
    assert vocabulary.side(1) is vocabulary.side("sell") is Side.SELL
    assert vocabulary.side(2) is vocabulary.side("buy") is Side.BUY
    assert vocabulary.role(1) is Role.MAKER
    assert vocabulary.role(2) is vocabulary.role("2") is Role.TAKER


def test_a_transaction_goes_in_or_out() -> None:
    """A number in answers; some clients send it as text."""
    assert vocabulary.transaction_kind(1) is TransactionKind.DEPOSIT
    assert vocabulary.transaction_kind("2") is TransactionKind.WITHDRAWAL
    with pytest.raises(Misshapen, match="'3' is not"):
        vocabulary.transaction_kind(3)


def test_an_unknown_side_or_role_is_refused() -> None:
    with pytest.raises(Misshapen, match="'3' is not a side"):
        vocabulary.side(3)
    with pytest.raises(Misshapen):
        vocabulary.role(0)


@pytest.mark.parametrize("text", ["", "a\0b", "a\nb", "x" * 257, "\ud800"])
def test_a_name_can_be_shown_and_stored(text: str) -> None:
    with pytest.raises(Misshapen):
        vocabulary.name(text)


def test_an_empty_client_order_id_is_none() -> None:
    assert vocabulary.name_or_none("") is None
    assert vocabulary.name_or_none(None) is None
    assert vocabulary.name_or_none("adl_17_!") == "adl_17_!"


def test_free_text_is_shown_as_well_as_it_can_be() -> None:
    assert vocabulary.shown_or_none(None) is None
    assert vocabulary.shown_or_none("") is None
    assert vocabulary.shown_or_none("there, 3ApE") == "there, 3ApE"
    assert vocabulary.shown_or_none("a\0b\ud800" + "x" * 300) == "a\ufffdb\ufffd" + "x" * 252
