"""Every message of the lesson protocol, one class each (told in prose in `docs/protocol.md`).

A message is a JSON object with a `type`. Clients send `ClientMessage`s, the server sends
`ServerMessage`s; both unions are discriminated by `type`. `web_client/src/protocol/messages.ts`
is generated from this file (`python -m signaling.protocol.typescript`), and a test fails when it is
stale.

A client may put a `request_id` on any message; the server answers it with `Done`, `Refused` or
the message's own answer, carrying the same id.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from signaling.protocol.terms import (
    CloseCode,
    DeviceKind,
    Directing,
    EndReason,
    Layout,
    LessonSource,
    LinkQuality,
    Mode,
    PictureFault,
    ProgramStanding,
    RemovalCode,
    Role,
    Source,
    VideoCodec,
)

# Re-exported: who speaks the protocol needs this module only.
__all__ = [
    "CloseCode",
    "DeviceKind",
    "Directing",
    "EndReason",
    "Layout",
    "LessonSource",
    "LinkQuality",
    "Mode",
    "PictureFault",
    "ProgramStanding",
    "RemovalCode",
    "Role",
    "Source",
    "VideoCodec",
]

PROTOCOL_VERSION = 1

# As many as the fullest layout shows.
MAX_PLACES = 16
# Whoever looks tells of a page within some seconds: an older one is not what they see now.
MAX_STOOD_S = 10

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Sdp = Annotated[str, Field(min_length=1, max_length=65_536)]
# RFC 5888 §4: a token, of any length; `mixer.sdp.MID` bounds it so.
Mid = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$")
]


class Model(BaseModel):
    """Strict and frozen: an unknown field is refused, never ignored."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


# --- what clients send ----------------------------------------------------------------------


class Request(Model):
    request_id: Annotated[str, Field(max_length=64)] | None = None


class Join(Request):
    """The first message. `resume` is the key of an earlier `Welcome`: the same device is back.

    With `keep_media` it asks to go on with the peer connections it still has; `media_kept` in the
    `Welcome` answers. Otherwise the server has closed them and the device negotiates anew.
    `shows` are the codecs of which it can show pictures. Without `enters` a lead's device only
    looks whether all is ready: the lesson begins, or goes on, when it says `Enter`. `takes_lead`
    says that somebody's hand brings the lead here, wherever else the same person leads; without it
    a browser that enters is refused then (`leads-elsewhere`). Without `offers_sound` it has no
    microphone and no loudspeaker: it does not carry the seat's sound, unless it says `OfferSound`
    later. With `claims_sound` it is what the room's sound was set up for: the seat's other devices
    give theirs up to it. Without `plays_sound` it has a microphone alone, and another device plays.
    """

    type: Literal["join"] = "join"
    protocol: int = PROTOCOL_VERSION
    token: Annotated[str, Field(min_length=1, max_length=4096)]
    device: DeviceKind = DeviceKind.BROWSER
    resume: Annotated[str, Field(max_length=128)] | None = None
    keep_media: bool = False
    shows: Annotated[list[VideoCodec], Field(max_length=len(VideoCodec))] = list(VideoCodec)
    enters: bool = True
    takes_lead: bool = False
    offers_sound: bool = True
    claims_sound: bool = False
    plays_sound: bool = True


class OfferSound(Request):
    """This device's microphone is lost, or there again: another device of the seat carries the
    sound meanwhile. What it claimed when it joined it gets back.
    """

    type: Literal["offer_sound"] = "offer_sound"
    offers: bool


class Enter(Request):
    """The device that has only looked until now takes part; where the same person leads from
    another, that one is replaced.
    """

    type: Literal["enter"] = "enter"


class Leave(Request):
    """The device goes for good; its seat stands empty at once."""

    type: Literal["leave"] = "leave"


class Publish(Request):
    """An SDP offer for the publish connection; `sources` names each sending m-line by its mid.

    The same message renegotiates and restarts ICE. An m-line not named here sends nothing.
    Answered by `Published`.
    """

    type: Literal["publish"] = "publish"
    sdp: Sdp
    sources: Annotated[dict[Mid, Source], Field(max_length=8)]


class Unpublish(Request):
    """Stop one source (the browser may later renegotiate; the server stops forwarding now)."""

    type: Literal["unpublish"] = "unpublish"
    source: Source


class Want(Model):
    """A producer to be sent to this device, shown at about this size in pixels (sound: 0)."""

    producer_id: Id
    width: Annotated[int, Field(ge=0, le=7680)] = 0
    height: Annotated[int, Field(ge=0, le=4320)] = 0
    priority: Annotated[int, Field(ge=0, le=10)] = 1


class Subscribe(Request):
    """All this device wants to receive now: what is not named is stopped."""

    type: Literal["subscribe"] = "subscribe"
    wants: Annotated[list[Want], Field(max_length=128)]


class SubscribeAnswer(Request):
    """The answer to the last `SubscribeOffer`."""

    type: Literal["subscribe_answer"] = "subscribe_answer"
    sdp: Sdp


class RestartSubscribe(Request):
    """The subscribe connection has failed: offer it anew with fresh ICE credentials."""

    type: Literal["restart_subscribe"] = "restart_subscribe"


class Mute(Request):
    """Open or close one's own source; the sound is `room`."""

    type: Literal["mute"] = "mute"
    source: Source = Source.ROOM
    muted: bool


class MuteSeat(Request):
    """Lead: close a seat's sound, or let it be open again as the mode says."""

    type: Literal["mute_seat"] = "mute_seat"
    seat_id: Id
    muted: bool


class MuteAll(Request):
    """Lead: close the sound of every room, of those that are still to come too; or let all be."""

    type: Literal["mute_all"] = "mute_all"
    muted: bool


class RaiseHand(Request):
    """Ask for the floor."""

    type: Literal["raise_hand"] = "raise_hand"


class LowerHand(Request):
    """Take one's hand down; the lead may name another's seat."""

    type: Literal["lower_hand"] = "lower_hand"
    seat_id: Id | None = None


class LowerAllHands(Request):
    """Lead: take every hand down."""

    type: Literal["lower_all_hands"] = "lower_all_hands"


class GiveFloor(Request):
    """Lead: this seat may speak now and comes forward on every screen; its hand goes down."""

    type: Literal["give_floor"] = "give_floor"
    seat_id: Id


class TakeFloor(Request):
    """Lead: the floor comes back, and every screen to what it showed before.

    Its holder may hand it back with the same message.
    """

    type: Literal["take_floor"] = "take_floor"


class SetSpotlight(Request):
    """Lead: show this seat's picture large to all; without a seat, nobody's."""

    type: Literal["set_spotlight"] = "set_spotlight"
    seat_id: Id | None = None
    source: Source | None = None


class SetLayout(Request):
    """Lead: how the others stand on every screen."""

    type: Literal["set_layout"] = "set_layout"
    layout: Layout


class PicturePlace(Model):
    """One picture of the lesson: whose, and which; null: the one that stands for the seat."""

    seat_id: Id
    source: Source | None = None


class SetPlaces(Request):
    """Lead: these pictures stand first, in this order, in every layout on every screen.

    The others follow as the lesson has them, the lead first; so do all without `places`.
    """

    type: Literal["set_places"] = "set_places"
    places: Annotated[list[PicturePlace], Field(max_length=MAX_PLACES)]


class SetDirecting(Request):
    """Lead: how much the director of the program decides by itself."""

    type: Literal["set_directing"] = "set_directing"
    directing: Directing


class SendChat(Request):
    """A line to all."""

    type: Literal["send_chat"] = "send_chat"
    text: Annotated[str, Field(min_length=1, max_length=2000)]


class SetLock(Request):
    """Lead: nobody new comes in. Seats that were here may always return."""

    type: Literal["set_lock"] = "set_lock"
    locked: bool


class TakeProgram(Request):
    """This device receives the lesson's program in place of separate pictures, or no longer.

    The server makes it while somebody takes it: its streams come with the lesson's `streams`.
    """

    type: Literal["take_program"] = "take_program"
    taken: bool


class SetRecording(Request):
    """Lead: from now on the lesson is recorded, or it is not. All are told."""

    type: Literal["set_recording"] = "set_recording"
    recording: bool


class MarkChapter(Request):
    """A new part of the lesson begins here: recordings have a chapter at this moment."""

    type: Literal["mark_chapter"] = "mark_chapter"


class ScreenPage(Request):
    """The shared screen shows another page, and has for `stood_s`: who sends it looks, and says so.

    Recordings have a chapter where it came. Pages that follow one another at once are one.
    """

    type: Literal["screen_page"] = "screen_page"
    stood_s: Annotated[float, Field(ge=0, le=MAX_STOOD_S)] = 0


class RemoveDevice(Request):
    """Lead: this device is put out of its seat, and whoever it belongs to is let in no more."""

    type: Literal["remove_device"] = "remove_device"
    device_id: Id


class Readmit(Request):
    """Lead: all who were put out of this seat may come in again."""

    type: Literal["readmit"] = "readmit"
    seat_id: Id


class EndLesson(Request):
    """Lead: the lesson is over for all."""

    type: Literal["end_lesson"] = "end_lesson"


class Ping(Request):
    """Is the line alive? Answered by `Pong`; a client sends one every 2 s."""

    type: Literal["ping"] = "ping"


ClientMessage = Annotated[
    Join
    | Enter
    | OfferSound
    | Leave
    | Publish
    | Unpublish
    | Subscribe
    | SubscribeAnswer
    | RestartSubscribe
    | Mute
    | MuteSeat
    | MuteAll
    | RaiseHand
    | LowerHand
    | LowerAllHands
    | GiveFloor
    | TakeFloor
    | SetSpotlight
    | SetLayout
    | SetPlaces
    | SetDirecting
    | SendChat
    | SetLock
    | TakeProgram
    | SetRecording
    | MarkChapter
    | ScreenPage
    | RemoveDevice
    | Readmit
    | EndLesson
    | Ping,
    Field(discriminator="type"),
]


# --- what the server says ---------------------------------------------------------------------


class SourceState(Model):
    """One source of a seat, as everybody may see it."""

    source: Source
    producer_id: Id
    device_id: Id
    kind: Literal["audio", "video"]
    codec: str = ""
    muted: bool = False  # closed by its own device
    live: bool = False  # media has arrived
    faults: list[PictureFault] = []  # what browsers cannot show of it; recordings have all


class Hand(Model):
    """A raised hand: its place in the order (from 1) and since when."""

    place: int
    raised_at: float


class DeviceState(Model):
    """One device of a seat, and whose it is: a person's name, or what a room device is called."""

    device_id: Id
    kind: DeviceKind
    bearer: str
    connected: bool  # false: its connection is lost, its place is kept for a while
    takes_program: bool = False  # it shows the lesson's program in place of separate pictures


class SeatState(Model):
    """One seat, whole: an event about a seat always carries all of it."""

    seat_id: Id
    role: Role
    name: Name
    school: str = ""
    present: bool = False  # at least one of its devices is connected
    away_since: float | None = None  # a device was here, its connection is lost, we wait for it
    devices: list[DeviceState] = []
    sound_device: Id | None = None  # which of its devices carries the room's sound
    sound_player: Id | None = None  # which of them plays the others' sound: mostly the same
    sources: list[SourceState] = []
    hand: Hand | None = None
    muted_by_lead: bool = False
    may_speak: bool = False  # mode, floor and mutes taken together: its sound goes to the others
    link: LinkQuality = LinkQuality.GOOD


class SpotlightState(Model):
    seat_id: Id
    source: Source | None = None


class RemovedBearer(Model):
    """Who was put out of a seat and is let in no more, by the name others know them by."""

    seat_id: Id
    bearer: str


class LessonStream(Model):
    """A stream of the lesson itself, which no seat sends; it is wanted like any other.

    A mix with a `seat_id` is what that seat hears: all voices but its own.
    """

    source: LessonSource
    producer_id: Id
    kind: Literal["audio", "video"]
    codec: str = ""
    seat_id: Id | None = None


class LessonState(Model):
    """The lesson without its seats."""

    lesson_id: Id
    title: str
    mode: Mode
    started_at: float
    led: bool = False  # the lead is here in person; a device of the lead's room alone leads nothing
    begun: bool = False  # the lead was here in person: when it is not led, they are only away
    ends_at: float | None = None  # told when the longest length is near: it ends by itself then
    floor: Id | None = None
    floor_forward: bool = False  # who has the floor is large, before the spotlight and the layout
    spotlight: SpotlightState | None = None
    layout: Layout = Layout.SPEAKER
    places: list[PicturePlace] = []  # who stands first in it, by the lead's choice
    directing: Directing = Directing.AUTOMATIC
    locked: bool = False
    removed: list[RemovedBearer] = []
    record: bool = False  # it is to be recorded: as planned, or as the lead has switched it since
    recording: bool = False  # it is being recorded now
    recording_fault: str = ""  # why it is not, at the moment
    video_codec: VideoCodec = VideoCodec.H264  # the best that every seat's devices can show
    streams: list[LessonStream] = []  # its own, of no seat
    program: ProgramStanding = ProgramStanding.NONE
    ended: bool = False


class ChatLine(Model):
    seat_id: Id
    name: Name
    text: str
    at: float


class EncodingProfile(Model):
    """One simulcast layer a device shall send (layer order: smallest first)."""

    rid: Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
    scale_down_by: Annotated[float, Field(ge=1, le=16)]
    max_bitrate_bps: Annotated[int, Field(gt=0)]
    max_frame_rate: Annotated[float, Field(gt=0, le=60)]


class SoundProfile(Model):
    """How a room's sound shall be taken: what the device's own processing does to it."""

    channels: Literal[1, 2] = 1
    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True


class SourceProfile(Model):
    """What a source shall be captured and sent as (from the room's hardware profile)."""

    source: Source
    width: int = 0
    height: int = 0
    frame_rate: float = 0
    codec: str = "H264"
    encodings: list[EncodingProfile] = []
    max_bitrate_bps: int = 0
    sound: SoundProfile | None = None  # with the source `room` alone
    from_network: bool = False  # by a network camera: a browser is not told of it


class SendProfile(Model):
    """What this device shall send, by its hardware profile and the lesson's mode; and whether it
    shall show the others' pictures or, where the server makes one, the lesson's program; `either`:
    the program while its line is too weak for pictures. No picture it is sent has more than
    `largest_shown` lines, as far as its sender has smaller ones; 0: any.
    """

    name: str
    sources: list[SourceProfile]
    receives: Literal["pictures", "program", "either"] = "pictures"
    largest_shown: Annotated[int, Field(ge=0, le=4320)] = 0


class IceServer(Model):
    urls: list[str]
    username: str = ""
    credential: str = ""


class Reply(Model):
    request_id: str | None = None


class Welcome(Reply):
    """The answer to `Join`: who you are, what to send, and the whole lesson."""

    type: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL_VERSION
    seat_id: Id
    role: Role
    device_id: Id
    resume: str
    carries_sound: bool  # this device carries the room's sound; the seat's other devices do not
    media_kept: bool = False  # the peer connections from before the cut go on
    profile: SendProfile
    ice_servers: list[IceServer] = []
    lesson: LessonState
    seats: list[SeatState]
    chat: list[ChatLine]
    server_time: float


class Published(Reply):
    """The answer to `Publish`."""

    type: Literal["published"] = "published"
    sdp: Sdp
    producers: dict[Mid, Id]


class SubscribeOffer(Reply):
    """An SDP offer for the subscribe connection; `consumers` names each m-line's producer."""

    type: Literal["subscribe_offer"] = "subscribe_offer"
    sdp: Sdp
    consumers: dict[Mid, Id]


class Done(Reply):
    """The request took effect."""

    type: Literal["done"] = "done"


class Refused(Reply):
    """The request was refused and changed nothing. `code` is stable; the texts are for people."""

    type: Literal["refused"] = "refused"
    code: str
    message_zh: str
    message_en: str


class SeatChanged(Model):
    """A seat joined, left, raised its hand, …: here it is whole."""

    type: Literal["seat_changed"] = "seat_changed"
    seat: SeatState


class SeatRemoved(Model):
    """A seat (an observer's, mostly) is gone for good."""

    type: Literal["seat_removed"] = "seat_removed"
    seat_id: Id


class LessonChanged(Model):
    """Floor, spotlight, layout, lock, recording: here the lesson is whole."""

    type: Literal["lesson_changed"] = "lesson_changed"
    lesson: LessonState


class Speaking(Model):
    """Who is heard now, loudest first; levels in dBov (0 loudest, −127 silence)."""

    type: Literal["speaking"] = "speaking"
    seats: list[tuple[Id, int]]


class ChatPosted(Model):
    type: Literal["chat_posted"] = "chat_posted"
    line: ChatLine


class StreamChanged(Model):
    """What this device receives of a stream now; layer −1 is nothing, and `reason` says why."""

    type: Literal["stream_changed"] = "stream_changed"
    producer_id: Id
    layer: int
    reason: Literal["", "bandwidth", "producer-paused", "producer-silent"] = ""


class LayersNeeded(Model):
    """Of this device's own picture so many layers, from the smallest on, are needed by anybody.

    The others need not be sent until more are needed again. A device sends all until it is told,
    and may pass this over.
    """

    type: Literal["layers_needed"] = "layers_needed"
    producer_id: Id
    layers: Annotated[int, Field(ge=1, le=8)]


class Removed(Model):
    """This device was put out of the lesson, and its connection closes after this.

    `code` and texts are a refusal's: the same that whoever tries to come in again is told.
    """

    type: Literal["removed"] = "removed"
    code: RemovalCode
    message_zh: str
    message_en: str


class LessonEnded(Model):
    """The lesson is over; the connection closes after this."""

    type: Literal["lesson_ended"] = "lesson_ended"
    reason: EndReason


class Pong(Reply):
    type: Literal["pong"] = "pong"
    server_time: float


ServerMessage = Annotated[
    Welcome
    | Published
    | SubscribeOffer
    | Done
    | Refused
    | SeatChanged
    | SeatRemoved
    | LessonChanged
    | Speaking
    | ChatPosted
    | StreamChanged
    | LayersNeeded
    | Removed
    | LessonEnded
    | Pong,
    Field(discriminator="type"),
]

client_message: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
