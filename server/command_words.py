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
        "运行服务器。全部设置见 docs/zh/settings.md。",
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
    "archive": Text(
        "查看、核对、整理、修复录像，导出和导入，以及保留多久（退出码见 docs/zh/recording.md）。",
        "Look at recordings, verify, finish, mend, export and import them, and how long they are "
        "kept (exit codes: docs/recording.md).",
    ),
    "archive_list": Text(
        "有哪些录像，各是什么状态。", "Which recordings there are, and how they stand."
    ),
    "archive_verify": Text(
        "读出每个文件，与整理时的校验值比较。",
        "Read every file and compare it with the checksum taken when it was finished.",
    ),
    "archive_finish": Text(
        "把尚未整理的录像变成可播放的。", "Make recordings playable that are not finished."
    ),
    "archive_export": Text(
        "导出录像：无需服务器即可播放，也可在别处导入。",
        "Write recordings so that they play without a server, and can be imported elsewhere.",
    ),
    "archive_film": Text(
        "把录像做成影片：每节课一个 MP4，一个画面、一路声音。",
        "Make films of recordings: one MP4 a lesson, with one picture and one sound.",
    ),
    "archive_import": Text(
        "导入已导出的录像（逐一核对每个文件）。",
        "Take exported recordings in; every file is checked.",
    ),
    "archive_repair": Text(
        "从已损坏的录像中挽救可挽救的内容；什么也不删除。",
        "Save what can be saved of damaged recordings; nothing is deleted.",
    ),
    "archive_plan": Text(
        "各共同体的规则何时将删除哪些录像，以及哪些例外保留。",
        "What will be deleted when by the communities' rules, and what is kept all the same.",
    ),
    "archive_history": Text(
        "哪些录像曾按哪条规则删除、精简或恢复。",
        "What was deleted, reduced or brought back, and by which rule.",
    ),
    "archive_restore": Text(
        "恢复已删除或已精简的录像（在保留期内）。",
        "Bring back what was deleted or reduced, while it can be.",
    ),
    "archive_restored": Text("哪些录像（按编号）。", "Which recordings, by their ids."),
    "archive_to": Text("写入哪个文件夹。", "The folder to write into."),
    "archive_zip": Text(
        "每个录像一个 ZIP 文件（默认：一个文件夹）。",
        "One ZIP file for each recording (default: a folder).",
    ),
    "archive_exports": Text("导出的文件夹或 ZIP。", "Exports: folders or ZIP files."),
    "archive_recordings": Text(
        "哪些录像（按编号；默认：全部）。", "Which recordings, by their ids (default: all)."
    ),
    "archive_json": Text("每个录像一行 JSON。", "One line of JSON for each recording."),
    "version": Text("显示版本号。", "Show the version and exit."),
    "config": Text("查看和检查设置。", "The settings in force, and whether they can be used."),
    "config_show": Text(
        "显示现行的每项设置及其来源（密码等不显示）。选项与 serve 相同。",
        "Print every setting in force and where it came from (secrets hidden). Options are those "
        "of serve.",
    ),
    "config_check": Text(
        "检查服务器能否用这些设置启动，并不启动。选项与 serve 相同。",
        "Say whether the server would start with these settings, without starting it. Options are "
        "those of serve.",
    ),
    "service": Text("作为系统服务运行。", "Run as a service of this machine."),
    "service_install": Text(
        "写入 systemd 服务文件，建立其用户，并启动。",
        "Write the systemd unit, make its user, and start it.",
    ),
    "service_remove": Text(
        "停止服务并删除服务文件；数据保留。", "Stop it and remove the unit; its data stays."
    ),
    "service_print": Text("只显示服务文件。", "Only show the unit."),
    "service_start": Text("立即启动，开机时也启动。", "Start it, now and with the machine."),
    "backup": Text(
        "把服务器的全部数据复制到一个文件中（可在运行时进行），并核对。",
        "Copy all that a server keeps into one file, while it runs, and read the copy again.",
    ),
    "restore": Text(
        "把备份恢复到空的数据文件夹中。", "Put a backup back into an empty data folder."
    ),
    "backup_file": Text("要写的文件。", "The file to write."),
    "restore_file": Text("备份文件。", "The backup."),
    "without_recordings": Text(
        "不含录像（另行复制时）。", "Without the recordings, where they are copied otherwise."
    ),
    "without_database": Text(
        "不含数据库（PostgreSQL 有自己的备份）。",
        "Without the database: PostgreSQL has a backup of its own.",
    ),
    "keep_live": Text(
        "备份时正在进行的课继续进行（换机器时）。",
        "Lessons that were going on then go on: for a move to another machine.",
    ),
    "doctor": Text(
        "检查：教室的摄像机、声音、电脑和线路（写明 --profile 或 --server），或这台服务器。",
        "Try a room's cameras, sound, machine and line (with --profile or --server), or this "
        "server's machine.",
    ),
    "doctor_server": Text(
        "教室所用的服务器，例如 https://tongke.example。", "The room's server: https://…"
    ),
    "doctor_profile": Text(
        "教室的硬件配置：检查它写明的每一项。",
        "The room's hardware profile: what it names is tried.",
    ),
    "doctor_microphone": Text("麦克风的 ALSA 名称。", "The microphone, by ALSA's name."),
    "doctor_speaker": Text("扬声器的 ALSA 名称。", "The loudspeaker, by ALSA's name."),
    "doctor_silent": Text("不检查声音。", "Do not try the sound."),
    "doctor_json": Text("以 JSON 显示报告。", "Print the report as JSON."),
    "doctor_page": Text("把可打印的页面写入这个文件。", "Write a page for printing to this file."),
    "profile-fit": Text(
        "查看这台电脑，提出一份教室配置；有人同意后才写入。",
        "Look at this machine and propose a room's profile; it is written when somebody agrees.",
    ),
    "fit_write": Text("同意后写入的文件。", "Where to write it, once it is agreed to."),
    "fit_yes": Text("事先同意，不再询问。", "Agree beforehand: nobody is asked."),
    "fit_json": Text("以 JSON 显示。", "Print it as JSON."),
    "room": Text(
        "教室程序：自动把本教室的网络摄像机送入课堂。",
        "The room's agent: sends this room's network cameras into its lessons, by itself.",
    ),
    "room_install": Text(
        "作为系统服务安装：写入 systemd 服务文件，建立其用户和文件夹，并启动。",
        "Install it as a service: write the systemd unit, make its user and folder, start it.",
    ),
    "room_remove": Text(
        "停止服务并删除服务文件；凭证和配置保留。",
        "Stop the service and remove its unit; credential and profile stay.",
    ),
    "room_credential_file": Text(
        "存放教室设备凭证的文件。", "A file with the room's device credential."
    ),
    "room_profile": Text(
        "写有摄像机的教室硬件配置的名称。", "The room's hardware profile, which names its cameras."
    ),
    "room_profiles_folder": Text(
        "自己的硬件配置所在的文件夹（其中有 rooms/）。",
        "The folder of one's own hardware profiles (with rooms/ in it).",
    ),
    "room_passwords": Text(
        "存放摄像机密码的文件，只有本用户可读。",
        "A file with the cameras' passwords, for its owner alone to read.",
    ),
    "room_state_folder": Text(
        "保存课表等的文件夹（通常在本用户的主目录下）。",
        "The folder in which it keeps the timetable (usually in this user's home).",
    ),
    "room_kiosk": Text(
        "同时以全屏方式打开教室网页（Chrome、Edge 或 Chromium）。",
        "Open the room's page beside it, over the whole screen (Chrome, Edge or Chromium).",
    ),
    "room_kiosk_as_root": Text(
        "以 root 身份也打开网页：浏览器将没有沙箱保护。",
        "Open the page even as root: the browser then has no sandbox.",
    ),
    "room_status_port": Text(
        "本机状态页的端口（0：任选）。", "The port of the status page on this machine (0: any)."
    ),
    "profile": Text("查看和检查硬件配置。", "Look at hardware profiles, and check them."),
    "profile-list": Text("列出所有硬件配置。", "List every hardware profile."),
    "profile-check": Text(
        "检查所有配置文件；有错时退出码为 1。",
        "Check every profile's file; the exit code is 1 when one is wrong.",
    ),
    "profile-show": Text("以 JSON 显示一份配置的全部内容。", "Show all of a profile as JSON."),
    "profile_name": Text("配置的名称，如 standard。", "The profile's name, such as standard."),
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
    "simulate_server": Text(
        "服务器的地址，如 http://127.0.0.1:7880。", "The server, such as http://127.0.0.1:7880."
    ),
    "simulate_credential": Text(
        "教室的设备凭证，每间教室一个。", "A room's device credential; give one for each room."
    ),
    "simulate_credentials_file": Text(
        "每行一个凭证的文件（“-”表示标准输入）。",
        "A file with one credential a line ('-': standard input).",
    ),
    "simulate_token": Text(
        "进入课堂的令牌，每台设备一个。", "A join token; give one for each seat."
    ),
    "simulate_seats": Text(
        "使用前多少个凭证（默认：全部）。", "How many of the credentials to use (usual: all)."
    ),
    "simulate_lessons": Text(
        "在该服务器上建立这么多节课及其教室，结束后删除。",
        "Make so many lessons and their rooms on that server, and remove them afterwards.",
    ),
    "simulate_rooms": Text("与 --lessons 同用：每节课几间教室。", "With --lessons: rooms in each."),
    "simulate_administrator": Text(
        "与 --lessons 同用：管理员的用户名。", "With --lessons: an administrator's user name."
    ),
    "simulate_password_file": Text(
        "其密码所在的文件（“-”表示标准输入；默认：询问）。",
        "The file with the password ('-': standard input; usual: it is asked for).",
    ),
    "simulate_video": Text(
        "用媒体文件代替画出来的教室。", "A media file in place of the drawn classroom."
    ),
    "simulate_source": Text(
        "发送这些画面或声音（默认：第一台摄像头）。",
        "Send these sources (usual: the first camera).",
    ),
    "simulate_pictures": Text("每台设备发送几路摄像头画面。", "Cameras each seat sends."),
    "simulate_height": Text("最大画面的高度，以像素计。", "The tallest picture in pixels."),
    "simulate_frame_rate": Text("每秒最多多少帧。", "The most pictures a second."),
    "simulate_hands": Text(
        "不时举手；模拟的主讲会请举手的发言。",
        "Raise hands now and then; a simulated lead calls on them.",
    ),
    "simulate_talk": Text("什么时候说话。", "When the seats speak."),
    "simulate_receive": Text(
        "接收其他各方的什么（解码开销大）。", "What they take of the others (decoding is dear)."
    ),
    "simulate_watch": Text(
        "接收全部，加以检查，并显示收到的内容。", "Receive all, check it, print what came."
    ),
    "simulate_identity": Text(
        "第一台设备在画面和声音中的编号。", "The first seat's number in picture and sound."
    ),
    "simulate_duration": Text("多少秒之后停止。", "Stop after this many seconds."),
    "simulate_insecure": Text(
        "接受服务器自己签发的证书。", "Accept a certificate the server made itself."
    ),
    "simulate_seed": Text("一切随机内容的种子。", "The seed of everything that is by chance."),
    "simulate_json": Text(
        "最后用一行 JSON 显示计数。", "Print the counts as one last line of JSON."
    ),
    "help": Text("显示本说明。", "Show this message and exit."),
    "usage": Text("用法：", "Usage: "),
    "options_place": Text("[选项]", "[OPTIONS]"),
    "command_place": Text("命令 [参数]…", "COMMAND [ARGS]..."),
    "arguments": Text("参数", "Arguments"),
    "options": Text("选项", "Options"),
    "commands": Text("命令", "Commands"),
    "error": Text("错误", "Error"),
    "int": Text("整数", "int"),
    "int range": Text("整数", "int range"),
    "float": Text("数字", "float"),
    "float range": Text("数字", "float range"),
    "str": Text("文字", "str"),
    "path": Text("路径", "path"),
    "bool": Text("开关", "bool"),
    "try": Text(
        "用法见 [blue]{command_path} {help_option}[/]。",
        "Try [blue]'{command_path} {help_option}'[/] for help.",
    ),
    "required": Text("必填", "required"),
    "default": Text("默认 {}", "default: {}"),
}


def words(name: str) -> str:
    """The words of this name, in the machine's language; in both where it names none."""
    return " ".join(dict.fromkeys(spoken(_WORDS[name], encoding=sys.stdout.encoding)))


def one_word(name: str) -> str:
    """The words of this name in one language: English where the machine names none."""
    return spoken(_WORDS[name], encoding=sys.stdout.encoding)[-1]
