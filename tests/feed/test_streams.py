"""Every history that the exchange documents is asked for, within what it documents."""

import trio
import trio.lowlevel

from reconciler.feed.pages import REACH
from reconciler.feed.streams import DEALS, ORDERS, STREAMS
from reconciler.wire import rest
from tests.feed.memory import ACCOUNT, open_stage, run

PAGES = {
    "deals_history": 500,
    "order_history": 500,
    "transactions": 500,
    "delisted_orders": 500,
}
"""Rows of one page (PROTOCOL § 5.1); of the others 100."""

NO_STREAMS = {
    "websocket_token",
    "spot_balances",
    "main_balances",
    "collateral_balances",
    "collateral_totals",
    "active_orders",
    "conditional_orders",
    "oco_orders",
    "order_by_id",
    "deals_of_order",
    "markets",
    "assets",
    "server_time",
    "sub_accounts",
}
"""Calls that tell what is, or one thing."""


def test_each_call_about_the_past_belongs_to_a_stream_and_asks_for_its_longest_page(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            stage.exchange.engine.accounts[ACCOUNT].is_business = True
            stage.exchange.open_account("sub", master=ACCOUNT)
            asked = {}
            for stream in STREAMS:
                assert (stream.windowed is None) != (stream.listings is None)
                if stream.windowed is not None:
                    asked[stream.windowed.name] = stream.windowed.rows
                    call = stream.windowed.call(0, 1, 0, stream.windowed.rows)
                    assert call.name == stream.windowed.name
                else:
                    assert stream.listings is not None
                    for listing in await stream.listings(stage.on):
                        asked[listing.name] = listing.rows
                        assert listing.page(0, listing.rows).name == listing.name
                        assert listing.reach == REACH
            assert asked == {
                name: PAGES.get(name, 100) for name in rest.ENDPOINTS.keys() - NO_STREAMS
            }

    run(main)


def test_only_what_a_record_can_do_without_may_be_refused() -> None:
    assert [stream.name for stream in STREAMS if not stream.is_guarded] == [ORDERS, DEALS]


def test_all_sub_accounts_are_asked_for(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            for number in range(230):
                stage.exchange.open_account(f"sub {number}", master=ACCOUNT)
                await trio.lowlevel.checkpoint()
            [stream] = [stream for stream in STREAMS if stream.name == "sub_transfers"]
            assert stream.listings is not None
            listings = await stream.listings(stage.on)
            ids = {listing.page(0, 1).params["id"] for listing in listings}
            assert len(listings) == len(ids) == 230

    run(main)
