"""What is tried before a room's agent is put into the system: its profile, and its server's word.

A service that cannot start says so in a log that nobody in a school reads. So a profile that is not
there or does not fit keeps it from being installed, and so does a credential that the server
refuses; a server that is away now does not: a box is often made ready elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hardware_profiles.errors import ProfileError, ProfileNotFound
from hardware_profiles.loader import load_room_profile
from server.errors import StartRefused, Text
from signaling.client.address import ServerAddress
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.token_providers import OneToken, RoomTokens


def address_of(server: str, *, insecure: bool) -> ServerAddress:
    """Raises `StartRefused` for what is no address."""
    try:
        return ServerAddress.parse(server, insecure=insecure)
    except ValueError:
        raise StartRefused(
            f"{server} is no address such as https://tongke.example.",
            f"{server} 不是 https://主机名 形式的地址。",
        ) from None


def refuse_wrong_profile(
    name: str,
    folders: Sequence[Path],
    passwords: Mapping[str, str],
    *,
    place: Path,
    server: ServerAddress,
) -> None:
    """Raises `StartRefused` for a profile that the agent would not begin with; `place` is where a
    profile of one's own belongs."""
    from hardware_profiles.room_agent.agent import RoomAgent  # noqa: PLC0415 - not for --print

    try:
        RoomAgent(
            server,
            OneToken(""),
            load_room_profile(name, folders),
            passwords,
            rng=random.Random(),  # noqa: S311 - nothing is sent
            say=lambda _: None,
        )
    except ProfileNotFound as error:
        raise StartRefused(
            f"{_sentence(error)} A profile of your own goes into {place}, or name its folder with "
            "--profiles-folder. Nothing was installed.",
            f"{error.message_zh}。自己的配置请放入 {place}，或用 --profiles-folder 指明文件夹。"
            "没有安装任何内容。",
        ) from None
    except ProfileError as error:
        raise StartRefused(
            f"{_sentence(error)} Nothing was installed.",
            f"{error.message_zh}。没有安装任何内容。",
        ) from None


def _sentence(error: ProfileError) -> str:
    return f"{error.message_en[:1].upper()}{error.message_en[1:]}."


def ask_server(server: ServerAddress, credential: str, profile: str) -> Iterator[Text]:
    """What the server says of this room. Raises `StartRefused` where it refuses the credential."""
    try:
        answer = RoomTokens(server, credential).ask()
        room = answer["classroom"]
        school, name, on_server = str(room["school"]), str(room["name"]), str(room["profile"])
    except SeatRefused as refused:
        raise StartRefused(
            f"{server.origin}: {refused.said.en}. Have the administrator make one under Admin → "
            "Classrooms → Credentials. Nothing was installed.",
            f"{server.origin}：{refused.said.zh}。请管理员在“管理”→“教室”→“凭证”中新建一个。"
            "没有安装任何内容。",
        ) from None
    except ServerLost as lost:
        yield Text(
            f"现在连不上服务器：{lost.said.zh}。照常安装，教室程序会不断重试；"
            "如果是地址写错了，请改正后再运行一次本命令。",
            f"The server cannot be asked now: {lost.said.en}. It is installed all the same, and "
            "tries again and again; if the address is wrong, run this command again with the right "
            "one.",
        )
        return
    except (KeyError, TypeError):
        raise StartRefused(
            f"{server.origin} is no Tongke server. Nothing was installed.",
            f"{server.origin} 不是同课服务器。没有安装任何内容。",
        ) from None
    yield Text(
        f"服务器应答：这是{school}的{name}。", f"The server answers: this is {name} of {school}."
    )
    if on_server != profile:
        yield Text(
            f"请注意：服务器上这间教室的硬件配置是 {on_server}，这里是 {profile}。"
            "两者须有同样的画面：可在“管理”→“教室”中更改。",
            f"Mind: on the server this room has the profile {on_server}, here {profile}. Both must "
            "have the same pictures: it can be changed under Admin → Classrooms.",
        )
