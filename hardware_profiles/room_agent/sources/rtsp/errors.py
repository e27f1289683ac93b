"""What can go wrong with a network camera.

    RtspError
    ├── NotRtsp         what came is no RTSP: another service, a broken stream, lengths that lie
    ├── LoginRefused    the camera wants another user or password
    ├── CameraRefuses  it answers a request with a refusal; `status` is its code
    ├── NoPicture       it has no picture that is known here: H.264, H.265 or JPEG
    └── CameraLost      it does not answer, ended the stream, or sends nothing

Every error says in both languages what to do. No address, user or password is in any text: a
camera's address may hold a password though it must not, and answers quote what they were asked.
"""

from __future__ import annotations

from hardware_profiles.room_agent.sources.errors import SourceError


class RtspError(SourceError):
    """A camera cannot be used (now)."""


class NotRtsp(RtspError):
    """What came is no RTSP. `problem` is for the log: it quotes nothing of what came."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the camera's answer is no RTSP ({problem}); check address and port in the profile",
            f"摄像机的回答不是 RTSP（{problem}）；请检查配置中的地址和端口",
        )


class LoginRefused(RtspError):
    """The camera wants another user or password, or any at all."""

    def __init__(self, *, given: bool) -> None:
        if given:
            super().__init__(
                "the camera refuses its user or password; check both in the room's settings",
                "摄像机拒绝了用户名或密码；请检查教室设置中的这两项",
            )
        else:
            super().__init__(
                "the camera wants a user and a password; name them in the room's profile",
                "摄像机要求用户名和密码；请在教室的硬件配置中写明",
            )


class CameraRefuses(RtspError):
    """The camera refused a request with `status` (RFC 2326 §7.1.1)."""

    def __init__(self, method: str, status: int) -> None:
        advice_en, advice_zh = _ADVICE.get(
            status, ("look at the camera's own page", "请查看摄像机自己的网页")
        )
        super().__init__(
            f"the camera answers {method} with {status}: {advice_en}",
            f"摄像机对 {method} 的回答是 {status}：{advice_zh}",
        )
        self.status = status


_ADVICE = {
    403: ("its user may not watch; change that on the camera's page",
          "该用户无权观看；请在摄像机的网页上更改"),
    404: ("there is no such stream; check the address in the profile",
          "没有这路码流；请检查配置中的地址"),
    453: ("it has no capacity for one more viewer; close another one",
          "观看者已满；请关闭其他观看者"),
    454: ("it has forgotten us; it is asked again", "会话已失效，将重新连接"),
    461: ("it does not send this way; write transport = \"udp\" or \"tcp\" in the profile",
          "不支持这种传输方式；请在配置中改写 transport = \"udp\" 或 \"tcp\""),
    503: ("it is busy; it is asked again", "摄像机忙，将重新连接"),
}  # fmt: skip


class NoPicture(RtspError):
    """The camera's description names no picture that can be passed on or converted."""

    def __init__(self, found: str = "") -> None:
        has_en = f" (it sends {found})" if found else ""
        has_zh = f"（现为 {found}）" if found else ""
        super().__init__(
            f"the camera sends no H.264, H.265 or JPEG picture{has_en}; choose H.264 on the "
            "camera's page",
            f"摄像机没有发送 H.264、H.265 或 JPEG 画面{has_zh}；请在摄像机的网页上选择 H.264",
        )


class CameraLost(RtspError):
    """The camera is gone for now; it is asked again."""

    def __init__(self, reason_en: str, reason_zh: str) -> None:
        super().__init__(f"the camera is gone: {reason_en}", f"摄像机已断开：{reason_zh}")
