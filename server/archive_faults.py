"""What the archive says is wrong with a recording, for a machine that is set to Chinese.

The archive tells faults in English: in a manifest they stand for good, written by whatever version
finished the recording. So they are known again by their sentences; one that is none of these is
shown as it stands.
"""

from __future__ import annotations

import os
import re

from server.errors import Text
from server.system_errors import SYSTEM_ZH

_SENTENCES: tuple[tuple[str, str], ...] = (
    (r"(.+) is not there", "{0} 不存在"),
    (r"What this recording holds cannot be read: (.+) is damaged \((.+)\)\. Nothing was .+",
     "无法读取这个录像的清单：{0} 已损坏（{1}）。什么也没有改动或删除。请从备份恢复这个文件；"
     "如果音视频轨还在，也可以把它移走，再整理一次。"),
    (r"A newer version of Tongke made this recording playable \((.+) has version (.+)\)\. .+",
     "这个录像由更新版本的同课整理（{0} 的版本为 {1}）。请用该版本；什么也没有改动。"),
    (r"(.+) cannot be read back: (.+)", "{0} 写好后无法读取：{1}"),
    (r"(.+) cannot be read: (.+)", "{0} 无法读取：{1}"),
    (r"(.+) is (\d+) bytes long, not (\d+)", "{0} 的长度是 {1} 字节，应为 {2} 字节"),
    (r"(.+) is not what was finished: its SHA-256 is (\w+)",
     "{0} 已不是整理时的内容：SHA-256 为 {1}"),
    (r"(.+) does not say what was recorded", "{0} 没有说明录的是什么"),
    (r"A part of it could not be made: (.+)", "其中一段未能生成：{0}"),
    (r"(.+): the journal does not say what it is", "{0}：日志没有说明它是什么"),
    (r"(.+): (\d+) of its lines cannot be read", "{0}：有 {1} 行无法读取"),
    (r"(.+): it cannot be read \((.+)\)", "{0}：无法读取（{1}）"),
    (r"(.+): it is empty", "{0}：是空的"),
    (r"(.+): its (\d+) bytes hold no whole frame", "{0}：{1} 字节中没有一帧是完整的"),
    (r"(.+): it is damaged: (\d+) bytes at its end cannot be read",
     "{0}：已损坏，末尾 {1} 字节无法读取"),
    (r"(.+): (\d+) of (\d+) frames are left", "{0}：{2} 帧中只剩 {1} 帧"),
    (r"(.+): its last (\d+) s are in no line of the journal", "{0}：最后 {1} 秒在日志中没有记录"),
    (r"(.+): (\d+) s of packets gave no frame", "{0}：有 {1} 秒的数据无法还原"),
    (r"(.+): (\d+) of (\d+) frames are in its part", "{0}：{2} 帧中只有 {1} 帧可播放"),
    (r"Making the recording playable took far longer than its size explains .+",
     "整理所用的时间远超录像的大小所需，已被结束。录下的内容仍保留。"),
    (r"Making the recording playable failed \(exit status (.+)\)\. .+",
     "整理失败（退出状态 {0}）。录下的内容仍保留。"),
    (r"(.+): whose it is and where it belongs in the lesson is not known any more",
     "{0}：属于谁、在课中的位置，已无从得知"),
    (r"What was recorded cannot be made playable; its tracks are kept\. (.+)",
     "录下的内容无法变成可播放的；音视频轨仍保留。{0}"),
    (r"No picture and no sound arrived while the lesson was recorded\.",
     "录制期间没有收到任何画面和声音。"),
    (r"There is no recording in (.+)\.", "{0} 中没有录像。"),
    (r"The recording's journal does not say which lesson it is\.", "录像的日志没有说明是哪节课。"),
    (r"None of this lesson's files can be read\.", "这节课的文件都无法读取。"),
    (r"The teacher had switched the recording off\.", "老师暂停了录制。"),
    (r"The server or its recorder was not running\.", "服务器或录制程序当时没有运行。"),
    (r"The disk that holds the recordings is full \((.+)\)\. .+",
     "存放录像的磁盘已满（{0}）。请腾出空间；此前录下的内容都在。"),
    (r"The recordings folder cannot be written \((.+)\)\. .+",
     "录像文件夹无法写入（{0}）。请让运行同课的用户可以写入。"),
    (r"The disk that holds the recordings failed \((.+)\)\. .+",
     "存放录像的磁盘出错（{0}）。请检查磁盘；此前录下的内容都在。"),
)  # fmt: skip
_KNOWN = [(re.compile(english, re.DOTALL), chinese) for english, chinese in _SENTENCES]
# A reason that the system gave, within a sentence.
_SYSTEM = {os.strerror(number): chinese for number, chinese in SYSTEM_ZH.items()}
# More is no sentence of ours.
_LONGEST = 2000
# A sentence may quote another: whatever a manifest says, it is not followed further.
_DEEPEST = 2


def fault_text(english: str, deep: int = 0) -> Text:
    """The archive's sentence in both languages."""
    for sentence, chinese in _KNOWN if len(english) <= _LONGEST else ():
        if (found := sentence.fullmatch(english)) is not None:
            told = found.groups()
            if deep < _DEEPEST:
                told = tuple(fault_text(one, deep + 1).zh for one in told)
            return Text(chinese.format(*told), english)
    return Text(_SYSTEM.get(english, english), english)
