"""What may stand at the other end of a feed's WebSocket: scripts over streams in memory."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio
import trio.testing
import wsproto
import wsproto.events
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.connection import ConnectionType

from reconciler.domain.facts import Deal, Fact
from reconciler.feed.link import Link, open_link
from reconciler.feed.listener import Listener
from reconciler.feed.websocket import LinkLost
from reconciler.inbox import Batch, Outlet, open_inbox
from tests.feed.memory import listener, world

Stream = trio.StapledStream[Any, Any]
Peer = Callable[[trio.abc.Stream], Awaitable[None]]


@dataclass(frozen=True)
class Line:
    """A link, what it hands over, and our end of its stream."""

    link: Link
    on: Listener
    outlet: Outlet
    streams: list[Stream]

    def handed_over(self) -> list[Batch]:
        """What lies in the inbox now."""
        found: list[Batch] = []
        while True:
            try:
                found.append(self.outlet.receive_nowait())
            except trio.WouldBlock:
                return found

    def facts(self) -> list[Fact]:
        """The same, without the batches."""
        return [fact for batch in self.handed_over() for fact in batch.facts]


@asynccontextmanager
async def linked(peer: Peer, *, lockstep: bool = False, **changes: Any) -> AsyncIterator[Line]:
    """A link to the peer.  With `lockstep` nothing lies between the two: who sends waits until the
    other reads."""
    streams: list[Stream] = []
    pair = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair

    async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        ours, theirs = pair()
        streams.append(ours)
        nursery.start_soon(peer, theirs)
        return ours

    inbox, outlet = open_inbox()
    async with trio.open_nursery() as nursery:
        try:
            async with (
                listener(world(dial=dial), inbox, **changes) as on,
                open_link(on) as link,
            ):
                yield Line(link, on, outlet, streams)
        finally:
            nursery.cancel_scope.cancel()
            for stream in streams:
                assert await is_closed(stream), "a socket is left open"


async def is_closed(stream: trio.abc.Stream) -> bool:
    """Whether our own side has closed it."""
    with trio.CancelScope(shield=True), trio.move_on_after(1):
        try:
            await stream.send_all(b"x")
        except trio.ClosedResourceError:
            return True
        except trio.BrokenResourceError:
            pass
        try:
            await stream.receive_some(1)
        except trio.ClosedResourceError:
            return True
        except trio.BrokenResourceError:
            pass
    return False


def websocket(script: Callable[[WebSocketConnection], Awaitable[None]]) -> Peer:
    """A peer that speaks WebSocket and then follows the script; it stays until it is left."""

    async def peer(stream: trio.abc.Stream) -> None:
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(nursery, stream)
                socket = await request.accept()
                await script(socket)
                await trio.sleep_forever()
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    return peer


def answering(*more: Callable[[dict[str, Any]], list[str]]) -> Peer:
    """A peer that acknowledges each request, after the frames that `more` makes of it."""

    async def script(socket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await socket.get_message())
            for frames in more:
                for frame in frames(request):
                    await socket.send_message(frame)
            await socket.send_message(acknowledged(request["id"], request["method"]))

    return websocket(script)


def glued(*messages: str) -> Peer:
    """A peer that sends the handshake and the messages in one piece."""

    async def peer(stream: trio.abc.Stream) -> None:
        speech = wsproto.WSConnection(ConnectionType.SERVER)
        while not list(speech.events()):
            speech.receive_data(bytes(await stream.receive_some(4096)))
        said = speech.send(wsproto.events.AcceptConnection())
        for message in messages:
            said += speech.send(wsproto.events.TextMessage(message))
        await stream.send_all(said)
        await trio.sleep_forever()

    return peer


def acknowledged(id_: int, method: str = "") -> str:
    result: object = "pong" if method == "ping" else {"status": "success"}
    return json.dumps({"id": id_, "result": result, "error": None})


def deal_push(deal_id: int) -> str:
    """As documented (PROTOCOL § 3.5)."""
    params = [deal_id, 1751974316.281914, "BTC_USDT", 88, "40000", "0.5", "0.02", "", 1, 2, "USDT"]
    return json.dumps({"id": None, "method": "deals_update", "params": params})


def deal_ids(facts: list[Fact]) -> list[int]:
    return [fact.deal_id for fact in facts if isinstance(fact, Deal)]


class ending:  # noqa: N801 - reads as `with pytest.raises` does
    """The block ends with such exceptions and no others, however deep in groups."""

    def __init__(self, match: str, kind: type[Exception] = LinkLost) -> None:
        self._match, self._kind = match, kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        assert error is not None, f"nothing ended it; wanted: {self._match}"
        found = list(_leaves(error))
        if not all(isinstance(leaf, self._kind) for leaf in found):
            return False
        assert any(re.search(self._match, str(leaf)) for leaf in found), found
        return True


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
