"""The lesson's event log: which entries there are, and what each tells.

Every entry is a JSON object `{"at": seconds since 1970, "type": …}` with the fields of its model
below; a model's docstring says when it is written. Pages, the recorder's journal, chapters, facts
and statistics read the log. Entries are only ever added, and a type's fields never change their
meaning: a type that has to change gets a new name, and whoever reads passes over what it does not
know. `LOG_VERSION` counts the generations of the log as a whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from signaling.protocol.terms import (
    DeviceKind,
    Directing,
    Layout,
    LessonSource,
    LinkQuality,
    Role,
    Source,
)

LOG_VERSION = 1


class Entry(BaseModel):
    """Something that happened in a lesson at `at` (seconds since 1970)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    at: float
    type: str


class LessonRunning(Entry):
    """The lead is here."""

    type: Literal["lesson_running"] = "lesson_running"


class LessonWaiting(Entry):
    """The lead is not here any more."""

    type: Literal["lesson_waiting"] = "lesson_waiting"


class LessonRestored(Entry):
    """The server was restarted in mid-lesson."""

    type: Literal["lesson_restored"] = "lesson_restored"


class LessonEnded(Entry):
    """It is over: `by-lead`, `by-colleague`, `by-administrator`, `by-server`, `timed-out` (nobody
    led it, or was there), `made-way` (nobody led it, and another lesson needed
    its rooms) or `too-long` (the longest length there is)."""

    type: Literal["lesson_ended"] = "lesson_ended"
    reason: str


class SeatJoined(Entry):
    """The seat's first device came."""

    type: Literal["seat_joined"] = "seat_joined"
    seat_id: str
    role: Role
    name: str
    school: str


class SeatLost(Entry):
    """Its last connection was lost; its place is kept."""

    type: Literal["seat_lost"] = "seat_lost"
    seat_id: str


class SeatReturned(Entry):
    """It is back in time."""

    type: Literal["seat_returned"] = "seat_returned"
    seat_id: str


class SeatLeft(Entry):
    """Its last device has gone: `left`, `grace-over` or `removed`."""

    type: Literal["seat_left"] = "seat_left"
    seat_id: str
    reason: str


class DeviceJoined(Entry):
    """One more device of a seat."""

    type: Literal["device_joined"] = "device_joined"
    seat_id: str
    device_id: str
    device: DeviceKind


class DeviceLeft(Entry):
    """A device has gone: `left`, `grace-over`, `removed` or `replaced` by itself, restarted."""

    type: Literal["device_left"] = "device_left"
    seat_id: str
    device_id: str
    reason: str


class DeviceRemoved(Entry):
    """A device was put out; `code` is the refusal's that it was told, `by` the seat (or empty)."""

    type: Literal["device_removed"] = "device_removed"
    seat_id: str
    device_id: str
    code: str
    by: str


class SeatReadmitted(Entry):
    """Who was put out of this seat may come in again."""

    type: Literal["seat_readmitted"] = "seat_readmitted"
    seat_id: str
    by: str


class LeadRenamed(Entry):
    """Another person leads the lesson from now on."""

    type: Literal["lead_renamed"] = "lead_renamed"
    seat_id: str
    name: str


class EndingSoon(Entry):
    """The longest length is near: it ends by itself at `ends_at`."""

    type: Literal["ending_soon"] = "ending_soon"
    ends_at: float


class SoundMoved(Entry):
    """Another device carries the room's sound."""

    type: Literal["sound_moved"] = "sound_moved"
    seat_id: str
    device_id: str


class SourceAdded(Entry):
    """A stream came."""

    type: Literal["source_added"] = "source_added"
    seat_id: str
    source: Source
    producer_id: str


class SourceRemoved(Entry):
    """A stream has gone."""

    type: Literal["source_removed"] = "source_removed"
    seat_id: str
    source: Source
    producer_id: str


class StreamAdded(Entry):
    """A stream of the lesson itself came, made on the server."""

    type: Literal["stream_added"] = "stream_added"
    source: LessonSource
    producer_id: str


class StreamRemoved(Entry):
    """A stream of the lesson itself has gone."""

    type: Literal["stream_removed"] = "stream_removed"
    source: LessonSource
    producer_id: str


class ProgramWanted(Entry):
    """Somebody takes the lesson's program, or nobody any more."""

    type: Literal["program_wanted"] = "program_wanted"
    wanted: bool


class ShotTile(BaseModel):
    """One picture's place in a shot, in its pixels; `source` is empty where none is sent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seat_id: str
    source: str
    x: int
    y: int
    width: int
    height: int


class ProgramShot(Entry):
    """The program shows this from now on, on `width` × `height`; `why` it was cut to: `begin`,
    `choice`, `floor`, `screen`, `speech`, `lead` or `away`; `seats`: others stand in it now."""

    type: Literal["program_shot"] = "program_shot"
    layout: Layout
    why: str
    width: int
    height: int
    tiles: tuple[ShotTile, ...]


class SourceMuted(Entry):
    """Closed or opened by the seat itself."""

    type: Literal["source_muted"] = "source_muted"
    seat_id: str
    source: Source
    muted: bool


class SeatMuted(Entry):
    """Its sound was closed, or let be, by the lead."""

    type: Literal["seat_muted"] = "seat_muted"
    seat_id: str
    muted: bool
    by: str


class HandRaised(Entry):
    """A hand is up."""

    type: Literal["hand_raised"] = "hand_raised"
    seat_id: str


class HandLowered(Entry):
    """A hand was taken down (not by being called on)."""

    type: Literal["hand_lowered"] = "hand_lowered"
    seat_id: str
    by: str


class FloorGiven(Entry):
    """A seat was called on. It is large until the floor is taken, or picture or layout chosen."""

    type: Literal["floor_given"] = "floor_given"
    seat_id: str
    by: str


class FloorTaken(Entry):
    """The floor came back from this seat."""

    type: Literal["floor_taken"] = "floor_taken"
    seat_id: str
    by: str


class Spotlight(Entry):
    """This picture is large; null: nobody's."""

    type: Literal["spotlight"] = "spotlight"
    seat_id: str | None
    source: Source | None
    by: str


class LayoutChosen(Entry):
    """How the others stand on every screen."""

    type: Literal["layout"] = "layout"
    layout: Layout
    by: str


class ChosenPlace(BaseModel):
    """A picture that stands where it was put; without a source, its seat's usual one."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seat_id: str
    source: Source | None


class PlacesChosen(Entry):
    """These pictures stand first in every layout, in this order."""

    type: Literal["places"] = "places"
    places: tuple[ChosenPlace, ...]
    by: str


class DirectingChosen(Entry):
    """How much the director of the program decides by itself."""

    type: Literal["directing"] = "directing"
    directing: Directing
    by: str


class LockChanged(Entry):
    """Whether somebody new may come in."""

    type: Literal["lock"] = "lock"
    locked: bool


class RecordingChanged(Entry):
    """The recorder runs or not; `fault` says why not, if it should."""

    type: Literal["recording"] = "recording"
    recording: bool
    fault: str = ""


class RecordingSwitched(Entry):
    """The lead has switched the recording on or off (`by` is empty: told again after a restart)."""

    type: Literal["recording_switched"] = "recording_switched"
    recording: bool
    by: str


class ChapterMarked(Entry):
    """Somebody who runs the lesson says that a new part of it begins."""

    type: Literal["chapter_marked"] = "chapter_marked"
    by: str


class ScreenPageTurned(Entry):
    """A seat's shared screen shows another page since `since`; `page` counts those it has shown
    since this sharing began, with the one that it began with."""

    type: Literal["screen_page"] = "screen_page"
    seat_id: str
    page: int
    since: float


class Chat(Entry):
    """A line to all."""

    type: Literal["chat"] = "chat"
    seat_id: str
    name: str
    text: str


class Speech(Entry):
    """A seat spoke from `since` until `until`: written when it has begun, once a second while
    it goes on, and when it is `over`. Of a seat's entries with the same `since` the last counts:
    one that ends where it begins was an echo after all, and where none is `over` (the server was
    killed) the seat spoke at least so long."""

    type: Literal["speech"] = "speech"
    seat_id: str
    since: float
    until: float
    over: bool


class LinkChanged(Entry):
    """A seat's line turned `good`, `weak` or `lost`."""

    type: Literal["link"] = "link"
    seat_id: str
    link: LinkQuality


AnyEntry = (
    LessonRunning
    | LessonWaiting
    | LessonRestored
    | LessonEnded
    | SeatJoined
    | SeatLost
    | SeatReturned
    | SeatLeft
    | DeviceJoined
    | DeviceLeft
    | DeviceRemoved
    | SeatReadmitted
    | LeadRenamed
    | EndingSoon
    | SoundMoved
    | SourceAdded
    | SourceRemoved
    | StreamAdded
    | StreamRemoved
    | ProgramWanted
    | ProgramShot
    | SourceMuted
    | SeatMuted
    | HandRaised
    | HandLowered
    | FloorGiven
    | FloorTaken
    | Spotlight
    | LayoutChosen
    | PlacesChosen
    | DirectingChosen
    | LockChanged
    | RecordingChanged
    | RecordingSwitched
    | ChapterMarked
    | ScreenPageTurned
    | Chat
    | Speech
    | LinkChanged
)

ENTRIES: dict[str, type[AnyEntry]] = {
    model.model_fields["type"].default: model for model in get_args(AnyEntry)
}

_entry: TypeAdapter[AnyEntry] = TypeAdapter(Annotated[AnyEntry, Field(discriminator="type")])


def as_members(entry: AnyEntry) -> dict[str, Any]:
    """An entry as the members of a JSON object."""
    return entry.model_dump(mode="json")


def parse_entries(objects: list[dict[str, object]]) -> tuple[list[AnyEntry], int]:
    """The entries that are known here, in order, and how many others there are."""
    entries: list[AnyEntry] = []
    for members in objects:
        try:
            entries.append(_entry.validate_python(members, strict=False))
        except ValidationError:
            continue
    return entries, len(objects) - len(entries)
