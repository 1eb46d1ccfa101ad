"""Each call of a run is made once; a refused one is named with what is lost without it."""

from collections.abc import Iterator
from itertools import chain

import msgspec
import pytest

from reconciler.config import Account
from reconciler.doctor.finding import Finding, Mark
from reconciler.doctor.rights import UNASKED, examine, needs
from reconciler.domain.words import Wallet
from reconciler.feed.rest import open_rest
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.server import serve
from reconciler.store.engine import Database, open_database
from reconciler.store.frames import opened
from reconciler.wire.rest import ENDPOINTS, sub_transfers
from reconciler.world import real
from tests.desk import ACCOUNT, KEY, SECRET, open_desk, open_exchange
from tests.proving import some_of_everything
from tests.running import run
from tests.store.samples import journal

DENIED = Answer(403, '{"code": 0, "message": "This action is unauthorized.", "errors": {}}')
NOW_S = real().clock.now() // 1_000_000


def deny(exchange: Exchange, path: str, answer: Answer = DENIED) -> None:
    exchange.faults.add(Rule(point=Point.REQUEST, act=answer, name=f"/api/v4/{path}", times=None))


def told(
    exchange: Exchange, account: Account | None = None, *, powers: bool = False
) -> list[Finding]:
    """What is said of the account's key."""
    world, found = real(), list[Finding]()
    keys = Credentials(key=Secret(KEY), secret=Secret(SECRET))

    async def main() -> None:
        log = open_log(clock=world.clock, level="error")
        async with (
            serve(exchange) as server,
            open_rest(world, server.rest_url, keys, log) as private,
        ):
            await examine(
                account or Account(name=ACCOUNT), private, NOW_S, found.append, powers=powers
            )

    run(main)
    return found


def test_a_key_that_may_read_all_is_said_in_a_line() -> None:
    found = told(open_exchange(is_business=True))
    assert [each.said for each in found] == ["may make all 20 calls", UNASKED]


def test_what_most_keys_may_not_is_only_noted() -> None:
    found = told(open_exchange())
    assert {each.mark for each in found} == {Mark.NOTE, Mark.OK}
    assert "may make 17 of 20 calls" in [each.said for each in found]


@pytest.mark.parametrize(
    ("path", "mark", "lost"),
    [
        ("trade-account/balance", Mark.FAIL, "without it the spot wallet can't be kept"),
        ("trade-account/executed-history", Mark.FAIL, "without it missed deals can't be"),
        ("conditional-orders", Mark.WARN, "without it orders that wait for others are missed"),
        ("main-account/history", Mark.WARN, "without it deposits and withdrawals show as drifts"),
        ("oco-orders", Mark.NOTE, "without it the conditional orders say the same"),
    ],
)
def test_a_refused_call_is_named_with_what_is_lost(path: str, mark: Mark, lost: str) -> None:
    exchange = open_exchange(is_business=True)
    deny(exchange, path)
    first, *others = told(exchange)
    assert first.mark is mark
    assert "This action is unauthorized." in first.said
    assert lost in first.said
    assert [each.said for each in others] == ["may make 19 of 20 calls", UNASKED]


def test_a_wallet_that_is_not_kept_is_not_asked_for() -> None:
    exchange = open_exchange(is_business=True)
    deny(exchange, "collateral-account/balance-summary")
    found = told(exchange, Account(name=ACCOUNT, wallets=(Wallet.SPOT, Wallet.MAIN)))
    assert found[0].said == "may make all 19 calls"


def test_refused_credentials_are_asked_with_no_further() -> None:
    exchange = open_exchange()
    deny(exchange, "profile/websocket_token")
    [found] = told(exchange)
    assert found.mark is Mark.FAIL
    assert found.said.startswith("this key may not open the private feed")


def test_what_does_not_answer_is_no_matter_of_rights() -> None:
    exchange = open_exchange(is_business=True)
    deny(exchange, "mining/rewards", Answer(502, "<html>"))
    first, *_ = told(exchange)
    assert first.mark is Mark.FAIL
    assert first.said.startswith("could not be asked: mining: ")


def test_a_key_that_may_trade_or_withdraw_is_warned_of_and_nothing_comes_of_the_question() -> None:
    exchange = open_exchange(is_business=True)
    before = exchange.truth(ACCOUNT)
    _, trade, withdraw = told(exchange, powers=True)
    assert (trade.mark, withdraw.mark) == (Mark.WARN, Mark.WARN)
    assert trade.said.startswith("seems to be allowed to trade (empty_order: invalid: HTTP 422")
    assert withdraw.said.startswith("seems to be allowed to withdraw (empty_withdrawal: invalid")
    after = exchange.truth(ACCOUNT)
    assert (after.orders, after.balances) == (before.orders, before.balances)


def test_a_key_that_may_only_read_is_known_by_its_refusals() -> None:
    exchange = open_exchange(is_business=True)
    for path in ("order/new", "main-account/withdraw"):
        deny(exchange, path)
    found = told(exchange, powers=True)
    assert [each.said for each in found] == [
        "may make all 20 calls",
        "may not trade",
        "may not withdraw",
    ]


def test_all_that_a_daemon_asks_for_is_asked_for(sqlite_url: str) -> None:
    """Up to its first live session, of an account with a bit of everything."""
    exchange = open_exchange(is_business=True)
    exchange.open_account("sub", "a" * 32, "b" * 32, master=ACCOUNT)
    some_of_everything(exchange)

    async def main() -> None:
        async with open_desk(sqlite_url, exchange=exchange) as desk:
            await desk.feed.until_live()

    run(main)
    tried = {need.call.path for need in needs(Account(name=ACCOUNT), NOW_S)}
    tried.add(sub_transfers("x", 0, 1).path)
    asked = set(questions(open_database(sqlite_url)))
    assert len(asked) > 10
    assert asked - tried == set()


def questions(database: Database) -> Iterator[str]:
    """The paths of the signed calls whose answers were kept."""
    for row in journal(database):
        for frame in chain.from_iterable(opened(row)):
            if frame.asked:
                endpoint = ENDPOINTS.get(msgspec.json.decode(frame.asked).get("call"))
                if endpoint is not None and endpoint.method == "POST":
                    yield f"/api/v4/{endpoint.path}"
