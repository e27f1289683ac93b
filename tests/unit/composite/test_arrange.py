"""Who stands where, in pixels."""

from __future__ import annotations

from itertools import combinations

import pytest

from mixer.composite.arrange import (
    Cast,
    PictureId,
    ProgramSeat,
    arrange,
    cast_pictures,
    content_of,
    safe_area,
)
from mixer.composite.layouts import Box, ProgramLayout

LEAD = ProgramSeat("lead", "lead", ("teacher",))
EAST = ProgramSeat("east", "room", ("students",))
WEST = ProgramSeat("west", "room", ("teacher", "students"))
NORTH = ProgramSeat("north", "room", ("students",))
HELP = ProgramSeat("help", "assistant")
MUTE = ProgramSeat("mute", "room")  # sound alone
GONE = ProgramSeat("gone", "room", present=False)
SHARING = ProgramSeat("lead", "lead", ("teacher", "screen"))
SCREEN_ALONE = ProgramSeat("lead", "lead", ("screen",))
SEATS = (EAST, LEAD, WEST, NORTH, HELP)

SIZES = [(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240), (160, 90)]


def named(*names: str) -> tuple[PictureId, ...]:
    return tuple(PictureId(*name.split(".")) for name in names)


def cast_of(large: str = "", beside: str = "") -> Cast:
    pictures = [named(name)[0] if name else None for name in (large, beside)]
    return Cast(pictures[0], pictures[1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layout", ProgramLayout)
def test_every_tile_has_even_edges_inside_the_frame(
    layout: ProgramLayout, size: tuple[int, int]
) -> None:
    frame, safe = Box(0, 0, *size), safe_area(*size)
    for count in range(1, 18):
        rooms = [ProgramSeat(f"r{number}", "room", ("students",)) for number in range(count)]
        tiles = arrange(layout, (SHARING, *rooms), *size)
        for tile in tiles:
            for box in (tile.box, tile.label, tile.badge):
                assert not any(edge % 2 for edge in (box.x, box.y, box.width, box.height))
                assert box.width > 0 and box.height > 0
            assert frame.holds(tile.box)
            assert tile.box.holds(tile.label) and safe.holds(tile.label)
            assert tile.box.holds(tile.badge) and safe.holds(tile.badge)
            assert tile.ring % 2 == 0
        for one, other in combinations([tile.box for tile in tiles], 2):
            assert (
                one.right < other.x
                or other.right < one.x
                or one.bottom < other.y
                or (other.bottom < one.y)
            )


@pytest.mark.parametrize("size", [(1280, 718 + 1), (1281, 720), (720, 576), (80, 44), (0, 0)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="a program of"):
        arrange(ProgramLayout.WALL, SEATS, *size)


@pytest.mark.parametrize(
    ("layout", "seats", "cast", "expected"),
    [
        # The lead first, then the lesson's order; an assistant without a picture takes no tile.
        ("wall", SEATS, cast_of(), "lead.teacher east.students west.students north.students"),
        ("speaker", SEATS, cast_of(), "lead.teacher east.students west.students north.students"),
        (
            "speaker",
            SEATS,
            cast_of("north.students", "west.students"),
            "north.students west.students lead.teacher east.students",
        ),
        # A seat's other picture is another picture.
        (
            "speaker",
            (LEAD, WEST),
            cast_of("west.teacher"),
            "west.teacher lead.teacher west.students",
        ),
        # What is not sent any more: the seat's face; who has gone: the lead.
        ("speaker", (LEAD, EAST), cast_of("east.board"), "east.students lead.teacher"),
        ("speaker", (LEAD, EAST), cast_of("gone.students"), "lead.teacher east.students"),
        ("speaker", (LEAD, GONE), cast_of("gone.students"), "lead.teacher gone."),
        ("wall", (LEAD, GONE, MUTE), cast_of(), "lead.teacher gone."),
        ("wall", (LEAD, MUTE), Cast(with_sound_alone=True), "lead.teacher mute."),
        ("speaker", (MUTE, EAST), cast_of(), "east.students"),
        ("screen", (SHARING, EAST), cast_of(), "lead.screen lead.teacher east.students"),
        (
            "screen",
            (SHARING, EAST, WEST),
            cast_of("lead.screen", "west.students"),
            "lead.screen west.students lead.teacher east.students",
        ),
        (
            "screen",
            (SHARING, EAST),
            cast_of("east.students"),
            "lead.screen east.students lead.teacher",
        ),
        ("screen", (LEAD, EAST), cast_of(), "lead.teacher east.students"),
        ("lead-and-screen", (SHARING, EAST), cast_of(), "lead.screen lead.teacher"),
        ("lead-and-screen", (LEAD, EAST), cast_of(), "lead.teacher east.students"),
        ("spotlight", SEATS, cast_of(), "lead.teacher"),
        ("spotlight", SEATS, cast_of("east.students"), "east.students"),
        ("dialogue", SEATS, cast_of("west.students"), "lead.teacher west.students"),
        (
            "dialogue",
            SEATS,
            cast_of("west.students", "north.students"),
            "north.students west.students",
        ),
        ("dialogue", SEATS, cast_of(), "lead.teacher east.students"),
        ("dialogue", (LEAD, GONE), cast_of(), "lead.teacher"),
        (
            "four",
            (*SEATS, ProgramSeat("south", "room", ("students",))),
            cast_of("south.students"),
            "lead.teacher east.students west.students south.students",
        ),
        # The lead's camera is off and nobody else sends: what is shared is all there is to see.
        ("speaker", (SCREEN_ALONE, GONE), cast_of(), "lead.screen gone."),
        ("spotlight", (SCREEN_ALONE, GONE), cast_of(), "lead.screen"),
        ("speaker", (SCREEN_ALONE, EAST), cast_of(), "east.students"),
        ("wall", (), cast_of(), ""),
    ],
)
def test_who_is_cast(
    layout: str, seats: tuple[ProgramSeat, ...], cast: Cast, expected: str
) -> None:
    found = cast_pictures(ProgramLayout(layout), seats, cast)
    assert found == named(*expected.split())
    tiles = arrange(ProgramLayout(layout), seats, 1280, 720, cast)
    assert tuple(tile.picture for tile in tiles) == found[: len(tiles)]


def test_what_is_shared_is_the_leads_first_and_a_screen_before_a_board() -> None:
    board = ProgramSeat("lead", "lead", ("board",))
    room = ProgramSeat("east", "room", ("screen", "board"))
    assert content_of((room, board)) == PictureId("east", "screen")
    assert content_of((room, SHARING)) == PictureId("lead", "screen")
    assert content_of((ProgramSeat("east", "room", ("screen",), present=False),)) is None


def test_a_screen_is_shown_whole_and_a_face_may_be_cut() -> None:
    screen, lead, east = arrange(ProgramLayout.SCREEN, (SHARING, EAST), 1280, 720)
    assert (screen.letterbox, lead.letterbox, east.letterbox) == (True, False, False)


def test_a_line_of_text_can_be_read_from_the_back() -> None:
    for width, height in SIZES[:4]:
        for tile in arrange(ProgramLayout.SPEAKER, SEATS, width, height):
            assert tile.label.height >= height / 20


@pytest.mark.parametrize(
    ("layout", "cast", "places", "expected"),
    [
        # Whom the lead has put somewhere comes first, the others follow as always.
        ("wall", cast_of(), "north.students east.", "north.students east.students lead.teacher"),
        ("speaker", cast_of(), "east.", "east.students lead.teacher north.students"),
        # Several pictures of one seat; a picture that is not sent is its seat's face.
        ("wall", cast_of(), "lead.screen lead.teacher", "lead.screen lead.teacher east.students"),
        ("wall", cast_of(), "north.board north.", "north.students lead.teacher east.students"),
        # The spotlight goes before all; a shared screen is large in its layouts.
        (
            "speaker",
            cast_of("north.students"),
            "east.",
            "north.students east.students lead.teacher",
        ),
        ("screen", cast_of(), "east.", "lead.screen east.students lead.teacher"),
        ("lead-and-screen", cast_of(), "lead.screen east.", "lead.screen east.students"),
        ("spotlight", cast_of(), "north.", "north.students"),
        ("dialogue", cast_of(), "north. east.", "north.students east.students"),
        ("dialogue", cast_of(), "north.", "north.students lead.teacher"),
        (
            "four",
            cast_of(),
            "north. mute. east.",
            "north.students mute. east.students lead.teacher",
        ),
        # Who is away has its slate there, who was never in the lesson nothing.
        ("wall", cast_of(), "gone.students nobody.", "gone. lead.teacher east.students"),
    ],
)
def test_where_the_lead_puts_them(layout: str, cast: Cast, places: str, expected: str) -> None:
    seats = (EAST, SHARING, NORTH, MUTE, GONE)
    found = cast_pictures(ProgramLayout(layout), seats, cast, named(*places.split()))
    wanted = named(*expected.split())
    assert found[: len(wanted)] == wanted
    assert len(set(found)) == len(found)
