"""The calls about what is now: balances, markets, assets, the server's time; and the token.

Asked for as `wire.rest`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from reconciler.domain.facts import Fact
from reconciler.domain.words import Wallet
from reconciler.wire import balances
from reconciler.wire import markets as reference
from reconciler.wire.call import Body, Call, Endpoint, listed
from reconciler.wire.markets import Asset
from reconciler.wire.numbers import Misshapen, moment
from reconciler.wire.records import Page, mapping
from reconciler.wire.signing import Token


class _Token(Struct):
    websocket_token: str


_TOKEN = Decoder(_Token)
_TIME = Decoder(reference.ServerTime)


def _token(answer: Body) -> Token:
    token = Token(_TOKEN.decode(answer.text).websocket_token)
    if not token:
        # The server drops the connection without a word if it is sent an empty one (trap 11).
        raise Misshapen("an empty token")
    return token


def _balances(
    wallet: Wallet,
    entries: Callable[[bytes], list[balances.Spelled]],
    build: balances.Builder,
    answer: Body,
) -> tuple[Fact, ...]:
    facts, _ = balances.report(
        entries(answer.text),
        build,
        wallet=wallet,
        complete=True,
        stream=answer.name,
        received_at=answer.received_at,
    )
    return facts


def _assets(answer: Body) -> tuple[Asset, ...]:
    return tuple([reference.asset_of(*entry) for entry in mapping(answer.text).items()])


def _time(answer: Body) -> int:
    return moment(_TIME.decode(answer.text).time)


_WEBSOCKET_TOKEN = Endpoint("websocket_token", "profile/websocket_token", _token, is_secret=True)


def websocket_token() -> Call[Token]:
    """A token for one WebSocket session; at most ten a minute (PROTOCOL § 1.4)."""
    return _WEBSOCKET_TOKEN.call()


_SPOT_BALANCES = Endpoint(
    "spot_balances",
    "trade-account/balance",
    partial(_balances, Wallet.SPOT, balances.by_name, balances.spot_of),
)


def spot_balances() -> Call[tuple[Fact, ...]]:
    """All spot balances that aren't zero, a complete report."""
    return _SPOT_BALANCES.call()


_MAIN_BALANCES = Endpoint(
    "main_balances",
    "main-account/balance",
    partial(_balances, Wallet.MAIN, balances.by_name, balances.main_of),
)


def main_balances() -> Call[tuple[Fact, ...]]:
    """All main balances, a complete report; this wallet has no stream."""
    return _MAIN_BALANCES.call()


_COLLATERAL_BALANCES = Endpoint(
    "collateral_balances",
    "collateral-account/balance-summary",
    partial(_balances, Wallet.COLLATERAL, balances.in_list, balances.summed_collateral_of),
)


def collateral_balances() -> Call[tuple[Fact, ...]]:
    """All collateral balances with what is borrowed and available, a complete report."""
    return _COLLATERAL_BALANCES.call()


_COLLATERAL_TOTALS = Endpoint(
    "collateral_totals",
    "collateral-account/balance",
    partial(_balances, Wallet.COLLATERAL, balances.by_name, balances.collateral_total_of),
)


def collateral_totals() -> Call[tuple[Fact, ...]]:
    """Collateral balances by a simpler endpoint, with totals only, a complete report."""
    return _COLLATERAL_TOTALS.call()


_MARKETS = Endpoint("markets", "public/markets", partial(listed, reference.market_of), method="GET")


def markets() -> Call[Page]:
    """All markets that can be traded now; a delisted one is missing."""
    return _MARKETS.call()


_ASSETS = Endpoint("assets", "public/assets", _assets, method="GET")


def assets() -> Call[tuple[Asset, ...]]:
    """All assets, with the decimal places of their amounts."""
    return _ASSETS.call()


_SERVER_TIME = Endpoint("server_time", "public/time", _time, method="GET")


def server_time() -> Call[int]:
    """The server's clock in µs, of which it tells whole seconds."""
    return _SERVER_TIME.call()


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    _WEBSOCKET_TOKEN,
    _SPOT_BALANCES,
    _MAIN_BALANCES,
    _COLLATERAL_BALANCES,
    _COLLATERAL_TOTALS,
    _MARKETS,
    _ASSETS,
    _SERVER_TIME,
)
