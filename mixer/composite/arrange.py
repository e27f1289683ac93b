"""Who stands where: seats and a layout in, tiles in even pixels out.

Owns the casting (which picture of whom, in which order) and the rounding to pixels: 4:2:0 halves
both directions, so every edge is even. The order is the pages' own (`lesson/stage.ts`): who must be
seen first, whom the lead has put somewhere, the lead, then the seats as the lesson has them, so
that nobody jumps about. A seat that sends sound alone takes no tile unless it is asked for; one
that is away has a tile without a source, which becomes a slate. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mixer.composite.layouts import CANVAS_HEIGHT, CANVAS_WIDTH, Box, ProgramLayout, boxes

# What stands for a seat when nobody says which, best first; as the pages have it.
FACE_SOURCES = {
    "lead": ("teacher", "students", "board"),
    "room": ("students", "teacher", "board"),
    "assistant": ("teacher", "students", "board"),
}
CONTENT_SOURCES = ("screen", "board")

# EBU R 95, graphics safe area: 5 % at every edge may lie behind a screen's frame.
SAFE_MARGIN = 0.05

# A line of text is legible from the back of a classroom at a twentieth of the picture's height.
LABEL_PART = 18
MOST_LABEL_PART = 4  # of a small tile a label takes no more than a quarter

SMALLEST_HEIGHT = 90


@dataclass(frozen=True, slots=True)
class PictureId:
    """One picture of the lesson: whose, and which."""

    seat_id: str
    source: str


@dataclass(frozen=True, slots=True)
class ProgramSeat:
    """A seat as the program needs it. `sources` are the pictures it sends now; none: sound alone.

    Whoever is not `present` is away and sends nothing. Observers are not seats of the program.
    """

    seat_id: str
    role: str
    sources: tuple[str, ...] = ()
    present: bool = True

    @property
    def face(self) -> PictureId | None:
        """The picture that stands for it; None when it sends none."""
        if not self.present:
            return None
        for source in FACE_SOURCES.get(self.role, ()):
            if source in self.sources:
                return PictureId(self.seat_id, source)
        return None


@dataclass(frozen=True, slots=True)
class Cast:
    """Who must be seen: `large` first, `beside` next. What is not there (any more) is passed over.

    `with_sound_alone`: seats that send no picture have a tile, too.
    """

    large: PictureId | None = None
    beside: PictureId | None = None
    with_sound_alone: bool = False


AS_THEY_ARE = Cast()


@dataclass(frozen=True, slots=True)
class Tile:
    """One place of a program, in pixels. `picture.source` is empty where there is none to show.

    `label` is where its name may stand and `badge` where hand and floor do, both inside the
    frame's safe area; `ring` is how thick the mark of who speaks is, inside `box`. A picture is cut
    to the box's shape, or with `letterbox` shown whole; it is never stretched.
    """

    picture: PictureId
    box: Box
    label: Box
    badge: Box
    ring: int
    letterbox: bool


def arrange(
    layout: ProgramLayout,
    seats: Sequence[ProgramSeat],
    width: int,
    height: int,
    cast: Cast = AS_THEY_ARE,
    *,
    places: Sequence[PictureId] = (),
) -> tuple[Tile, ...]:
    """The tiles of a program of this size; none when there is nobody to show.

    `places` are the pictures that the lead has put first, in their order; one without a source is
    the one that stands for its seat.

    Raises `ValueError` for a size that is not even, not 16:9 (within 1 %) or too small to read.
    """
    check_size(width, height)
    pictures = cast_pictures(layout, seats, cast, places)
    shapes = boxes(layout, len(pictures))
    alone = len(shapes) == 1
    return tuple(
        _tile(picture, place, width, height, alone=alone)
        for picture, place in zip(pictures, shapes, strict=False)
    )


def check_size(width: int, height: int) -> None:
    """Raises `ValueError` for a size in which no program can be arranged."""
    if width % 2 or height % 2 or height < SMALLEST_HEIGHT:
        raise ValueError(f"a program of {width}×{height}: its size must be even and not so small")
    if abs(width * CANVAS_HEIGHT - height * CANVAS_WIDTH) > 0.01 * width * CANVAS_HEIGHT:
        raise ValueError(f"a program of {width}×{height} is not 16:9")


def safe_area(width: int, height: int) -> Box:
    """Where text may stand: inside it every screen shows all (EBU R 95)."""
    x, y = _even(width * SAFE_MARGIN), _even(height * SAFE_MARGIN)
    return Box(x, y, width - 2 * x, height - 2 * y)


def content_of(seats: Iterable[ProgramSeat]) -> PictureId | None:
    """The shared screen or board: the lead's before the others'."""
    ordered = sorted((seat for seat in seats if seat.present), key=_lead_first)
    for source in CONTENT_SOURCES:
        for seat in ordered:
            if source in seat.sources:
                return PictureId(seat.seat_id, source)
    return None


def cast_pictures(
    layout: ProgramLayout,
    seats: Sequence[ProgramSeat],
    cast: Cast,
    places: Sequence[PictureId] = (),
) -> tuple[PictureId, ...]:
    """Every picture that is to stand in this layout, in the order of its boxes."""
    ordered = sorted(seats, key=_lead_first)
    placed = _in_order((_placed(place, seats) for place in places), ())
    stand = {picture.seat_id for picture in placed}
    rest = (_tile_of(seat, cast) for seat in ordered if seat.seat_id not in stand)
    faces = list(_in_order((*placed, *rest), ()))
    large = _there(cast.large, seats)
    beside = _there(cast.beside, seats)
    content = large if _is_content(large) else content_of(seats)
    lead = next((seat.face for seat in ordered if seat.role == "lead"), None)
    front = (*(picture for picture in placed if picture.source), lead)
    seen = next((face for face in faces if face.source), content)  # a screen before slates alone
    first = large or front[0] or seen
    found = _in_order((first, beside), faces)
    match layout:
        case ProgramLayout.WALL:
            found = tuple(faces)
        case ProgramLayout.SCREEN if content:
            found = _in_order((content, beside, None if large == content else large), faces)
        case ProgramLayout.LEAD_AND_SCREEN if content:
            person = next(one for one in (*front, None) if not _is_content(one))
            found = _in_order((content, beside or person), ())
        case ProgramLayout.SPOTLIGHT:
            found = found[:1]
        case ProgramLayout.DIALOGUE:
            other = beside or (lead if not placed and lead != first else None)
            found = _in_order((other, first), [face for face in faces if face.source])[:2]
        case ProgramLayout.FOUR:
            chosen = found[:4]
            found = tuple(one for one in _in_order((), (*faces, *chosen)) if one in chosen)
    return found


def _in_order(
    first: Iterable[PictureId | None], rest: Iterable[PictureId]
) -> tuple[PictureId, ...]:
    """`first`, then the rest, each once; a seat shown by another of its pictures stays in it."""
    return tuple(dict.fromkeys(picture for picture in (*first, *rest) if picture is not None))


def _tile_of(seat: ProgramSeat, cast: Cast) -> PictureId | None:
    """What stands for a seat among the others; None when it takes no tile."""
    if seat.face is not None:
        return seat.face
    if not seat.present:
        return PictureId(seat.seat_id, "") if seat.role in ("lead", "room") else None
    wanted = {picture.seat_id for picture in (cast.large, cast.beside) if picture is not None}
    if cast.with_sound_alone or seat.seat_id in wanted:
        return PictureId(seat.seat_id, "")
    return None


def _placed(place: PictureId, seats: Iterable[ProgramSeat]) -> PictureId | None:
    """What stands in a place: its picture, else its seat's face or slate; None without its seat."""
    for seat in seats:
        if seat.seat_id == place.seat_id:
            if seat.present and place.source in seat.sources:
                return place
            return seat.face or PictureId(seat.seat_id, "")
    return None


def _there(picture: PictureId | None, seats: Iterable[ProgramSeat]) -> PictureId | None:
    """The picture if it is sent now; else its seat's face; None when it sends none."""
    if picture is None:
        return None
    for seat in seats:
        if seat.seat_id == picture.seat_id and seat.present:
            return picture if picture.source in seat.sources else seat.face
    return None


def _is_content(picture: PictureId | None) -> bool:
    return picture is not None and picture.source in CONTENT_SOURCES


def _lead_first(seat: ProgramSeat) -> bool:
    return seat.role != "lead"


def _tile(picture: PictureId, place: Box, width: int, height: int, *, alone: bool) -> Tile:
    gap = 0 if alone else max(2, _even(height / 360))
    left = _even(place.x * width / CANVAS_WIDTH) + gap
    top = _even(place.y * height / CANVAS_HEIGHT) + gap
    right = _even(place.right * width / CANVAS_WIDTH) - gap
    bottom = _even(place.bottom * height / CANVAS_HEIGHT) - gap
    box = Box(left, top, right - left, bottom - top)
    safe = _common(box, safe_area(width, height))
    line = min(_even(height / LABEL_PART), _even(box.height / MOST_LABEL_PART))
    margin = max(2, _even(line / 4))
    label_width = _even(max(line, safe.width - 2 * margin))
    return Tile(
        picture=picture,
        box=box,
        label=Box(safe.x + margin, safe.bottom - margin - line, label_width, line),
        badge=Box(safe.right - margin - line, safe.y + margin, line, line),
        ring=max(2, _even(height / 180)),
        letterbox=_is_content(picture),
    )


def _common(one: Box, other: Box) -> Box:
    """What lies in both; they meet, as every tile reaches into the safe area."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    return Box(
        left,
        top,
        min(one.right, other.right) - left,
        min(one.bottom, other.bottom) - top,
    )


def _even(value: float) -> int:
    """The nearest even number: half a chroma sample cannot be drawn."""
    return 2 * round(value / 2)
