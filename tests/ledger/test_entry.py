"""Legs make postings that sum to zero, whatever they say: an entry can't fail to balance."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.money import ZERO
from reconciler.domain.words import Wallet
from reconciler.ledger.books import FEES, TRANSFERS, wallet_book
from reconciler.ledger.entry import Entry, Leg
from tests.ledger.sums import by_asset, by_book, no_zeros

exact = st.decimals(-(10**9), 10**9, places=16)
legs = st.builds(
    Leg,
    wallet=st.sampled_from([*Wallet, None]),
    asset=st.sampled_from(["BTC", "USDT", "WBT"]),
    amount=exact | st.just(ZERO),
    contra=st.sampled_from(["trading:BTC_USDT", TRANSFERS]),
    fee=exact | st.just(ZERO),
    fee_book=st.sampled_from([FEES, "expenses:other"]),
)


def entry(*legs: Leg) -> Entry:
    return Entry(kind="deal", reference="1:10", occurred_at=0, legs=legs)


def negated(leg: Leg) -> Leg:
    return replace(leg, amount=-leg.amount, fee=-leg.fee)


@given(found=st.lists(legs, max_size=5))
def test_every_asset_of_an_entry_sums_to_zero(found: list[Leg]) -> None:
    """To the last of many digits."""
    assert no_zeros(by_asset(entry(*found).postings())) == {}


@given(leg=legs)
def test_the_wallet_gains_the_amount_and_the_fee_book_the_fee(leg: Leg) -> None:
    """And what bears them is asked for both: two or three postings, none of them idle but the
    wallet's."""
    wallet, *others = leg.postings()
    assert (wallet.book, wallet.wallet) == (wallet_book(leg.wallet, leg.asset), leg.wallet)
    assert (wallet.asset, wallet.amount) == (leg.asset, leg.amount)
    assert no_zeros({leg.contra: -(leg.amount + leg.fee), leg.fee_book: leg.fee}) == {
        posting.book: posting.amount for posting in others
    }
    assert {(posting.wallet, posting.asset) for posting in others} <= {(None, leg.asset)}


def test_a_fee_and_a_rebate() -> None:
    """Of a purchase of one, as the rows that accountants see."""

    def rows(amount: str, fee: str) -> list[tuple[str, str]]:
        leg = Leg(wallet=Wallet.SPOT, asset="BTC", amount=Decimal(amount),
                  contra="trading:BTC_USDT", fee=Decimal(fee))  # fmt: skip
        return [(posting.book, str(posting.amount)) for posting in leg.postings()]

    spot, trade = "assets:spot:BTC", "trading:BTC_USDT"
    assert rows("0.999", "0.001") == [(spot, "0.999"), (trade, "-1.000"), (FEES, "0.001")]
    assert rows("1.001", "-0.001") == [(spot, "1.001"), (trade, "-1.000"), (FEES, "-0.001")]
    assert rows("1", "0") == [(spot, "1"), (trade, "-1")]
    assert rows("-0.001", "0.001") == [(spot, "-0.001"), (FEES, "0.001")], "of a third asset"


@given(found=st.lists(legs, max_size=4))
def test_what_is_reversed_is_negated_to_the_last_posting(found: list[Leg]) -> None:
    """So an entry and its reversal leave no book changed."""
    there = list(entry(*found).postings())
    back = list(entry(*map(negated, found)).postings())
    assert back == [replace(posting, amount=-posting.amount) for posting in there]
    assert no_zeros(by_book([*there, *back])) == {}
