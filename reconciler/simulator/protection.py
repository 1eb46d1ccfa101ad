"""What an order triggers when it is filled: orders that close its position again (OTO)."""

from decimal import Decimal

from reconciler.simulator.numbers import negative
from reconciler.simulator.records import Instruction, Kind, Order, Side


def protection(filled: Order, position: Decimal) -> list[Instruction]:
    """At the market when the price has gone the wrong way, at a limit when it has gone the right
    one, in this order; none for what was only closed by it (`position` is what there is now).

    Which kinds of orders the exchange places is undocumented.
    """
    held = position if filled.side is Side.BUY else negative(position)
    amount = min(filled.filled_amount, held)
    asked: list[Instruction] = []
    if amount <= 0:
        return asked
    if filled.stop_loss is not None:
        asked.append(
            Instruction(
                market=filled.market,
                side=filled.side.opposite,
                kind=Kind.MARGIN_STOP_MARKET,
                amount=amount,
                activation_price=filled.stop_loss,
                reduce_only=True,
            )
        )
    if filled.take_profit is not None:
        asked.append(
            Instruction(
                market=filled.market,
                side=filled.side.opposite,
                kind=Kind.MARGIN_LIMIT,
                amount=amount,
                price=filled.take_profit,
                reduce_only=True,
            )
        )
    return asked
