"""What makes a PC trust this server: the authority's certificate and files that install it.

Open to everybody: a room PC fetches them before anybody is known to it, and no secret is in them.
Whoever fetches them over a connection that is not trusted yet compares the fingerprint, which the
server prints at its start and the administrator's page shows.
"""

from __future__ import annotations

from typing import Literal

from cryptography import x509
from fastapi import Request, Response

from mixer.sources import is_loopback
from server.api.access import ServicesOf, address_for
from server.api.areas import area
from server.api.fields import View
from server.door.acme.told import AcmeStanding
from server.door.authority import made_at, pem_of
from server.door.condition import Fault, words_of
from server.door.install_files import fingerprint_of, linux_script, safe_origins, windows_script
from server.door.tls import ServedCertificate
from server.errors import Refusal, Text
from server.services import Services

router = area("trust", prefix="/api")

_INSTALL = {
    "tongke-windows.cmd": (windows_script, "application/x-bat"),
    "tongke-linux.sh": (linux_script, "application/x-sh"),
}


class AuthorityView(View):
    name: str
    fingerprint: str
    begins_at: float
    ends_at: float


class TrustView(View):
    """`authority` is null where the certificate is a given one, or a proxy's."""

    authority: AuthorityView | None
    origin: str


class FindingView(View):
    fault: Fault
    message_zh: str
    message_en: str


class OthersCertificateView(View):
    """What is shown to who does not come by the public name."""

    issuer: str
    ends_at: float
    names: list[str]


class AcmeView(View):
    """The certificate that the server has signed for it, and has renewed, by itself.

    `next_at` is when it asks next. The messages say why the last attempt gave none and what to do;
    `detail` are the authority's own words.
    """

    standing: AcmeStanding
    name: str
    directory: str
    next_at: float
    failed_at: float | None
    message_zh: str
    message_en: str
    detail: str


class CertificateView(View):
    """`trusted_since` is since when PCs that come in show that they trust it: null for a given one.
    `others` and `acme` are null where there is no ACME."""

    subject: str
    issuer: str
    fingerprint: str
    begins_at: float
    ends_at: float
    names: list[str]
    self_made: bool
    authority: AuthorityView | None
    findings: list[FindingView]
    reloads: int
    trusted_since: float | None
    others: OthersCertificateView | None
    acme: AcmeView | None


@router.get("/trust")
async def trust(request: Request, services: ServicesOf) -> TrustView:
    """Which authority a PC must trust to open these pages without a warning."""
    return TrustView(
        authority=_authority_view(services.certificate),
        origin=address_for(request, services).url,
    )


@router.get("/trust/tongke-ca.crt", response_class=Response)
@router.get("/trust/tongke-ca.pem", response_class=Response)
async def authority_file(services: ServicesOf) -> Response:
    """The authority's certificate (PEM)."""
    authority = _own_authority(services)
    return _file(pem_of(authority), "application/x-x509-ca-cert", "tongke-ca.crt")


@router.get("/trust/{name}", response_class=Response)
async def install_file(
    name: Literal["tongke-windows.cmd", "tongke-linux.sh"], request: Request, services: ServicesOf
) -> Response:
    """A file that installs the authority and the browsers' policies for these pages."""
    authority = _own_authority(services)
    write, media_type = _INSTALL[name]
    origins = [address_for(request, services).url, *services.addresses.for_others()]
    if request.client and is_loopback(request.client.host):  # for a browser on this machine
        origins += services.addresses.for_this_machine()
    return _file(write(authority, safe_origins(origins)).encode(), media_type, name)


@router.get("/admin/certificate")
async def certificate(services: ServicesOf) -> CertificateView | None:
    """The certificate that is served, and what is wrong with it; null behind a proxy."""
    served = services.certificate
    if served is None:
        return None
    condition = served.condition
    leaf, public = condition.leaf, served.public_leaf is not None
    return CertificateView(
        subject=words_of(leaf.subject),
        issuer=words_of(leaf.issuer),
        fingerprint=fingerprint_of(leaf),
        begins_at=leaf.not_valid_before_utc.timestamp(),
        ends_at=leaf.not_valid_after_utc.timestamp(),
        names=list(condition.names),
        self_made=served.files.self_made and not public,
        authority=_authority_view(served),
        findings=[
            FindingView(fault=one.fault, message_zh=one.text.zh, message_en=one.text.en)
            for one in condition.findings
        ],
        reloads=served.reloads,
        trusted_since=_trusted_since(served),
        others=_others_view(served) if public else None,
        acme=_acme_view(served),
    )


def _trusted_since(served: ServedCertificate) -> float | None:
    renewal, authority = served.renewal, served.files.authority
    if renewal is not None and (since := renewal.told.served_since) is not None:
        return since
    return made_at(authority).timestamp() if authority else None


def _others_view(served: ServedCertificate) -> OthersCertificateView:
    return OthersCertificateView(
        issuer=words_of(served.leaf.issuer),
        ends_at=served.leaf.not_valid_after_utc.timestamp(),
        names=list(served.names),
    )


def _acme_view(served: ServedCertificate) -> AcmeView | None:
    if served.renewal is None:
        return None
    told = served.renewal.told
    return AcmeView(
        standing=told.standing,
        name=told.name,
        directory=told.directory,
        next_at=told.next_at,
        failed_at=told.failed_at,
        message_zh=told.failure.zh if told.failure else "",
        message_en=told.failure.en if told.failure else "",
        detail=told.detail,
    )


def _authority_view(served: ServedCertificate | None) -> AuthorityView | None:
    authority = served.files.authority if served else None
    if authority is None:
        return None
    return AuthorityView(
        name=words_of(authority.subject),
        fingerprint=fingerprint_of(authority),
        begins_at=authority.not_valid_before_utc.timestamp(),
        ends_at=authority.not_valid_after_utc.timestamp(),
    )


def _own_authority(services: Services) -> x509.Certificate:
    served = services.certificate
    if served is None or served.files.authority is None:
        raise Refusal(
            404,
            "no-own-authority",
            Text(
                "本服务器没有自己的 CA：证书由管理员提供，或由代理服务器提供。",
                "This server has no authority of its own: its certificate was given, or is a "
                "proxy's.",
            ),
        )
    return served.files.authority


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
