"""Postings added up, by fractions: what the product computes with decimals."""

from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from reconciler.ledger.entry import Entry, Posting

Key = TypeVar("Key", bound=Hashable)
Amount = TypeVar("Amount", Decimal, Fraction)


def by_asset(postings: Iterable[Posting]) -> dict[str, Fraction]:
    return _sums((posting.asset, posting) for posting in postings)


def by_book(postings: Iterable[Posting]) -> dict[tuple[str, str], Fraction]:
    """By book and asset."""
    return _sums(((posting.book, posting.asset), posting) for posting in postings)


def gained(*entries: Entry) -> dict[tuple[str, str], Fraction]:
    """By book and asset, without those that gained nothing."""
    return no_zeros(by_book(posting for entry in entries for posting in entry.postings()))


def no_zeros(sums: Mapping[Key, Amount]) -> dict[Key, Amount]:
    return {key: amount for key, amount in sums.items() if amount}


def _sums(postings: Iterable[tuple[Key, Posting]]) -> dict[Key, Fraction]:
    sums: dict[Key, Fraction] = {}
    for key, posting in postings:
        sums[key] = sums.get(key, Fraction(0)) + Fraction(posting.amount)
    return sums
