"""Where the pages are served: an address as the configuration spells it.

`127.0.0.1:9464`, `[::1]:9464`, `localhost:9464`, `unix:/run/reconciler/http.sock`.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address


class NotAnAddress(ValueError):
    """Text that names no place to listen at."""


@dataclass(frozen=True, slots=True)
class Tcp:
    """A host, by name or number, and a port; port 0 is any free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def is_wildcard(self) -> bool:
        """Whether it is every address of the machine."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound to

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Unix:
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


_TCP = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})")
UNIX_PATH_BYTES_MAX = 100
"""Linux takes 107."""


def address(text: str) -> Tcp | Unix:
    """Raises NotAnAddress."""
    if text.startswith("unix:/") and len(text.encode()) <= UNIX_PATH_BYTES_MAX:
        return Unix(text.removeprefix("unix:"))
    match = _TCP.fullmatch(text)
    if match is None or int(match["port"]) > 65_535:
        raise NotAnAddress(
            f"{text!r} is no address to listen at, such as 127.0.0.1:9464, [::1]:9464 or "
            'unix:/run/reconciler/http.sock; "" switches the pages off'
        )
    if match["six"] and not is_number(match["six"]):
        raise NotAnAddress(f"{match['six']!r} is no IPv6 address")
    return Tcp(match["six"] or match["host"], int(match["port"]))


def is_loopback(host: str) -> bool:
    """Whether the host, by name or number, is this machine and nothing else."""
    if host.lower() == "localhost":
        return True
    return is_number(host) and ip_address(host).is_loopback


def is_number(host: str) -> bool:
    """Whether it is an IP address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
