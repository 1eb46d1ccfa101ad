"""The live mix: what a busy account pushes, as the exchange spells it.

Of ten frames four are deals, four pending orders, one is an executed order and one a balance; each
deal is of an order that was pending just before, the executed one is one of these, and the mean is
about 298 bytes.  Built by hand, so that nothing measured here helps to make it.
"""

from collections.abc import Iterator

DEAL_ID, ORDER_ID = 10_000_000_000, 1_500_000_000_000
BEGAN = 1_767_355_200_000_000
"""2026-01-02T12:00:00Z in microseconds; one frame each millisecond from then on."""

MARKETS = ("BTC_USDT", "ETH_USDT", "SOL_USDT", "XRP_USDT", "DOGE_USDT", "TON_USDT")
ASSETS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "TON", "USDT", "USDC")

_DEAL = (
    '{"id":null,"method":"deals_update","params":[%d,%s,"%s",%d,"%s","%s","%s",'
    '"strategy-%d",%d,%d,"USDT"]}'
)
_ORDER = (
    '{"id":%d,"market":"%s","type":1,"side":%d,"post_only":false,"ioc":false,"ctime":%s,'
    '"mtime":%s,"price":"%s","amount":"%s","left":"%s","deal_stock":"%s","deal_money":"%s",'
    '"deal_fee":"%s","client_order_id":"strategy-%d","fee_asset":"USDT","status":"%s",'
    '"stp":"no","rpi":false,"retail":false,"reduce_only":false,"position_side":"BOTH",'
    '"taker_fee":"0.001","maker_fee":"0.001"}'
)
_PENDING = '{"id":null,"method":"ordersPending_update","params":[%d,%s]}'
_EXECUTED = '{"id":null,"method":"ordersExecuted_update","params":[%s]}'
_BALANCE = (
    '{"id":null,"method":"balanceSpot_update",'
    '"params":[{"%s":{"available":"%d.%08d","freeze":"%d.5"}}]}'
)


def frames(count: int) -> Iterator[str]:
    """The first `count` frames, a millisecond apart."""
    return (frame(n, BEGAN + n * 1000) for n in range(count))


def frame(n: int, moment: int) -> str:
    """The `n`th frame, of something that happened at `moment` (microseconds)."""
    time = f"{moment // 1_000_000}.{moment % 1_000_000:06d}"
    match n % 10:
        case 0 | 2 | 4 | 6:
            return _deal(n, time)
        case 1 | 3 | 5 | 7:
            return _PENDING % (1 + n % 2, _order(n, time, "0", "OPEN"))
        case 8:
            return _EXECUTED % _order(n - 1, time, _amount(n - 1), "FILLED")
        case _:
            return _BALANCE % (ASSETS[n % len(ASSETS)], n % 90_000, n % 99_999_999, n % 900)


def deal_of(n: int, moment: int) -> dict[str, object]:
    """The `n`th deal, of a moment (microseconds), as `executed-history` writes it."""
    return {
        "id": DEAL_ID + n,
        "clientOrderId": f"strategy-{n}",
        "time": moment / 1_000_000,
        "side": ("buy", "sell")[n % 2],
        "role": 1 + n % 2,
        "amount": _amount(n),
        "price": _price(n),
        "deal": f"{n % 977}.{n % 99_999_999:08d}",
        "fee": _fee(n),
        "orderId": ORDER_ID + n,
        "feeAsset": "USDT",
    }


def _deal(n: int, time: str) -> str:
    of = order_of(n)
    ids = DEAL_ID + n, time, MARKETS[of % len(MARKETS)], ORDER_ID + of
    return _DEAL % (*ids, _price(n), _amount(n), _fee(n), of, 1 + of % 2, 1 + n // 2 % 2)


def order_of(n: int) -> int:
    """Which frame placed the order of the `n`th frame's deal: the first one comes before it."""
    return max(1, n - 3 if n % 10 == 0 else n - 1)


def _order(n: int, time: str, filled: str, status: str) -> str:
    left = _amount(n) if filled == "0" else "0"
    money, fee = ("0", "0") if filled == "0" else (f"{n % 977}.{n % 99_999:05d}", _fee(n))
    of = ORDER_ID + n, MARKETS[n % len(MARKETS)], 1 + n % 2, time, time
    return _ORDER % (*of, _price(n), _amount(n), left, filled, money, fee, n, status)


def _price(n: int) -> str:
    return f"{40_000 + n % 5_000}.{n % 97:02d}"


def _amount(n: int) -> str:
    return f"0.{1 + n % 99_991:06d}"


def _fee(n: int) -> str:
    return f"0.{1 + n % 999_983:012d}"
