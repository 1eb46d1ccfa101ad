"""The names of the books.

A book holds one or more assets, and every asset sums to zero over all books of an account.  What
lies in a wallet of the exchange is in `assets:<wallet>:<asset>`; what left one wallet and has not
been seen in another, or moved without a word on where, is in transit.
"""

from reconciler.domain.words import Wallet

TRANSIT = "assets:transit"
LENT = "assets:lending"
FEES = "expenses:fees"
FEES_ASSUMED = "expenses:fees_assumed"
"""Fees of which the exchange did not name the asset: taken from what was received, as its rule is
(PROTOCOL § 7.1)."""
MARGIN_INTEREST = "expenses:interest"
INTEREST = "income:interest"
MINING = "income:mining"
FUNDING = "income:funding"
POSITIONS = "income:positions"
DEPOSITS = "external:deposits"
WITHDRAWALS = "external:withdrawals"
CODES = "external:codes"
SUB_ACCOUNTS = "external:sub_accounts"
CONVERSIONS = "trading:conversions"
TRANSFERS = "equity:transfers"
"""Between own wallets; nothing stays in it."""
OPENING = "equity:opening"
SUSPENSE = "equity:suspense"
"""What an operator has explained by a note and no record of the exchange."""


def wallet_book(wallet: Wallet | None, asset: str) -> str:
    """Where a wallet's asset is kept; without a wallet, in transit."""
    return f"{TRANSIT if wallet is None else f'assets:{wallet}'}:{asset}"


def trading(market: str) -> str:
    """The other side of a market's deals: what it gave and took."""
    return f"trading:{market}"
