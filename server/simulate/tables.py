"""The tables of `tongke simulate`: what each seat carried, and what a watching one saw.

One language, the terminal's: a table in two would be too wide for one.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from server.errors import Text
from server.simulate.seat import SimulatedSeat
from server.spoken import spoken

_SEATS = Text("各台设备", "seats")
_SEAT, _SECONDS, _DELAY_MS = Text("设备", "seat"), Text("秒", "s"), Text("延迟 ms", "delay ms")
_WAYS = (
    Text("发 包", "up pkts"),
    Text("发 kb/s", "up kb/s"),
    Text("发 丢失", "up lost"),
    Text("发 画面", "up pics"),
    Text("收 包", "down pkts"),
    Text("收 kb/s", "down kb/s"),
    Text("收 丢失", "down lost"),
    Text("收 画面", "down pics"),
)
_RECEIVED = Text("收到的内容", "received")
_SEEN = (
    Text("接收方", "by"),
    Text("来自", "from"),
    Text("来源", "source"),
    Text("帧", "frames"),
    Text("读不出", "unreadable"),
    Text("缺少", "missed"),
    Text("大小", "size"),
    Text("延迟", "age"),
    Text("音调", "tones"),
)


def what_was_carried(seats: Iterable[SimulatedSeat], *, encoding: str) -> Table:
    """A row for each seat: seconds, both ways, the way to the server and back."""
    table = Table(title=_said(_SEATS, encoding))
    table.add_column(_said(_SEAT, encoding), overflow="fold")
    for heading in (_SECONDS, *_WAYS, _DELAY_MS):
        table.add_column(_said(heading, encoding), justify="right", overflow="fold")
    for seat in seats:
        total = seat.figures.total
        table.add_row(
            seat.name,
            f"{total.seconds:.0f}",
            str(total.sent_packets),
            f"{total.sent_bps / 1000:.0f}",
            f"{total.sent_loss:.1%}",
            str(total.sent_pictures),
            str(total.received_packets),
            f"{total.received_bps / 1000:.0f}",
            f"{total.received_loss:.1%}",
            str(total.received_pictures),
            "" if total.delay_ms is None else f"{total.delay_ms:.0f}",
        )
    return table


def what_was_seen(seats: Iterable[SimulatedSeat], *, encoding: str) -> Table:
    """A row for each source that a seat received."""
    table = Table(title=_said(_RECEIVED, encoding))
    for heading in _SEEN:
        table.add_column(_said(heading, encoding), overflow="fold")
    for seat in seats:
        for seen in seat.seen.values():
            age = f"{seen.age_ms:.0f} ms" if seen.age_ms is not None else ""
            table.add_row(
                seat.name,
                seen.seat_id,
                seen.source,
                str(seen.frames),
                str(seen.unreadable),
                str(seen.missed),
                f"{seen.width}×{seen.height}" if seen.width else "",
                age,
                " ".join(map(str, sorted(seen.tones))),
            )
    return table


def _said(text: Text, encoding: str) -> str:
    return spoken(text, encoding=encoding)[0]
