"""The grammar of session descriptions: text in, plain values out, and back (RFC 8866).

Owns: lines, m-sections, attributes, and the reading of those attribute values that WebRTC uses
(RFC 8829, RFC 8839, RFC 8842, RFC 8853). Strict where a slip would be dangerous, deaf to what it
does not know, patient with what encoders write though no RFC has it (a byte order mark, blanks at
a line's end, bare LF). Every fault is one `SdpRefused` that names the line or the m-line.

Leaves to `mixer.transport` (`publish_answer.py`, `subscribe_offer.py`) what is acceptable and what
to reply. Signaling reads offers and ICE fragments with it too: what one of them takes, both take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mixer.errors import SdpRefused

# A browser's offer of 8 sources is about 30 kB; signaling admits 64 KiB.
MAX_SDP_CHARACTERS = 65_536
MAX_LINE_CHARACTERS = 2_048
MAX_MEDIA_SECTIONS = 160
MAX_ATTRIBUTES_PER_SECTION = 600
# Those of the whole session stand in every section that we read, so they are few: 14 ids are all
# that fit one-byte header extensions.
MAX_SESSION_EXTENSIONS = 64

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+")
# RFC 5888 §4 gives a mid no longest length; one of 36 is a UUID, 16 is all that MID in a one-byte
# header extension holds (a longer one is known by its SSRC or payload type).
MID = re.compile(rf"{TOKEN.pattern[:-1]}{{1,64}}")
# RFC 8852 §3.1 has no longest length either; the pump hears of 31 octets.
RID = re.compile(r"[A-Za-z0-9_\-]{1,31}")
# RFC 8839 §5.4 has letters, digits, + and /; encoders whose secrets are base64url put in - _ = too.
ICE_UFRAG = re.compile(r"[A-Za-z0-9+/_=\-]{4,256}")
ICE_PASSWORD = re.compile(r"[A-Za-z0-9+/_=\-]{22,256}")


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """What whoever checks a path to its peer must know (RFC 8839 §5.4)."""

    ufrag: str
    password: str


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap`: what a payload type is."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One m-section, attributes in their order; session-level ICE and DTLS values are filled in."""

    index: int
    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for known, value in self.attributes if known == name]

    def first(self, name: str) -> str | None:
        """The first value of an attribute, None when it is absent."""
        return next((value for known, value in self.attributes if known == name), None)

    def has(self, name: str) -> bool:
        """Whether the attribute is there."""
        return self.first(name) is not None

    @property
    def mid(self) -> str:
        """`a=mid`, "" when absent."""
        return self.first("mid") or ""

    @property
    def name(self) -> str:
        """What the m-line is called: its mid, its position when it has none (RFC 9143 §7.1)."""
        return self.mid or str(self.index)

    @property
    def direction(self) -> str:
        """The sender's direction; `sendrecv` when unsaid (RFC 8866 §6.7)."""
        return next((name for name, _ in self.attributes if name in DIRECTIONS), "sendrecv")

    @property
    def rejected(self) -> bool:
        """Port 0 without bundle-only: the m-line is refused or dead (RFC 8843 §6)."""
        return self.port == 0 and not self.has("bundle-only")

    def refused(self, what: str) -> SdpRefused:
        """The error for this m-line, by its position and mid."""
        name = f" (mid {self.mid})" if self.mid else ""
        return SdpRefused(f"m-line {self.index}{name}, {self.kind}: {what}")

    # Values with a grammar of their own

    def payload_types(self) -> list[int]:
        """The payload types in the sender's order of preference."""
        return [self._number(text, "payload type", 0, 127) for text in self.formats]

    def rtpmaps(self) -> dict[int, RtpMap]:
        """`a=rtpmap` by payload type."""
        found = {}
        for value in self.all("rtpmap"):
            match = re.fullmatch(
                r"([0-9]{1,3}) +([^/ ]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?", value.strip()
            )
            if match is None:
                raise self.refused(f"a=rtpmap:{value[:60]} is malformed")
            payload_type = self._number(match[1], "payload type", 0, 127)
            found[payload_type] = RtpMap(payload_type, match[2], int(match[3]), int(match[4] or 1))
        return found

    def format_parameters(self) -> dict[int, dict[str, str]]:
        """`a=fmtp` by payload type; keys in lower case, a key without value has ""."""
        found: dict[int, dict[str, str]] = {}
        for value in self.all("fmtp"):
            text, _, parameters = value.partition(" ")
            payload_type = self._number(text, "payload type", 0, 127)
            entries = found.setdefault(payload_type, {})
            for entry in parameters.split(";"):
                key, _, setting = entry.strip().partition("=")
                if key:
                    entries[key.lower()] = setting
        return found

    def feedback(self) -> dict[int, set[str]]:
        """`a=rtcp-fb` by payload type; `*` is spread over all payload types."""
        found: dict[int, set[str]] = {payload_type: set() for payload_type in self.payload_types()}
        for value in self.all("rtcp-fb"):
            text, *words = value.split()
            kind = " ".join(words)
            if text == "*":
                for kinds in found.values():
                    kinds.add(kind)
            else:
                payload_type = self._number(text, "payload type", 0, 127)
                found.setdefault(payload_type, set()).add(kind)
        return found

    def extension_ids(self) -> dict[str, int]:
        """`a=extmap`: id by URI (RFC 8285); a direction behind the id is dropped."""
        found: dict[str, int] = {}
        for value in self.all("extmap"):
            parts = value.split()
            if len(parts) < 2:
                raise self.refused(f"a=extmap:{value[:60]} is malformed")
            number = self._number(parts[0].partition("/")[0], "extension id", 1, 4095 + 256)
            found.setdefault(parts[1], number)
        return found

    def ssrcs(self) -> list[int]:
        """The SSRCs of `a=ssrc`, each once, in order."""
        values = (value.partition(" ")[0] for value in self.all("ssrc"))
        return list(dict.fromkeys(self._number(text, "SSRC", 0, 0xFFFFFFFF) for text in values))

    def ssrc_groups(self, semantics: str) -> list[list[int]]:
        """The groups of `a=ssrc-group` with these semantics (RFC 5576): `FID`, `SIM`."""
        found = []
        for value in self.all("ssrc-group"):
            kind, *members = value.split() or [""]
            if not kind:
                raise self.refused("a=ssrc-group is empty")
            if kind == semantics:
                found.append([self._number(text, "SSRC", 0, 0xFFFFFFFF) for text in members])
        return found

    def simulcast_rids(self, direction: str) -> list[str]:
        """The rids of `a=simulcast` in one direction (RFC 8853 §5.1).

        Of alternatives (`a,b`) the first counts; `~` (begins paused) is dropped.
        """
        value = self.first("simulcast")
        if value is None:
            return []
        words = value.split()
        if direction not in words or words.index(direction) + 1 >= len(words):
            return []
        rids = []
        for stream in words[words.index(direction) + 1].split(";"):
            rid = stream.split(",")[0].lstrip("~")
            if RID.fullmatch(rid) is None:
                raise self.refused(f"a=simulcast:{value[:60]} is malformed")
            rids.append(rid)
        return rids

    def _number(self, text: str, what: str, least: int, most: int) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
            raise self.refused(f"{text[:20]!r} is no {what}")
        return int(text)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `bundle` holds the mids of the first `a=group:BUNDLE`.

    `user` and `session_id` are the origin's (`o=`, RFC 8866 §5.2); FFmpeg is a user of that name.
    """

    user: str
    session_id: str
    bundle: tuple[str, ...]
    ice_lite: bool
    media: tuple[MediaSection, ...]


# What may stand once for the whole session: ICE and DTLS (RFC 8839 §5.4, RFC 8842 §5), a direction
# (RFC 8866 §6.7). A section that has its own keeps to that. Header extensions (RFC 8285 §5) are not
# among them: a section has the session's beside its own.
INHERITED = ("ice-ufrag", "ice-pwd", "fingerprint", "setup", "ice-options", *DIRECTIONS)


@dataclass(slots=True)
class _Section:
    index: int
    m_line: str
    attributes: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str) -> SessionDescription:
    """Read a description; raises `SdpRefused`."""
    if len(text) > MAX_SDP_CHARACTERS:
        raise SdpRefused(f"the description is longer than {MAX_SDP_CHARACTERS} characters")
    lines = lines_of(text)
    if not lines or lines[0] != "v=0":
        raise SdpRefused("the description does not begin with v=0")
    session, sections, origin = _split(lines)
    if not sections:
        raise SdpRefused("the description has no m-line")
    groups = [value.split() for name, value in session if name == "group"]
    bundle = next((tuple(group[1:]) for group in groups if group[:1] == ["BUNDLE"]), ())
    if sum(name == "extmap" for name, _ in session) > MAX_SESSION_EXTENSIONS:
        raise SdpRefused(f"more than {MAX_SESSION_EXTENSIONS} header extensions for the session")
    media = tuple(_media_section(section, session) for section in sections)
    user, session_id, *_ = (*origin.split(), "", "")
    if len({section.name for section in media}) != len(media):
        raise SdpRefused("two m-lines have the same mid")
    return SessionDescription(
        user=user,
        session_id=session_id,
        bundle=bundle,
        ice_lite=any(name == "ice-lite" for name, _ in session),
        media=media,
    )


def lines_of(text: str) -> list[str]:
    """The lines of a description or a part of one, without what stands around them.

    That is a byte order mark, line ends (CR LF, LF or CR alone), blanks at a line's end, and lines
    that are empty.
    """
    lines = (line.rstrip(" \t") for line in re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")))
    return [line for line in lines if line]


def _split(lines: list[str]) -> tuple[list[tuple[str, str]], list[_Section], str]:
    """Session attributes, m-sections, and the origin."""
    session: list[tuple[str, str]] = []
    sections: list[_Section] = []
    origin = ""
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise SdpRefused(f"line {number} is longer than {MAX_LINE_CHARACTERS} characters")
        if len(line) < 2 or line[1] != "=" or not line[0].isalpha():
            raise SdpRefused(f"line {number} is not `letter=value`: {line[:40]!r}")
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(sections) >= MAX_MEDIA_SECTIONS:
                raise SdpRefused(f"the description has more than {MAX_MEDIA_SECTIONS} m-lines")
            sections.append(_Section(len(sections), value))
        elif kind == "o" and not sections:
            origin = value
        elif kind == "a":
            name, _, setting = value.partition(":")
            attributes = sections[-1].attributes if sections else session
            if len(attributes) >= MAX_ATTRIBUTES_PER_SECTION:
                raise SdpRefused(f"line {number}: too many attributes in one section")
            attributes.append((name, setting.strip()))
    return session, sections, origin


def _media_section(section: _Section, session: list[tuple[str, str]]) -> MediaSection:
    match = re.fullmatch(
        r"([A-Za-z]+) +([0-9]{1,5})(?:/[0-9]+)? +([A-Z0-9/]+) +(.+)", section.m_line.strip()
    )
    if match is None:
        raise SdpRefused(f"m-line {section.index} is malformed: {section.m_line[:60]!r}")
    media = MediaSection(
        index=section.index,
        kind=match[1].lower(),
        port=int(match[2]),
        protocol=match[3],
        formats=tuple(match[4].split()),
        attributes=(*section.attributes, *_inherited(section, session)),
    )
    if media.mid and MID.fullmatch(media.mid) is None:
        raise media.refused("its mid is not a token of 1 to 64 characters")
    return media


def _inherited(section: _Section, session: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the session says for a section too."""
    present = {name for name, _ in section.attributes}
    if present.intersection(DIRECTIONS):
        present.update(DIRECTIONS)
    return [
        (name, value)
        for name, value in session
        if name == "extmap" or (name in INHERITED and name not in present)
    ]


def format_lines(lines: list[str]) -> str:
    """Lines as SDP sends them: each ended by CR LF."""
    return "".join(f"{line}\r\n" for line in lines)


def parameters_text(parameters: dict[str, str]) -> str:
    """Format parameters as `a=fmtp` writes them."""
    return ";".join(f"{key}={value}" if value else key for key, value in parameters.items())
