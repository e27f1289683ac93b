"""Addresses as Python shows them and as the pump keeps them."""

from __future__ import annotations

import pytest

from mixer.pump.addresses import pack_address, unpack_address


@pytest.mark.parametrize(
    ("address", "packed", "scope"),
    [
        (("1.2.3.4", 5), bytes(10) + b"\xff\xff\x01\x02\x03\x04", 0),
        (("::ffff:1.2.3.4", 5), bytes(10) + b"\xff\xff\x01\x02\x03\x04", 0),
        (("::1", 65_535), bytes(15) + b"\x01", 0),
        (("2001:db8::1", 1), bytes.fromhex("20010db8" + "00" * 11 + "01"), 0),
        (("fe80::1%3", 1), bytes.fromhex("fe80" + "00" * 13 + "01"), 3),
        (("2001:db8::1%3", 1), bytes.fromhex("20010db8" + "00" * 11 + "01"), 0),
    ],
)
def test_packed_form(address: tuple[str, int], packed: bytes, scope: int) -> None:
    assert pack_address(address) == (packed, address[1], scope)


@pytest.mark.parametrize(
    "address", [("1.2.3.4", 5), ("::1", 65_535), ("2001:db8::1", 1), ("fe80::1%3", 1)]
)
def test_there_and_back(address: tuple[str, int]) -> None:
    assert unpack_address(*pack_address(address)) == address


def test_mapped_addresses_are_shown_as_ipv4() -> None:
    assert unpack_address(*pack_address(("::ffff:1.2.3.4", 5))) == ("1.2.3.4", 5)


@pytest.mark.parametrize("address", [("host", 1), ("1.2.3", 1), ("", 1), ("::1", 0), ("::1", -1)])
def test_what_is_no_address(address: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        pack_address(address)
