"""Every history against the exchange in a box, which shares no code with the decoders.

The judge is arithmetic: what the histories say moved is what the wallets gained.
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.facts import Fact, Frame, Movement, Order, Transaction, Unreadable
from reconciler.domain.money import ZERO, minus, plus
from reconciler.domain.words import MovementKind, TransactionKind, Wallet
from reconciler.simulator import records
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import Instruction, Side
from reconciler.wire import rest as calls
from reconciler.wire.replay import facts_of
from reconciler.wire.rest import Call, Page
from tests.simulator.client import START, Ear, Now, Rest
from tests.simulator.test_collateral_calls import quote, traded
from tests.simulator.test_rest import called

SINCE = START // 1_000_000 - 1
DEPOSIT, WITHDRAWAL = TransactionKind.DEPOSIT, TransactionKind.WITHDRAWAL


async def read(rest: Rest, call: Call[Page]) -> tuple[Fact, ...]:
    """What one call tells, all of it understood, and told again by what is kept."""
    answer = await rest.call(call.path.removeprefix("/api/v4/"), **call.params)
    page = call.decode(answer.content, START)
    assert page.surplus == 0
    assert not any(isinstance(fact, Unreadable) for fact in page.facts)
    kept = Frame(received_at=START, asked=call.asked, text=call.kept(answer.content))
    assert facts_of(kept) == page.facts
    return page.facts


def moved(facts: Iterable[Fact], asset: str) -> Decimal:
    """What the main wallet gained of `asset`."""
    total = ZERO
    for fact in facts:
        match fact:
            case Transaction(kind=kind, asset=of, amount=amount, status="success") if of == asset:
                total = (plus if kind is DEPOSIT else minus)(total, amount)
            case Movement(asset=of, amount=amount, settled=True) if of == asset:
                total = plus(total, amount)
    return total


def test_what_the_histories_of_the_main_wallet_say_is_what_it_gained() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        treasury, lending = exchange.engine.treasury, exchange.engine.lending
        account = exchange.engine.accounts["treasury"]
        account.is_business = True
        exchange.open_account("sub", master="treasury")
        sub = exchange.engine.accounts["sub"].sub_id
        exchange.deposit("treasury", "SOL", "100")
        waiting = exchange.told(treasury.expect_deposit("treasury", "SOL", Decimal(5)))
        sent = exchange.told(
            treasury.request_withdrawal("treasury", "SOL", Decimal(3), is_fee_included=True)
        )
        exchange.told(treasury.advance("treasury", sent.transaction_id, 3))
        code = exchange.told(treasury.create_code("treasury", "SOL", Decimal(2)))
        exchange.told(treasury.create_code("treasury", "SOL", Decimal(7)))
        exchange.told(treasury.apply_code("treasury", code.code))
        for direction, amount in ((Direction.TO_SUB, 11), (Direction.TO_MASTER, 4)):
            exchange.told(treasury.sub_transfer("treasury", sub, direction, "SOL", Decimal(amount)))
        for is_flexible in (False, True):
            for is_closed in (False, True):
                lent, _ = lending.invest("treasury", "SOL", Decimal(8), is_flexible=is_flexible)
                lending.earn("treasury", lent.investment_id, Decimal("0.1"))
                if is_closed:
                    lending.close("treasury", lent.investment_id)
        for is_outside, status in ((False, "successful"), (True, "successful"), (False, "pending")):
            now.pass_seconds(86_400)
            reward = lending.mine(
                "treasury",
                "SOL",
                Decimal(1),
                fee=Decimal("0.1"),
                is_outside=is_outside,
                status=status,
            )
            exchange.told(reward)

        listed = calls.sub_accounts(0, 100)
        answer = await rest.call("sub-account/list", **listed.params)
        assert listed.decode(answer.content, 1) == (sub,)
        transactions = [
            *await read(rest, calls.transactions(DEPOSIT, 0, 500)),
            *await read(rest, calls.transactions(WITHDRAWAL, 0, 500, ticker="SOL")),
        ]
        assert {
            fact.transaction_id: fact.status
            for fact in transactions
            if isinstance(fact, Transaction) and fact.asset == "SOL"
        }.items() >= {
            (waiting.transaction_id, "confirming"),
            (sent.transaction_id, "success"),
        }
        movements = [
            *await read(rest, calls.codes(0, 100)),
            *await read(rest, calls.sub_transfers(sub, 0, 100)),
            *await read(rest, calls.fixed_lending(0, 100)),
            *await read(rest, calls.interest(0, 100)),
            *await read(rest, calls.flexible_lending(SINCE, None, 0, 100)),
            *await read(rest, calls.mining(SINCE, None, 0, 100)),
        ]
        ids = [(m.kind, m.movement_id) for m in movements if isinstance(m, Movement)]
        assert len(set(ids)) == len(ids) == len(movements)
        there = account.wallets.available(records.Wallet.MAIN, "SOL")
        assert moved([*transactions, *movements], "SOL") == there

    called(script)


def test_a_conversion_is_told_as_it_was_agreed() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.deposit("treasury", "USDT", "1000")
        terms = {"from": "USDT", "to": "BTC", "amount": "100", "direction": "from"}
        quoted = (await rest.call("convert/estimate", **terms)).json()
        await rest.call("convert/confirm", quoteId=quoted["id"])
        [fact] = await read(rest, calls.conversions(SINCE, None, 0, 100))
        assert isinstance(fact, Movement)
        assert (fact.asset, fact.amount) == ("USDT", Decimal(-100))
        assert (fact.counter_asset, fact.counter_amount) == ("BTC", Decimal(quoted["receive"]))

    called(script)


def test_what_the_histories_of_the_collateral_wallet_say_is_what_it_gained() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear, now: Now) -> None:
        terms = {"market": "BTC_PERP", "amount": "1"}
        quote(exchange, Side.BUY, "5", "99000")
        await rest.call("order/collateral/market", side="buy", **terms)
        now.pass_seconds(60)
        exchange.publish(
            exchange.engine.margin.fund("BTC_PERP", Decimal("0.0001"), Decimal(100_000))
        )
        now.pass_seconds(60)
        await rest.call("order/collateral/market", side="sell", **terms)
        facts = [
            *await read(rest, calls.funding(0, 100)),
            *await read(rest, calls.positions(SINCE, None, 0, 100)),
        ]
        gained = sum((fact.amount for fact in facts if isinstance(fact, Movement)), ZERO)
        account = exchange.engine.accounts["treasury"]
        there = account.wallets.available(records.Wallet.COLLATERAL, "USDT")
        assert gained == there - 100_000 != 0

    traded(script)


def test_a_delisting_ends_orders_and_converts_holdings() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        account = exchange.engine.accounts["treasury"]
        for price in ("0.2", "0.3"):
            exchange.place(
                "treasury",
                Instruction(
                    market="DOGE_USDT", side=Side.SELL, amount=Decimal(100), price=Decimal(price)
                ),
            )
        exchange.publish(exchange.engine.enforcement.delist("DOGE_USDT"))
        facts = await read(rest, calls.delisted_orders(SINCE, None, 0, 500))
        orders = [fact for fact in facts if isinstance(fact, Order)]
        conversions = [fact for fact in facts if isinstance(fact, Movement)]
        assert sorted(order.status for order in orders) == ["canceled", "canceled", "filled"]
        [converted] = conversions
        assert (converted.kind, converted.wallet) == (MovementKind.DELISTING, Wallet.SPOT)
        assert converted.amount == -100_000
        assert converted.counter_amount is not None
        assert converted.fee is not None
        there = account.wallets.available(records.Wallet.SPOT, "USDT")
        assert minus(converted.counter_amount, converted.fee) == there - 1_000_000

    called(script)
