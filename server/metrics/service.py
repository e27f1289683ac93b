"""Collects what signaling and the recorder count, at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.broadcasts.pushing import PushStanding
from server.broadcasts.service import BroadcastService
from server.metrics.families import SERVICE
from server.metrics.sheet import Sheet, describe
from server.programs.service import ProgramService, ProgramTotals
from server.recordings.recorded import RecordingTotals
from server.recordings.recording import RecordingService
from signaling.counters import SignalingCounters
from signaling.driver import LessonService


class SignalingDirectory:
    """`server.metrics.media.LessonDirectory` by signaling's service."""

    def __init__(self, service: LessonService) -> None:
        self._service = service

    def seats_of(self, lesson_id: str) -> Mapping[str, str]:
        """Every device of a lesson and the seat it is at."""
        return {device.device_id: device.seat_id for device in self._service.devices(lesson_id)}

    def summary(self, lesson_id: str) -> tuple[int, int, bool] | None:
        """Seats present, devices connected, recording; None for a lesson not open."""
        found = self._service.live().get(lesson_id)
        if found is None:
            return None
        lesson, seats = found
        return (
            sum(seat.present for seat in seats),
            sum(device.connected for seat in seats for device in seat.devices),
            lesson.recording,
        )


class ServiceCollector(Collector):
    """A collector over signaling and, where there are, recording and programs."""

    def __init__(
        self,
        service: LessonService,
        recording: RecordingService | None,
        programs: ProgramService | None,
        broadcasts: BroadcastService | None,
    ) -> None:
        self._service = service
        self._recording = recording
        self._programs = programs
        self._broadcasts = broadcasts

    def describe(self) -> Iterator[Metric]:
        """Names alone."""
        return describe(SERVICE)

    def collect(self) -> Iterator[Metric]:
        """Everything there is now."""
        sheet = Sheet(SERVICE)
        _signaling(sheet, self._service.counters)
        if self._recording is not None:
            _recorder(sheet, self._recording.totals())
        if self._programs is not None:
            _compositors(sheet, self._programs.totals())
        if self._broadcasts is not None:
            _put_out(sheet, self._broadcasts)
        return sheet.metrics()


def _signaling(sheet: Sheet, counters: SignalingCounters) -> None:
    sheet.put("tongke_signaling_sockets_open", counters.sockets_open)
    sheet.put("tongke_signaling_sockets_total", counters.sockets_opened)
    sheet.put("tongke_signaling_messages_sent_total", counters.messages_sent)
    sheet.put("tongke_signaling_messages_dropped_total", counters.messages_dropped)
    for kind, count in counters.messages_received.items():
        sheet.put("tongke_signaling_messages_received_total", count, kind)
    for code, count in counters.refusals.items():
        sheet.put("tongke_signaling_refusals_total", count, code)
    for reason, count in counters.closings.items():
        sheet.put("tongke_signaling_closings_total", count, reason)


def _recorder(sheet: Sheet, totals: RecordingTotals) -> None:
    sheet.put("tongke_recorder_up", totals.recorder_up)
    sheet.put("tongke_recorder_starts_total", totals.recorder_starts)
    sheet.put("tongke_recordings", totals.running, "running")
    sheet.put("tongke_recordings", totals.waiting, "waiting")
    sheet.put("tongke_recordings", totals.failed, "failed")
    sheet.put("tongke_recordings", totals.finishing, "finishing")
    sheet.put("tongke_recorder_taps", totals.taps)
    sheet.put("tongke_recorder_unwritten_events", totals.unwritten_events)
    sheet.put("tongke_recorder_dropped_events_total", totals.dropped_events)


def _put_out(sheet: Sheet, broadcasts: BroadcastService) -> None:
    pushes = broadcasts.pushes
    sheet.put("tongke_hls_lessons", broadcasts.hls_lessons)
    for standing in (PushStanding.CONNECTING, PushStanding.SENDING, PushStanding.WAITING):
        count = sum(one.state.standing is standing for one in pushes)
        sheet.put("tongke_pushes", count, standing.value)
    sheet.put("tongke_push_starts", sum(one.state.starts for one in pushes))


def _compositors(sheet: Sheet, totals: ProgramTotals) -> None:
    sheet.put("tongke_programs", totals.running, "running")
    sheet.put("tongke_programs", totals.waiting, "waiting")
    sheet.put("tongke_program_starts_total", totals.starts)
    sheet.put("tongke_program_taps", totals.taps)
    sheet.put("tongke_program_late_ticks", totals.late_ticks)
    sheet.put("tongke_program_dropped_datagrams", totals.dropped_datagrams)
