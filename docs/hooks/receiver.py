"""Receives webhooks: believes only what is signed and fresh, and acts once on each delivery.

    python3 receiver.py 8099 /run/secrets/hook

An example to build on: it prints what it is told, and remembers deliveries only while it runs.
"""

import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

FRESH_SECONDS = 300
BODY_BYTES_MAX = 1 << 20


def is_genuine(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> bool:
    """Whether it comes from who knows the secret, and lately."""
    timestamp = headers.get("X-Reconciler-Timestamp", "")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > FRESH_SECONDS:
        return False
    digest = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    said = headers.get("X-Reconciler-Timestamp-Signature", "")
    return hmac.compare_digest(said.encode(), f"sha256={digest}".encode())


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what it has, so that it is not sent again."""

    secret: ClassVar[bytes] = b""
    seen: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        if not 0 < size <= BODY_BYTES_MAX:
            self.send_error(413)
            return
        body = self.rfile.read(size)
        if not is_genuine(self.headers, body, self.secret, time.time()):
            self.send_error(403)
            return
        event = json.loads(body)
        if event["id"] not in self.seen:
            print(event["message"], flush=True)
            self.seen.add(event["id"])  # after the deed: a crash in between repeats it
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Receiver.secret = Path(sys.argv[2]).read_bytes().strip()
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
