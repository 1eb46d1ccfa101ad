"""The names of the books: stable, as people query them, and one for each thing."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.words import Wallet
from reconciler.ledger import books
from reconciler.ledger.books import trading, wallet_book

NAMES = {name: value for name, value in vars(books).items() if name.isupper()}
KINDS = "assets|expenses|income|external|trading|equity"
assets = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("book", "name"),
    [
        (wallet_book(Wallet.SPOT, "BTC"), "assets:spot:BTC"),
        (wallet_book(Wallet.MAIN, "USDT"), "assets:main:USDT"),
        (wallet_book(Wallet.COLLATERAL, "USDT"), "assets:collateral:USDT"),
        (wallet_book(None, "BTC"), "assets:transit:BTC"),
        (trading("BTC_USDT"), "trading:BTC_USDT"),
        (books.FEES, "expenses:fees"),
        (books.DEPOSITS, "external:deposits"),
        (books.WITHDRAWALS, "external:withdrawals"),
        (books.OPENING, "equity:opening"),
        (books.SUSPENSE, "equity:suspense"),
        (books.TRANSFERS, "equity:transfers"),
    ],
)
def test_a_book_is_named_as_the_documents_say(book: str, name: str) -> None:
    assert book == name


def test_each_book_has_a_name_of_its_own_and_one_of_six_kinds() -> None:
    assert len(set(NAMES.values())) == len(NAMES)
    assert [name for name in NAMES.values() if not re.fullmatch(f"({KINDS}):[a-z_]+", name)] == []


@given(one=assets, other=assets)
def test_no_two_assets_or_wallets_share_a_book(one: str, other: str) -> None:
    """Nor one of them with transit or with what is lent, whatever an asset is called."""
    places = set(product((None, *Wallet), (one, other)))
    found = {wallet_book(wallet, asset) for wallet, asset in places}
    lent = {f"{books.LENT}:{asset}" for asset in (one, other)}
    assert len(found | lent) == len(places) + len({one, other})
    assert all(name.startswith("assets:") for name in found | lent)
    assert not found & {trading(one), *NAMES.values()}
