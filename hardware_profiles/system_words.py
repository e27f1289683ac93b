"""Why the operating system would not open a file, in Chinese.

Linux tells its reasons in English, and a Chinese sentence with an English reason in it leaves its
reader without the reason. The server has its own table of these; this package stands without it.
"""

from __future__ import annotations

import errno

# What people meet with a file (`errno(3)`); of any other the system's own words are kept.
_ZH = {
    errno.EACCES: "没有权限",
    errno.EIO: "读写磁盘时出错",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ELOOP: "链接循环",
    errno.ENOENT: "没有这个文件，或它所链接的文件",
    errno.ENOEXEC: "不是可以运行的程序",
    errno.ENOSPC: "磁盘已满",
    errno.ENOTDIR: "不是文件夹",
    errno.EPERM: "不允许这样做",
    errno.EROFS: "文件系统是只读的",
}


def why_zh(error: OSError) -> str:
    """The reason alone, to be put into a sentence that names the file."""
    return _ZH.get(error.errno or 0) or why_en(error)


def why_en(error: OSError) -> str:
    """The same as the system tells it."""
    return error.strerror or str(error)
