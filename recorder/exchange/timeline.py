"""The recording's time line for other tools: chapters and captions as WebVTT, the parts as a list.

WebVTT is W3C's (https://www.w3.org/TR/webvtt1/): chapters in each language, and what was written
in the lesson as captions, with who wrote it as the cue's voice (§3.5). The list of parts is our
own: which file holds which seat's picture and sound from when to when, as an edit decision list
does, with what was not recorded. Times are seconds on the recording's time line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recorder.exchange.screen_pages import pages_of
from recorder.manifest import Manifest, RecordedEvent
from recorder.plain_text import plain

# Rooms come in one after the other around the beginning: that is no chapter each.
BEGINNING_S = 60.0
# As long as a line of chat is read by a class, and stays if no other follows.
CAPTION_S = 8.0

_CHAPTERS = {
    "start": ("Start", "开始"),
    "joined": ("{name} joins", "{name}进入"),
    "floor": ("{name} has the floor", "{name}发言"),
    "spotlight": ("Spotlight: {name}", "{name}放大给全班"),
    "screen": ("{name} shares a screen", "{name}共享屏幕"),
    "page": ("Page {name} of the shared screen", "共享屏幕第 {name} 页"),
    "mark": ("Mark {name}", "标记 {name}"),
    "pause": ("Not recorded", "未录制"),
    "end": ("End of the lesson", "下课"),
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where something begins that people look for. `name` is whose, if anybody's; of a
    mark or a page, its number."""

    kind: str
    at_s: float
    name: str = ""

    def title(self, *, chinese: bool) -> str:
        """In words."""
        return _CHAPTERS[self.kind][chinese].format(name=self.name)


def chapters_of(manifest: Manifest) -> list[Chapter]:
    """In order; the first stands at the beginning."""
    names = {part.seat_id: part.name for part in manifest.parts}
    for event in manifest.events:
        seat, name = _text(event, "seat_id"), _text(event, "name")
        if seat and name:
            names.setdefault(seat, name)
    found, marks = [Chapter("start", 0.0)], 0
    for event in manifest.events:
        kind, at = _kind(event), min(manifest.duration_s, event.start_s)
        if kind and not (kind == "joined" and at < BEGINNING_S):
            marks += kind == "mark"
            whose = names.get(_text(event, "seat_id"), "")
            found.append(Chapter(kind, at, str(marks) if kind == "mark" else plain(whose)))
    found += [
        Chapter("page", min(manifest.duration_s, one.at_s), str(one.number))
        for one in pages_of(manifest)
    ]
    found += [Chapter("pause", min(manifest.duration_s, one.start_s)) for one in manifest.pauses]
    return sorted(found, key=lambda chapter: chapter.at_s)


def chapters_vtt(manifest: Manifest, *, chinese: bool) -> bytes:
    """Each chapter lasts to the next; of several that begin at one moment the last stands."""
    found = chapters_of(manifest)
    ends = [one.at_s for one in found[1:]] + [manifest.duration_s]
    cues = [
        (one.at_s, until, _escaped(one.title(chinese=chinese)))
        for one, until in zip(found, ends, strict=True)
    ]
    return _vtt(cues, language="zh-CN" if chinese else "en")


def captions_vtt(manifest: Manifest) -> bytes:
    """What was written in the lesson; each line stands until the next, `CAPTION_S` at most."""
    said = [event for event in manifest.events if event.type == "chat" and _text(event, "text")]
    said.sort(key=lambda event: event.start_s)
    cues = []
    for number, event in enumerate(said):
        begins = event.start_s
        following = said[number + 1].start_s if number + 1 < len(said) else manifest.duration_s
        until = min(begins + CAPTION_S, max(following, begins + 1.0), manifest.duration_s)
        name, text = _escaped(plain(_text(event, "name"))), _escaped(plain(_text(event, "text")))
        cues.append((begins, until, f"<v {name}>{text}" if name else text))
    return _vtt(cues)


def parts_list(manifest: Manifest) -> bytes:
    """Which file holds what from when to when, and what no file holds."""
    members = {
        "format": "tongke-parts",
        "version": 1,
        "began_at": manifest.started_at,
        "duration_s": manifest.duration_s,
        "parts": [
            {
                "file": f"recording/{part.file}",
                "media_type": part.mime,
                "seat": part.seat_id,
                "seat_name": part.name,
                "school": part.school,
                "source": part.source,
                "picture": part.has_video,
                "sound": part.has_audio,
                "from_s": part.start_s,
                "to_s": round(part.start_s + part.duration_s, 3),
                "file_from_s": 0.0,
                "file_to_s": part.duration_s,
            }
            for part in sorted(manifest.parts, key=lambda one: (one.start_s, one.file))
        ],
        "not_recorded": [
            {"from_s": one.start_s, "to_s": round(one.start_s + one.duration_s, 3), "why": one.code}
            for one in manifest.pauses
        ],
    }
    return json.dumps(members, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def _kind(event: RecordedEvent) -> str:
    match event.type:
        case "seat_joined":
            return "joined" if _text(event, "role") == "room" else ""
        case "spotlight":
            return "spotlight" if _text(event, "seat_id") else ""
        case "source_added":
            return "screen" if _text(event, "source") == "screen" else ""
    return _ALWAYS.get(event.type, "")


_ALWAYS = {"floor_given": "floor", "chapter_marked": "mark", "lesson_ended": "end"}


def _text(event: RecordedEvent, member: str) -> str:
    value = (event.model_extra or {}).get(member)
    return value if isinstance(value, str) else ""


def _vtt(cues: Sequence[tuple[float, float, str]], *, language: str = "") -> bytes:
    return "".join(_lines(cues, language)).encode()


def _lines(cues: Sequence[tuple[float, float, str]], language: str) -> Iterator[str]:
    yield "WEBVTT\n" + (f"Language: {language}\n" if language else "")
    for begins, until, text in cues:
        if until > begins:
            yield f"\n{_time(begins)} --> {_time(until)}\n{text}\n"


def _time(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{thousandths:03d}"


def _escaped(text: str) -> str:
    """As a cue's text: one line, no markup (WebVTT §4.2.2)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
