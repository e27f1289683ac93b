"""A camera's ONVIF service for tests, in the manners of two makes; checks the login it is given.

`LONG_NAMES` answers as the makes do that put every namespace on the envelope, call it `env:`, and
add words of their own to the streams' addresses; its clock is an hour off, and it calls itself by
an address nobody reaches. `SHORT_NAMES` uses `s:`, attributes in another order, and answers 401
without a fault.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

USER, PASSWORD = "admin", "s3cret-geheim"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"


class Make(Enum):
    """Whose manner."""

    LONG_NAMES = "long-names"
    SHORT_NAMES = "short-names"


@dataclass
class EncoderSetting:
    """What one stream is set to."""

    path: str
    gop: int
    h264_profile: str = "High"
    frame_rate: int = 25
    encoding: str = "H264"


@dataclass
class FakeOnvif:
    """A context manager; `streams` is what it is set to, `asked` the requests by name."""

    make: Make
    streams: list[EncoderSetting]
    rtsp_port: int = 554
    baseline: bool = True
    keeps_its_own: bool = False  # says yes, and changes nothing
    answers: dict[str, bytes] = field(default_factory=dict)  # in place of its own
    on_set: Callable[[EncoderSetting], None] = lambda _: None  # what the camera does then
    asked: list[str] = field(default_factory=list)
    seen: bytearray = field(default_factory=bytearray)  # every byte that came

    def __enter__(self) -> Self:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                camera.seen += data
                status, body = camera.answer(self.path, data.decode())
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/onvif/device_service"

    @property
    def clock(self) -> float:
        return time.time() + (3600 if self.make is Make.LONG_NAMES else 0)

    def answer(self, path: str, request: str) -> tuple[int, bytes]:
        (name,) = re.findall(r"<s:Body><(\w+)", request)
        self.asked.append(name)
        if name in self.answers:
            return 200, self.answers[name]
        if name == "GetSystemDateAndTime":
            return 200, self._wrapped(self._time())
        if not self._is_let_in(request):
            if self.make is Make.SHORT_NAMES:
                return 401, b"Unauthorized"
            return 400, self._wrapped(
                "<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>"
                "ter:NotAuthorized</env:Value></env:Subcode></env:Code></env:Fault>"
            )
        if name == "SetVideoEncoderConfiguration":
            return self._set(request)
        return 200, self._wrapped(getattr(self, f"_{name}")(request))

    def _is_let_in(self, request: str) -> bool:
        found = re.search(
            r"<w:Username>(.*?)</w:Username>.*?PasswordDigest\">(.*?)</w:Password>.*?"
            r"<w:Nonce.*?>(.*?)</w:Nonce>.*?<u:Created.*?>(.*?)</u:Created>",
            request,
        )
        if found is None:
            return False
        user, digest, nonce, created = found.groups()
        told = time.strptime(created, "%Y-%m-%dT%H:%M:%SZ")
        if abs(calendar.timegm(told) - self.clock) > 10:
            return False
        right = hashlib.sha1(base64.b64decode(nonce) + created.encode() + PASSWORD.encode())  # noqa: S324 - as the standard has it
        return user == USER and digest == base64.b64encode(right.digest()).decode()

    def _wrapped(self, body: str) -> bytes:
        if self.make is Make.LONG_NAMES:
            names = (
                f'xmlns:env="{_SOAP}" xmlns:tt="http://www.onvif.org/ver10/schema" '
                'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
                'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
                'xmlns:ter="http://www.onvif.org/ver10/error"'
            )
            text = f"<env:Envelope {names}><env:Body>{body}</env:Body></env:Envelope>"
        else:
            names = (
                f'xmlns:s="{_SOAP}" xmlns:tt="http://www.onvif.org/ver10/schema" '
                'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
                'xmlns:trt="http://www.onvif.org/ver10/media/wsdl"'
            )
            text = f"<s:Envelope {names}>\n <s:Header/>\n <s:Body>{body}</s:Body>\n</s:Envelope>"
        return b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode()

    def _time(self) -> str:
        now = time.gmtime(self.clock)
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            "<tt:DateTimeType>NTP</tt:DateTimeType><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.tm_hour}</tt:Hour><tt:Minute>{now.tm_min}</tt:Minute>"
            f"<tt:Second>{now.tm_sec}</tt:Second></tt:Time><tt:Date><tt:Year>{now.tm_year}</tt:Year>"
            f"<tt:Month>{now.tm_mon}</tt:Month><tt:Day>{now.tm_mday}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetCapabilities(self, _: str) -> str:  # noqa: N802 - as the request is called
        host = "192.168.200.64" if self.make is Make.LONG_NAMES else "127.0.0.1"
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
            f"<tt:XAddr>http://{host}/onvif/Media</tt:XAddr></tt:Media></tds:Capabilities>"
            "</tds:GetCapabilitiesResponse>"
        )

    def _GetProfiles(self, _: str) -> str:  # noqa: N802 - the request's name
        parts = []
        for place, one in enumerate(self.streams, 1):
            h264 = (
                f"<tt:H264><tt:GovLength>{one.gop}</tt:GovLength>"
                f"<tt:H264Profile>{one.h264_profile}</tt:H264Profile></tt:H264>"
            )
            token = (
                f'token="Profile_{place}" fixed="true"'
                if self.make is Make.LONG_NAMES
                else f'fixed="false" token="MediaProfile{place:03}"'
            )
            parts.append(
                f"<trt:Profiles {token}><tt:Name>stream {place}</tt:Name>"
                '<tt:VideoSourceConfiguration token="VS1"><tt:Name>source</tt:Name>'
                "</tt:VideoSourceConfiguration>"
                f'<tt:VideoEncoderConfiguration token="VE{place}"><tt:Name>A &amp; B</tt:Name>'
                f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{one.encoding}</tt:Encoding>"
                "<tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height>"
                "</tt:Resolution><tt:Quality>3</tt:Quality><tt:RateControl>"
                f"<tt:FrameRateLimit>{one.frame_rate}</tt:FrameRateLimit>"
                "<tt:EncodingInterval>1</tt:EncodingInterval>"
                f"<tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>{h264}"
                "<tt:SessionTimeout>PT5S</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
                "</trt:Profiles>"
            )
        return f"<trt:GetProfilesResponse>{''.join(parts)}</trt:GetProfilesResponse>"

    def _GetStreamUri(self, request: str) -> str:  # noqa: N802 - the request's name
        (number,) = re.findall(r"<ProfileToken>\D*0*(\d+)</ProfileToken>", request)
        path = self.streams[int(number) - 1].path
        more = "transportmode=unicast&amp;profile=Profile_1"
        if self.make is Make.SHORT_NAMES:
            more = "unicast=true&amp;proto=Onvif"
        path = path.replace("&", "&amp;") + ("&amp;" if "?" in path else "?") + more
        return (
            "<trt:GetStreamUriResponse><trt:MediaUri>"
            f"<tt:Uri>rtsp://127.0.0.1:{self.rtsp_port}{path}</tt:Uri>"
            "</trt:MediaUri></trt:GetStreamUriResponse>"
        )

    def _GetVideoEncoderConfigurationOptions(self, _: str) -> str:  # noqa: N802 - the request's name
        kinds = ["Main", "High"] + (["Baseline"] if self.baseline else [])
        offered = "".join(
            f"<tt:H264ProfilesSupported>{one}</tt:H264ProfilesSupported>" for one in kinds
        )
        return (
            "<trt:GetVideoEncoderConfigurationOptionsResponse><trt:Options><tt:H264>"
            "<tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>400</tt:Max></tt:GovLengthRange>"
            f"{offered}</tt:H264></trt:Options></trt:GetVideoEncoderConfigurationOptionsResponse>"
        )

    def _set(self, request: str) -> tuple[int, bytes]:
        (number,) = re.findall(r'<Configuration token="VE(\d+)">', request)
        one = self.streams[int(number) - 1]
        # As strict as cameras are: everything is there, in the schema's order.
        order = re.findall(r"<t:(\w+)", request)
        assert order == [
            *("Name", "UseCount", "Encoding", "Resolution", "Width", "Height", "Quality"),
            *("RateControl", "FrameRateLimit", "EncodingInterval", "BitrateLimit"),
            *("H264", "GovLength", "H264Profile", "SessionTimeout"),
        ], order
        assert "<t:Name>A &amp; B</t:Name>" in request
        if not self.keeps_its_own:
            one.gop = int(re.findall(r"<t:GovLength>(\d+)<", request)[0])
            one.h264_profile = re.findall(r"<t:H264Profile>(\w+)<", request)[0]
            self.on_set(one)
        return 200, self._wrapped("<trt:SetVideoEncoderConfigurationResponse/>")
