"""A name that nobody gave us gets no answer, whoever it points to."""

import pytest

from reconciler.address import address
from reconciler.web.hosts import Hosts


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "LocalHost:9464",
        "127.0.0.1",
        "127.9.9.9:80",
        "[::1]",
        "[::1]:9464",
        "localhost.",
    ],
)
def test_this_machine_may_always_be_named(header: str) -> None:
    assert Hosts(address("127.0.0.1:9464")).allow(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:9464",
        "10.0.0.5",
        "localhost:x",
        "localhost/",
        "user@localhost",
        "a localhost",
        "[::1",
        "[localhost]",
    ],
)
def test_any_other_name_is_refused(header: str) -> None:
    assert not Hosts(address("127.0.0.1:9464")).allow(header)


def test_the_name_that_is_listened_at_and_names_of_the_configuration_are_ours() -> None:
    hosts = Hosts(address("books.example:80"), ["Status.example"])
    assert hosts.allow("BOOKS.example")
    assert hosts.allow("status.example:443")
    assert not hosts.allow("example")


def test_a_server_at_every_address_answers_to_numbers_which_cant_be_rebound() -> None:
    hosts = Hosts(address("0.0.0.0:9464"))
    assert hosts.allow("10.0.0.5:9464")
    assert hosts.allow("[fd00::1]")
    assert not hosts.allow("evil.example")


def test_what_comes_by_a_file_comes_from_no_browser() -> None:
    assert Hosts(address("unix:/run/x.sock")).allow("whatever.example")
