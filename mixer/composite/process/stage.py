"""From what the server says of the lesson to what the program shows: tiles, marks and shots.

Joins director, `arrange` and the marks in the tiles. Sans-IO: `now` is a steady clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mixer.composite.arrange import Cast, PictureId, ProgramSeat, Tile, arrange, content_of
from mixer.composite.compositor import Marks
from mixer.composite.director import Directing, Director, Shot, Why
from mixer.composite.motion import SCREEN_CHANGES, Motion
from mixer.composite.picture import Picture
from mixer.composite.process.messages import Choice, PictureName, Scene

# The director is asked, and the shared screen looked at, so often.
DIRECTED_EVERY_S = 0.1
LOOKED_AT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """What the program shows from now on."""

    shot: Shot
    tiles: tuple[Tile, ...]


class Stage:
    """One lesson's, for a program of one size."""

    def __init__(self, width: int, height: int, now: float) -> None:
        self._width, self._height = width, height
        self._director = Director(now)
        self._scene = Scene()
        self._seats: tuple[ProgramSeat, ...] = ()
        self._places: tuple[PictureId, ...] = ()
        self._shown: Shown | None = None
        self._changed = False
        self._directed_at = float("-inf")
        self._looked_at = float("-inf")
        self._motion: dict[PictureId, Motion] = {}

    @property
    def title(self) -> str:
        """The lesson's."""
        return self._scene.title

    def handle_scene(self, scene: Scene, now: float) -> None:
        """Who is there, and what they do: all of it."""
        before, self._scene = self._scene, scene
        self._seats = tuple(
            ProgramSeat(seat.seat_id, seat.role, seat.sources, seat.present) for seat in scene.seats
        )
        self._places = tuple(PictureId(place.seat_id, place.source) for place in scene.places)
        self._director.handle_seats(self._seats, now)
        self._director.handle_directing(scene.directing, now)
        self._director.handle_floor(scene.floor or None, now)
        self._director.handle_speakers(scene.speakers, now)
        if scene.choice is not None and (
            scene.choice != before.choice or _holds_again(before, scene)
        ):
            self._director.handle_choice(scene.choice.layout, _cast(scene.choice), now)
        self._changed = True
        self._directed_at = float("-inf")

    def handle_pictures(self, pictures: Mapping[PictureId, Picture], now: float) -> None:
        """New pictures: whether the shared screen changes is seen in them."""
        content = content_of(self._seats)
        if content is None or content not in pictures:
            return
        if now - self._looked_at < LOOKED_AT_EVERY_S:
            return
        self._looked_at = now
        motion = self._motion.get(content)
        if motion is None:
            motion = Motion()
            self._motion = {content: motion}  # one screen is shared at a time
        if motion.observe(pictures[content]) >= SCREEN_CHANGES:
            self._director.handle_screen_changed(now)

    def poll(self, now: float) -> Shown | None:
        """What is to be shown instead; None: all stays. To be asked at every tick."""
        if now - self._directed_at < DIRECTED_EVERY_S or not self._seats:
            return None
        self._directed_at = now
        cut = self._director.poll(now)
        shot = self._director.shot
        if shot is None or (cut is None and not self._changed):
            return None
        self._changed = False
        tiles = arrange(
            shot.layout, self._seats, self._width, self._height, shot.cast, places=self._places
        )
        before = self._shown
        if before is not None and (before.shot, before.tiles) == (shot, tiles):
            return None
        self._shown = Shown(shot, tiles)
        if cut is None and before is not None and before.shot == shot:
            return Shown(replace(shot, why=Why.SEATS), tiles)
        return self._shown

    def marks(self) -> dict[str, Marks]:
        """What is told of each seat now."""
        scene = self._scene
        return {
            seat.seat_id: Marks(
                name=seat.name,
                speaking=seat.seat_id in scene.speakers,
                floor=seat.seat_id == scene.floor,
                hand=seat.seat_id in scene.hands,
                absence=seat.absence,
            )
            for seat in scene.seats
        }


def _holds_again(before: Scene, scene: Scene) -> bool:
    """Whether the director has let go of what the lead chose, which stands in the lesson still: the
    floor was taken back from who had stepped back already, or it may do more again.
    """
    lets_go = before.floor != scene.floor or before.directing is Directing.MANUAL
    return lets_go and scene.directing is Directing.SEMI_AUTOMATIC


def _cast(choice: Choice) -> Cast:
    return Cast(
        _picture(choice.large),
        _picture(choice.beside),
        with_sound_alone=choice.with_sound_alone,
    )


def _picture(name: PictureName | None) -> PictureId | None:
    return None if name is None else PictureId(name.seat_id, name.source)
