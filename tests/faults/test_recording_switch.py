"""A recording begins with its lead and is switched off and on, with a real recorder."""

from __future__ import annotations

from signaling.log import entries as log
from signaling.protocol.messages import Role
from tests.faults.recording_scene import Scene, plan, rows, send_all
from tests.recorded_media import FRAME_RATE, decoded_counters


def numbers_of(scene: Scene, recording_id: str) -> set[int]:
    """The pictures that a decoder finds in what can be played."""
    parts = scene.catalogue.manifests[recording_id]["parts"]
    return {
        number
        for part in parts
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    }


async def test_what_is_switched_off_is_in_no_file_and_the_gap_says_why(scene: Scene) -> None:
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    (recording_id,) = await rows(scene)
    assert list(scene.core.beside.values()) == ["camera"], "what a thin line watches"
    await scene.recording.happened(
        "lesson1", log.RecordingSwitched(at=1.0, recording=False, by="lead")
    )
    await scene.until(lambda: scene.faults[-1:] == ["switched-off"], "the lesson knows")
    await scene.until(lambda: not (scene.core.taps or scene.core.beside), "nothing is tapped")
    scene.core.keeps_past = True
    await send_all(scene, start=5.0, seconds=1.0)
    line = log.Chat(at=6.0, seat_id="", name="x", text="meanwhile")
    await scene.recording.happened("lesson1", line)
    await scene.recording.happened(
        "lesson1", log.RecordingSwitched(at=7.0, recording=True, by="lead")
    )
    await scene.until(lambda: len(scene.core.taps) == 1, "tapped again")
    await scene.until(lambda: scene.told[-1], "the lesson knows")
    await send_all(scene, start=10.0, seconds=1.0)
    await scene.settle()
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    assert [pause["code"] for pause in manifest["pauses"]] == ["switched-off"]
    assert manifest["incomplete"] == "", "it is complete, with a gap that was wished"
    assert [e["text"] for e in manifest["events"] if e.get("name") == "x"] == ["meanwhile"]
    numbers = numbers_of(scene, recording_id)
    assert numbers >= {*range(FRAME_RATE // 2), *range(10 * FRAME_RATE, 11 * FRAME_RATE)}
    assert not numbers & set(range(5 * FRAME_RATE, 6 * FRAME_RATE))


async def test_nothing_is_recorded_before_the_lead_is_there(scene: Scene) -> None:
    """Nor of a lesson that is not to be; what happened before is in the journal all the same."""
    await scene.recording.lesson_opened(plan(record=False))
    joined = log.SeatJoined(at=0.0, seat_id="room-1", role=Role.ROOM, name="山河", school="")
    await scene.recording.happened("lesson1", joined)
    await scene.recording.producer_added("lesson1", "room-1", "teacher", "camera")
    await scene.recording.happened("lesson1", log.LessonRunning(at=1.0))
    assert (scene.catalogue.rows, scene.core.taps) == ({}, {})
    await scene.recording.happened(
        "lesson1", log.RecordingSwitched(at=2.0, recording=True, by="lead")
    )
    await scene.until(lambda: len(scene.core.taps) == 1, "tapped")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    (recording_id,) = await rows(scene)
    kinds = [r.event["type"] for r in scene.records(recording_id) if hasattr(r, "event")]
    assert kinds[:3] == ["seat_joined", "lesson_running", "recording_switched"]
