"""Everything the HTTP routes need, in one frozen bundle. `server.parts` fills it."""

from __future__ import annotations

from dataclasses import dataclass

from server.accounts.known_browsers import KnownBrowsers
from server.accounts.password_door import PasswordDoor
from server.accounts.passwords import Passwords
from server.accounts.people import USERS
from server.accounts.sign_ins import SignIns
from server.accounts.throttle import WrongKeys
from server.broadcasts.service import BroadcastService
from server.clock import Clock
from server.config import Settings
from server.database.deletion import Deletion
from server.database.engine import Database
from server.database.pending_writes import PendingWrites
from server.door.addresses import Addresses
from server.door.tls import ServedCertificate
from server.encoders.service import EncoderService
from server.importing.desk import ImportDesk
from server.lessons.desk import LessonDesk
from server.lessons.event_log import EventLog
from server.lessons.readiness import ReadinessBoard
from server.lessons.rooms import RoomDesk
from server.lessons.timetable import LESSONS
from server.lessons.tokens import JoinTokens
from server.metrics import Metrics
from server.node.media import MediaCore
from server.programs.service import ProgramService
from server.recordings.lesson_files import LessonFiles
from server.recordings.library import RECORDINGS
from server.recordings.recording import RecordingService
from server.recordings.retiring import Retirement
from server.recordings.store import Store
from server.schools.communities import COMMUNITIES
from server.schools.pairing import PairingDesk
from server.schools.places import CLASSROOMS, SCHOOLS
from signaling.turn import TurnServers

# What refers to others stands before what is referred to.
DELETION = Deletion((RECORDINGS, LESSONS, COMMUNITIES, USERS, CLASSROOMS, SCHOOLS))


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server."""

    settings: Settings
    addresses: Addresses
    certificate: ServedCertificate | None
    clock: Clock
    steady: Clock
    started_at: float
    database: Database
    pending_writes: PendingWrites
    passwords: Passwords
    sign_ins: SignIns
    password_door: PasswordDoor
    known_browsers: KnownBrowsers
    wrong_keys: WrongKeys
    tokens: JoinTokens
    lessons: LessonDesk
    event_log: EventLog
    rooms: RoomDesk
    imports: ImportDesk
    pairing: PairingDesk
    readiness: ReadinessBoard
    encoders: EncoderService
    turn: TurnServers | None
    media: MediaCore
    recording: RecordingService | None
    programs: ProgramService | None
    broadcasts: BroadcastService | None
    store: Store
    lesson_files: LessonFiles
    retirement: Retirement
    metrics: Metrics
