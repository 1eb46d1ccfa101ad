"""Against the vendor's own specifications, where they are at hand beside the repository.

The examples kept here are the vendor's, to the digit, and what we send satisfies the schemas.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reconciler.domain.facts import Unreadable
from reconciler.domain.words import TransactionKind, Wallet
from reconciler.wire import frames, rest
from reconciler.wire.frames import Request
from reconciler.wire.rest import Call
from reconciler.wire.signing import sign
from tests.wire.examples import example, names
from tests.wire.test_deals import ORDER

SPECIFICATIONS = Path(__file__).parents[3] / "shared" / "whitebit"
pytestmark = pytest.mark.skipif(not SPECIFICATIONS.is_dir(), reason="no specifications at hand")

CHANNELS = [
    "private/authorize",
    "private/balance_spot",
    "private/balance_margin",
    "private/orders_pending",
    "private/orders_executed",
    "private/deals",
    "public/service",
]

REQUESTS = [
    ("private/authorize", "AuthorizeRequest", frames.authorize("token")),
    ("public/service", "PingRequest", frames.ping()),
    ("private/balance_spot", "BalanceSpotRequest", frames.query_balances(Wallet.SPOT)),
    ("private/balance_spot", "BalanceSpotRequest", frames.query_balances(Wallet.SPOT, ["A"])),
    ("private/balance_spot", "BalanceSpotSubscribe", frames.subscribe_balances(Wallet.SPOT)),
    ("private/balance_spot", "UnsubscribeRequest", frames.unsubscribe_balances(Wallet.SPOT)),
    ("private/balance_margin", "BalanceMarginRequest", frames.query_balances(Wallet.COLLATERAL)),
    (
        "private/balance_margin",
        "BalanceMarginSubscribe",
        frames.subscribe_balances(Wallet.COLLATERAL, ["BTC"]),
    ),
    (
        "private/balance_margin",
        "UnsubscribeRequest",
        frames.unsubscribe_balances(Wallet.COLLATERAL),
    ),
    (
        "private/orders_pending",
        "OrdersPendingRequest",
        frames.query_pending_orders("BTC_USDT", 0, 100),
    ),
    (
        "private/orders_pending",
        "OrdersPendingSubscribe",
        frames.subscribe_pending_orders(["BTC_USDT"]),
    ),
    ("private/orders_pending", "UnsubscribeRequest", frames.unsubscribe_pending_orders()),
    (
        "private/orders_executed",
        "OrdersExecutedRequest",
        frames.query_executed_orders("BTC_USDT", [1, 2], 0, 100),
    ),
    (
        "private/orders_executed",
        "OrdersExecutedSubscribe",
        frames.subscribe_executed_orders(["BTC_USDT"]),
    ),
    ("private/orders_executed", "UnsubscribeRequest", frames.unsubscribe_executed_orders()),
    ("private/deals", "DealsRequest", frames.query_deals("BTC_USDT", 0, 100)),
    ("private/deals", "DealsSubscribe", frames.subscribe_deals()),
    ("private/deals", "DealsSubscribe", frames.subscribe_deals(["BTC_USDT"])),
    ("private/deals", "UnsubscribeRequest", frames.unsubscribe_deals()),
]

CALLS: list[tuple[str, Call[Any]]] = [
    ("private/main_api_v4", rest.websocket_token()),
    ("private/http-trade-v4", rest.spot_balances()),
    ("private/main_api_v4", rest.main_balances()),
    ("private/http-trade-v4", rest.collateral_balances()),
    ("private/http-trade-v4", rest.collateral_totals()),
    ("private/http-trade-v4", rest.active_orders(0, 100)),
    ("private/http-trade-v4", rest.order_history(1700000000, 1700003600, 0, 500)),
    ("private/http-trade-v4", rest.order_by_id(17)),
    ("private/http-trade-v4", rest.deals_history(1700000000, 1700003600, 0, 500)),
    ("private/http-trade-v4", rest.deals_of_order(ORDER, 0, 100)),
    ("private/http-trade-v4", rest.delisted_orders(1700000000, 1700003600, 0, 500)),
    ("private/http-trade-v4", rest.conditional_orders(0, 100)),
    ("private/http-trade-v4", rest.oco_orders(0, 100)),
    ("private/http-trade-v4", rest.conversions(1700000000, 1700003600, 0, 100)),
    ("private/http-trade-v4", rest.funding(0, 100)),
    ("private/http-trade-v4", rest.positions(1700000000, 1700003600, 0, 100)),
    (
        "private/main_api_v4",
        rest.transactions(TransactionKind.DEPOSIT, 0, 500, ticker="BTC", address="a"),
    ),
    ("private/main_api_v4", rest.codes(0, 100)),
    ("private/main_api_v4", rest.sub_accounts(0, 100)),
    ("private/main_api_v4", rest.sub_transfers("8e667b4a", 0, 100)),
    ("private/main_api_v4", rest.fixed_lending(0, 100)),
    ("private/main_api_v4", rest.interest(0, 100)),
    ("private/main_api_v4", rest.flexible_lending(1700000000, 1700003600, 0, 100)),
    ("private/main_api_v4", rest.mining(1700000000, 1700003600, 0, 100)),
    ("public/http-v4", rest.markets()),
    ("public/http-v4", rest.assets()),
    ("public/http-v4", rest.server_time()),
]


UNNAMED = {
    # Only the description of its error 30 speaks of them.
    "positions": {"limit", "offset"},
    # Every private call has these two; the schemas of sub-accounts leave them out.
    "sub_accounts": {"request", "nonce"},
    "sub_transfers": {"request", "nonce"},
    "flexible_lending": {"request", "nonce"},
    "mining": {"request", "nonce"},
}
"""What we send and a schema doesn't name."""


@pytest.mark.parametrize("channel", CHANNELS)
def test_our_examples_are_the_vendors(channel: str) -> None:
    messages = specification(f"asyncapi/{channel}", Exact)["components"]["messages"]
    file = f"ws_{channel.split('/')[1]}"
    documented = {
        name: message["examples"] for name, message in messages.items() if "examples" in message
    }
    assert list(documented) == names(file)
    for name, [only] in documented.items():
        assert exact_json(example(file, name)) == only["payload"]


def test_our_rest_examples_are_the_vendors() -> None:
    documents = [
        specification(f"openapi/{name}", Exact)
        for name in ("private/http-trade-v4", "private/main_api_v4", "public/http-v4")
    ]
    for name in names("rest"):
        [document] = [each for each in documents if f"/api/v4/{name}" in each["paths"]]
        answer = answer_of(document, f"/api/v4/{name}")
        documented = answer.get("example") or put_together(answer["schema"], document)
        assert exact_json(example("rest", name)) == documented


@pytest.mark.parametrize(("channel", "schema", "request_"), REQUESTS)
def test_requests_satisfy_the_schema(channel: str, schema: str, request_: Request) -> None:
    document = specification(f"asyncapi/{channel}")
    payload = json.loads(frames.encode(request_, 1))
    jsonschema.Draft7Validator(
        {**document["components"]["schemas"][schema], "components": document["components"]}
    ).validate(payload)


@pytest.mark.parametrize(("document_name", "call"), CALLS)
def test_calls_satisfy_the_schema(document_name: str, call: Call[Any]) -> None:
    document = specification(f"openapi/{document_name}")
    operation = document["paths"][call.path][call.method.lower()]
    if call.method == "GET":
        assert call.params == {}
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = json.loads(sign(call.path, call.params, nonce=1, key="k", secret="s").body)
    unnamed = set(body) - {"nonceWindow"} - set(schema["properties"])
    assert unnamed <= UNNAMED.get(call.name, set())
    jsonschema.Draft7Validator({**schema, "components": document["components"]}).validate(body)


def test_every_field_that_an_answer_has_is_known() -> None:
    """Records made of every documented property are read, and nothing of them is surplus."""
    document = specification("openapi/private/http-trade-v4")
    order = put_together({"$ref": "#/components/schemas/OrderResponse"}, document)
    page = rest.active_orders(0, 100).decode(json.dumps([order]).encode(), 1)
    assert (page.count, page.surplus) == (1, 0)
    schema = answer_of(document, "/api/v4/trade-account/order/history")["schema"]
    past = put_together(schema["additionalProperties"]["items"], document)
    page = rest.order_history(0, 1, 0, 1).decode(json.dumps({"A_B": [past]}).encode(), 1)
    assert (page.count, page.surplus) == (1, 0)
    deal = dict.fromkeys(document["components"]["schemas"]["ExecutedDeal"]["properties"], "1")
    page = rest.deals_history(0, 1, 0, 1).decode(
        json.dumps({"A_B": [{**deal, "side": "buy"}]}).encode(), 1
    )
    assert (page.count, page.surplus) == (1, 0)


@pytest.mark.parametrize(
    ("document_name", "schema", "call", "name"),
    [
        ("private/main_api_v4", "TransactionHistory", "transactions", None),
        ("private/main_api_v4", "CodeHistory", "codes", None),
        ("private/main_api_v4", "SubAccountTransfer", "sub_transfers", None),
        ("private/main_api_v4", "Investment", "fixed_lending", None),
        ("private/main_api_v4", "InterestPayment", "interest", None),
        ("private/main_api_v4", "FlexInvestmentHistory", "flexible_lending", None),
        ("private/main_api_v4", "MiningReward", "mining", None),
        ("private/http-trade-v4", "ConditionalOrderLeg", "conditional_orders", "stopLoss"),
        ("private/http-trade-v4", "OrderResponse", "conditional_orders", "conditionalOrder"),
        ("private/http-trade-v4", "OcoOrderLeg", "oco_orders", "stop_loss"),
    ],
)
def test_every_field_that_a_record_has_is_known(
    document_name: str, schema: str, call: str, name: str | None
) -> None:
    """Likewise; some stand within another."""
    document = specification(f"openapi/{document_name}")
    record = put_together(document["components"]["schemas"][schema], document)
    rows = [record if name is None else {name: record}]
    answer: Any = rows if call == "oco_orders" else {"data": rows}
    [known] = [each for _, each in CALLS if each.name == call]
    page = known.decode(json.dumps(answer).encode(), 1)
    assert (page.count, page.surplus) == (1, 0)
    assert not any(isinstance(fact, Unreadable) for fact in page.facts)


class Exact(yaml.CSafeLoader):
    """Numbers as they are written."""


def _number(_: object, node: Any) -> str:
    return f"number {node.value}"


Exact.add_constructor("tag:yaml.org,2002:float", _number)
Exact.add_constructor("tag:yaml.org,2002:int", _number)


@cache
def specification(name: str, loader: type[yaml.CSafeLoader] = yaml.CSafeLoader) -> Any:
    with (SPECIFICATIONS / f"{name}.yaml").open(encoding="utf-8") as file:
        return yaml.load(file, loader)


def exact_json(text: bytes) -> Any:
    """JSON with its numbers as they are written, too."""
    return json.loads(text, parse_float="number {}".format, parse_int="number {}".format)


def answer_of(document: Any, path: str) -> Any:
    """What the specification says of a successful answer."""
    operation = document["paths"][path].get("post") or document["paths"][path]["get"]
    [answer] = [
        answer for status, answer in operation["responses"].items() if str(status).startswith("2")
    ]
    return answer["content"]["application/json"]


def put_together(schema: Any, document: Any) -> Any:
    """An answer made of the examples of its fields; those that have none are left out."""
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return put_together(target, document)
    if "example" in schema:
        return schema["example"]
    if schema["type"] == "array":
        return [put_together(schema["items"], document)]
    return {
        name: put_together(each, document)
        for name, each in schema["properties"].items()
        if each.keys() & {"$ref", "example", "items", "properties"}
    }
