"""What the lesson is, for catalogues that know nothing of us: Dublin Core and LOM, as XML and JSON.

Dublin Core: the DCMI Metadata Terms (https://www.dublincore.org/specifications/dublin-core/
dcmi-terms/); its XML after the guidelines for XML of 2003, in the container of OAI's `oai_dc`. LOM:
IEEE 1484.12.1 with its XML binding 1484.12.3 (http://ltsc.ieee.org/xsd/LOM). Durations and moments
after ISO 8601. What is not known is left out, never made up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from recorder.exchange.form import LibraryFacts
from recorder.manifest import Manifest
from recorder.plain_text import plain

_LANGUAGE = "zh-CN"  # of the titles that are typed in; what is said in the lesson nobody asked
_DC = "http://purl.org/dc/elements/1.1/"
_DC_TERMS = "http://purl.org/dc/terms/"
_OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_LOM = "http://ltsc.ieee.org/xsd/LOM"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A recorded lesson in a catalogue's terms; texts are plain, `formats` are media types."""

    identifier: str
    title: str
    subject: str
    grade: str
    teacher: str
    schools: tuple[str, ...]
    began: str
    duration: str
    formats: tuple[str, ...]
    bytes: int


def describe(manifest: Manifest, library: LibraryFacts) -> CatalogueEntry:
    """From what recording and library say."""
    schools = library.schools or tuple(dict.fromkeys(p.school for p in manifest.parts if p.school))
    return CatalogueEntry(
        identifier=manifest.recording_id,
        title=plain(library.title or manifest.title),
        subject=plain(library.subject),
        grade=plain(library.grade),
        teacher=plain(library.teacher),
        schools=tuple(plain(school) for school in schools),
        began=_moment(manifest.started_at),
        duration=_lasting(manifest.duration_s),
        formats=tuple(dict.fromkeys(part.mime for part in manifest.parts)),
        bytes=sum(one.bytes for one in manifest.checksums),
    )


def dublin_core_json(lesson: CatalogueEntry) -> bytes:
    """As JSON-LD (W3C) with the terms' own names."""
    members = {
        "@context": {"dc": _DC, "dcterms": _DC_TERMS},
        **{name: values if len(values) > 1 else values[0] for name, values in _terms(lesson)},
    }
    return _json(members)


def dublin_core_xml(lesson: CatalogueEntry) -> bytes:
    """One element a value."""
    lines = [
        f"  <{name}>{escape(value)}</{name}>" for name, values in _terms(lesson) for value in values
    ]
    attributes = f'xmlns:oai_dc="{_OAI_DC}" xmlns:dc="{_DC}" xmlns:dcterms="{_DC_TERMS}"'
    return _xml([f"<oai_dc:dc {attributes}>", *lines, "</oai_dc:dc>"])


def lom_json(lesson: CatalogueEntry) -> bytes:
    """The elements of the base schema by their names."""
    general = {
        "identifier": [{"catalog": "tongke", "entry": lesson.identifier}],
        "title": {_LANGUAGE: lesson.title},
        "keyword": [{_LANGUAGE: word} for word in (lesson.subject, lesson.grade) if word],
        "aggregationLevel": 2,
    }
    members = {
        "general": {name: value for name, value in general.items() if value},
        "lifeCycle": {"contribute": _contributors(lesson)},
        "metaMetadata": {"metadataSchema": ["LOMv1.0"]},
        "technical": {
            "format": list(lesson.formats),
            "size": str(lesson.bytes),
            "duration": lesson.duration,
        },
        "educational": {"learningResourceType": "lecture", "context": "school"},
    }
    return _json(members)


def lom_xml(lesson: CatalogueEntry) -> bytes:
    """After the XML binding."""
    keywords = [word for word in (lesson.subject, lesson.grade) if word]
    lines = [
        f'<lom xmlns="{_LOM}">',
        "  <general>",
        "    <identifier><catalog>tongke</catalog>"
        f"<entry>{escape(lesson.identifier)}</entry></identifier>",
        f"    <title>{_string(lesson.title)}</title>",
        *(f"    <keyword>{_string(word)}</keyword>" for word in keywords),
        f"    <aggregationLevel>{_term('2')}</aggregationLevel>",
        "  </general>",
        "  <lifeCycle>",
        *(_contribution(one) for one in _contributors(lesson)),
        "  </lifeCycle>",
        "  <metaMetadata><metadataSchema>LOMv1.0</metadataSchema></metaMetadata>",
        "  <technical>",
        *(f"    <format>{escape(one)}</format>" for one in lesson.formats),
        f"    <size>{lesson.bytes}</size>",
        f"    <duration><duration>{lesson.duration}</duration></duration>",
        "  </technical>",
        "  <educational>",
        f"    <learningResourceType>{_term('lecture')}</learningResourceType>",
        f"    <context>{_term('school')}</context>",
        "  </educational>",
        "</lom>",
    ]
    return _xml(lines)


def _terms(lesson: CatalogueEntry) -> list[tuple[str, Sequence[str]]]:
    terms: list[tuple[str, Sequence[str]]] = [
        ("dc:identifier", [lesson.identifier]),
        ("dc:title", [lesson.title]),
        ("dc:creator", [lesson.teacher]),
        ("dc:subject", [lesson.subject]),
        ("dcterms:educationLevel", [lesson.grade]),
        ("dc:contributor", lesson.schools),
        ("dc:date", [lesson.began]),
        ("dc:type", ["MovingImage"]),
        ("dc:format", lesson.formats),
        ("dcterms:extent", [lesson.duration]),
    ]
    known = ((name, [value for value in values if value]) for name, values in terms)
    return [(name, values) for name, values in known if values]


def _contributors(lesson: CatalogueEntry) -> list[dict[str, str]]:
    """Who took part; of each the moment is the lesson's."""
    found = [("author", lesson.teacher)] if lesson.teacher else []
    found += [("unknown", school) for school in lesson.schools]
    when = {"date": lesson.began} if lesson.began else {}
    return [{"role": role, "entity": _vcard(name), **when} for role, name in found]


def _contribution(one: dict[str, str]) -> str:
    when = f"<date><dateTime>{one['date']}</dateTime></date>" if "date" in one else ""
    return (
        f"    <contribute><role>{_term(one['role'])}</role>"
        f"<entity>{escape(one['entity'])}</entity>{when}</contribute>"
    )


def _vcard(name: str) -> str:
    """LOM names people by vCards (RFC 2426); of a name its commas and semicolons are escaped."""
    safe = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return f"BEGIN:VCARD\nVERSION:3.0\nFN:{safe}\nEND:VCARD"


def _term(value: str) -> str:
    return f"<source>LOMv1.0</source><value>{escape(value)}</value>"


def _string(text: str) -> str:
    return f'<string language="{_LANGUAGE}">{escape(text)}</string>'


def _moment(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""  # no moment that a calendar has


def _lasting(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"PT{whole // 3600}H{whole // 60 % 60}M{whole % 60}S"


def _json(members: object) -> bytes:
    return json.dumps(members, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def _xml(lines: Sequence[str]) -> bytes:
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines, ""]).encode()
