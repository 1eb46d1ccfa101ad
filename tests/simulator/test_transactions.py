"""The statuses of deposits and withdrawals, and the money that goes with each."""

from dataclasses import replace
from decimal import Decimal

import pytest

from reconciler.simulator.transactions import Method, Transaction
from tests.simulator.client import START

DEPOSIT = Transaction(
    transaction_id="5e112b38-9652-11ed-a1eb-0242ac120002",
    unique_id=None,
    method=Method.DEPOSIT,
    asset="BTC",
    amount=Decimal(10),
    fee=Decimal(1),
    is_fee_included=True,
    status=15,
    created_at=START,
    address="here",
    memo="",
    network=None,
    transaction_hash="hash",
)
WITHDRAWAL = replace(DEPOSIT, method=Method.WITHDRAWAL, status=1)


def credited(transaction: Transaction, status: int) -> Decimal:
    return replace(transaction, status=status).effect()


@pytest.mark.parametrize("status", [3, 7])
def test_a_deposit_is_credited_when_it_succeeds_less_its_fee_or_whole(status: int) -> None:
    assert credited(DEPOSIT, status) == 9
    assert credited(replace(DEPOSIT, is_fee_included=False), status) == 10


@pytest.mark.parametrize("status", [4, 5, 9, 15, 21, 22, 27, 28])
def test_a_deposit_in_any_other_status_is_not_credited(status: int) -> None:
    assert credited(DEPOSIT, status) == 0


@pytest.mark.parametrize("status", [1, 2, 3, 6, 7, 10, 17, 21])
def test_a_withdrawal_is_debited_from_the_start_its_fee_included_or_on_top(status: int) -> None:
    assert credited(WITHDRAWAL, status) == -10
    assert credited(replace(WITHDRAWAL, is_fee_included=False), status) == -11


def test_a_withdrawal_that_is_cancelled_or_unconfirmed_takes_nothing() -> None:
    assert credited(WITHDRAWAL, 4) == credited(WITHDRAWAL, 5) == 0


def test_a_withdrawal_that_succeeds_in_part_takes_what_was_processed_and_its_fee() -> None:
    part = replace(WITHDRAWAL, processed=(Decimal(4), Decimal("0.5")))
    assert credited(part, 18) == Decimal("-4.5")


def test_a_deposit_never_leaves_success() -> None:
    done = replace(DEPOSIT, status=3)
    assert done.is_final
    assert not any(done.leads_to(status) for status in range(30))


def test_the_travel_rule_comes_before_the_credit() -> None:
    assert DEPOSIT.leads_to(27)
    assert replace(DEPOSIT, status=27).leads_to(28)
    assert not replace(DEPOSIT, status=27).leads_to(3)
    assert replace(DEPOSIT, status=28).leads_to(7)


def test_a_withdrawal_goes_through_pending_codes_to_an_end() -> None:
    assert WITHDRAWAL.leads_to(12)
    assert replace(WITHDRAWAL, status=12).leads_to(18)
    assert not WITHDRAWAL.leads_to(22)
    assert replace(WITHDRAWAL, status=4).is_final
