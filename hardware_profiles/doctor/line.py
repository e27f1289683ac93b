"""Is a measured line good enough for a lesson, and as good as the profile says? Pure.

What a room sends is its profile's; what is asked here is whether the line brings speech and one
picture at all, and whether somebody has promised more than comes.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.words import LINE
from hardware_profiles.link import LinkProfile

# Speech of 40 kb/s with its packets' heads and repairs; below it nothing is to be understood.
LEAST_BPS = 100_000
# Speech and one picture of 360p.
PICTURE_BPS = 600_000
# Beyond these repairs come too late, and people talk over one another (ITU-T G.114).
WEAK_LOSS, BAD_LOSS = 0.02, 0.10
WEAK_ROUND_TRIP_MS, BAD_ROUND_TRIP_MS = 400.0, 1_500.0
# A satellite's profile says what its delay is: half as much again is another fault.
_PROMISED = 0.7
_LATE = 1.5
_DELAY_GRACE_MS = 40.0


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """Bits a second up and down by TCP, the part of packets lost, times of packets there and back;
    None where it was not to be had.
    """

    up_bps: float | None
    down_bps: float | None
    loss: float | None
    round_trip_ms: float | None
    jitter_ms: float | None


def judge_line(line: MeasuredLine, promised: LinkProfile | None) -> Checked:
    """By what a lesson needs, and by what the room's line profile promises."""
    faults = [*_too_thin(line), *_too_late(line, promised)]
    if promised is not None:
        faults += _less_than_promised(line, promised)
    verdict = max((one for one, _ in faults), key=list(Grade).index, default=Grade.GOOD)
    said = _figures_in_words(line)
    if not faults:
        return Checked(check="line", name=LINE, verdict=verdict, words=said, figures=_figures(line))
    todo = [text for _, text in faults]
    return Checked(
        check="line",
        name=LINE,
        verdict=verdict,
        words=said,
        todo=Both(zh="".join(one.zh for one in todo), en=" ".join(one.en for one in todo)),
        figures=_figures(line),
    )


def _too_thin(line: MeasuredLine) -> list[tuple[Grade, Both]]:
    rates = [rate for rate in (line.up_bps, line.down_bps) if rate is not None]
    if not rates:
        return [
            (
                Grade.WEAK,
                Both(
                    zh="没有测出速率；请稍后再测。", en="Its rate could not be measured; try again."
                ),
            )
        ]
    if min(rates) < LEAST_BPS:
        return [
            (
                Grade.BAD,
                Both(
                    zh="线路连声音都传不了：请换线路，或请运营商检查。",
                    en="It does not carry speech: take another line, or have it looked at.",
                ),
            )
        ]
    if min(rates) < PICTURE_BPS:
        return [
            (
                Grade.WEAK,
                Both(
                    zh="线路只够传声音和小画面：上课时请不要作他用。",
                    en="It carries speech and a small picture: keep it free during lessons.",
                ),
            )
        ]
    return []


def _too_late(line: MeasuredLine, promised: LinkProfile | None) -> list[tuple[Grade, Both]]:
    found = []
    if line.loss is not None and line.loss > WEAK_LOSS:
        found.append(
            (
                Grade.BAD if line.loss > BAD_LOSS else Grade.WEAK,
                Both(
                    zh="丢包太多：请改用网线，或检查无线网络和路由器。",
                    en="It loses packets: use a cable, or look at the Wi-Fi and the router.",
                ),
            )
        )
    usual = 2 * promised.line.delay_ms if promised is not None else 0
    late = max(WEAK_ROUND_TRIP_MS, _LATE * usual)
    if line.round_trip_ms is not None and line.round_trip_ms > late:
        bad = line.round_trip_ms > max(BAD_ROUND_TRIP_MS, 2 * usual)
        found.append(
            (
                Grade.BAD if bad else Grade.WEAK,
                Both(
                    zh="往返太慢，对话会互相打断：请看看谁在占用线路。",
                    en="An answer takes long, people will talk over one another: see who else "
                    "loads the line.",
                ),
            )
        )
    return found


def _less_than_promised(line: MeasuredLine, promised: LinkProfile) -> list[tuple[Grade, Both]]:
    """Against the lesson's share of what the profile says: others may use the rest just now."""
    found = []
    for direction, rate, share in (
        (Both(zh="上行", en="up"), line.up_bps, promised.lesson_up_bps),
        (Both(zh="下行", en="down"), line.down_bps, promised.lesson_down_bps),
    ):
        # What is measured ends at some megabits: more need not be shown.
        if rate is not None and rate < _PROMISED * min(share, MEASURED_UP_TO_BPS):
            found.append(
                (
                    Grade.WEAK,
                    Both(
                        zh=f"{direction.zh}比线路配置 {promised.name!r} 所写的少："
                        "请改正配置，或请运营商检查。",
                        en=f"Less goes {direction.en} than the line profile {promised.name!r} "
                        "says: correct the profile, or have the line looked at.",
                    ),
                )
            )
    delay = line.round_trip_ms
    if delay is not None and delay > _LATE * 2 * promised.line.delay_ms + _DELAY_GRACE_MS:
        found.append(
            (
                Grade.WEAK,
                Both(
                    zh=f"延迟比线路配置 {promised.name!r} 所写的大。",
                    en=f"It is later than the line profile {promised.name!r} says.",
                ),
            )
        )
    return found


# Two megabytes in a fifth of a second are no longer a measure.
MEASURED_UP_TO_BPS = 20_000_000


def _figures(line: MeasuredLine) -> dict[str, float | int | bool | str]:
    told = {
        "up_bps": line.up_bps,
        "down_bps": line.down_bps,
        "loss": line.loss,
        "round_trip_ms": line.round_trip_ms,
        "jitter_ms": line.jitter_ms,
    }
    return {name: round(value, 4) for name, value in told.items() if value is not None}


def _figures_in_words(line: MeasuredLine) -> Both:
    up, down = _rate(line.up_bps), _rate(line.down_bps)
    zh, en = f"上行 {up}，下行 {down}", f"{up} up, {down} down"
    if line.round_trip_ms is not None:
        zh += f"，往返 {line.round_trip_ms:.0f} 毫秒"
        en += f", {line.round_trip_ms:.0f} ms there and back"
    if line.loss is not None:
        zh += f"，丢包 {line.loss:.1%}"
        en += f", {line.loss:.1%} lost"
    return Both(zh=zh + "。", en=en + ".")


def _rate(bps: float | None) -> str:
    if bps is None:
        return "–"
    return f"{bps / 1e6:.1f} Mb/s" if bps >= 1e6 else f"{bps / 1e3:.0f} kb/s"
