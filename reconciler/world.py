"""What the program takes from the world: time, chance, connections and threads.

Everything else receives these as arguments.  `real()` is the only place that reaches for the real
ones, and a lint keeps it so; a simulation passes others and then a seed replays a day.
"""

import os
import random
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from reconciler.clock import Clock
from reconciler.hop import Hop, thread

if TYPE_CHECKING:
    import httpx


class Dial(Protocol):
    """Opens a byte stream to a host; TLS where asked for.  Raises OSError or
    trio.BrokenResourceError when it can't."""

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream: ...


class Resolve(Protocol):
    """The addresses of a host, as numbers, the best first.  Raises OSError when there are none."""

    async def __call__(self, host: str) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class World:
    """The outside, as arguments."""

    clock: Clock
    chance: random.Random
    dial: Dial
    http: "Callable[[], httpx.AsyncBaseTransport]"
    """Makes the transport of an HTTP client."""
    resolve: Resolve
    thread: Callable[[str], AbstractAsyncContextManager[Hop]]
    """Opens a place, named, where blocking calls run one at a time."""
    name: str = "a process"
    """By which a person finds this process among others."""


class SystemClock:
    """The machine's clock, made strictly rising: no two moments are equal, and a clock that is set
    back stands still until it has caught up, so that the order of receipt is the order in time."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
    """TCP, with TLS verified against the system's certificates where asked for."""
    tcp = await trio.open_tcp_stream(host, port)
    if not tls:
        return tcp
    return trio.SSLStream(
        tcp, ssl.create_default_context(), server_hostname=host, https_compatible=True
    )


async def resolve(host: str) -> Sequence[str]:
    """As the system's resolver says."""
    found = await trio.socket.getaddrinfo(host, None, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def http() -> "httpx.AsyncBaseTransport":
    """As `transport.py` says."""
    # Most commands never speak HTTP, and its library is slow to load.
    from reconciler.transport import Transport

    return Transport()


def real() -> World:
    """The machine's own time, chance, network, threads and names."""
    return World(
        clock=SystemClock(),
        chance=random.SystemRandom(),
        dial=dial,
        http=http,
        resolve=resolve,
        thread=thread,
        name=f"{socket.gethostname()} pid {os.getpid()}",
    )
