"""Deposits and withdrawals: two spellings of their ids, old rows without, and their statuses."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Transaction, Unreadable
from reconciler.domain.words import TransactionKind, is_settled
from reconciler.wire.rest import transactions
from reconciler.wire.transactions import status
from tests.wire.examples import example, rows

DEPOSIT, WITHDRAWAL = TransactionKind.DEPOSIT, TransactionKind.WITHDRAWAL
CALL = transactions(DEPOSIT, 0, 100)
SEEN_AT = 1_700_000_000_000_000


def test_the_documented_deposit() -> None:
    page = CALL.decode(example("rest", "main-account/history"), SEEN_AT)
    assert (page.count, page.total, page.surplus) == (1, 300, 0)
    assert page.facts == (
        Transaction(
            transaction_id="5e112b38-9652-11ed-a1eb-0242ac120002",
            kind=DEPOSIT,
            asset="BTC",
            network=None,
            amount=Decimal("0.0006"),
            fee=Decimal(0),
            status="confirming",
            processed_amount=Decimal(39000),
            processed_fee=Decimal(273),
            address="3ApEASLcrQtZpg1TsssFgYF5V5YQJAKvuE",
            transaction_hash="a275a514013e4e0f927fd0d1bed215e7f6f2c4c6ce762836fe135ec22529d886",
            unique_id=None,
            created_at=1593437922_000000,
            updated_at=SEEN_AT,
        ),
    )


def test_both_spellings_of_the_ids() -> None:
    """Documented in snake_case, live in camelCase (trap 61)."""
    snake = read(unique_id="u-1")
    camel = read(
        drop=("unique_id", "transaction_id"),
        uniqueId="u-1",
        transactionId="5e112b38-9652-11ed-a1eb-0242ac120002",
    )
    assert snake == camel
    assert camel.unique_id == "u-1"


def test_a_withdrawal_without_id_goes_by_the_id_that_its_sender_gave_it() -> None:
    seen = read(drop=("transaction_id",), method=2, unique_id="u-1")
    assert (seen.kind, seen.transaction_id) == (WITHDRAWAL, "u-1")


@pytest.mark.parametrize("method", [1, 2])
def test_an_old_row_has_the_same_id_however_its_amount_and_status_are_spelled(method: int) -> None:
    seen = read(drop=("transaction_id",), method=method, amount="0.50", status=15)
    again = read(drop=("transaction_id",), method=method, amount="0.5000", status=3)
    assert seen.transaction_id == again.transaction_id


@pytest.mark.parametrize(
    "other",
    [{"amount": "0.6"}, {"address": "b"}, {"memo": "7"}, {"createdAt": 1593437923}],
)
@pytest.mark.parametrize("method", [1, 2])
def test_old_rows_of_one_transaction_of_a_chain_are_told_apart(
    method: int, other: dict[str, object]
) -> None:
    """Trap 64: a chain's transaction can carry several deposits, so its hash alone is no key."""
    bare: dict[str, Any] = {"drop": ("transaction_id",), "method": method, "address": "a"}
    ids = {read(**bare).transaction_id, read(**(bare | other)).transaction_id}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("kind", "numbers", "word", "settled"),
    [
        (DEPOSIT, (3, 7), "success", True),
        (DEPOSIT, (4, 9), "canceled", True),
        (DEPOSIT, (5,), "unconfirmed", False),
        (DEPOSIT, (15,), "confirming", False),
        (DEPOSIT, (21,), "frozen", False),
        (DEPOSIT, (22,), "uncredited", True),
        (DEPOSIT, (27,), "travel_rule_waiting", False),
        (DEPOSIT, (28,), "travel_rule_in_progress", False),
        (WITHDRAWAL, (1, 2, 6, *range(10, 18)), "pending", False),
        (WITHDRAWAL, (3, 7), "success", True),
        (WITHDRAWAL, (4,), "canceled", True),
        (WITHDRAWAL, (5,), "unconfirmed", False),
        (WITHDRAWAL, (18,), "partial", True),
        (WITHDRAWAL, (21,), "frozen", False),
    ],
)
def test_statuses(
    kind: TransactionKind, numbers: tuple[int, ...], word: str, settled: bool
) -> None:
    assert {status(kind, number) for number in numbers} == {word}
    assert {status(kind, str(number)) for number in numbers} == {word}
    assert is_settled(word) == settled


@given(st.sampled_from(TransactionKind), st.integers(29, 10**6))
def test_an_unknown_status_is_kept_as_text(kind: TransactionKind, number: int) -> None:
    """Trap 63; one client knows 31."""
    assert status(kind, number) == str(number)
    assert not is_settled(status(kind, number))


@pytest.mark.parametrize("details", [None, [], {}, {"partial": None}, {"partial": []}])
def test_details_without_a_part(details: object) -> None:
    """Also as the exchange's language writes an empty map (trap 29)."""
    seen = read(details=details)
    assert (seen.processed_amount, seen.processed_fee) == (None, None)


def test_free_text_is_made_fit_rather_than_refused() -> None:
    seen = read(address="a\0b" + "c" * 300, network="", transactionHash=None)
    assert seen.address is not None
    assert seen.address.startswith("a\ufffdbccc")
    assert len(seen.address) == 256
    assert (seen.network, seen.transaction_hash) == (None, None)


def test_fields_that_live_answers_have() -> None:
    [row] = rows("main-account/history")
    body = json.dumps({"records": [row | {"centralized": False, "new": 1}]}).encode()
    assert CALL.decode(body, 1).surplus == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"method": 3},
        {"ticker": ""},
        {"amount": "NaN"},
        {"fee": None},
        {"createdAt": "yesterday"},
        {"createdAt": None},
        {"details": {"partial": {"processedAmount": "much"}}},
        {"details": "none"},
        {"status": 1.5},
    ],
)
def test_what_is_no_transaction(bad: dict[str, object]) -> None:
    [row] = rows("main-account/history")
    page = CALL.decode(json.dumps({"records": [row | bad, row]}).encode(), 1)
    assert [type(fact) for fact in page.facts] == [Unreadable, Transaction]
    assert page.count == 2


def read(drop: tuple[str, ...] = (), **changes: object) -> Transaction:
    [row] = rows("main-account/history")
    row = {name: value for name, value in (row | changes).items() if name not in drop}
    [fact] = CALL.decode(json.dumps({"records": [row]}).encode(), SEEN_AT).facts
    assert isinstance(fact, Transaction), fact
    return fact
