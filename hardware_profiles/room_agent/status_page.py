"""What the agent does, on a page of this machine alone: http://127.0.0.1:7889, and `/status.json`.

Owns the page and whom it is shown to: it listens on loopback, and answers nobody who calls it by
another name (a web page elsewhere could point a name of its own to this machine). No address of a
camera is on it, and no user or password.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hardware_profiles.doctor.words import layer_name
from hardware_profiles.room_agent import checking as check
from hardware_profiles.room_agent.agent import RoomAgent
from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.camera_setting import CameraSetting
from hardware_profiles.room_agent.kiosk import Kiosk, KioskState
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.sound import SoundFeed
from hardware_profiles.room_agent.sounding.faults import MicrophoneFault
from signaling.client.device import Phase

STATUS_PORT = 7889
# Browsers send the cookies of everything on this machine's localhost along, up to 4 KiB each.
_MOST_REQUEST_BYTES = 65_536
_ASKED_WITHIN_S = 5.0
_OWN_NAMES = {"127.0.0.1", "localhost", "[::1]"}

# Both languages, Chinese first: whoever stands before it reads one of them.
_PHASES = {
    Phase.WAITING: ("等待上课", "waiting for a lesson"),
    Phase.JOINING: ("正在进入课堂", "joining the lesson"),
    Phase.IN_LESSON: ("正在上课", "in the lesson"),
    Phase.GONE: ("服务器拒绝了本机的设备凭证", "the server refuses this machine's credential"),
}
_AWAY = ("连不上服务器，不断重试", "the server cannot be reached; trying again and again")
_STATES = {
    StreamState.RESTS: ("没有课，摄像机休息", "no lesson, at rest"),
    StreamState.IS_ASKED: ("正在连接", "connecting"),
    StreamState.SENDS: ("正常", "all well"),
    StreamState.LOST: ("已断开，不断重试", "lost, asked again and again"),
}
_SOUND_LOST = ("没有麦克风，不断重试", "no microphone, asked for again and again")
_PAGE_HAS_IT = (
    "本教室的声音现由教室网页采集",
    "the room's page has the microphone at the moment",
)
# What is wrong with a microphone that is there.
_FAULTS = {
    MicrophoneFault.NOTHING: (
        "麦克风没有任何声音：请检查麦克风上的开关、静音键和音频处理器的输出",
        "the microphone gives nothing: look at its switch, its mute key, the processor's output",
    ),
    MicrophoneFault.CLIPPED: (
        "麦克风声音过大而失真：请调低麦克风或音频处理器的增益",
        "the microphone is too loud and distorts: turn down its gain or the sound processor's",
    ),
    MicrophoneFault.RATE: (
        "麦克风每秒给出 {rate} 个采样而不是 48000 个，声音会变调：请把声卡设为 48 kHz",
        "the microphone gives {rate} samples a second and not 48000, so voices change their pitch: "
        "set the sound card to 48 kHz",
    ),
}
# What browsers do not play.
_CONVERTED = {
    Unfit.H265: ("摄像机发送 H.265", "the camera sends H.265"),
    Unfit.JPEG: ("摄像机发送 JPEG", "the camera sends JPEG"),
    Unfit.B_FRAMES: ("摄像机使用 B 帧", "the camera uses B-frames"),
    Unfit.INTERLACED: ("摄像机隔行扫描", "the camera is interlaced"),
    Unfit.DEPTH: (
        "摄像机的色彩格式浏览器不支持",
        "the camera's colours are of a kind no browser plays",
    ),
}
_SOURCES = {
    "teacher": ("教师", "teacher"),
    "students": ("学生", "pupils"),
    "board": ("板书", "board"),
    "screen": ("屏幕", "screen"),
}
# How well pictures and sounds stand together (`passing.clock`), for what a network camera sends: as
# its own reports say, else as it comes.
_BY_REPORTS = (
    "与其他画面和声音同步：按摄像机自己的时钟，误差 40 毫秒以内",
    "in step by the camera's own clock: within 40 ms",
)
_BY_ARRIVAL = (
    "按到达的时间对齐：误差约一帧加网络抖动；把摄像机的时钟用 NTP 校准后更准",
    "in step by when it comes: give or take a picture and the network's jitter; set the camera's "
    "clock by NTP to have it closer",
)
_BY_OWN_CLOCK = (
    "按本机收到的时间对齐：误差约一帧",
    "in step by when this machine got it: give or take a picture",
)
_PAGE = {
    KioskState.OPEN: ("教室网页已打开", "the room's page is open"),
    KioskState.AGAIN: (
        "教室网页已关闭，正在重新打开",
        "the room's page has ended; it is being opened again",
    ),
    KioskState.NO_BROWSER: (
        "没有找到浏览器：请安装 Chrome、Edge 或 Chromium",
        "no browser found: install Chrome, Edge or Chromium",
    ),
    KioskState.NO_SCREEN: (
        "本程序没有屏幕可用，教室网页未打开：请在登录桌面后启动",
        "this program has no screen, so the room's page is not open: start it within a desktop "
        "session",
    ),
    KioskState.NO_FOLDER: (
        "无法写入状态文件夹，教室网页未打开：请用 --state-folder 另选一个",
        "the state folder cannot be written, so the room's page is not open: choose another with "
        "--state-folder",
    ),
    KioskState.AS_ROOT: (
        "不以 root 身份打开浏览器：请用普通用户运行，或加上 --kiosk-as-root",
        "no browser is opened as root: run this as an ordinary user, or say --kiosk-as-root",
    ),
}
# Less is what a machine without NTP gathers in weeks, and troubles nobody.
_CLOCK_OFF_S = 90
_CHECK = (
    f'<p><a class="button" href="{check.PATH}">检查本教室的设备<small lang=en>Check this room\'s '
    "equipment</small></a></html>"
)
_STYLE = """
body{font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
color:#16201d;margin:24px auto;max-width:960px;padding:0 16px}
h1{font-size:26px;margin:0}small{color:#4d5a56;display:block;font-weight:400;font-size:.86em}
.whole{font-size:20px;padding:10px 14px;border-radius:8px;border:2px solid;margin:14px 0}
.whole,.sends{color:#0b6b4f}.lost,.whole.lost{color:#a30000}
table{border-collapse:collapse;width:100%}td p{margin:6px 0 0}
td,th{text-align:left;vertical-align:top;padding:8px 16px 8px 0;border-bottom:1px solid #d5dcda}
td:first-child{min-width:7em}td:nth-child(2){width:34%}
.button{display:inline-block;padding:10px 20px;border-radius:8px;background:#0b6b4f;color:#fff;
text-decoration:none}.button small{color:#d9efe7}
@media (max-width:600px){table,tbody,tr,td{display:block;width:auto!important}
tr:first-child{display:none}tr{padding:10px 0;border-bottom:1px solid #d5dcda}
td{padding:2px 0;border:0}td:first-child{font-weight:600}}
"""


async def serve_status(
    agent: RoomAgent, port: int = STATUS_PORT, checking: check.RoomChecking | None = None
) -> asyncio.Server:
    """Listen on loopback; raises OSError when the port is taken. With `checking` there is a button
    for the acceptance test."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_ASKED_WITHIN_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(response(agent, request, time.time(), checking))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_answer("431 Request Header Fields Too Large", "text/plain", ""))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # whoever asked is gone, or asks too slowly
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port, limit=_MOST_REQUEST_BYTES)


def response(
    agent: RoomAgent, request: bytes, now: float, checking: check.RoomChecking | None = None
) -> bytes:
    """The whole answer to an HTTP request."""
    first, *fields = request.decode("latin-1").split("\r\n")
    words = first.split(" ")
    hosts = [field[5:].strip() for field in fields if field.lower().startswith("host:")]
    names = {re.sub(r":\d{1,5}$", "", host) for host in hosts}
    if not hosts or not names <= _OWN_NAMES:
        text = "<p>本页只供本机查看。<p>This page is for this machine alone."
        return _answer("403 Forbidden", "text/html", text)
    if checking is not None and words[1:2] == [check.PATH]:
        return _checked(checking, words[0], fields)
    if words[0] != "GET" or len(words) != 3:
        return _answer("405 Method Not Allowed", "text/plain", "GET /")
    if words[1] == "/status.json":
        return _answer("200 OK", "application/json", json.dumps(status(agent, now)))
    if words[1] == "/":
        more = _CHECK if checking is not None else "</html>"
        return _answer(
            "200 OK", "text/html", page(status(agent, now)).removesuffix("</html>") + more
        )
    return _answer("404 Not Found", "text/plain", "/ /status.json")


def _checked(checking: check.RoomChecking, method: str, fields: list[str]) -> bytes:
    """The test's page; a foreign page's button starts nothing."""
    if method == "GET":
        return _answer("200 OK", "text/html", checking.page())
    origins = [field[7:].strip() for field in fields if field.lower().startswith("origin:")]
    names = {re.sub(r"^http://|:\d{1,5}$", "", origin) for origin in origins}
    if method != "POST" or not names <= _OWN_NAMES:
        return _answer("403 Forbidden", "text/plain", "GET /check")
    checking.start()
    return _answer(f"303 See Other\r\nLocation: {check.PATH}", "text/plain", "")


def status(agent: RoomAgent, now: float) -> dict[str, Any]:
    """What is to be known of the agent, for programs."""
    return {
        **_timetable(agent, now),
        **_kiosk(agent.kiosk),
        "room": agent.device.name,
        "profile": agent.profile.name,
        "server": agent.server.origin,
        "phase": agent.device.phase.name.lower(),
        "server_away": agent.device.server_away,
        "joins": agent.device.joins,
        "cameras": [
            {
                "source": camera.source.value,
                "layer": rid,
                "from_network": camera.from_network,
                **_stream(stream, now),
                **_setting(camera.setting, stream),
            }
            for camera in agent.cameras
            for rid, stream in camera.streams.items()
        ],
        "sound": _sound(agent.sound, now) if agent.sound is not None else None,
    }


def _sound(sound: SoundFeed, now: float) -> dict[str, Any]:
    trouble, speaker = sound.trouble, sound.speaker_trouble
    return {
        "state": sound.state.value,
        "for_s": round(max(0.0, now - sound.since)),
        "carried": sound.carried,
        "fault": sound.fault,
        "level_db": sound.level_db,
        "rate": sound.rate,
        "packets": sound.packets,
        "price": round(sound.price, 2),
        "from_network": sound.camera is not None,
        "in_step": "by_reports" if sound.clock.by_reports else "by_arrival",
        "plays": sound.plays,
        "trouble_zh": trouble.message_zh if trouble else "",
        "trouble_en": trouble.message_en if trouble else "",
        "loudspeaker_zh": speaker.message_zh if speaker else "",
        "loudspeaker_en": speaker.message_en if speaker else "",
    }


def _kiosk(kiosk: Kiosk | None) -> dict[str, Any]:
    """The room's page beside the agent."""
    return {"page": kiosk.state.value if kiosk else "", "page_ended": kiosk.ended if kiosk else 0}


def _timetable(agent: RoomAgent, now: float) -> dict[str, Any]:
    """The next lesson, how wrong this machine's clock is, and whether the credential is copied."""
    tokens = agent.tokens
    coming = tokens.next if tokens else None
    in_lesson = agent.device.phase is Phase.IN_LESSON
    server_time = tokens.server_time if tokens else now
    if coming is not None and in_lesson and coming.starts_at <= server_time:
        coming = None  # that is this one
    copied = tokens.copied if tokens else None
    return {
        "next": {"title": coming.title, "starts_at": coming.starts_at} if coming else None,
        "server_time": round(server_time, 1),
        "clock_off_s": round(now - server_time) if tokens and tokens.timetable.known else 0,
        "copied_zh": copied[0] if copied else "",
        "copied_en": copied[1] if copied else "",
    }


def _stream(stream: CameraFeed, now: float) -> dict[str, Any]:
    path, trouble, converted = stream.path, stream.trouble, stream.converted
    size = converted.size if converted else path.size
    return {
        "state": stream.state.value,
        "for_s": round(max(0.0, now - stream.since)),
        "size": list(size) if size else None,
        "needed": stream.needed,
        "held_back": stream.held_back,
        "converted": converted.reason.value if converted else "",
        "price": round(stream.price, 2),
        "left_out": converted.left_out if converted else 0,
        "packets": stream.packets,
        "lost": path.lost,
        "in_step": "by_reports" if path.clock.by_reports else "by_arrival",
        "trouble_zh": trouble.message_zh if trouble else "",
        "trouble_en": trouble.message_en if trouble else "",
    }


def _setting(setting: CameraSetting | None, stream: CameraFeed) -> dict[str, str]:
    """What was asked of the camera by ONVIF, and what came of it."""
    said = setting.said(stream) if setting else None
    return {"setting_zh": said[0] if said else "", "setting_en": said[1] if said else ""}


def page(told: dict[str, Any]) -> str:
    """The same for people."""
    away = told["server_away"] and told["phase"] == Phase.WAITING.name.lower()
    phase = _both(_AWAY if away else _PHASES[Phase[told["phase"].upper()]])
    bad = " lost" if away or told["phase"] == Phase.GONE.name.lower() else ""
    rows = "".join(_row(camera) for camera in told["cameras"])
    if told["sound"] is not None:
        rows += _sound_row(told["sound"])
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta http-equiv="refresh" content="2"><title>同课 Tongke</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style>"
        f'<h1>{html.escape(told["room"])}</h1><p class="whole{bad}">{phase}</p>'
        f"{''.join(_notices(told))}"
        f"<p>服务器 · server: {html.escape(told['server'])}"
        "<table><tr><th>摄像机<small>camera</small><th>状态<small>state</small>"
        f"<th>画面、音量<small>picture, level</small></tr>{rows}</table></html>"
    )


def _notices(told: dict[str, Any]) -> Iterator[str]:
    """What is to be said above the cameras."""
    if coming := told["next"]:
        yield f"<p>{_both(_next_lesson(coming, told['server_time']))}"
    if told["copied_en"]:
        yield f'<p class="lost">{_both((told["copied_zh"], told["copied_en"]))}'
    if abs(off := told["clock_off_s"]) > _CLOCK_OFF_S:
        words = ("快", "ahead of") if off > 0 else ("慢", "behind")
        yield f'<p class="lost">{_both(_clock(abs(off), *words))}'
    if told["page"]:
        state = KioskState(told["page"])
        sign = "" if state is KioskState.OPEN else ' class="lost"'
        yield f"<p{sign}>{_both(_PAGE[state])}"


def _next_lesson(coming: dict[str, Any], server_time: float) -> tuple[str, str]:
    begins = datetime.fromtimestamp(coming["starts_at"]).astimezone()
    title = " ".join(coming["title"].split())
    chinese = f"{begins.month}月{begins.day}日 {begins:%H:%M}"
    english = f"{begins:%H:%M} on {begins.day} {begins:%B}"
    if coming["starts_at"] <= server_time:
        return (
            f"《{title}》应于{chinese}开始，服务器一恢复就进入课堂",
            f"“{title}” should have begun at {english}; joined as soon as the server is there",
        )
    return f"下一节课：{chinese}《{title}》", f"next lesson: “{title}” at {english}"


def _clock(seconds: int, chinese: str, english: str) -> tuple[str, str]:
    return (
        f"本机时钟比服务器{chinese} {seconds} 秒，请检查时间设置；课表按服务器的时间",
        f"this machine's clock is {seconds} s {english} the server's: check its settings; lessons "
        "follow the server's time",
    )


def _row(camera: dict[str, Any]) -> str:
    state = StreamState(camera["state"])
    layer = layer_name(camera["layer"])
    zh, en = _SOURCES.get(camera["source"], (camera["source"], camera["source"]))
    name = _both((f"{zh} · {layer.zh}", f"{en}, {layer.en}"))
    trouble = _told((camera["trouble_zh"], camera["trouble_en"])) if camera["trouble_en"] else ""
    size = "{}×{}".format(*camera["size"]) if camera["size"] else "–"
    notice = _told(_price(camera)) if camera["converted"] or camera["price"] else ""
    if camera["setting_en"]:
        notice += _told((camera["setting_zh"], camera["setting_en"]))
    if state is StreamState.SENDS and camera["held_back"]:
        notice += _told(
            (
                "教室到服务器的线路太窄，暂不发送",
                "the line to the server is too thin: it is not sent",
            )
        )
    elif state is StreamState.SENDS and not camera["needed"]:
        notice += _told(("现在没有人需要，暂不发送", "nobody needs it now: it is not sent"))
    elif state is StreamState.SENDS:
        notice += _told(_in_step(camera))
    return (
        f"<tr><td>{name}"
        f'<td class="{state.value}">{_both(_STATES[state])}{trouble}'
        f"<td>{size}{notice}</tr>"
    )


def _sound_row(sound: dict[str, Any]) -> str:
    state = StreamState(sound["state"])
    words = _SOUND_LOST if state is StreamState.LOST else _STATES[state]
    notices = []
    if sound["trouble_en"]:
        notices.append((sound["trouble_zh"], sound["trouble_en"]))
    if sound["fault"]:
        chinese, english = _FAULTS[MicrophoneFault(sound["fault"])]
        rate = str(sound["rate"])
        notices.append((chinese.replace("{rate}", rate), english.replace("{rate}", rate)))
    if state is not StreamState.RESTS and not sound["carried"]:
        notices.append(_PAGE_HAS_IT)
    if sound["loudspeaker_en"]:
        notices.append(
            ("扬声器：" + sound["loudspeaker_zh"], "loudspeaker: " + sound["loudspeaker_en"])
        )
    level = "–"
    if state is StreamState.SENDS:
        level = f"{sound['level_db']:.0f} dB"
        level += _told(_in_step(sound)) if sound["from_network"] else ""
    trouble = "".join(f"<p>{_both(one)}" for one in notices)
    return (
        f'<tr><td>{_both(("声音", "sound"))}<td class="{state.value}">{_both(words)}{trouble}'
        f"<td>{level}</tr>"
    )


def _in_step(told: dict[str, Any]) -> tuple[str, str]:
    """How a picture or a sound is put in step with the others."""
    if told["in_step"] == "by_reports":
        return _BY_REPORTS
    return _BY_ARRIVAL if told["from_network"] else _BY_OWN_CLOCK


def _price(camera: dict[str, Any]) -> tuple[str, str]:
    """What converting costs, and how to be rid of it."""
    percent = round(100 * camera["price"])
    if not camera["converted"]:
        return (
            f"由本机编码，占用一个处理器核心的 {percent} %",
            f"encoded here, which takes {percent} % of a processor core",
        )
    chinese, english = _CONVERTED[Unfit(camera["converted"])]
    left_out = camera["left_out"]
    slow_zh = f"；本机太慢，已略过 {left_out} 帧" if left_out else ""
    slow_en = f"; this machine is too slow: {left_out} pictures left out" if left_out else ""
    return (
        f"{chinese}，由本机转换，占用一个处理器核心的 {percent} %{slow_zh}。"
        "在摄像机网页上改为 H.264、逐行、不用 B 帧即可省去",
        f"{english}: converted here, which takes {percent} % of a processor core{slow_en}. "
        "Set the camera to H.264, progressive, without B-frames, to save that",
    )


def _told(words: tuple[str, str]) -> str:
    return f"<p>{_both(words)}"


def _both(words: tuple[str, str]) -> str:
    chinese, english = words
    return f"{html.escape(chinese)}<small lang=en>{html.escape(english)}</small>"


def _answer(status_line: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status_line}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode() + body
