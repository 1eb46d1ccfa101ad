"""The service manager's ear: one datagram a message, as `sd_notify(3)` documents.

Where nobody listens, nothing is said.  It never waits: a manager that does not take a message now
is told again with the next one, which is the caller's affair.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

STATUS_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class Manager:
    """Who started us, and how often it wants to hear that we are alive."""

    address: str = ""
    """A path, or a name that begins with `@` in the abstract namespace; empty: nobody."""
    watchdog: int | None = None
    """Microseconds of silence after which it kills us; None: never."""

    def tell(self, *lines: str) -> bool:
        """Say it now; whether it was taken."""
        if not self.address:
            return False
        to = "\0" + self.address[1:] if self.address[0] == "@" else self.address
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with socket.socket(socket.AF_UNIX, kind) as ear:
            try:
                ear.sendto("\n".join(lines).encode(), to)
            except OSError:
                return False
        return True


def manager(environment: Mapping[str, str], pid: int) -> Manager:
    """As the environment tells it; a watchdog set for another process is not ours."""
    address = environment.get("NOTIFY_SOCKET", "")
    period = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = int(period) if is_ours and period.isascii() and period.isdigit() else 0
    return Manager(address if address[:1] in ("/", "@") else "", watchdog or None)


def status(text: str) -> str:
    """The line that shows in `systemctl status`."""
    return "STATUS=" + " ".join(text.split())[:STATUS_CHARS_MAX]
