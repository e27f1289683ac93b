"""The words of the command line, in both languages: one catalogue for its help and its options.

Which language is the locale's (`server.spoken`), asked once, when the command is read in.
"""

from __future__ import annotations

import sys

from server.errors import Text
from server.spoken import spoken

_WORDS: dict[str, Text] = {
    "tongke": Text("Tongke 同课：一堂课，多间教室。", "Tongke 同课: one lesson, many classrooms."),
    "admin": Text("供管理员使用的小工具。", "Small helps for administrators."),
    "serve": Text(
        "运行服务器。全部设置见 docs/settings.md。",
        "Run the server. All settings: docs/settings.md.",
    ),
    "reset-key": Text(
        "显示一个地址：管理员用它登录一次，以设置新密码。",
        "Print an address that signs an administrator in once, to set a new password.",
    ),
    "demo": Text(
        "在本机运行演示：一堂正在进行的课，有三间乡村教室。",
        "Run a demonstration: a live lesson with three rural classrooms, on this machine alone.",
    ),
    "simulate": Text(
        "让模拟的教室进入课堂：用于演示、测试和压力试验。",
        "Send simulated classrooms into lessons: for demonstrations, tests and load.",
    ),
    "data_folder": Text("存放所有数据的文件夹。", "Where everything is kept."),
    "host": Text("监听的地址（默认：全部）。", "The address to listen on (default: all)."),
    "port": Text("网页的端口（默认：7880）。", "The port of the pages (default: 7880)."),
    "media_port": Text(
        "音视频的 UDP 端口（默认：7881）。", "The UDP port of the media (default: 7881)."
    ),
    "advertised": Text(
        "教室能到达的地址，用逗号分隔。", "Addresses that rooms reach, separated by commas."
    ),
    "public_url": Text("人们打开的网址。", "The address that people open."),
    "tls_cert": Text("证书（PEM）。", "Certificate (PEM)."),
    "tls_key": Text("证书的私钥（PEM）。", "Its key (PEM)."),
    "plain_http": Text(
        "不用 HTTPS：仅限本机，或在代理之后。", "Without HTTPS: on loopback, or behind a proxy."
    ),
    "username": Text("哪位管理员；有多位时需要。", "Whose; needed if there are several."),
    "demo_folder": Text("存放演示数据的文件夹。", "Where the demonstration is kept."),
    "demo_port": Text("网页的端口。", "The port of the pages."),
    "demo_media_port": Text("音视频的 UDP 端口。", "The UDP port of the media."),
    "keep": Text("接着使用上次演示的数据。", "Go on with the last demonstration's data."),
    "rooms": Text("带三间模拟教室。", "With three simulated classrooms."),
    "print_json": Text("用一行 JSON 显示地址。", "Print the addresses as one line of JSON."),
    "help": Text("显示本说明。", "Show this message and exit."),
    "options": Text("选项", "Options"),
    "commands": Text("命令", "Commands"),
    "required": Text("必填", "required"),
    "default": Text("默认 {}", "default: {}"),
}


def words(name: str) -> str:
    """The words of this name, in the machine's language; in both where it names none."""
    return " ".join(dict.fromkeys(spoken(_WORDS[name], encoding=sys.stdout.encoding)))
