"""Every call counts against its documented limit, and no account takes another's part."""

import random
from collections.abc import Awaitable, Callable

import pytest
import trio

from reconciler.feed.budget import GROUPS, PERIOD, ROOT, Budget, group_of, urgency_of
from reconciler.feed.limits import Urgency
from reconciler.wire import rest
from tests.feed.memory import run

DEALS = "/api/v4/trade-account/executed-history"
BALANCE = "/api/v4/trade-account/balance"
TRANSACTIONS = "/api/v4/main-account/history"

ALLOWED = {
    "main-account/history": 200,
    "main-account/": 1000,
    "sub-account/": 1000,
    "mining/": 1000,
    "convert/": 1000,
    "trade-account/": 1000,
    "collateral-account/": 1000,
    "orders": 1000,
    "conditional-orders": 1000,
    "oco-orders": 1000,
    "profile/": 10_000,
    "public/": 2000,
}
"""In ten seconds, the lower figure where two sources disagree: PROTOCOL § 1.4 and § 10.1."""


@pytest.mark.parametrize("name", rest.ENDPOINTS)
def test_every_call_stays_within_what_is_documented_for_its_path(name: str) -> None:
    path = rest.ENDPOINTS[name].path
    documented = next(most for start, most in ALLOWED.items() if path.startswith(start))
    assert group_of(ROOT + path).amount <= documented


def test_the_history_of_transactions_may_count_among_the_calls_of_the_main_account() -> None:
    main, history = group_of("/api/v4/main-account/balance"), group_of(TRANSACTIONS)
    assert main is not history
    assert main.amount + history.amount <= 1000


def test_a_path_of_which_no_limit_is_known_is_not_asked() -> None:
    with pytest.raises(AssertionError, match="no limit is known"):
        group_of("/api/v4/elsewhere")


def test_what_a_session_needs_goes_before_history() -> None:
    now = {n for n, of in rest.ENDPOINTS.items() if urgency_of(ROOT + of.path) is Urgency.NOW}
    assert now == {
        "active_orders",
        "assets",
        "collateral_balances",
        "collateral_totals",
        "conditional_orders",
        "main_balances",
        "markets",
        "oco_orders",
        "server_time",
        "spot_balances",
        "websocket_token",
    }


def under(keys: int, main: Callable[[Budget], Awaitable[None]]) -> None:
    async def with_budget() -> None:
        await main(Budget(random.Random(1), keys=keys))

    run(with_budget)


async def calls(permit: Callable[[str], object], path: str, times: int) -> float:
    """Calls in a row; when the last was made."""
    for _ in range(times):
        async with permit(path):  # type: ignore[attr-defined]
            pass
    return trio.current_time()


def test_a_key_that_is_alone_has_all_of_it() -> None:
    async def main(budget: Budget) -> None:
        assert await calls(budget.share().permit, TRANSACTIONS, 150) == 0

    under(1, main)


def test_a_key_that_takes_all_it_can_leaves_room_for_the_history_of_another() -> None:
    async def main(budget: Budget) -> None:
        greedy, modest = budget.share(), budget.share()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(calls, greedy.permit, TRANSACTIONS, 1_000)
            await trio.sleep(1)
            assert await calls(modest.permit, TRANSACTIONS, 50) == 1
            nursery.cancel_scope.cancel()

    under(2, main)


def test_many_greedy_keys_leave_room_for_what_is_urgent() -> None:
    async def main(budget: Budget) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(calls, budget.share().permit, DEALS, 1_000)
            await trio.sleep(1)
            assert await calls(budget.share().permit, BALANCE, 100) == 1
            nursery.cancel_scope.cancel()

    under(11, main)


def test_a_refusal_pauses_the_group_for_every_key_and_no_other_group() -> None:
    async def main(budget: Budget) -> None:
        one, other = budget.share(), budget.share()
        async with one.permit(DEALS) as permit:
            permit.refused(20)
        assert await calls(other.permit, TRANSACTIONS, 1) == 0
        assert await calls(other.permit, BALANCE, 1) == 20

    under(2, main)


def test_all_keys_together_stay_within_the_limit_of_the_address() -> None:
    async def main(budget: Budget) -> None:
        with trio.move_on_after(PERIOD):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(count, budget)

    made: list[float] = []

    async def count(budget: Budget) -> None:
        share = budget.share()
        while True:
            async with share.permit(TRANSACTIONS):
                made.append(trio.current_time())

    under(5, main)
    assert 100 < len(made) <= group_of(TRANSACTIONS).amount
    assert group_of(TRANSACTIONS) in GROUPS
