"""The certificate: given and checked, or made, kept, renewed."""

from __future__ import annotations

import datetime
import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509

from server.door.certificates import given_certificate, host_names, own_certificate
from server.errors import StartRefused

NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
NAMES = ["localhost", "127.0.0.1", "::1", "同课.example.cn"]


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_self_made_one_names_all_and_its_key_is_private(tmp_path: Path) -> None:
    made = own_certificate(tmp_path, names=NAMES, now=NOW)
    assert made.self_made
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    names = read(made.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(names.value.get_values_for_type(x509.DNSName)) == {
        "localhost",
        "同课.example.cn".encode("idna").decode(),
    }
    assert set(names.value.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    }
    given_certificate(made.certificate, made.key)


def test_it_is_kept_while_it_is_good(tmp_path: Path) -> None:
    first = own_certificate(tmp_path, names=NAMES, now=NOW).certificate.read_bytes()
    later = NOW + datetime.timedelta(days=700)
    assert own_certificate(tmp_path, names=NAMES[:2], now=later).certificate.read_bytes() == first


@pytest.mark.parametrize("why", ["old", "another name", "no key", "damaged", "foreign key"])
def test_it_is_made_anew_when_it_is_not(tmp_path: Path, why: str) -> None:
    made = own_certificate(tmp_path, names=NAMES, now=NOW)
    first = made.certificate.read_bytes()
    now, names = NOW, NAMES
    match why:
        case "old":
            now = NOW + datetime.timedelta(days=780)
        case "another name":
            names = [*NAMES, "10.0.0.5"]
        case "no key":
            made.key.unlink()
        case "damaged":
            made.certificate.write_bytes(first[:100])
        case _:
            (tmp_path / "other").mkdir()
            other = own_certificate(tmp_path / "other", names=NAMES, now=NOW)
            made.key.write_bytes(other.key.read_bytes())
    again = own_certificate(tmp_path, names=names, now=now)
    assert again.certificate.read_bytes() != first
    given_certificate(again.certificate, again.key)


def test_a_given_one_is_checked(tmp_path: Path) -> None:
    made = own_certificate(tmp_path, names=NAMES, now=NOW)
    (tmp_path / "other").mkdir()
    other = own_certificate(tmp_path / "other", names=NAMES, now=NOW)
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(StartRefused, match="cannot be read"):
        given_certificate(tmp_path / "none.pem", made.key)
    for certificate, key in ((made.certificate, other.key), (text, made.key)):
        with pytest.raises(StartRefused, match="cannot be used"):
            given_certificate(certificate, key)


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="tls_names"):
        own_certificate(tmp_path, names=["a" * 70 + ".cn"], now=NOW)


def test_this_machine_has_names() -> None:
    assert {"localhost", "127.0.0.1"} <= set(host_names())
