"""What the operating system says when a file or a port cannot be had, in both languages.

Linux has its sentences in English unless a locale is installed, and a Chinese sentence with an
English reason in brackets leaves its reader without the reason. Those that people meet are here
(`errno(3)`); of any other the system's own words are kept, in both.
"""

from __future__ import annotations

import errno

from server.errors import Text

SYSTEM_ZH = {
    errno.EACCES: "没有权限",
    errno.EADDRINUSE: "地址已被占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
    errno.EBUSY: "正被占用",
    errno.EDQUOT: "超出磁盘配额",
    errno.EEXIST: "已存在",
    errno.EFBIG: "文件过大",
    errno.EINVAL: "不能这样使用",
    errno.EIO: "读写磁盘时出错",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ELOOP: "链接循环",
    errno.EMFILE: "打开的文件过多",
    errno.ENAMETOOLONG: "名称过长",
    errno.ENODEV: "没有这个设备",
    errno.ENOENT: "没有这个文件或文件夹",
    errno.ENOSPC: "磁盘已满",
    errno.ENOTDIR: "不是文件夹",
    errno.ENOTEMPTY: "文件夹不是空的",
    errno.EPERM: "不允许这样做",
    errno.EROFS: "文件系统是只读的",
    errno.ESTALE: "网络文件系统已断开",
    errno.ETXTBSY: "程序正在运行",
}


def why(error: OSError) -> Text:
    """The reason alone, to be put into a sentence that names the file."""
    system = error.strerror or str(error)
    return Text(SYSTEM_ZH.get(error.errno or 0, system), system)
