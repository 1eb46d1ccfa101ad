"""What each kind of fact does to the books: which of them gain and which give, in fractions."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Deal, Market, Movement, Transaction
from reconciler.domain.money import ZERO
from reconciler.domain.words import (
    CANCELED,
    CONFIRMING,
    FROZEN,
    PARTIAL,
    PENDING,
    SUCCESS,
    TRAVEL_RULE_IN_PROGRESS,
    TRAVEL_RULE_WAITING,
    UNCREDITED,
    MovementKind,
    Side,
    TransactionKind,
    Wallet,
)
from reconciler.ledger.entry import Entry
from reconciler.ledger.postings import (
    deal_entry,
    deal_reference,
    movement_entry,
    readings_differ,
    transaction_entry,
)
from tests.ledger.facts import (
    MARKET,
    NOON,
    STATUSES,
    deals,
    fees,
    moments,
    movements,
    positive,
    signed,
    transactions,
)
from tests.ledger.sums import by_asset, gained, no_zeros

DEPOSIT, WITHDRAWAL = TransactionKind
DEBITED = {
    PENDING, SUCCESS, CONFIRMING, FROZEN, UNCREDITED, TRAVEL_RULE_WAITING, TRAVEL_RULE_IN_PROGRESS,
    "77",
}  # fmt: skip
"""Of withdrawals.  An unknown status is taken for one that is on its way."""


def expected(books: Mapping[tuple[str, str], Decimal]) -> dict[tuple[str, str], Fraction]:
    return no_zeros({key: Fraction(amount) for key, amount in books.items()})


def added(*parts: Mapping[tuple[str, str], Fraction]) -> dict[tuple[str, str], Fraction]:
    sums: dict[tuple[str, str], Fraction] = {}
    for part in parts:
        for key, amount in part.items():
            sums[key] = sums.get(key, Fraction(0)) + amount
    return no_zeros(sums)


def posted(known: Movement, market: Market | None = MARKET, *, learned_at: int = 0) -> Entry:
    entry = movement_entry(known, market, learned_at)
    assert entry is not None
    return entry


# Every fact


@settings(max_examples=50)
@given(deal=deals(), transaction=transactions(), movement=movements(), other=st.booleans(),
       wallet=st.sampled_from(Wallet))  # fmt: skip
def test_whatever_a_fact_says_its_entry_sums_to_zero_in_each_asset(
    deal: Deal, transaction: Transaction, movement: Movement, other: bool, wallet: Wallet
) -> None:
    for entry in (
        deal_entry(deal, MARKET, wallet),
        transaction_entry(transaction, other_reading=other),
        posted(movement),
    ):
        assert no_zeros(by_asset(entry.postings())) == {}
        assert entry.latest_at is None or entry.latest_at >= entry.occurred_at


# Deals


def fee_paid(
    fee: Decimal, asset: str, book: str = "expenses:fees", wallet: Wallet = Wallet.SPOT
) -> dict[tuple[str, str], Fraction]:
    return expected({(f"assets:{wallet}:{asset}", asset): -fee, (book, asset): fee})


@settings(max_examples=50)
@given(deal=deals(), wallet=st.sampled_from([Wallet.SPOT, Wallet.MAIN]))
def test_a_deal_trades_one_asset_for_the_other_and_pays_its_fee(deal: Deal, wallet: Wallet) -> None:
    """Signed: a rebate is given.  Of whose asset nobody said a word, it is taken from what was
    received, and booked as assumed."""
    received = "BTC" if deal.side is Side.BUY else "USDT"
    fee_asset, fee_book = deal.fee_asset, "expenses:fees"
    if fee_asset is None:
        fee_asset, fee_book = received, "expenses:fees_assumed"
    sign = 1 if deal.side is Side.BUY else -1
    entry = deal_entry(deal, MARKET, wallet)
    assert gained(entry) == added(
        expected({
            (f"assets:{wallet}:BTC", "BTC"): sign * deal.amount,
            ("trading:BTC_USDT", "BTC"): -sign * deal.amount,
            (f"assets:{wallet}:USDT", "USDT"): -sign * deal.total,
            ("trading:BTC_USDT", "USDT"): sign * deal.total,
        }),
        fee_paid(deal.fee, fee_asset, fee_book, wallet),
    )  # fmt: skip
    assert (entry.kind, entry.occurred_at, entry.latest_at) == ("deal", deal.executed_at, None)


@given(deal=deals())
def test_a_deal_on_collateral_moves_nothing_by_itself(deal: Deal) -> None:
    assert deal_entry(deal, MARKET, Wallet.COLLATERAL).legs == ()


@given(bought=deals(Side.BUY), fee=fees, fee_asset=st.sampled_from(["BTC", "USDT", "WBT"]))
def test_a_trade_with_oneself_moves_only_fees(bought: Deal, fee: Decimal, fee_asset: str) -> None:
    """It is two entries: one deal of two orders."""
    sold = replace(
        bought, order_id=bought.order_id + 1, side=Side.SELL, fee=fee, fee_asset=fee_asset
    )
    both = [deal_entry(deal, MARKET, Wallet.SPOT) for deal in (bought, sold)]
    assert both[0].reference != both[1].reference
    assumed = "expenses:fees" if bought.fee_asset else "expenses:fees_assumed"
    assert gained(*both) == added(
        fee_paid(bought.fee, bought.fee_asset or "BTC", assumed), fee_paid(fee, fee_asset)
    )


@given(deal=deals(), ids=st.lists(st.integers(1, 200), min_size=4, max_size=4))
def test_a_deal_is_known_by_both_its_ids(deal: Deal, ids: list[int]) -> None:
    """Of which no two pairs look alike."""
    one, other = (replace(deal, deal_id=id_, order_id=order) for id_, order in (ids[:2], ids[2:]))
    assert (deal_reference(one) == deal_reference(other)) is (ids[:2] == ids[2:])
    assert deal_reference(replace(deal, deal_id=1, order_id=23)) == "1:23"


# Deposits and withdrawals


def in_main(change: Decimal, outside: str, fee: Decimal) -> dict[tuple[str, str], Fraction]:
    return expected({
        ("assets:main:USDT", "USDT"): change,
        (f"external:{outside}", "USDT"): -change - fee,
        ("expenses:fees", "USDT"): fee,
    })  # fmt: skip


@given(known=transactions(DEPOSIT))
def test_a_deposit_is_credited_once_it_succeeded_without_its_fee_or_with_it(
    known: Transaction,
) -> None:
    usual, other = (transaction_entry(known, other_reading=way) for way in (False, True))
    if known.status != SUCCESS:
        assert usual.legs == other.legs == ()
    else:
        assert gained(other) == in_main(known.amount, "deposits", ZERO)
        if known.amount != known.fee:
            assert gained(usual) == in_main(known.amount - known.fee, "deposits", known.fee)


@given(known=transactions(WITHDRAWAL))
def test_a_withdrawal_is_debited_at_once_with_its_fee_in_it_or_on_top_of_it(
    known: Transaction,
) -> None:
    """Unless it was never sent; of one that was sent in part, only that part."""
    usual, other = (transaction_entry(known, other_reading=way) for way in (False, True))
    if known.status == PARTIAL:
        sent, fee = known.processed_amount or ZERO, known.processed_fee or ZERO
        assert gained(usual) == gained(other) == in_main(-sent - fee, "withdrawals", fee)
    elif known.status in DEBITED:
        assert gained(usual) == in_main(-known.amount, "withdrawals", known.fee)
        assert gained(other) == in_main(-known.amount - known.fee, "withdrawals", known.fee)
    else:
        assert usual.legs == other.legs == ()


@given(known=transactions())
def test_the_two_readings_of_a_fee_differ_by_it_where_one_was_taken(known: Transaction) -> None:
    usual, other = (transaction_entry(known, other_reading=way) for way in (False, True))
    more = readings_differ(known)
    main = ("assets:main:USDT", "USDT")
    assert gained(other).get(main, 0) - gained(usual).get(main, 0) == more
    if known.kind is DEPOSIT:
        assert more == (known.fee if known.status == SUCCESS else 0)
    else:
        assert more == (-known.fee if known.status in DEBITED else 0)


@given(known=transactions(), statuses=st.permutations(STATUSES), other=st.booleans())
def test_of_whatever_status_it_is_one_entry_of_one_time(
    known: Transaction, statuses: list[str], other: bool
) -> None:
    """So the ledger can post the difference; at the earliest it was made, at the latest told."""
    for status in statuses:
        entry = transaction_entry(replace(known, status=status), other_reading=other)
        assert (entry.kind, entry.reference) == (str(known.kind), known.transaction_id)
        assert (entry.occurred_at, entry.latest_at) == (known.created_at, known.updated_at)


def test_a_withdrawal_that_is_canceled_did_nothing() -> None:
    """What was posted while it was pending is then taken back, to the last book."""
    pending = Transaction(
        transaction_id="w-1", kind=WITHDRAWAL, asset="USDT", network=None, amount=Decimal(100),
        fee=Decimal("0.5"), status=PENDING, processed_amount=None, processed_fee=None,
        address=None, transaction_hash=None, unique_id=None, created_at=NOON, updated_at=NOON,
    )  # fmt: skip
    told = {
        status: gained(transaction_entry(replace(pending, status=status)))
        for status in (PENDING, CANCELED)
    }
    assert told == {
        PENDING: {
            ("assets:main:USDT", "USDT"): Fraction(-100),
            ("external:withdrawals", "USDT"): Fraction(199, 2),
            ("expenses:fees", "USDT"): Fraction(1, 2),
        },
        CANCELED: {},
    }


# Movements

OTHER_SIDE = {
    MovementKind.CODE: "external:codes",
    MovementKind.CONVERSION: "trading:conversions",
    MovementKind.SUB_TRANSFER: "external:sub_accounts",
    MovementKind.LENDING: "assets:lending:BTC",
    MovementKind.INTEREST: "income:interest",
    MovementKind.MINING: "income:mining",
    MovementKind.FUNDING: "income:funding",
    MovementKind.POSITION: "income:positions",
    MovementKind.DELISTING: "trading:BTC_USDT",
}


def plain(kind: MovementKind, amount: Decimal, **more: object) -> Movement:
    known = Movement(
        kind=kind, movement_id="m-1", wallet=Wallet.MAIN, asset="BTC", amount=amount,
        status="done", settled=True, occurred_at=NOON,
    )  # fmt: skip
    return replace(known, **more)


def book_of(wallet: Wallet | None, asset: str) -> str:
    return f"assets:{wallet or 'transit'}:{asset}"


@given(known=movements())
def test_what_is_not_settled_has_moved_nothing(known: Movement) -> None:
    assert posted(replace(known, settled=False)).legs == ()
    assert posted(replace(known, settled=True)).legs != ()


@given(kind=st.sampled_from(MovementKind), amount=signed, wallet=st.sampled_from([*Wallet, None]))
def test_a_movement_of_each_kind_has_its_other_side(
    kind: MovementKind, amount: Decimal, wallet: Wallet | None
) -> None:
    """Signed as the wallet gains; without a wallet it is in transit."""
    known = plain(kind, amount, wallet=wallet)
    assert gained(posted(known)) == expected(
        {(book_of(wallet, "BTC"), "BTC"): amount, (OTHER_SIDE[kind], "BTC"): -amount}
    )


@given(given=positive, received=positive, wallet=st.sampled_from([*Wallet, None]))
def test_a_conversion_gives_one_asset_and_receives_another(
    given: Decimal, received: Decimal, wallet: Wallet | None
) -> None:
    known = plain(MovementKind.CONVERSION, -given, wallet=wallet,
                  counter_asset="USDT", counter_amount=received)  # fmt: skip
    assert gained(posted(known)) == expected({
        (book_of(wallet, "BTC"), "BTC"): -given,
        ("trading:conversions", "BTC"): given,
        (book_of(wallet, "USDT"), "USDT"): received,
        ("trading:conversions", "USDT"): -received,
    })  # fmt: skip


@given(profit=signed, interest=st.none() | signed, fee=st.none() | fees)
def test_a_position_tells_its_profit_after_its_fee_and_its_interest_apart(
    profit: Decimal, interest: Decimal | None, fee: Decimal | None
) -> None:
    known = plain(MovementKind.POSITION, profit, wallet=Wallet.COLLATERAL, asset=None,
                  market=MARKET.name, counter_amount=interest, fee=fee)  # fmt: skip
    assert gained(posted(known)) == expected({
        ("assets:collateral:USDT", "USDT"): profit + (interest or ZERO),
        ("income:positions", "USDT"): -profit - (fee or ZERO),
        ("expenses:fees", "USDT"): fee or ZERO,
        ("expenses:interest", "USDT"): -(interest or ZERO),
    })  # fmt: skip


@given(sold=positive, proceeds=positive, fee=st.none() | fees)
def test_a_delisting_sells_what_is_left_and_takes_its_fee_from_what_it_gave(
    sold: Decimal, proceeds: Decimal, fee: Decimal | None
) -> None:
    known = plain(MovementKind.DELISTING, -sold, wallet=Wallet.SPOT, asset=None,
                  market=MARKET.name, counter_amount=proceeds, fee=fee)  # fmt: skip
    assert gained(posted(known)) == expected({
        ("assets:spot:BTC", "BTC"): -sold,
        ("trading:BTC_USDT", "BTC"): sold,
        ("assets:spot:USDT", "USDT"): proceeds - (fee or ZERO),
        ("trading:BTC_USDT", "USDT"): -proceeds,
        ("expenses:fees", "USDT"): fee or ZERO,
    })  # fmt: skip


@pytest.mark.parametrize("kind", MovementKind)
def test_a_movement_of_a_market_that_nobody_listed_waits(kind: MovementKind) -> None:
    known = plain(kind, Decimal(1), asset=None, market="ODD_PERP")
    assert movement_entry(known, None, NOON) is None


@pytest.mark.parametrize("kind", MovementKind)
def test_of_which_asset_a_movement_is_that_names_only_its_market(kind: MovementKind) -> None:
    """Positions and funding are paid in the quote asset."""
    in_quote = kind in (MovementKind.POSITION, MovementKind.FUNDING)
    first, *_ = posted(plain(kind, Decimal(1), asset=None, market=MARKET.name)).legs
    assert first.asset == ("USDT" if in_quote else "BTC")
    named, *_ = posted(plain(kind, Decimal(1), asset="ETH", market=MARKET.name)).legs
    assert named.asset == "ETH"


@given(kind=st.sampled_from(MovementKind), learned_at=moments, occurred_at=moments)
def test_only_profits_and_delistings_say_exactly_when(
    kind: MovementKind, learned_at: int, occurred_at: int
) -> None:
    """Of the others it is known that they had happened when they were first told."""
    entry = posted(plain(kind, Decimal(1), occurred_at=occurred_at), learned_at=learned_at)
    is_exact = kind in (MovementKind.POSITION, MovementKind.DELISTING)
    assert entry.occurred_at == occurred_at
    assert entry.latest_at == (None if is_exact else max(learned_at, occurred_at))
