"""Receivers of alerts on the loopback: each connection is answered as the test scripted it."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import trio

Answer = bytes | Callable[[trio.abc.Stream], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """What a sink was told."""

    line: str
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes


@dataclass
class Sink:
    """Gives the answers in turn, the last one for ever, and hangs up after each."""

    answers: list[Answer]
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        async with stream:
            try:
                self.requests.append(await _request(stream))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, bytes):
                    await stream.send_all(answer)
                else:
                    await answer(stream)
            except trio.BrokenResourceError:
                pass  # the client has had enough


async def _request(stream: trio.abc.Stream) -> Request:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := await stream.receive_some(65_536)):
            raise trio.BrokenResourceError
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += await stream.receive_some(65_536)
    return Request(line, headers, body)


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


GOOD = answer(200)


async def silent(_: trio.abc.Stream) -> None:
    """Never answers."""
    await trio.sleep_forever()


@asynccontextmanager
async def listening(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    """A sink on the loopback, for as long as the block lasts."""
    sink = Sink(list(answers))

    async def serve(stream: trio.SocketStream) -> None:
        if tls is None:
            await sink.serve(stream)
            return
        secured = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
        try:
            await secured.do_handshake()
        except trio.BrokenResourceError:
            return  # the client does not trust us
        await sink.serve(secured)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        sink.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield sink
        nursery.cancel_scope.cancel()
