"""The parts: every one made, handed what it needs, started in order and stopped in reverse.

Only this file (and the command line) knows all of them. Lessons that were live when the server died
are live again after it starts: their rows say so, signaling restores their state when the first
device returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from hardware_profiles import ServerProfile
from server.accounts.known_browsers import KnownBrowsers
from server.accounts.password_door import PasswordDoor
from server.accounts.passwords import Passwords
from server.accounts.sign_ins import SignIns
from server.accounts.throttle import WrongKeys
from server.broadcasts.remembered import RememberedPushes
from server.broadcasts.service import BroadcastService
from server.broadcasts.watch_keys import WatchKeys
from server.clock import Clock
from server.config import Settings
from server.database.data_folder import DataFolder, load_or_make_key, make_folder
from server.database.deletion import DAY_S
from server.database.engine import Database
from server.database.pending_writes import PendingWrites
from server.database.private_files import (
    close_folder,
    close_recordings,
    close_to_others,
    database_files,
)
from server.database.spare_file import SpareFile
from server.door.addresses import Addresses
from server.door.tls import ServedCertificate
from server.encoders.sealed import Seal
from server.encoders.service import EncoderService, EncoderSettings
from server.errors import StartRefused, start_refused
from server.importing.desk import ImportDesk
from server.lessons.bars import UnwrittenBars
from server.lessons.desk import LessonDesk
from server.lessons.encoders import EncoderDesk
from server.lessons.endings import SPARE_BYTES, Endings
from server.lessons.event_log import EventLog
from server.lessons.live import SignalingLessons
from server.lessons.ownership import Ownership
from server.lessons.readiness import ReadinessBoard
from server.lessons.rooms import RoomDesk
from server.lessons.tokens import JoinTokens
from server.metrics import Metrics
from server.node.hardware import choose_server_profile
from server.node.media import MediaCore
from server.programs.layers import HEIGHT, layers_up_to
from server.programs.service import ProgramService
from server.recordings.lesson_files import LESSON_FILES, LessonFiles
from server.recordings.library import Catalogue
from server.recordings.object_store import ObjectStore
from server.recordings.places import RecordingPlaces
from server.recordings.recording import RecordingService
from server.recordings.retiring import Retirement
from server.recordings.s3_objects import objects_of
from server.recordings.store import FolderStore, Store
from server.recordings.uploading import Uploads
from server.schools.pairing import PairingDesk
from server.services import Services
from server.signaling_settings import signaling_settings
from server.system_errors import why
from server.timekeeper import Timekeeper
from signaling.driver import LessonService
from signaling.ports import LessonObserver, SignalingSettings

OpenMedia = Callable[[Settings, ServerProfile], AbstractAsyncContextManager[MediaCore]]


class ServerParts:
    """The parts in the order of their start; what was started stops with the stack, in reverse."""

    signaling: LessonService
    encoders: EncoderDesk

    def __init__(
        self,
        stack: AsyncExitStack,
        settings: Settings,
        meters: Metrics,
        certificate: ServedCertificate | None,
        *,
        clock: Clock,
        steady: Clock,
    ) -> None:
        self._meters = meters
        self._certificate = certificate
        self._stack = stack
        self._settings = settings
        self._clock = clock
        self._steady = steady
        self._profile_folders = settings.profile_folders
        self._hardware = choose_server_profile(settings.server_profile, self._profile_folders)
        self._folder = DataFolder(settings.data_folder)
        stack.callback(self._folder.close)
        make_folder(settings.recordings, setting="recordings_folder")
        close_folder(self._folder.path)
        close_to_others(settings.recordings)

    async def database(self) -> Database:
        """The database, migrated."""
        database = Database(self._settings.database)
        self._stack.push_async_callback(database.close)
        for file in database_files(self._settings.database):
            close_to_others(file)
        await database.migrate()
        return database

    async def media(self, open_media: OpenMedia) -> MediaCore:
        """The media core, listening."""
        return await self._stack.enter_async_context(open_media(self._settings, self._hardware))

    async def services(
        self,
        database: Database,
        media: MediaCore,
        passwords: Passwords,
        ownership: Ownership,
        *,
        record: bool,
    ) -> Services:
        """Everything else."""
        settings, clock = self._settings, self._clock
        key = load_or_make_key(self._folder.path / "join_token.key")
        tokens = JoinTokens(key, life_s=settings.join_token_s)
        seal = Seal(key)
        pending_writes = PendingWrites(database)
        desk = await self._desk(database, pending_writes, ownership)
        store = await self._store()
        recording = await self._recording(media, pending_writes, desk, store) if record else None
        files = await self._lesson_files(store)
        event_log = self._event_log()
        programs = await self._programs(media)
        given = signaling_settings(settings, programs=programs is not None)
        remembered = RememberedPushes(database, pending_writes, seal)
        broadcasts = await self._broadcasts(media, programs, key, remembered)
        observers = (event_log, recording, programs, broadcasts)
        self.signaling = self._signaling(media, tokens, desk, given, observers)
        if recording is not None:
            recording.on_running = self.signaling.set_recording
        if programs is not None:
            programs.lessons = self.signaling
        desk.live = SignalingLessons(self.signaling)
        retirement = Retirement(
            database, store, settings.recordings, kept_s=settings.deleted_kept_days * DAY_S
        )
        self._meters.watch(media, self.signaling, recording, programs, broadcasts)
        self._meters.watch_certificate(self._certificate)
        self._meters.watch_archive(store, retirement)
        self.encoders = EncoderDesk(
            database, clock, tokens=tokens, doors_open_s=settings.doors_open_s
        )
        encoder_service = await self._encoders(database, media, seal)
        services = Services(
            settings=settings,
            addresses=Addresses(settings, vouched=self._vouched),
            certificate=self._certificate,
            clock=clock,
            steady=self._steady,
            started_at=clock(),
            database=database,
            pending_writes=pending_writes,
            passwords=passwords,
            sign_ins=SignIns(
                database, idle_s=settings.session_idle_s, longest_s=settings.session_max_s
            ),
            password_door=PasswordDoor(database, passwords, self._steady),
            known_browsers=KnownBrowsers(key),
            wrong_keys=WrongKeys(),
            tokens=tokens,
            lessons=desk,
            event_log=event_log,
            rooms=self._rooms(database, tokens, desk),
            imports=ImportDesk(database, clock, self._profile_folders),
            pairing=PairingDesk(),
            readiness=ReadinessBoard(),
            encoders=encoder_service,
            turn=given.turn,
            media=media,
            recording=recording,
            programs=programs,
            broadcasts=broadcasts,
            store=store,
            lesson_files=files,
            retirement=retirement,
            metrics=self._meters,
        )
        closing = asyncio.create_task(_close_archive(settings.recordings), name="close-archive")
        self._stack.push_async_callback(_stopped, closing)
        return services

    def timekeeper(self, services: Services) -> None:
        """The clockwork, ticking."""
        timekeeper = Timekeeper(services)
        timekeeper.start()
        self._stack.push_async_callback(timekeeper.stop)

    def _vouched(self) -> tuple[str, ...] | None:
        """The names of a certificate from outside; ours has all that this machine has."""
        served = self._certificate
        return None if served is None or served.files.self_made else served.names

    async def _desk(
        self, database: Database, pending_writes: PendingWrites, ownership: Ownership
    ) -> LessonDesk:
        """Who holds which lesson. What an earlier server could not write is written first."""
        data = self._folder.path
        endings = Endings(database, pending_writes, _spare_file(data / "unwritten.jsonl"))
        bars = UnwrittenBars(
            database, pending_writes, _spare_file(data / "unwritten_bars.jsonl"), clock=self._clock
        )
        self._stack.push_async_callback(endings.close)
        self._stack.push_async_callback(bars.close)
        self._stack.push_async_callback(pending_writes.close)
        await endings.take_up()
        await bars.take_up()
        admit = self._hardware.admit
        return LessonDesk(
            database,
            self._clock,
            endings=endings,
            bars=bars,
            ownership=ownership,
            lessons_admitted=admit.lessons,
            devices_admitted=admit.devices_per_lesson,
            doors_open_s=self._settings.doors_open_s,
            empty_lesson_s=self._settings.empty_lesson_s,
            away_grace_s=self._settings.away_grace_s,
            profile_folders=self._profile_folders,
        )

    async def _store(self) -> Store:
        """Where finished recordings are; with an object store, what sends them there."""
        settings = self._settings
        if not settings.store_bucket:
            return FolderStore(settings.recordings)
        objects = objects_of(settings)
        spool_bytes = round(settings.store_spool_gb * 1e9)
        uploads = Uploads(objects, settings.recordings, spool_bytes=spool_bytes)
        self._stack.push_async_callback(uploads.close)
        await uploads.start()
        store = ObjectStore(objects, settings.recordings, uploads)
        self._stack.push_async_callback(store.close)
        return store

    async def _lesson_files(self, store: Store) -> LessonFiles:
        files = LessonFiles(self._settings.recordings / LESSON_FILES, store, self._clock)
        await files.start()
        self._stack.push_async_callback(files.close)
        return files

    def _event_log(self) -> EventLog:
        event_log = EventLog(self._folder.path / "lesson_logs", clock=self._clock)
        self._stack.push_async_callback(event_log.close)
        return event_log

    def _signaling(
        self,
        media: MediaCore,
        tokens: JoinTokens,
        desk: LessonDesk,
        settings: SignalingSettings,
        observers: Iterable[LessonObserver | None],
    ) -> LessonService:
        """Lessons themselves; whoever observes them is closed after it."""
        signaling = LessonService(
            media,
            tokens,
            desk,
            observers=[observer for observer in observers if observer is not None],
            settings=settings,
            clock=self._clock,
        )
        self._stack.push_async_callback(signaling.close)
        return signaling

    def _rooms(self, database: Database, tokens: JoinTokens, desk: LessonDesk) -> RoomDesk:
        return RoomDesk(
            database,
            self._clock,
            steady=self._steady,
            tokens=tokens,
            live=desk.live,
            poll_s=self._settings.room_poll_s,
        )

    async def _programs(self, media: MediaCore) -> ProgramService | None:
        """Whoever makes lessons' programs; nobody where none are admitted."""
        admit, program = self._hardware.admit, self._hardware.program
        most = admit.programs if self._settings.programs is None else self._settings.programs
        if most == 0:
            return None
        # One layer more than a sender has: of 1080p the smallest, for thin lines, stays as well.
        most_layers = admit.encodings_per_producer + (program.height > HEIGHT)
        programs = ProgramService(
            media,
            most=most,
            layers=layers_up_to(program.height, most=most_layers),
            frames_per_s=program.frames_per_s,
        )
        await programs.start()
        # Stopped after signaling, as the recording: what it feeds is the media's until then.
        self._stack.push_async_callback(programs.close)
        return programs

    async def _broadcasts(
        self,
        media: MediaCore,
        programs: ProgramService | None,
        key: bytes,
        remembered: RememberedPushes,
    ) -> BroadcastService | None:
        """Whoever puts programs out; nobody where none are made."""
        if programs is None:
            return None
        broadcasts = BroadcastService(
            media,
            programs,
            keys=WatchKeys(key),
            window_s=self._settings.hls_window_s,
            clock=self._clock,
            remembered=remembered,
            push_hosts=self._settings.push_hosts,
        )
        await broadcasts.start()
        self._stack.push_async_callback(broadcasts.close)
        return broadcasts

    async def _encoders(self, database: Database, media: MediaCore, seal: Seal) -> EncoderService:
        """Encoders of others; stopped before signaling, whose lessons they leave."""
        settings = self._settings
        service = EncoderService(
            database,
            self.encoders,
            self.signaling,
            media,
            settings=EncoderSettings(
                settings.host, settings.rtmp_port, settings.srt_port, settings.rtmps_port
            ),
            seal=seal,
            tls=self._certificate.context if self._certificate is not None else None,
        )
        self._stack.push_async_callback(service.close)
        try:
            await service.start()
        except OSError as error:
            ports = {"rtmp_port": settings.rtmp_port, "rtmps_port": settings.rtmps_port}
            named = [f"{port} ({name})" for name, port in ports.items() if port]
            named_zh = [f"{port}（{name}）" for name, port in ports.items() if port]
            raise StartRefused(
                f"The TCP port {' or '.join(named)} for RTMP cannot be listened on "
                f"({error.strerror}). Another program has it: end that, or choose another port.",
                f"无法监听 RTMP 的 TCP 端口 {'或 '.join(named_zh)}：{why(error).zh}。"
                "可能已被其他程序占用；请结束该程序，或换一个端口。",
            ) from None
        return service

    async def _recording(
        self, media: MediaCore, pending_writes: PendingWrites, desk: LessonDesk, store: Store
    ) -> RecordingService:
        recording = RecordingService(
            media,
            Catalogue(pending_writes, self._clock),
            folder=self._settings.recordings,
            store=store,
            places=RecordingPlaces(self._settings.recordings, self._settings.further_recordings),
            lesson_live=desk.is_live,
            clock=self._clock,
        )
        await recording.start()
        # Stopped after signaling (so that it hears the last events), before the media and the rows.
        self._stack.push_async_callback(recording.close)
        return recording


def _spare_file(path: Path) -> SpareFile:
    try:
        return SpareFile(path, size=SPARE_BYTES)
    except OSError as error:
        raise start_refused(
            f"The file {path} cannot be made ({error.strerror}). Free some space in the data "
            "folder, or give the user that runs Tongke the right to write there.",
            f"无法创建文件 {path}（{why(error).zh}）。请在数据文件夹中腾出空间，"
            "或让运行同课的用户有权写入。",
            error,
        ) from None


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _close_archive(folder: Path) -> None:
    """Recordings that an earlier version left open to others: an archive's worth of files."""
    archive = close_recordings(folder)
    while await asyncio.to_thread(next, archive, None) is not None:
        pass
