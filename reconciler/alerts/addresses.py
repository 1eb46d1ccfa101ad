"""Which addresses an event may be posted to: what the whole Internet can reach, and nothing else.

A name says nothing about where it leads, so this judges the address that will be connected to,
however it is wrapped: the machine's own, a private network's, a cloud's metadata service.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

NAT64 = IPv6Network("64:ff9b::/96")
PUBLIC_IPV6 = IPv6Network("2000::/3")
NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # a carrier's own; Alibaba's metadata
        "168.63.129.16/32",  # Azure's host, of a public range
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.88.99.0/24",  # the old way from IPv4 to 6to4
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
    )
]


def is_public(address: str) -> bool:
    """Whether the whole Internet can reach it.  An address that can't be read is not."""
    try:
        found = _inner(ip_address(address))
    except ValueError:
        return False
    if any(found in network for network in NOT_PUBLIC):
        return False
    if isinstance(found, IPv6Address):
        return found in PUBLIC_IPV6 and found.is_global
    return found.is_global and not found.is_multicast


def is_own(address: str) -> bool:
    """Whether it is this machine, by the loopback."""
    try:
        return _inner(ip_address(address)).is_loopback
    except ValueError:
        return False


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
