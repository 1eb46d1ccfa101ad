"""A service manager's ear for tests: a real datagram socket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.desk import until


@dataclass(frozen=True)
class Ear:
    """What was said, one message an entry."""

    address: str
    socket: socket.socket
    messages: list[str] = field(default_factory=list)

    def listen(self) -> list[str]:
        """All messages until now."""
        while True:
            try:
                self.messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.messages

    def lines(self, start: str) -> list[str]:
        """The lines that begin so, without the beginning."""
        said = [line for message in self.listen() for line in message.split("\n")]
        return [line.removeprefix(start) for line in said if line.startswith(start)]

    async def until_said(self, start: str, times: int = 1) -> str:
        """Wait for a line that begins so; what follows."""
        await until(lambda: len(self.lines(start)) >= times)
        return self.lines(start)[-1]


@contextmanager
def open_ear(address: str) -> Iterator[Ear]:
    """At a path, or with `@` in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind("\0" + address[1:] if address[0] == "@" else address)
        yield Ear(address, ear)
