"""Lessons in which anything may happen: what the program shows is what there is, and was chosen.

Seats come, lose their line, leave and come back, whether they stand under the spotlight, have the
floor or lead; sources end; the lead chooses this and that.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from mixer.composite.arrange import PictureId, Tile
from mixer.composite.director import Directing
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process.messages import Scene
from mixer.composite.process.stage import Shown, Stage
from mixer.model import ProducerLive
from server.programs.scene import ProgramScene
from signaling.protocol import messages as m
from signaling.protocol.messages import Layout, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import SETTINGS

ROOMS = ("room-1", "room-2", "room-3")
STEPS = 40
# Nobody else stands in them, so whoever is large may not.
WITHOUT_LARGE = (ProgramLayout.WALL, ProgramLayout.LEAD_AND_SCREEN)


class InPlay:
    """One lesson and its stage."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.desk = Desk(settings=replace(SETTINGS, programs=True))
        self.here: dict[str, Client] = {}
        self.scenes = ProgramScene()
        self.stage = Stage(1280, 720, self.now)
        for seat in ("lead", *ROOMS):
            self.enter(seat)

    def enter(self, seat: str) -> None:
        client = self.desk.join(seat)
        if client.welcome is None:
            return
        sources = [Source.TEACHER if seat == "lead" else Source.STUDENTS]
        if self.rng.random() < 0.4:
            sources.append(Source.SCREEN if seat == "lead" else Source.TEACHER)
        for producer_id in client.publish(*sources).values():
            self.desk.notice(ProducerLive(producer_id, client.device_id))
        self.here[seat] = client

    def happen(self) -> None:
        """One thing, of a person, a line or time."""
        rng, seat = self.rng, self.rng.choice(("lead", *ROOMS))
        if seat not in self.here:
            self.enter(seat)
            return
        client, lead = self.here[seat], self.here.get("lead")
        match rng.choice(("cut", "leave", "end", "time", *("choose",) * 4)):
            case "cut":
                self.here.pop(seat).cut()
            case "leave":
                self.here.pop(seat).say(m.Leave())
            case "end":
                sent = self.desk.seat(seat).sources
                if sent:
                    client.say(m.Unpublish(source=rng.choice(sent).source))
            case "time":
                passed_s = rng.choice((0.5, 5.0, 40.0, 400.0))
                self.desk.advance(passed_s)
                self.now += passed_s
            case _ if lead is not None:
                lead.say(self.choice())

    def choice(self) -> m.ClientMessage:
        rng, seat = self.rng, self.rng.choice(("lead", *ROOMS))
        places = [m.PicturePlace(seat_id=one) for one in rng.sample(ROOMS, rng.randint(0, 2))]
        return rng.choice(
            (
                m.SetSpotlight(seat_id=seat),
                m.SetSpotlight(),
                m.SetLayout(layout=rng.choice(list(Layout))),
                m.GiveFloor(seat_id=rng.choice(ROOMS)),
                m.TakeFloor(),
                m.SetPlaces(places=places),
                m.SetDirecting(directing=rng.choice(list(m.Directing))),
            )
        )

    def look(self) -> tuple[Scene, Shown | None]:
        """What the lesson is, and what is shown anew a second and a half later."""
        scene = self.scenes.of(self.desk.lesson.scene())
        self.stage.handle_scene(scene, self.now)
        shown = None
        for _ in range(8):
            self.now += 0.2
            shown = self.stage.poll(self.now) or shown
        return scene, shown


def is_right(scene: Scene, shown: Shown) -> bool:
    sent = {
        PictureId(seat.seat_id, source)
        for seat in scene.seats
        if seat.present
        for source in seat.sources
    }
    pictures = [tile.picture for tile in shown.tiles]
    if len(set(pictures)) < len(pictures) or not {one for one in pictures if one.source} <= sent:
        return False
    choice = scene.choice
    if choice is None or scene.directing is Directing.AUTOMATIC:
        return True
    if (choice.layout, choice.large, scene.places) == (ProgramLayout.SPEAKER, None, ()):
        return True  # nothing: what the director shows when it is told to stop may stay
    large = choice.large and PictureId(choice.large.seat_id, choice.large.source)
    is_there = large is None or large in pictures or choice.layout in WITHOUT_LARGE
    return shown.shot.layout is choice.layout and is_there


@pytest.mark.parametrize(
    "seeds", [range(20), pytest.param(range(20, 420), marks=pytest.mark.thorough)]
)
def test_it_shows_what_there_is_and_what_was_chosen(seeds: range) -> None:
    for seed in seeds:
        play = InPlay(seed)
        _, showing = play.look()
        for step in range(STEPS):
            play.happen()
            scene, shown = play.look()
            showing = shown or showing
            assert showing is not None
            assert is_right(scene, showing), (seed, step, scene, tiles_of(showing.tiles))


def tiles_of(tiles: tuple[Tile, ...]) -> list[str]:
    return [f"{tile.picture.seat_id}.{tile.picture.source}" for tile in tiles]
