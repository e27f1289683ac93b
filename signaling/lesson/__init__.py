"""A lesson in progress as a sans-IO state machine: events in, effects out, time as an argument.

`machine.py` is the entrance: `Lesson.handle(event, now)` and `Lesson.handle_timer(now)` return what
is to be done. The tables of who may do what, and of all states, are in `rules.py`. The other files
hold one idea each: `roster.py` who is here, `conduct.py` what people ask for, `publishing.py` and
`subscribing.py` what flows, `reports.py` what the media core notices, `floor.py` hands and the
floor, `chat.py` the chat's last lines, `link.py` a line's quality, `speaking.py` who is heard,
`speech.py` who has spoken, `own_streams.py` and `program.py` what the lesson itself sends,
`saved.py` the lesson over a crash. What is written to the event log are `signaling.log`'s entries.

Nothing here does I/O, reads a clock or rolls dice. `signaling.driver` carries the effects out.
"""

from signaling.lesson.machine import Lesson, SeatedDevice
from signaling.lesson.program import LessonScene
from signaling.lesson.record import Bar
from signaling.lesson.saved import bars_in, only_bars, with_bars

__all__ = ["Bar", "Lesson", "LessonScene", "SeatedDevice", "bars_in", "only_bars", "with_bars"]
