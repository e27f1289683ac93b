"""Everything the HTTP routes need, in one frozen bundle. `server.app` fills it."""

from __future__ import annotations

from dataclasses import dataclass

from server.accounts.known_browsers import KnownBrowsers
from server.accounts.password_door import PasswordDoor
from server.accounts.passwords import Passwords
from server.accounts.sign_ins import SignIns
from server.accounts.throttle import WrongKeys
from server.clock import Clock
from server.config import Settings
from server.database.engine import Database
from server.database.outbox import Outbox
from server.door.addresses import Addresses
from server.door.tls import ServedCertificate
from server.lessons.desk import LessonDesk
from server.lessons.rooms import RoomDesk
from server.lessons.tokens import JoinTokens
from server.metrics import Metrics
from server.node.media import MediaCore
from server.recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server."""

    settings: Settings
    addresses: Addresses
    certificate: ServedCertificate | None
    clock: Clock
    database: Database
    outbox: Outbox
    passwords: Passwords
    sign_ins: SignIns
    password_door: PasswordDoor
    known_browsers: KnownBrowsers
    wrong_keys: WrongKeys
    tokens: JoinTokens
    lessons: LessonDesk
    rooms: RoomDesk
    media: MediaCore
    recording: Recording | None
    metrics: Metrics
