"""Between the REST calls and their clients: carries out what the fault plan has for either way.

Plain ASGI around the app, so that calls which no route knows are spoiled as well.
"""

from typing import cast

import trio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.simulator.acts import READY, Act, Answer, Cut, Delay, Point, Swallow, Truncate
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.sender import Line


class Spoil:
    """A middleware."""

    def __init__(self, app: ASGIApp, exchange: Exchange) -> None:
        self._app = app
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key, path = _key(scope), scope["path"]
        account = self._exchange.access.account_of_key(key)
        act: Act | None = READY["rate-limited"]
        if self._exchange.limits.call(path, key, account):
            act = self._exchange.faults.at(Point.REQUEST, account, path)
        if not isinstance(act, Delay):
            if act is not None:
                await _carry_out(act, [], scope, receive, send)
                return
        else:
            await trio.sleep(act.seconds)
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        await _carry_out(
            self._exchange.faults.at(Point.ANSWER, account, path), answer, scope, receive, send
        )


def _key(scope: Scope) -> str:
    """Empty if there is none."""
    for name, value in scope["headers"]:
        if name == b"x-txc-apikey":
            return cast("bytes", value).decode("latin-1")
    return ""


async def _carry_out(
    act: Act | None, answer: list[Message], scope: Scope, receive: Receive, send: Send
) -> None:
    match act:
        case Cut():
            cast("Line", scope["state"]["line"]).reset()
            return
        case Swallow():
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        case Answer(status, body, content_type):
            answer = _answer(status, body.encode(), content_type.encode())
        case Truncate(kept):
            whole = b"".join(part["body"] for part in answer[1:])
            answer = _answer(answer[0]["status"], whole[:kept], b"application/json")
        case Delay(seconds):
            await trio.sleep(seconds)
    for message in answer:
        await send(message)


def _answer(status: int, body: bytes, content_type: bytes) -> list[Message]:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]
