"""TURN credentials: as coturn checks them, in the welcome and in WHIP's links."""

from __future__ import annotations

import base64
import hashlib
import hmac

from signaling.ports import SignalingSettings
from signaling.protocol.messages import IceServer
from signaling.turn import CREDENTIAL_S, TurnServers
from tests.sim.virtual_time import virtually
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import START
from tests.unit.signaling.service import World
from tests.unit.signaling.test_whip import OFFER, bearer, whip_client

URLS = ("turn:turn.example:3478?transport=udp", "turns:turn.example:443?transport=tcp")
TURN = TurnServers(URLS, b"shared secret")
SETTINGS = SignalingSettings(ice_servers=(IceServer(urls=["stun:s.example"]),), turn=TURN)


def password_of(username: str) -> str:
    """As the draft and coturn's manual have it."""
    digest = hmac.new(b"shared secret", username.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def test_a_credential_is_a_time_and_a_device() -> None:
    server = TURN.for_device("5e8c", 1_700_000_000.9)
    assert server.urls == list(URLS)
    assert server.username == f"{1_700_000_000 + CREDENTIAL_S}:5e8c"
    assert server.credential == password_of(server.username)


def test_a_known_credential() -> None:
    """Made with `openssl dgst -sha1 -hmac`."""
    server = TurnServers(("turn:t.example",), b"north").for_device("x", 1000 - CREDENTIAL_S)
    assert (server.username, server.credential) == ("1000:x", "ZaPZuW7mdBBaplWz7b1kHErngT0=")


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(TURN)
    assert "shared" not in repr(SETTINGS)


def test_without_turn_only_what_all_are_told() -> None:
    assert SignalingSettings().ice_servers_for("5e8c", 0.0) == ()


def test_each_welcome_brings_fresh_credentials() -> None:
    desk = Desk(settings=SETTINGS)
    for seat in ("lead", "room-1"):
        welcome = desk.join(seat).welcome
        assert welcome is not None
        common, relay = welcome.ice_servers
        assert common.urls == ["stun:s.example"]
        assert relay.username == f"{int(START) + CREDENTIAL_S}:{welcome.device_id}"
        assert relay.credential == password_of(relay.username)


def test_an_encoder_gets_them_as_links() -> None:
    async def main() -> None:
        async with whip_client(World(settings=SETTINGS)) as (client, service):
            now = int(service.clock())
            answer = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            session = answer.headers["location"].rpartition("/")[2]
            username = f"{now + CREDENTIAL_S}:{session}"
            assert answer.headers.get_list("link")[1:] == [
                f'<{url}>; rel="ice-server"; username="{username}"; '
                f'credential="{password_of(username)}"; credential-type="password"'
                for url in URLS
            ]

    virtually(main)
