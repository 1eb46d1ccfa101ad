"""What a reading of balances proves hangs on what was pushed between question and answer."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Balance, BalanceReport, Unreadable
from reconciler.domain.words import Wallet
from reconciler.feed.sights import Sights

SPOT, COLLATERAL = Wallet.SPOT, Wallet.COLLATERAL


def report(wallet: Wallet = SPOT, complete: bool = False, **totals: str) -> BalanceReport:
    """Of assets by their names, all available."""
    return reported(totals, wallet, complete)


def reported(
    totals: dict[str, str], wallet: Wallet = SPOT, complete: bool = False
) -> BalanceReport:
    return BalanceReport(
        wallet=wallet,
        balances=tuple(
            Balance(
                asset=asset,
                available=Decimal(total),
                frozen=Decimal(0),
                borrowed=None,
                total=Decimal(total),
            )
            for asset, total in totals.items()
        ),
        complete=complete,
        observed_at=1,
    )


BROKEN = Unreadable(stream="balanceSpot", reason="NaN", excerpt="", received_at=1)


def test_an_asset_pushed_between_question_and_answer_is_touched_and_no_other() -> None:
    sights = Sights()
    sights.hear([report(BTC="1", ETH="2", USDT="3")])
    mark = sights.mark
    sights.hear([report(BTC="4")])
    sights.hear([report(ETH="5")])
    reading = sights.compare(SPOT, [report(complete=True, BTC="4", ETH="5", USDT="3")], mark)
    assert reading.touched == {"BTC", "ETH"}
    assert sights.compare(SPOT, [report(BTC="4")], sights.mark).touched == set()


def test_a_push_of_another_wallet_touches_nothing_here() -> None:
    sights = Sights()
    mark = sights.mark
    sights.hear([report(COLLATERAL, BTC="4")])
    assert sights.compare(SPOT, [report(BTC="1")], mark).touched == set()
    assert sights.compare(COLLATERAL, [report(COLLATERAL, BTC="4")], mark).touched == {"BTC"}


def test_a_push_that_nobody_could_read_may_have_told_of_any_asset() -> None:
    sights = Sights()
    mark = sights.mark
    sights.hear([BROKEN])
    answer = [report(complete=True, BTC="1", ETH="2")]
    assert sights.compare(SPOT, answer, mark).touched == {"BTC", "ETH"}
    assert sights.compare(SPOT, answer, sights.mark).touched == set()


def test_news_is_what_is_told_otherwise_than_it_was_told_last() -> None:
    sights = Sights()
    first = sights.compare(SPOT, [report(complete=True, BTC="1", ETH="2", SOL="0")], 0)
    assert first.news == {"BTC", "ETH"}  # nothing was zero before it was told
    sights.hear([report(BTC="3")])
    again = sights.compare(SPOT, [report(complete=True, BTC="3", ETH="4", SOL="0")], sights.mark)
    assert again.news == {"ETH"}


def test_an_asset_that_a_whole_reading_does_not_name_is_gone() -> None:
    sights = Sights()
    sights.hear([report(BTC="1", ETH="2")])
    assert sights.compare(SPOT, [report(BTC="1")], sights.mark).news == set()
    assert sights.compare(SPOT, [report(complete=True, BTC="1")], sights.mark).news == {"ETH"}
    assert sights.compare(SPOT, [report(complete=True, BTC="1")], sights.mark).news == set()


def test_what_collateral_has_available_moves_with_prices_and_is_no_news() -> None:
    def shown(available: str, borrowed: str) -> BalanceReport:
        balance = Balance(
            asset="USDT",
            available=Decimal(available),
            frozen=None,
            borrowed=Decimal(borrowed),
            total=Decimal(50),
        )
        return BalanceReport(wallet=COLLATERAL, balances=(balance,), complete=False, observed_at=1)

    sights = Sights()
    sights.hear([shown("40", "0")])
    assert sights.compare(COLLATERAL, [shown("30", "0")], sights.mark).news == set()
    assert sights.compare(COLLATERAL, [shown("30", "7")], sights.mark).news == {"USDT"}


amounts = st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["0", "1", "2"]))


@given(st.lists(amounts), st.lists(amounts), amounts)
def test_an_asset_is_neither_touched_nor_news_only_if_all_sights_since_the_question_agree(
    before: list[dict[str, str]], between: list[dict[str, str]], answer: dict[str, str]
) -> None:
    sights = Sights()
    last: dict[str, str] = {}
    for told in before:
        sights.hear([reported(told)])
        last |= told
    mark = sights.mark
    for told in between:
        sights.hear([reported(told)])
    reading = sights.compare(SPOT, [reported(answer, complete=True)], mark)
    pushed = {asset for told in between for asset in told}
    assert reading.touched == pushed
    for asset in {*last, *answer} - pushed:
        assert (asset in reading.news) == (last.get(asset, "0") != answer.get(asset, "0"))
