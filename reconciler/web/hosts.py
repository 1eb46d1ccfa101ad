"""Which names the pages answer to.

A web page elsewhere can make a browser ask this machine, by a name that it lets point here (DNS
rebinding); it can't choose the name that the browser then sends.  So a name that nobody gave us
gets no answer.  A number can't be rebound.
"""

import re
from collections.abc import Iterable

from reconciler.address import Tcp, Unix, is_loopback, is_number

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:/@\s]+))(?::[0-9]{1,5})?")


class Hosts:
    """The names of one place to listen at, and those that the configuration adds."""

    def __init__(self, address: Tcp | Unix, more: Iterable[str] = ()) -> None:
        self._is_local = isinstance(address, Unix)
        self._is_wildcard = isinstance(address, Tcp) and address.is_wildcard
        self._names = {name.lower().rstrip(".") for name in more}
        if isinstance(address, Tcp):
            self._names.add(address.host.lower())

    def allow(self, header: str) -> bool:
        """Whether a request with this Host header is for us.  What comes by a socket in the file
        system comes from no browser."""
        if self._is_local:
            return True
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name = (match["six"] or match["name"]).lower().rstrip(".")
        return name in self._names or is_loopback(name) or (self._is_wildcard and is_number(name))
