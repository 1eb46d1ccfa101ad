"""Only what the whole Internet can reach is public, however an address is wrapped."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.alerts.addresses import is_own, is_public

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_networks_of_their_own_are_not_public_however_they_are_wrapped(address: str) -> None:
    number = int(IPv4Address(address))
    assert not is_public(address)
    assert not is_public(str(IPv6Address(0xFFFF << 32 | number)))  # mapped
    assert not is_public(str(IPv6Address(0x2002 << 112 | number << 80)))  # 6to4
    assert not is_public(str(IPv6Address(0x64_FF9B << 96 | number)))  # NAT64


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "::7f00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ops.example",
        "2130706433",
        "127.1",
        "",
    ],
)
def test_nor_are_those_of_the_newer_protocol_nor_what_is_no_address(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.9.9.9",
        "100.63.255.255",
        "172.32.0.1",
        "::ffff:9.9.9.9",
        "2002:909:909::1",
        "64:ff9b::909:909",
        "2620:fe::fe",
        "2a00:1450:4001:80b::200e",
    ],
)
def test_what_everybody_can_reach_is(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_no_address_is_both_public_and_own(address: IPv4Address | IPv6Address) -> None:
    assert not (is_public(str(address)) and is_own(str(address)))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_the_loopback_is_own(address: str) -> None:
    assert is_own(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "10.0.0.1", "::2", "localhost", ""])
def test_nothing_else_is(address: str) -> None:
    assert not is_own(address)
