"""Codes, conversions and transfers to sub-accounts: which way the money went, and what names it."""

import hashlib
import json
from decimal import Decimal

import pytest

from reconciler.domain.facts import Movement, Unreadable
from reconciler.domain.words import MovementKind, Wallet
from reconciler.wire.rest import Call, Page, codes, conversions, sub_accounts, sub_transfers
from tests.wire.examples import example, rows

CODE = "WBe11f4fce-2a53-4edc-b195-66b693bd77e3ETH"
HASH = f"sha256:{hashlib.sha256(CODE.encode()).hexdigest()}"
CODES = codes(0, 100)
CONVERSIONS = conversions(1_699_000_000, None, 0, 100)
TO_SUB = sub_transfers("8e667b4a", 0, 100)


def test_a_code_that_we_created_and_applied_is_two_movements() -> None:
    """Trap 65."""
    page = CODES.decode(example("rest", "main-account/codes/history"), 1)
    assert (page.count, page.total, page.surplus) == (2, 29, 0)
    applied, created = page.facts
    assert applied == Movement(
        kind=MovementKind.CODE,
        movement_id=f"{HASH}/applied",
        wallet=Wallet.MAIN,
        asset="ETH",
        amount=Decimal("0.002"),
        status="activated",
        settled=True,
        reference="cf7c3ff8-5eb0-11ed-9b6a-0242ac120002",
        occurred_at=1598296734_000000,
    )
    assert isinstance(created, Movement)
    assert (created.movement_id, created.amount) == (f"{HASH}/created", Decimal("-0.002"))


def test_a_code_without_a_sign_is_not_guessed_at() -> None:
    assert refused(CODES, "main-account/codes/history", {"amount": "0.002"})


def test_the_assets_of_a_conversion_stand_in_its_path() -> None:
    """Trap 66: the first gives, the last receives."""
    page = CONVERSIONS.decode(example("rest", "convert/history"), 1)
    assert (page.count, page.total, page.surplus) == (1, 4, 0)
    assert page.facts == (
        Movement(
            kind=MovementKind.CONVERSION,
            movement_id="4030",
            wallet=None,
            asset="BTC",
            amount=Decimal("-0.00002901"),
            counter_asset="USDT",
            counter_amount=Decimal(1),
            status="success",
            settled=True,
            occurred_at=1699020642_000000,
        ),
    )
    by_way_of = [{"from": "A", "to": "B", "rate": "1"}, {"from": "B", "to": "C", "new": 1}]
    [row] = rows("convert/history")
    movement = only(CONVERSIONS, row | {"path": by_way_of, "id": 4030})
    assert (movement.asset, movement.counter_asset) == ("A", "C")
    assert movement.movement_id == "4030"


def test_a_conversion_without_a_path() -> None:
    assert refused(CONVERSIONS, "convert/history", {"path": []})


def test_a_transfer_to_a_sub_account_takes_from_its_master() -> None:
    page = TO_SUB.decode(example("rest", "sub-account/transfer/history"), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert page.facts == (
        Movement(
            kind=MovementKind.SUB_TRANSFER,
            movement_id="tx-abc123",
            wallet=None,
            asset="ETH",
            amount=Decimal("-0.5"),
            status="success",
            settled=True,
            reference="8e667b4a",
            occurred_at=1641081600_000000,
        ),
    )
    [row] = rows("sub-account/transfer/history")
    assert only(TO_SUB, row | {"direction": "sub_to_main"}).amount == Decimal("0.5")


def test_sub_transfers_may_be_a_bare_list_under_an_older_id() -> None:
    """The text says a list, the schema an object (PROTOCOL § 5.12)."""
    row = b"""[{"id":"0d7b66ff","direction":"main_to_sub","currency":"USDT","amount":"3.14",
        "createdAt":1715339355}]"""
    [fact] = TO_SUB.decode(row, 1).facts
    assert isinstance(fact, Movement)
    assert fact.movement_id == "0d7b66ff"
    [same] = TO_SUB.decode(b'{"data":%b}' % row, 1).facts
    assert same == fact


@pytest.mark.parametrize("bad", [{"direction": "sideways"}, {"transaction_id": "", "id": None}])
def test_what_is_no_transfer(bad: dict[str, object]) -> None:
    assert refused(TO_SUB, "sub-account/transfer/history", bad)


def test_sub_accounts_are_known_by_their_ids() -> None:
    ids = sub_accounts(0, 100).decode(example("rest", "sub-account/list"), 1)
    assert ids == ("8e667b4a-0b71-4988-8af5-9474dbfaeb51",)
    assert sub_accounts(0, 100).decode(b'{"data":[],"offset":0}', 1) == ()


def only(call: Call[Page], row: dict[str, object]) -> Movement:
    [fact] = call.decode(json.dumps({"records": [row]}).encode(), 1).facts
    assert isinstance(fact, Movement), fact
    return fact


def refused(call: Call[Page], name: str, bad: dict[str, object]) -> bool:
    page = call.decode(json.dumps({"records": [rows(name)[0] | bad]}).encode(), 1)
    return page.count == 1 and [type(fact) for fact in page.facts] == [Unreadable]
