"""What a key may do: each call that a run makes, made once, and what is lost without it.

Rights are given endpoint by endpoint, and only a call to one tells whether the key has it (PROTOCOL
§ 1.9).  Whether a key may trade or withdraw is asked only on request, by calls that hold none of
what an order or a withdrawal needs, so that nothing can come of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.config import Account
from reconciler.doctor.finding import Finding, Mark, Tell, fail, note, ok, warn
from reconciler.domain.words import TransactionKind, Wallet
from reconciler.feed.once import BALANCES
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway, Rest
from reconciler.wire import rest as calls
from reconciler.wire.call import Endpoint
from reconciler.wire.refusals import Refused

UNASKED = (
    "whether this key may trade or withdraw was not asked; reconciler check --rights does, by an "
    "order and a withdrawal without any contents"
)

POWERS = (
    ("trade", Endpoint("empty_order", "order/new", lambda _: None)),
    ("withdraw", Endpoint("empty_withdrawal", "main-account/withdraw", lambda _: None)),
)
"""What a key may have no use for here, and where it is asked for."""

WINDOW_S = 60
"""The least of a history that can be asked for."""


@dataclass(frozen=True, slots=True)
class Need:
    """A call, how much its refusal matters, and what a run then does without."""

    call: calls.Call[Any]
    mark: Mark
    lost: str


def needs(account: Account, now_s: int) -> Iterator[Need]:
    """All calls of a run, each in its cheapest form."""
    since_s = now_s - WINDOW_S
    yield Need(calls.websocket_token(), Mark.FAIL, "there is no private feed")
    for wallet, balances in BALANCES.items():
        if wallet in account.wallets:
            lost = f"the {wallet} wallet can't be kept; allow it, or leave it out of wallets"
            yield Need(balances(), Mark.FAIL, lost)
    yield Need(calls.active_orders(0, 1), Mark.FAIL, "nothing tells which orders are open")
    yield Need(
        calls.order_history(since_s, now_s, 0, 1), Mark.FAIL, "nothing tells how orders ended"
    )
    yield Need(
        calls.deals_history(since_s, now_s, 0, 1), Mark.FAIL, "missed deals can't be recovered"
    )
    yield Need(
        calls.conditional_orders(0, 1),
        Mark.WARN,
        "orders that wait for others are missed, and no order can be closed as vanished",
    )
    yield Need(calls.oco_orders(0, 1), Mark.NOTE, "the conditional orders say the same")
    yield Need(
        calls.transactions(TransactionKind.DEPOSIT, 0, 1),
        Mark.WARN,
        "deposits and withdrawals show as drifts",
    )
    yield Need(calls.conversions(since_s, now_s, 0, 1), Mark.WARN, "conversions show as drifts")
    yield Need(calls.codes(0, 1), Mark.WARN, "codes show as drifts")
    yield Need(calls.delisted_orders(since_s, now_s, 0, 1), Mark.WARN, "delistings show as drifts")
    of_collateral = Mark.WARN if Wallet.COLLATERAL in account.wallets else Mark.NOTE
    yield Need(
        calls.positions(since_s, now_s, 0, 1),
        of_collateral,
        "profit and loss of positions show as drifts of collateral",
    )
    yield Need(calls.funding(0, 1), of_collateral, "funding shows as drifts of collateral")
    # Most keys may not, and most accounts have none of it.
    yield Need(calls.sub_accounts(0, 1), Mark.NOTE, "transfers with sub-accounts show as drifts")
    yield Need(calls.fixed_lending(0, 1), Mark.NOTE, "fixed lending shows as drifts")
    yield Need(
        calls.flexible_lending(None, None, 0, 1), Mark.NOTE, "flexible lending shows as drifts"
    )
    yield Need(calls.interest(0, 1), Mark.NOTE, "interest on fixed lending shows as drifts")
    yield Need(calls.mining(since_s, None, 0, 1), Mark.NOTE, "mining rewards show as drifts")


async def examine(
    account: Account, private: Rest, now_s: int, tell: Tell, *, powers: bool = False
) -> None:
    """Of the key of one account; with `powers` also whether it may trade or withdraw.

    Stops at credentials that are refused: each call more would only restrict the key.
    """
    what = f"account {account.name}"
    asked, refused = 0, list[Finding]()
    for need in needs(account, now_s):
        asked += 1
        try:
            answer = await private.ask(need.call, attempts=2)
            if need.call.name == "sub_accounts" and answer:
                asked += 1
                await private.ask(calls.sub_transfers(answer[0], 0, 1), attempts=2)
        except CredentialsRefused as error:
            tell(fail(what, str(error)))
            return
        except CallRefused as error:
            refused.append(Finding(need.mark, what, f"{error}; without it {need.lost}"))
        except ExchangeAway as error:
            refused.append(fail(what, f"could not be asked: {error}"))
    for finding in refused:
        tell(finding)
    many = f"all {asked}" if not refused else f"{asked - len(refused)} of {asked}"
    tell(ok(what, f"may make {many} calls"))
    if not powers:
        tell(note(what, UNASKED))
        return
    for power, endpoint in POWERS:
        tell(await _power(what, power, endpoint, private))


async def _power(what: str, power: str, endpoint: Endpoint[None], private: Rest) -> Finding:
    """Whether the exchange minds who asks, or only that nothing was asked for."""
    try:
        await private.ask(endpoint.call(), attempts=1)
    except CallRefused as error:
        if error.kind is Refused.PERMISSION:
            return ok(what, f"may not {power}")
        said = f"seems to be allowed to {power} ({error})"
    except (CredentialsRefused, ExchangeAway) as error:
        return note(what, f"whether it may {power} could not be asked: {error}")
    else:
        said = f"seems to be allowed to {power}"
    return warn(what, f"{said}; no run needs that: take the right from the key")
