"""The certificate: given and checked, or made under our own authority, kept, renewed."""

from __future__ import annotations

import datetime
import errno
import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from server.door.authority import authority_of
from server.door.certificates import Certificate, given_certificate, own_certificate
from server.errors import StartRefused
from tests.unit.server.door.certificate_files import NOW, made

NAMES = ["localhost", "127.0.0.1", "::1", "county"]
DAY = datetime.timedelta(days=1)


def leaf(files: Certificate) -> x509.Certificate:
    return files.chain()[0]


def names_in(files: Certificate) -> set[str]:
    names = leaf(files).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = names.get_values_for_type(x509.IPAddress)
    return {*names.get_values_for_type(x509.DNSName), *map(str, found)}


def trusted(root: x509.Certificate, files: Certificate, name: str, at: datetime.datetime) -> bool:
    """Whether somebody who trusts `root` and nothing else takes the served certificate."""
    first, *rest = files.chain()
    subject: x509.GeneralName
    try:
        subject = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    verifier = PolicyBuilder().store(Store([root])).time(at).build_server_verifier(subject)
    try:
        verifier.verify(first, rest)
    except VerificationError:
        return False
    return True


def test_it_is_made_under_an_authority_that_is_for_nothing_else(tmp_path: Path) -> None:
    files = own_certificate(tmp_path, names=NAMES, given=["同课.example.cn"], now=NOW)
    assert files.self_made
    assert names_in(files) == {*NAMES, "同课.example.cn".encode("idna").decode()}
    for name in ("tls.key", "ca.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    root = authority_of(tmp_path, NOW).certificate
    assert files.chain()[1:] == [root]
    assert trusted(root, files, "127.0.0.1", NOW)
    assert trusted(root, files, "county", NOW)
    assert not trusted(root, files, "other", NOW)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    usage = root.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    given_certificate(files.certificate, files.key)


def test_who_trusts_the_authority_notices_nothing_for_years(tmp_path: Path) -> None:
    """New addresses, renewals, a lost or damaged certificate: one root, one key."""
    first = own_certificate(tmp_path, names=NAMES, now=NOW)
    root, key = authority_of(tmp_path, NOW).certificate, first.key.read_bytes()
    now = NOW
    for step, change in enumerate(["address", "age", "lost", "damaged", "name gone", "years"]):
        names = list(NAMES)
        before = first.certificate.read_bytes()
        match change:
            case "address":
                names.append("10.0.0.5")
            case "age":
                now += 350 * DAY
            case "lost":
                first.certificate.unlink()
            case "damaged":
                first.certificate.write_bytes(before[:100])
            case "years":
                now += 6000 * DAY
            case _:
                pass
        files = own_certificate(tmp_path, names=names, now=now)
        assert (files.certificate.read_bytes() == before) == (change == "name gone"), change
        assert trusted(root, files, names[-1], now), (step, change)
        assert files.authority == root
        assert files.key.read_bytes() == key


@pytest.mark.parametrize("why", ["no key", "foreign key", "another authority", "clock went back"])
def test_a_certificate_that_does_not_fit_is_made_anew(tmp_path: Path, why: str) -> None:
    files = own_certificate(tmp_path, names=NAMES, now=NOW)
    before, now = files.certificate.read_bytes(), NOW
    other = own_certificate(_folder(tmp_path / "other"), names=NAMES, now=NOW)
    match why:
        case "no key":
            files.key.unlink()
        case "foreign key":
            files.key.write_bytes(other.key.read_bytes())
        case "another authority":
            for name in ("ca.crt", "ca.key"):
                (tmp_path / name).write_bytes((tmp_path / "other" / name).read_bytes())
        case _:
            now = NOW - 400 * DAY
    again = own_certificate(tmp_path, names=NAMES, now=now)
    assert again.certificate.read_bytes() != before
    assert again.authority is not None
    assert trusted(again.authority, again, "localhost", now)
    again.context()


def test_what_an_earlier_version_signed_by_itself_is_replaced(tmp_path: Path) -> None:
    old = made("Tongke", *NAMES, ends=NOW + 700 * DAY)
    old.write(tmp_path, "tls")
    key = (tmp_path / "tls.key").read_bytes()
    files = own_certificate(tmp_path, names=NAMES, now=NOW)
    assert files.authority is not None
    assert trusted(files.authority, files, "localhost", NOW)
    assert files.key.read_bytes() == key


def test_a_clock_of_1970_is_outlived(tmp_path: Path) -> None:
    then = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)
    root = own_certificate(tmp_path, names=NAMES, now=then).authority
    assert root is not None
    files = own_certificate(tmp_path, names=NAMES, now=NOW)
    assert files.authority == root
    assert trusted(root, files, "localhost", NOW)


def test_an_authority_at_its_end_goes_on_under_its_key(tmp_path: Path) -> None:
    first = authority_of(tmp_path, NOW)
    end = first.certificate.not_valid_after_utc
    second = authority_of(tmp_path, end)
    assert second.certificate != first.certificate
    assert second.certificate.subject == first.certificate.subject
    assert second.certificate.public_key() == first.certificate.public_key()
    (tmp_path / "ca.crt").unlink()  # lost, its key not
    assert authority_of(tmp_path, end).certificate.subject == first.certificate.subject


@pytest.mark.parametrize("damage", ["no key", "foreign key", "cut key", "cut certificate"])
def test_a_damaged_authority_is_never_replaced_in_silence(tmp_path: Path, damage: str) -> None:
    authority_of(tmp_path, NOW)
    authority_of(_folder(tmp_path / "other"), NOW)
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    match damage:
        case "no key":
            key.unlink()
        case "foreign key":
            key.write_bytes((tmp_path / "other" / "ca.key").read_bytes())
        case "cut key":
            key.write_bytes(key.read_bytes()[:50])
        case _:
            certificate.write_bytes(certificate.read_bytes()[:50])
    with pytest.raises(StartRefused, match=r"backup.*delete both"):
        own_certificate(tmp_path, names=NAMES, now=NOW)


def test_a_given_one_is_checked(tmp_path: Path) -> None:
    made("one", "one.cn").write(tmp_path, "one")
    made("two", "two.cn").write(tmp_path, "two")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    one = tmp_path / "one.crt", tmp_path / "one.key"
    assert not given_certificate(*one).self_made
    with pytest.raises(StartRefused, match="cannot be read"):
        given_certificate(tmp_path / "none.pem", one[1])
    for certificate, key in ((one[0], tmp_path / "two.key"), (text, one[1])):
        with pytest.raises(StartRefused, match="cannot be used") as told:
            given_certificate(certificate, key)
        assert ("私钥不属于这张证书" in told.value.text.zh) == (certificate == one[0])


def test_a_key_with_a_password_is_told_and_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("one", "one.cn").write(tmp_path, "one", password=b"secret")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    with pytest.raises(StartRefused, match=r"protected by a password.*openssl pkey") as told:
        given_certificate(tmp_path / "one.crt", tmp_path / "one.key")
    assert "\n" not in str(told.value)


def test_a_wrong_name_of_the_settings_is_told_and_one_of_the_machine_left_out(
    tmp_path: Path,
) -> None:
    long = "a" * 70 + ".cn"
    with pytest.raises(StartRefused, match="tls_names"):
        own_certificate(tmp_path, names=NAMES, given=[long], now=NOW)
    assert long not in names_in(own_certificate(tmp_path, names=[long, *NAMES], now=NOW))


def test_a_machine_of_a_thousand_addresses_still_shakes_hands(tmp_path: Path) -> None:
    many = [f"10.{number >> 8}.{number & 255}.1" for number in range(1000)]
    files = own_certificate(tmp_path, names=many, given=["county.cn"], now=NOW)
    assert "county.cn" in names_in(files)
    assert files.certificate.stat().st_size < 8192


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
def test_something_in_a_files_place_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StartRefused, match=rf"{name} cannot be used"):
        own_certificate(tmp_path, names=["localhost"], now=NOW)


def test_a_key_of_another_users_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As certbot leaves it: root's alone."""

    def closed(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(StartRefused, match="right to read it") as refused:
        given_certificate(tmp_path / "x.crt", tmp_path / "x.key")
    assert "有权读取" in refused.value.text.zh
