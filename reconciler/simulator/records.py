"""What the engine takes, keeps and says: frozen records in the trade's words.

Amounts are exact decimals, times integer microseconds of the exchange's clock.  How they are
spelled to clients is `dialect`'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import TypeAlias

from reconciler.simulator.numbers import plus
from reconciler.simulator.papers import Papers
from reconciler.simulator.positions import Borrow, Portfolio, Position


class Side(StrEnum):
    """Of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The side that it meets."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Role(StrEnum):
    """Of an order in a deal."""

    MAKER = "maker"
    TAKER = "taker"


class Kind(StrEnum):
    """Of an order.  The amount of a buy at the market, or of a stop for one, is in money; every
    other one is in stock."""

    LIMIT = "limit"
    MARKET = "market"
    STOCK_MARKET = "stock_market"
    STOP_LIMIT = "stop_limit"
    STOP_MARKET = "stop_market"
    MARGIN_LIMIT = "margin_limit"
    MARGIN_MARKET = "margin_market"
    MARGIN_STOP_LIMIT = "margin_stop_limit"
    MARGIN_STOP_MARKET = "margin_stop_market"

    @property
    def has_limit(self) -> bool:
        """May it rest on the book, at a price of its own?"""
        return self in _LIMITS

    @property
    def is_stop(self) -> bool:
        """Does it wait for a price before it is an order at all?"""
        return self in _STOPS

    @property
    def is_margin(self) -> bool:
        """Does it trade a position on the collateral wallet?"""
        return self in _MARGINS


_LIMITS = frozenset({Kind.LIMIT, Kind.STOP_LIMIT, Kind.MARGIN_LIMIT, Kind.MARGIN_STOP_LIMIT})
_STOPS = frozenset(kind for kind in Kind if "stop_" in kind)
_MARGINS = frozenset(kind for kind in Kind if "margin" in kind)


class Stp(StrEnum):
    """Self-trade prevention: whom it cancels when an order would meet one of its own account."""

    NO = "no"
    """Nobody: they trade."""
    OLD = "co"
    NEW = "cn"
    BOTH = "cb"


class Status(StrEnum):
    """Of an order."""

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    CANCELED_STP = "canceled_stp"
    AUTO_CANCELED_LIQUIDATION = "auto_canceled_liquidation"
    AUTO_CANCELED_REDUCE_ONLY = "auto_canceled_reduce_only"


class Wallet(StrEnum):
    """Where an account keeps its assets."""

    MAIN = "main"
    SPOT = "spot"
    COLLATERAL = "collateral"


class Step(IntEnum):
    """What happened to an order, in the exchange's own numbers."""

    NEW = 1
    """On the book; or, of an order that was seen already, a stop was activated."""
    UPDATE = 2
    FINISH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A pair of assets that is traded, and the rules of its orders."""

    name: str
    stock: str
    money: str
    stock_decimals: int
    money_decimals: int
    amount_min: Decimal
    """In stock."""
    total_min: Decimal
    """In money."""
    reference_price: Decimal
    """Around which the traders of `life` begin."""
    is_futures: bool = False
    """Traded on the collateral wallet only."""
    is_collateral: bool = False
    """Traded on margin too."""

    @property
    def has_margin(self) -> bool:
        """Can positions be held in it?"""
        return self.is_futures or self.is_collateral


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Ratios, not percents; negative is a rebate."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    futures_maker: Decimal = Decimal("0.0001")
    futures_taker: Decimal = Decimal("0.00035")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """What nobody documents of freezing (PROTOCOL § 7.5)."""

    stops: bool = False
    """Does a stop freeze before it is activated?"""
    taker_fee: bool = False
    """Does a buy freeze the taker's fee on top, as was seen live in 2023 (ccxt issue 17018)?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """What nobody documents of how the past is told, or two sources tell differently."""

    page_max: int | None = None
    """Pages silently end here, whatever was asked for (PROTOCOL § 10.1, 2, and trap 27)."""
    orders_by_end: bool = False
    """Are orders found by the time of their end, not of their creation (§ 10.2, question 5)?"""
    lag_s: float = 0.0
    """So long after it happened something is written (trap 37)."""

    def most(self, limit: int) -> int:
        """The rows of a page for which so many were asked."""
        return limit if self.page_max is None else min(limit, self.page_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What an account asks the exchange to do."""

    market: str
    side: Side
    kind: Kind = Kind.LIMIT
    amount: Decimal
    price: Decimal | None = None
    activation_price: Decimal | None = None
    """Of a stop: a buy waits until the market is at or above it, a sell at or below."""
    client_order_id: str = ""
    post_only: bool = False
    ioc: bool = False
    stp: Stp = Stp.NO
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    """Where the position that a margin order opens shall be closed again, once it is filled."""
    source: str = "api"

    @property
    def counts_money(self) -> bool:
        """True of a buy at the market, whose amount and remainder are in money."""
        return self.kind in (Kind.MARKET, Kind.STOP_MARKET) and self.side is Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One fill of one order.  Both sides of a deal share `deal_id`."""

    deal_id: int
    order_id: int
    counter_order_id: int
    market: str
    side: Side
    role: Role
    price: Decimal
    amount: Decimal
    total: Decimal
    fee: Decimal
    fee_asset: str
    client_order_id: str
    executed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two orders of which the first to execute cancels the other (OCO)."""

    pair_id: int
    client_order_id: str
    stop_loss_id: int
    take_profit_id: int

    def other(self, order_id: int) -> int:
        """The id of the partner."""
        return self.take_profit_id if order_id == self.stop_loss_id else self.stop_loss_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order at one moment.  `fee` is the sum over its deals, in `fee_asset`."""

    order_id: int
    client_order_id: str
    market: str
    side: Side
    kind: Kind
    status: Status
    price: Decimal | None
    amount: Decimal
    remaining: Decimal
    filled_amount: Decimal
    filled_total: Decimal
    fee: Decimal
    fee_asset: str
    post_only: bool
    ioc: bool
    source: str
    created_at: int
    updated_at: int
    finished_at: int | None
    stp: Stp = Stp.NO
    activation_price: Decimal | None = None
    is_activated: bool = False
    reduce_only: bool = False
    pair: Pair | None = None
    """While neither it nor its partner has executed."""
    oto_id: int | None = None
    """Of an order that triggers others when it is filled (OTO), and their prices."""
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account has of one asset in one wallet; only the spot wallet freezes."""

    available: Decimal
    frozen: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Both parts together."""
        return plus(self.available, self.frozen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """What an account has of one asset in the collateral wallet, and what it can do with it."""

    balance: Decimal
    borrowed: Decimal
    """Contained in the balance."""
    usable: Decimal
    """How much no position needs; with borrowing no more, as in the one frame seen live
    (PROTOCOL § 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A change of one balance that is no deal.  The exchange shows clients none of these, and of
    some not even a paper."""

    wallet: Wallet
    asset: str
    amount: Decimal
    """Signed."""
    reason: str
    """`deposit`, `withdrawal`, `transfer`, `sub_transfer`, `code`, `conversion`, `investment`,
    `interest`, `mining`, `delisting` or `phantom`; on the collateral wallet also `realized_pnl`,
    `margin_fee`, `funding`, `insurance` (the exchange bears a loss) or `borrow`."""
    moved_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All there is to know of an account: what any record of it must equal.

    Orders (open and finished) and deals are sorted by id; balances that were never touched are
    absent.
    """

    deals: tuple[Deal, ...]
    orders: tuple[Order, ...]
    movements: tuple[Movement, ...]
    balances: Mapping[tuple[Wallet, str], Balance]
    papers: Papers
    portfolio: Portfolio


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order of the account appeared, changed or ended."""

    account: str
    step: Step
    order: Order
    is_quiet: bool = False
    """True of an order of a pair that has not executed: the channel of open orders is silent about
    it, and about its end."""


@dataclass(frozen=True, slots=True)
class DealMade:
    """An order of the account was filled."""

    account: str
    deal: Deal


@dataclass(frozen=True, slots=True)
class BalanceMoved:
    """Assets of a wallet of the account have new balances."""

    account: str
    wallet: Wallet
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionsMoved:
    """Positions or borrows of the account are not what they were."""

    account: str


class Alarm(IntEnum):
    """About a position or a borrow, in the exchange's own numbers."""

    MARGIN_CALL = 1
    LIQUIDATION = 2


@dataclass(frozen=True, slots=True)
class PositionAlarm:
    """A position of the account is in danger, or lost."""

    account: str
    alarm: Alarm
    position: Position


@dataclass(frozen=True, slots=True)
class BorrowAlarm:
    """A borrow of the account is in danger, or called in."""

    account: str
    alarm: Alarm
    borrow: Borrow


Event: TypeAlias = (
    OrderSeen | DealMade | BalanceMoved | PositionsMoved | PositionAlarm | BorrowAlarm
)
