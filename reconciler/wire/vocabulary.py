"""The exchange's numbers and words for kinds of things, to ours.

Sides and roles are closed: an unknown one is an error.  Order types and statuses are open (the
exchange adds to them): an unknown one is kept as it came, lower-cased.  The tables are PROTOCOL
§ 3.10.
"""

from functools import lru_cache

from reconciler.domain.words import Role, Side, TransactionKind
from reconciler.wire.numbers import Misshapen

TEXT_MAX = 256
"""Longest name, word or id that is taken from the exchange; a client order id has at most 64
characters, the longest known status 37."""

_SIDES = {
    1: Side.SELL,
    2: Side.BUY,
    "sell": Side.SELL,
    "buy": Side.BUY,
    "1": Side.SELL,
    "2": Side.BUY,
}
_ROLES = {1: Role.MAKER, 2: Role.TAKER, "1": Role.MAKER, "2": Role.TAKER}
_TRANSACTION_KINDS = {
    1: TransactionKind.DEPOSIT,
    2: TransactionKind.WITHDRAWAL,
    "1": TransactionKind.DEPOSIT,
    "2": TransactionKind.WITHDRAWAL,
}
_TYPES = {
    1: "limit",
    2: "market",
    202: "stock_market",
    3: "stop_limit",
    4: "stop_market",
    7: "margin_limit",
    8: "margin_market",
    9: "margin_stop_limit",
    10: "margin_stop_market",
    14: "normalization",
}
_TYPE_ALIASES = {
    "market_stock": "stock_market",
    "trigger_margin_market": "margin_stop_market",
    "trigger_stop_market": "margin_stop_market",
}


def side(spelled: int | str) -> Side:
    """1 and `sell`, 2 and `buy`.  Raises Misshapen."""
    try:
        return _SIDES[spelled]
    except KeyError:
        raise Misshapen(f"{str(spelled)[:40]!a} is not a side") from None


def role(spelled: int | str) -> Role:
    """1 maker, 2 taker.  Raises Misshapen."""
    try:
        return _ROLES[spelled]
    except KeyError:
        raise Misshapen(f"{str(spelled)[:40]!a} is not a role") from None


def transaction_kind(spelled: int | str) -> TransactionKind:
    """1 deposit, 2 withdrawal.  Raises Misshapen."""
    try:
        return _TRANSACTION_KINDS[spelled]
    except KeyError:
        raise Misshapen(f"{str(spelled)[:40]!a} is not a transaction's method") from None


def order_type(spelled: int | str) -> str:
    """`limit`, `stop_market`, `margin_limit` …; an unknown number or word as text."""
    if isinstance(spelled, int):
        return _TYPES.get(spelled) or name(str(spelled))
    return _order_type_word(spelled)


@lru_cache(maxsize=256)
def status(spelled: str) -> str:
    """`open`, `partially_filled`, `canceled_stp` …"""
    return name(spelled).lower()


@lru_cache(maxsize=8192)
def market(text: str) -> str:
    """Like `name`: the few that there are come again and again."""
    return name(text)


def name(text: str) -> str:
    """A market, asset or other word that must be there.

    Raises Misshapen if it is empty, longer than `TEXT_MAX` or has characters that can't be shown:
    PostgreSQL refuses a NUL in text, and a log line shall stay one line.
    """
    if text and len(text) <= TEXT_MAX and text.isprintable():
        return text
    raise Misshapen(f"{text[:40]!a} is not a name")


def name_or_none(text: str | None) -> str | None:
    """Like `name`; an empty string means none, as with client order ids."""
    return name(text) if text else None


def shown_or_none(text: str | None) -> str | None:
    """Free text that decides nothing, such as an address: made fit to be kept, never refused."""
    if not text:
        return None
    return "".join([each if each.isprintable() else "\ufffd" for each in text[:TEXT_MAX]])


@lru_cache(maxsize=256)
def _order_type_word(spelled: str) -> str:
    word = name(spelled).lower().replace(" ", "_").replace("-", "_")
    return _TYPE_ALIASES.get(word, word)
