"""Which addresses may be called: nothing private, local or special, however it is spelled."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.outgoing import allowed_network, is_allowed, is_public

SPECIAL = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # metadata of most clouds
    "100.100.100.200",  # and of one more
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata over IPv6
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",  # 127.0.0.1 behind a gateway
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "",
    "example.org",
    "127.1",
]


@pytest.mark.parametrize("address", SPECIAL)
def test_what_only_its_own_machine_or_network_reaches_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_the_internet_is(address: str) -> None:
    assert is_public(address)


def test_the_operator_s_networks_are_allowed_and_their_neighbours_not() -> None:
    networks = [ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")]
    assert is_allowed("10.20.255.255", networks)
    assert is_allowed("::ffff:10.20.0.1", networks)
    assert is_allowed("fd00:1::1", networks)
    assert not is_allowed("10.21.0.0", networks)
    assert not is_allowed("fd00:2::1", networks)
    assert not is_allowed("nonsense", networks)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.0/7", "10.0.0.1/8", "ten", ""])
def test_no_network_holds_everything(text: str) -> None:
    assert allowed_network(text) is None


@pytest.mark.parametrize("text", ["10.0.0.0/8", "169.254.169.254/32", "127.0.0.1", "fc00::/7"])
def test_a_network_is_written_by_its_first_address_and_length(text: str) -> None:
    assert allowed_network(text) == ip_network(text)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_an_address_of_ipv4_is_the_same_however_ipv6_spells_it(number: int) -> None:
    plain = str(IPv4Address(number))
    assert is_public(f"::ffff:{plain}") == is_public(plain)
    assert not is_public(f"64:ff9b::{plain}")


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_nothing_that_python_calls_private_is_public(number: int) -> None:
    address = IPv6Address(number)
    assert not (is_public(str(address)) and (address.is_private or address.is_multicast))
