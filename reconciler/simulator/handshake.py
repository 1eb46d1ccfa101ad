"""The WebSocket door: who may open a connection, and which requests are answered otherwise."""

from reconciler.simulator.acts import READY, Answer, Cut, Point, Swallow
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.sender import Line, Message, Send
from reconciler.simulator.socket import Receive, Session

PATH = "/ws"


async def websocket(exchange: Exchange, scope: Message, receive: Receive, send: Send) -> None:
    """One WebSocket connection, from the handshake on."""
    line: Line = scope["state"]["line"]
    await receive()  # websocket.connect
    if not exchange.limits.connection():
        limited = READY["rate-limited"]
        await _refuse(send, limited.status, limited.body.encode())
        return
    match exchange.faults.at(Point.HANDSHAKE):
        case Cut():
            line.reset()
        case Answer(status, body, content_type):
            await _refuse(send, status, body.encode(), content_type)
        case Swallow():
            while (await receive())["type"] != "websocket.disconnect":
                pass
        case _ if scope["path"] != PATH:
            await _refuse(send, 404)
        case _:
            await send({"type": "websocket.accept"})
            await Session(exchange, line).run(receive, send)


async def _refuse(
    send: Send, status: int, body: bytes = b"", content_type: str = "application/json"
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
