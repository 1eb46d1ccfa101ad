"""Balances of the three wallets, as asked for and as pushed (PROTOCOL §§ 3.1, 3.2, 5.2).

The wallets differ in what they show: spot has available and frozen, main one number, collateral a
total with what is borrowed in it.  Only totals are made here, from parts, exactly.
"""

from collections.abc import Callable, Iterable

from msgspec import Raw

from reconciler.domain.facts import Balance, BalanceReport, Fact
from reconciler.domain.money import plus
from reconciler.domain.words import Wallet
from reconciler.wire import vocabulary
from reconciler.wire.numbers import exact, exact_of, is_given
from reconciler.wire.records import ABSENT, LIST, Documented, Form, Ignored, mapping, unreadable

Spelled = tuple[str, Raw]
"""An asset's name, and its balance as the exchange wrote it."""

Builder = Callable[[str, Raw], tuple[Balance, int]]
"""An entry to its balance and its surplus; raises ValueError if it can't be understood."""


class SpotParts(Documented):
    """Of an asset in the spot wallet, asked or pushed."""

    available: str
    freeze: str


class MainParts(Documented):
    """Of an asset in the main wallet."""

    main_balance: Raw


class QueriedCollateral(Documented, kw_only=True):
    """Of an asset in the collateral wallet, from `balanceMargin_request`."""

    balance: Raw
    borrow: Raw = ABSENT
    available_without_borrow: Raw = ABSENT
    available_with_borrow: Ignored = None


class PushedCollateral(Documented, kw_only=True):
    """An element of `balanceMargin_update`."""

    a: str
    B: Raw
    b: Raw = ABSENT
    av: Raw = ABSENT
    ab: Ignored = None


class SummedCollateral(Documented, kw_only=True, rename="camel"):
    """An element of `POST collateral-account/balance-summary`."""

    asset: str
    balance: Raw
    borrow: Raw = ABSENT
    available_without_borrow: Raw = ABSENT
    available_with_borrow: Ignored = None


def spot(asset: str, seen: SpotParts) -> Balance:
    """Total is what is available and what orders hold."""
    available, frozen = exact(seen.available), exact(seen.freeze)
    return Balance(
        asset=vocabulary.name(asset),
        available=available,
        frozen=frozen,
        borrowed=None,
        total=plus(available, frozen),
    )


def main(asset: str, seen: MainParts) -> Balance:
    """The main wallet shows one number and freezes nothing."""
    total = exact_of(seen.main_balance)
    return Balance(
        asset=vocabulary.name(asset), available=total, frozen=None, borrowed=None, total=total
    )


def collateral(asset: str, total: Raw, borrowed: Raw, available: Raw) -> Balance:
    """Total and borrowed are books; available moves with prices (§ 9, trap 89)."""
    return Balance(
        asset=vocabulary.name(asset),
        available=exact_of(available) if is_given(available) else None,
        frozen=None,
        borrowed=exact_of(borrowed) if is_given(borrowed) else None,
        total=exact_of(total),
    )


def report(
    entries: Iterable[Spelled],
    build: Builder,
    *,
    wallet: Wallet,
    complete: bool,
    stream: str,
    received_at: int,
) -> tuple[tuple[Fact, ...], int]:
    """The report that `entries` make, what in it can't be understood, and its surplus.

    In a complete report an asset that isn't named is zero.  So one with an entry that can't be
    understood is no longer complete: nobody shall conclude that the money is gone.
    """
    balances: list[Balance] = []
    bad: list[Fact] = []
    surplus = 0
    for asset, raw in entries:
        try:
            balance, extra = build(asset, raw)
        except ValueError as error:
            text = b"%b: %b" % (asset.encode(), bytes(raw)) if asset else bytes(raw)
            bad.append(unreadable(stream, error, text, received_at))
        else:
            balances.append(balance)
            surplus += extra
    complete = complete and not bad
    if not balances and not complete:
        return tuple(bad), surplus
    return (
        BalanceReport(
            wallet=wallet, balances=tuple(balances), complete=complete, observed_at=received_at
        ),
        *bad,
    ), surplus


SPOT = Form(SpotParts)
MAIN = Form(MainParts)
QUERIED_COLLATERAL = Form(QueriedCollateral)
PUSHED_COLLATERAL = Form(PushedCollateral)
SUMMED_COLLATERAL = Form(SummedCollateral)


def by_name(text: bytes | Raw) -> list[Spelled]:
    """The entries of a map by asset; an empty one may be written `[]`.  Raises ValueError."""
    return list(mapping(text).items())


def in_list(text: bytes | Raw) -> list[Spelled]:
    """The entries of a list, which name their asset themselves.  Raises ValueError."""
    return [("", raw) for raw in LIST.decode(text)]


def spot_of(asset: str, raw: Raw) -> tuple[Balance, int]:
    """An entry of `balanceSpot_request`, `balanceSpot_update` or `POST trade-account/balance`."""
    seen, surplus = SPOT.read(raw)
    return spot(asset, seen), surplus


def main_of(asset: str, raw: Raw) -> tuple[Balance, int]:
    """An entry of `POST main-account/balance`."""
    seen, surplus = MAIN.read(raw)
    return main(asset, seen), surplus


def queried_collateral_of(asset: str, raw: Raw) -> tuple[Balance, int]:
    """An entry of `balanceMargin_request`."""
    seen, surplus = QUERIED_COLLATERAL.read(raw)
    return collateral(asset, seen.balance, seen.borrow, seen.available_without_borrow), surplus


def pushed_collateral_of(_: str, raw: Raw) -> tuple[Balance, int]:
    """An element of `balanceMargin_update`."""
    seen, surplus = PUSHED_COLLATERAL.read(raw)
    return collateral(seen.a, seen.B, seen.b, seen.av), surplus


def summed_collateral_of(_: str, raw: Raw) -> tuple[Balance, int]:
    """An element of `POST collateral-account/balance-summary`."""
    seen, surplus = SUMMED_COLLATERAL.read(raw)
    return collateral(seen.asset, seen.balance, seen.borrow, seen.available_without_borrow), surplus


def collateral_total_of(asset: str, raw: Raw) -> tuple[Balance, int]:
    """An entry of `POST collateral-account/balance`: a number in the documents, a string live."""
    return collateral(asset, raw, ABSENT, ABSENT), 0
