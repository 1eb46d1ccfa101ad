"""What REST clients can ask and do about conversions (PROTOCOL § 5.11)."""

from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import text
from reconciler.simulator.papers import Conversion
from reconciler.simulator.reads import OFFSET_MAX, Read, reach_s

SECOND = 1_000_000
DAY_S = 86_400
SPAN_MAX_S = 30 * DAY_S
RECORDS_MAX = 100


def estimate(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """A quote; `direction` says which of the two the amount is of."""
    assets = exchange.engine.assets
    quote = exchange.engine.conversions.estimate(
        account.name,
        asked.needed("from", assets),
        asked.needed("to", assets),
        asked.amount("amount"),
        is_received=asked.needed("direction", ("from", "to")) == "to",
    )
    return {
        "id": str(quote.quote_id),
        "from": quote.given_asset,
        "to": quote.received_asset,
        "give": text(quote.given),
        "receive": text(quote.received),
        "rate": text(quote.rate),
        "expireAt": quote.expires_at // SECOND,
    }


def confirm(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Converts as quoted."""
    quote_id = asked.integer("quoteId")
    if quote_id is None:
        raise Invalid("quoteId", "validation.required")
    done = exchange.told(exchange.engine.conversions.confirm(account.name, quote_id))
    return {"finalGive": text(done.given), "finalReceive": text(done.received)}


def history(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """Newest first; the assets are only in the path.  Without `from` it is the last 30 days."""
    given = asked.one_of("fromTicker", exchange.engine.assets)
    received = asked.one_of("toTicker", exchange.engine.assets)
    quote_id = asked.integer("quoteId")
    offset, limit = asked.page(RECORDS_MAX, OFFSET_MAX, default=100)
    floor_s = reach_s(exchange.now())
    until_s = asked.integer("to") or exchange.now() // SECOND + 1
    since_s = asked.integer("from")
    if since_s is None:
        since_s = max(until_s - SPAN_MAX_S, floor_s)
    if since_s < floor_s or until_s - since_s > SPAN_MAX_S:
        raise Invalid("from", "api.validation.dateTime.maxRange")
    rows = [
        row
        for row in reversed(account.papers.conversions)
        if given in (None, row.given_asset)
        and received in (None, row.received_asset)
        and quote_id in (None, row.conversion_id)
        and since_s * SECOND <= row.converted_at < until_s * SECOND
    ]
    return {
        "records": [conversion(row) for row in rows[offset : offset + limit]],
        "total": len(rows),
        "limit": limit,
        "offset": offset,
    }


def conversion(row: Conversion) -> dict[str, Any]:
    """One record of the history."""
    return {
        "id": str(row.conversion_id),
        "date": row.converted_at // SECOND,
        "give": text(row.given),
        "receive": text(row.received),
        "rate": text(row.rate),
        "path": [{"from": a, "to": b, "rate": text(rate)} for a, b, rate in row.steps],
    }


CONVERT_CALLS: dict[str, Read] = {
    "/api/v4/convert/estimate": estimate,
    "/api/v4/convert/confirm": confirm,
    "/api/v4/convert/history": history,
}
