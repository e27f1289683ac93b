"""Every reason to refuse a request: a stable code, the words for people, an HTTP status.

Owns the catalogue; the rules that refuse live beside what they guard. Codes never change their
meaning. The texts say what happened and what to do, in Chinese and English. The status is for
requests that come over HTTP (WHIP and WHEP). `docs/protocol.md` lists this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.protocol.messages import Refused, RemovalCode, Removed


@dataclass(frozen=True, slots=True)
class RefusalText:
    """The words of one refusal and its HTTP status."""

    zh: str
    en: str
    status: int


REFUSALS: dict[str, RefusalText] = {
    # the message itself
    "malformed": RefusalText(
        "消息格式不正确。请刷新页面；若仍出现，请联系技术人员。",
        "The message is malformed. Reload the page; if it happens again, tell your IT staff.",
        400,
    ),
    "unknown-type": RefusalText(
        "服务器不认识这种消息。请刷新页面以更新程序。",
        "The server does not know this kind of message. Reload the page to update it.",
        400,
    ),
    "too-large": RefusalText("消息过大。", "The message is too large.", 413),
    "too-fast": RefusalText(
        "操作太频繁，请稍候再试。", "Too many requests. Wait a moment and try again.", 429
    ),
    "wrong-protocol": RefusalText(
        "页面版本与服务器不一致。请刷新页面。",
        "This page and the server have different versions. Reload the page.",
        400,
    ),
    # coming in
    "not-joined": RefusalText(
        "尚未进入课堂，请先进入。", "You have not joined the lesson. Join first.", 409
    ),
    "already-joined": RefusalText("此连接已在课堂中。", "This connection has already joined.", 409),
    "leads-elsewhere": RefusalText(
        "您已在另一个窗口或另一台电脑上进入这节课。",
        "You have entered this lesson in another window or on another computer.",
        409,
    ),
    "token-invalid": RefusalText(
        "入课凭证无效。请从课表重新进入。",
        "The join token is not valid. Enter the lesson again from the timetable.",
        401,
    ),
    "token-foreign": RefusalText(
        "入课凭证由另一台服务器签发。请从这台服务器的课表重新进入。",
        "The join token is of another server. Enter the lesson again from this server's timetable.",
        401,
    ),
    "token-expired": RefusalText(
        "入课凭证已过期。请从课表重新进入。",
        "The join token has expired. Enter the lesson again from the timetable.",
        401,
    ),
    "source-key-refused": RefusalText(
        "编码器密钥无效或已撤销。请管理员为这间教室新建密钥。",
        "The source key is wrong or was revoked. Ask the administrator for a new one.",
        401,
    ),
    "source-key-elsewhere": RefusalText(
        "这个密钥属于另一路画面或声音。请核对地址末尾。",
        "This source key is for another source. Look at the end of the address.",
        403,
    ),
    "source-key-sends-only": RefusalText(
        "编码器密钥只能用于推流（WHIP）。",
        "A source key only sends, by WHIP.",
        403,
    ),
    "no-lesson-now": RefusalText(
        "这间教室现在没有课。上课后再推流即可接入。",
        "No lesson is going on in this room. Once one is, try again.",
        409,
    ),
    "no-such-lesson": RefusalText(
        "没有这节课，或课程尚未开始。请查看课表。",
        "There is no such lesson now. Look at the timetable.",
        404,
    ),
    "lesson-elsewhere": RefusalText(
        "这节课在另一台服务器上进行。请从那里进入。",
        "Another server holds this lesson. Join it there.",
        409,
    ),
    "lesson-ended": RefusalText("课程已结束。", "The lesson is over.", 410),
    "lesson-locked": RefusalText(
        "课堂已锁定，没有来过的人暂时不能进入。请联系主讲教师。",
        "The lesson is locked; nobody new can come in. Ask the teacher.",
        403,
    ),
    "no-such-seat": RefusalText(
        "这节课没有安排您参加。请联系主讲教师。",
        "This lesson has no seat for you. Ask the teacher.",
        403,
    ),
    "seat-full": RefusalText(
        "同时使用的设备已达上限。请先关闭一台设备。",
        "This seat has as many devices as it may. Close one of them first.",
        409,
    ),
    "lesson-full": RefusalText(
        "课堂人数已满。请稍后再试。", "The lesson is full. Try again later.", 503
    ),
    # put out of a lesson, and not let in again
    "removed-by-lead": RefusalText(
        "主讲教师已将此设备移出课堂。如需返回，请联系主讲教师。",
        "The teacher has put this device out of the lesson. Ask the teacher to let it in again.",
        403,
    ),
    "removed-by-administrator": RefusalText(
        "管理员已将此设备移出课堂。如有疑问，请联系管理员。",
        "An administrator has put this device out of the lesson. Ask the administrator.",
        403,
    ),
    "account-deleted": RefusalText(
        "您的账号已被删除，因此不能继续上课。请联系管理员。",
        "Your account has been deleted, so you cannot stay in the lesson. Ask the administrator.",
        403,
    ),
    "credential-revoked": RefusalText(
        "此教室设备的凭证已被撤销。请管理员给出新的教室地址。",
        "This room device's credential was revoked. Ask the administrator for a new room address.",
        403,
    ),
    "taken-over": RefusalText(
        "另一位教师已接手主讲这节课。您可以旁听。",
        "Another teacher leads this lesson now. You can come in as an observer.",
        403,
    ),
    "not-admitted": RefusalText(
        "您已不能参加这节课。请联系管理员。",
        "You may not take part in this lesson any more. Ask the administrator.",
        403,
    ),
    # who may do what
    "lead-only": RefusalText("只有主讲教师可以这样做。", "Only the lead teacher may do this.", 403),
    "not-allowed": RefusalText("您的身份不能这样做。", "Your seat may not do this.", 403),
    "no-floor": RefusalText("您没有发言权，无需交还。", "You do not have the floor.", 409),
    "unknown-seat": RefusalText("这节课里没有对方。", "There is no such seat.", 404),
    "seat-absent": RefusalText(
        "该教室现在不在课堂中。", "That room is not in the lesson now.", 409
    ),
    "seat-silent": RefusalText(
        "对方在这节课里不能发言。", "That seat cannot speak in this lesson.", 409
    ),
    "unknown-device": RefusalText(
        "没有这台设备，它可能已经离开。",
        "There is no such device; it may have left already.",
        404,
    ),
    "own-device": RefusalText(
        "不能移出自己正在使用的设备。", "You cannot put out the device you are using.", 409
    ),
    "empty-chat": RefusalText("消息内容为空。", "The line is empty.", 400),
    # media
    "bad-sdp": RefusalText(
        "媒体协商失败：SDP 无法使用。请刷新页面或更新浏览器。",
        "Media could not be agreed: the SDP is unusable. Reload the page or update the browser.",
        400,
    ),
    "wrong-kind": RefusalText(
        "类型不符：room 为声音，其余为画面。",
        "The source has the wrong kind: `room` is sound, all others are pictures.",
        400,
    ),
    "source-not-allowed": RefusalText(
        "您现在不能发送这路画面或声音。", "Your seat may not send this source now.", 403
    ),
    "source-taken": RefusalText(
        "您的另一台设备正在发送这路画面或声音。",
        "Another device of this seat is sending this source.",
        409,
    ),
    "sound-elsewhere": RefusalText(
        "本教室的声音由另一台设备负责。",
        "Another device of this seat carries the room's sound.",
        409,
    ),
    "unknown-source": RefusalText(
        "没有发送这路画面或声音。", "This source is not being sent.", 404
    ),
    "nothing-to-play": RefusalText(
        "对方现在没有可播放的画面或声音。请稍后再试。",
        "That seat sends nothing to play now. Try again later.",
        409,
    ),
    "no-program": RefusalText(
        "本服务器现在不能合成节目。请观看各路画面。",
        "This server cannot make the program of a lesson now. Take the separate pictures.",
        409,
    ),
    "program-full": RefusalText(
        "本服务器能同时合成的节目已满。请稍后再试，或观看各路画面。",
        "This server makes as many programs as it may. Try again later, or take the separate "
        "pictures.",
        503,
    ),
    "unknown-producer": RefusalText(
        "没有这路画面或声音。", "There is no such stream in this lesson.", 404
    ),
    "own-producer": RefusalText(
        "不能接收自己发送的画面和声音。", "A seat does not receive its own streams.", 403
    ),
    "no-offer": RefusalText(
        "没有等待应答的协商。", "There is no offer waiting for an answer.", 409
    ),
    "media-full": RefusalText(
        "服务器媒体容量已满。请稍后再试。",
        "The media server is at its limit. Try again later.",
        503,
    ),
    "media-failed": RefusalText(
        "媒体服务暂时不可用。请稍候，系统会自动重试。",
        "The media server has failed for the moment. Wait; it will be tried again.",
        503,
    ),
    "server-failed": RefusalText(
        "服务器出错。请稍候，系统会自动恢复。",
        "The server has failed. Wait; it recovers by itself.",
        500,
    ),
    # HTTP only
    "wrong-content-type": RefusalText(
        "内容类型不正确：需要 application/sdp。",
        "The content type is wrong: application/sdp is needed.",
        415,
    ),
    "method-not-allowed": RefusalText(
        "此地址不支持这种操作。", "This address does not do that.", 405
    ),
    "stale-session": RefusalText(
        "会话已改变（If-Match 与 ETag 不符）。",
        "The session has changed: If-Match and ETag differ.",
        412,
    ),
    "no-precondition": RefusalText("缺少 If-Match 头。", "The header If-Match is missing.", 428),
    "unknown-path": RefusalText(
        "地址末尾不对。可用：teacher、students、board、screen、room。",
        "There is no such source. Use teacher, students, board, screen or room.",
        404,
    ),
    "no-such-session": RefusalText("没有这个会话。", "There is no such session.", 404),
}


def refused(code: str, request_id: str | None = None) -> Refused:
    """The message that tells a client of a refusal."""
    text = REFUSALS[code]
    return Refused(code=code, message_zh=text.zh, message_en=text.en, request_id=request_id)


def removed(code: RemovalCode) -> Removed:
    """The message that tells a client why it was put out; who comes again is told the same."""
    text = REFUSALS[code]
    return Removed(code=code, message_zh=text.zh, message_en=text.en)
