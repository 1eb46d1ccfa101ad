"""`python -m conformance.speed SIMULATE…`: frames a second to one client, and pages.

The client is as thin as the standard library allows (it counts frames by their headers and never
looks inside), and a process of its own, so that the figures are the exchange's.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from conformance.checks import Setting
from conformance.simulating import simulating

DEALS = 10_000
PAGES_S = 5.0
FRAME = 126  # a length that is in the two bytes that follow


def call(connection: http.client.HTTPConnection, setting: Setting, path: str, **more: Any) -> bytes:
    """The body that answers a signed call."""
    values = {"request": path, "nonce": time.time_ns(), **more}
    body = json.dumps(values, separators=(",", ":")).encode()
    payload = base64.b64encode(body)
    signature = hmac.new(setting.secret.encode(), payload, hashlib.sha512).hexdigest()
    headers = {
        "X-TXC-APIKEY": setting.key,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": signature,
    }
    connection.request("POST", path, body, headers)
    return connection.getresponse().read()


class Reader:
    """A WebSocket that counts."""

    def __init__(self, setting: Setting) -> None:
        host = urlsplit(setting.ws_url)
        assert host.hostname is not None
        self._socket = socket.create_connection((host.hostname, host.port))
        self._socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host.netloc}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        self._data = b""
        while b"\r\n\r\n" not in self._data:
            self._data += self._socket.recv(65536)
        self._data = self._data.partition(b"\r\n\r\n")[2]

    def say(self, method: str, *params: Any) -> None:
        """A request; its answer is counted like every frame."""
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        length = (
            bytes([0x80 | len(body)])
            if len(body) < FRAME
            else (bytes([0x80 | FRAME]) + len(body).to_bytes(2, "big"))
        )
        self._socket.sendall(b"\x81" + length + bytes(4) + body)

    def count(self, frames: int) -> int:
        """Reads so many frames; returns their bytes."""
        size, at = 0, 0
        for _ in range(frames):
            while (end := self._end(at)) is None:
                self._data, at = self._data[at:] + self._socket.recv(1 << 20), 0
            size += end - at
            at = end
        self._data = self._data[at:]
        return size

    def _end(self, at: int) -> int | None:
        head = self._data[at : at + 10]
        if len(head) < 2:
            return None
        length, begin = head[1] & 127, 2
        if length >= FRAME:
            width = 2 if length == FRAME else 8
            length, begin = int.from_bytes(head[2 : 2 + width], "big"), 2 + width
        end = at + begin + length
        return end if end <= len(self._data) else None


def frames(setting: Setting) -> str:
    """Deals are made as fast as they can be, and told to one client; from the order to make them
    to the last frame."""
    host = urlsplit(setting.rest_url).netloc
    answer = call(http.client.HTTPConnection(host), setting, "/api/v4/profile/websocket_token")
    reader = Reader(setting)
    reader.say("authorize", json.loads(answer)["websocket_token"], "public")
    reader.say("ordersExecuted_subscribe", ["BTC_USDT"], 0)
    reader.say("deals_subscribe", [])
    reader.count(3)
    terms = {"market": "BTC_USDT", "side": "buy", "amount": "0.0001", "price": "100000"}
    began = time.perf_counter()
    driver = threading.Thread(
        target=setting.control,
        args=("/fill",),
        kwargs=terms | {"account": setting.account, "times": DEALS},
    )
    driver.start()
    size = reader.count(2 * DEALS)
    took = time.perf_counter() - began
    driver.join()
    told = f"{2 * DEALS / took:,.0f} frames ({size / took / 1e6:.1f} MB)"
    return f"{DEALS / took:,.0f} deals a second, made and told in {told}"


def pages(setting: Setting) -> str:
    """Full pages of deals, one after the other on one connection."""
    connection = http.client.HTTPConnection(urlsplit(setting.rest_url).netloc)
    path, terms = "/api/v4/trade-account/executed-history", {"market": "BTC_USDT", "limit": 100}
    began, count, size = time.perf_counter(), 0, 0
    while time.perf_counter() < began + PAGES_S:
        size += len(call(connection, setting, path, offset=100 * (count % 50), **terms))
        count += 1
    took = time.perf_counter() - began
    return f"{count / took:,.0f} pages of 100 deals a second ({size / took / 1e6:.1f} MB)"


if __name__ == "__main__":
    with simulating(sys.argv[1:], rate="0") as setting:
        print(frames(setting))
        print(pages(setting))
