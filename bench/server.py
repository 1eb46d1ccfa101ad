"""The other end, in a process of its own: a WebSocket that pushes the live mix, a REST door that
answers with pages of deals.

Written on bare sockets with everything made beforehand, so that it is never what limits.  Run by
`frames` and `pages`, which start it and end it.
"""

import base64
import hashlib
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench import mix

PAGE = 500
ACKNOWLEDGED = '{"id":1,"result":{"status":"success"},"error":null}'
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLOSE = b"\x88\x00"


@contextmanager
def frames(count: int, per_second: int = 0) -> Iterator[str]:
    """The URL of a WebSocket that answers one request, pushes `count` frames of the mix and closes.

    With `per_second` they come evenly and their times tell when each was sent.
    """
    with _process("frames", count, per_second) as port:
        yield f"ws://127.0.0.1:{port}/ws"


@contextmanager
def pages(count: int) -> Iterator[str]:
    """The URL of an exchange whose history has `count` pages of 500 deals."""
    with _process("pages", count) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _process(*arguments: object) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.server", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _serve_frames(count: int, per_second: int) -> None:
    made = [] if per_second else [_framed(text) for text in mix.frames(count)]
    whole = b"".join(made)
    with _listening() as listener, listener.accept()[0] as connection:
        request = _head(connection)
        key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-webso"))
        accept = hashlib.sha1(key.split(b": ")[1] + _GUID).digest()
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
        )
        connection.recv(65_536)  # the request to begin
        connection.sendall(_framed(ACKNOWLEDGED) + whole)
        if per_second:
            _pace(connection, count, per_second)
        connection.sendall(_CLOSE)
        connection.recv(65_536)  # the client's own good-bye


def _pace(connection: socket.socket, count: int, per_second: int) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    start = time.perf_counter()
    for n in range(count):
        time.sleep(max(0.0, start + n / per_second - time.perf_counter()))
        connection.sendall(_framed(mix.frame(n, time.time_ns() // 1000)))


_ENCLOSED = (
    b"main-account/history",
    b"sub-account/",
    b"codes/history",
    b"convert/history",
    b"main-account/smart",
    b"conditional-orders",
    b"mining",
    b"funding",
)
"""Calls that write a list within an object."""


def _serve_pages(count: int) -> None:
    """A deal a second until just now, the newest first."""
    total, now = count * PAGE, int(time.time())
    times = range(now - total, now)
    made = [json.dumps(mix.deal_of(n, at * 1_000_000)) for n, at in enumerate(times)]
    with _listening() as listener:
        while True:  # whoever has nothing to ask for a while connects anew
            with listener.accept()[0] as connection:
                _answer(connection, made, times)


def _answer(connection: socket.socket, made: Sequence[str], times: range) -> None:
    while head := _head(connection):
        top, _, body = head.partition(b"\r\n\r\n")
        length = int(top.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65_536)
        asked = json.loads(body)
        found: Sequence[str] = ()
        if b"executed-history" in top:
            first = max(asked.get("startDate", 0) - times[0], 0)
            last = min(asked.get("endDate", times[-1]) - times[0] + 1, len(made)) - asked["offset"]
            found = made[max(first, last - asked["limit"]) : max(last, 0)]
        if found:
            answer = f'{{"BTC_USDT":[{",".join(reversed(found))}]}}'.encode()
        else:
            is_enclosed = any(map(top.__contains__, _ENCLOSED))
            answer = b'{"records":[],"total":0}' if is_enclosed else b"[]"
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(answer)
            + answer
        )


def _head(connection: socket.socket) -> bytes:
    """A request up to the end of its head, with what came of its body; empty at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := connection.recv(65_536)):
            return b""
        head += data
    return head


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        yield listener


def _framed(text: str) -> bytes:
    data = text.encode()
    if len(data) < 126:
        return bytes((0x81, len(data))) + data
    return b"\x81\x7e" + struct.pack("!H", len(data)) + data


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["frames", count, per_second]:
            _serve_frames(int(count), int(per_second))
        case ["pages", count]:
            _serve_pages(int(count))
