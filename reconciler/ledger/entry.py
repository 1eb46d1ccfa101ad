"""An entry of the journal: money that moves between books, in legs that can't fail to balance.

A leg says how much arrives in a wallet (negative: leaves it), what of it was a fee, and which book
bears the rest; so it makes two or three postings that sum to zero, and an entry is a sum of legs.
The rows of the journal are legs; postings are what accountants see.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from reconciler.domain.money import ZERO, minus, plus
from reconciler.domain.words import Wallet
from reconciler.ledger.books import FEES, wallet_book


class Posting(Struct, frozen=True, kw_only=True):
    """One line of an entry: what a book gains, negative what it loses."""

    book: str
    wallet: Wallet | None
    """Of an assets book, the exchange's wallet behind it."""
    asset: str
    amount: Decimal


class Leg(Struct, frozen=True, kw_only=True):
    """What one wallet gains of one asset, and where it comes from."""

    wallet: Wallet | None
    """None: in transit, as nobody said which wallet."""
    asset: str
    amount: Decimal
    """Net of the fee: what the wallet's balance changes by."""
    contra: str
    """The book that bears `amount` and the fee, with the opposite sign."""
    fee: Decimal = ZERO
    """Signed as the exchange's: positive is paid, negative a rebate."""
    fee_book: str = FEES

    def postings(self) -> Iterator[Posting]:
        """Two or three, which sum to zero."""
        yield Posting(
            book=wallet_book(self.wallet, self.asset),
            wallet=self.wallet,
            asset=self.asset,
            amount=self.amount,
        )
        gross = minus(ZERO, plus(self.amount, self.fee))
        if gross:
            yield Posting(book=self.contra, wallet=None, asset=self.asset, amount=gross)
        if self.fee:
            yield Posting(book=self.fee_book, wallet=None, asset=self.asset, amount=self.fee)


class Entry(Struct, frozen=True, kw_only=True):
    """What one fact did.  `kind` and `reference` name the fact, within its account."""

    kind: str
    reference: str
    occurred_at: int
    latest_at: int | None = None
    """When it had happened at the latest, where the exchange doesn't say exactly when; then
    `occurred_at` is the earliest."""
    legs: tuple[Leg, ...]

    def postings(self) -> Iterator[Posting]:
        """All postings; every asset sums to zero."""
        for leg in self.legs:
            yield from leg.postings()
