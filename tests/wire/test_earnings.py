"""Lending and mining: only what enters or leaves the main wallet is settled."""

import json
from decimal import Decimal

import pytest

from reconciler.domain.facts import Movement, Unreadable
from reconciler.domain.words import MovementKind, Wallet
from reconciler.wire.rest import Call, Page, fixed_lending, flexible_lending, interest, mining
from tests.wire.examples import example, rows

FIXED = "main-account/smart/investments"
INTEREST = "main-account/smart/interest-payment-history"
FLEXIBLE = "main-account/smart-flex/investments/history"
MINING = "mining/rewards"
CALLS = {
    FIXED: fixed_lending(0, 100),
    INTEREST: interest(0, 100),
    FLEXIBLE: flexible_lending(None, None, 0, 100),
    MINING: mining(1_600_000_000, None, 0, 100),
}


@pytest.mark.parametrize("name", CALLS)
def test_documented_answers_have_no_surplus(name: str) -> None:
    page = CALLS[name].decode(example("rest", name), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert all(isinstance(fact, Movement) for fact in page.facts)


def test_an_investment_takes_from_the_main_wallet() -> None:
    [lent] = CALLS[FIXED].decode(example("rest", FIXED), 1).facts
    assert lent == Movement(
        kind=MovementKind.LENDING,
        movement_id="0d7b66ff-1909-4938-ab7a-d16d9a64dcd5/open",
        wallet=Wallet.MAIN,
        asset="USDT",
        amount=Decimal(-100),
        status="success",
        settled=True,
        reference="0d7b66ff-1909-4938-ab7a-d16d9a64dcd5",
        occurred_at=1646825196_000000,
    )


def test_a_closed_investment_gave_back_what_it_took() -> None:
    """One row, two movements; paging counts the row."""
    page = changed(FIXED, status=2, updated=1646839596)
    lent, returned = page.facts
    assert isinstance(lent, Movement)
    assert isinstance(returned, Movement)
    assert page.count == 1
    assert returned.movement_id == "0d7b66ff-1909-4938-ab7a-d16d9a64dcd5/close"
    assert (lent.amount, returned.amount) == (Decimal(-100), Decimal(100))
    assert (lent.occurred_at, returned.occurred_at) == (1646825196_000000, 1646839596_000000)
    [unclosed] = changed(FIXED, status=1).facts
    assert unclosed == lent


def test_interest_is_known_by_what_it_says() -> None:
    """Rows have no id (PROTOCOL § 6.1)."""
    [paid] = CALLS[INTEREST].decode(example("rest", INTEREST), 1).facts
    investment = "0d7b66ff-1909-4938-ab7a-d16d9a64dcd5"
    assert paid == Movement(
        kind=MovementKind.INTEREST,
        movement_id=f"{investment}/1646839596000000/USDT/10",
        wallet=Wallet.MAIN,
        asset="USDT",
        amount=Decimal(10),
        status="success",
        settled=True,
        reference=investment,
        occurred_at=1646839596_000000,
    )
    assert changed(INTEREST, amount="10.000").facts == (paid,)


@pytest.mark.parametrize(
    ("number", "kind", "word", "amount", "settled"),
    [
        (1, MovementKind.LENDING, "invested", "-15.75", True),
        (2, MovementKind.LENDING, "reinvested", "15.75", False),
        (3, MovementKind.LENDING, "withdrawn", "15.75", True),
        (4, MovementKind.INTEREST, "earned", "15.75", False),
        (5, MovementKind.LENDING, "closed", "15.75", True),
        (6, MovementKind.LENDING, "opened", "-15.75", True),
        (7, MovementKind.LENDING, "7", "15.75", False),
    ],
)
def test_actions_on_a_flexible_investment(
    number: int, kind: MovementKind, word: str, amount: str, settled: bool
) -> None:
    """What stays within the plan changed no balance; nor, as far as we know, did what is new."""
    [fact] = changed(FLEXIBLE, actionType=number).facts
    assert isinstance(fact, Movement)
    assert (fact.kind, fact.status, fact.settled) == (kind, word, settled)
    assert (fact.wallet, fact.asset, fact.amount) == (Wallet.MAIN, "USDT", Decimal(amount))
    assert fact.movement_id == "tx_9f3e0d4c-2b5c-4d3e-8f6g-7a8b9c0d1e2f"
    assert fact.reference == "inv_7e2d9c3b-1a4b-4c2d-9e5f-6a7b8c9d0e1f"


def test_a_reward_to_elsewhere_is_not_settled() -> None:
    [fact] = CALLS[MINING].decode(example("rest", MINING), 1).facts
    assert fact == Movement(
        kind=MovementKind.MINING,
        movement_id="miner123/1641081600000000/BTC/1641085200000000",
        wallet=None,
        asset="BTC",
        amount=Decimal("0.001"),
        fee=Decimal("0.00025"),
        status="pending",
        settled=False,
        reference="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        occurred_at=1641085200_000000,
    )


@pytest.mark.parametrize(
    ("destination", "status", "settled"),
    [
        ("main_balance", "successful", True),
        ("main_balance", "pending", False),
        ("main_balance", "canceled", False),
        ("main_balance", "novel", False),
        ("external_address", "successful", False),
        ("novel", "successful", False),
    ],
)
def test_a_reward_is_settled_when_it_is_in_the_main_wallet(
    destination: str, status: str, settled: bool
) -> None:
    [fact] = changed(
        MINING,
        payoutDestination=destination,
        status=status,
        payoutTime=None,
        payoutAddress=None,
        payoutTransactionHash=None,
    ).facts
    assert isinstance(fact, Movement)
    assert fact.settled == settled
    assert fact.wallet == (Wallet.MAIN if destination == "main_balance" else None)
    assert (fact.occurred_at, fact.reference) == (1641081600_000000, "miner123")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        (FIXED, {"plan": None}),
        (FIXED, {"id": ""}),
        (FIXED, {"amount": "1_0"}),
        (INTEREST, {"timestamp": None}),
        (INTEREST, {"amount": "Infinity"}),
        (FLEXIBLE, {"transaction_id": None}),
        (FLEXIBLE, {"actionType": "many"}),
        (MINING, {"reward": None}),
        (MINING, {"rewardCurrency": "\0"}),
    ],
)
def test_what_is_no_earning(name: str, bad: dict[str, object]) -> None:
    page = changed(name, **bad)
    assert page.count == 1
    assert [type(fact) for fact in page.facts] == [Unreadable]


def changed(name: str, **changes: object) -> Page:
    call: Call[Page] = CALLS[name]
    [row] = rows(name)
    return call.decode(json.dumps({"data": [row | changes]}).encode(), 1)
