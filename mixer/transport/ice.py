"""The ICE-lite agent of one UDP port (RFC 8445 §2.5, RFC 7675).

Owns: the ufrags and passwords handed out, the answers to connectivity checks, which remote address
each session speaks with, and whether its consent is fresh. A session is one peer's transport.

Leaves to others: sockets and clocks (`handle_datagram`, `handle_timer` take `now` and return what
to do), DTLS, and what a lost session means for a lesson.

Rules
* A check is ours when its USERNAME begins with a ufrag we handed out and its MESSAGE-INTEGRITY was
  made with that ufrag's password. Nothing else changes any state.
* Strangers get 400 or 401 (RFC 8489 §9.1.3), never a longer answer than their request, and each
  source only a few a second.
* No answer is longer than its request: nobody gets more out of us than he puts in.
* A source network has so many sessions and no more (`crowd.py`): one check too many is told 403.
* We are always the controlled side; a peer that believes the same is told 487 (RFC 8445 §7.3.1.1).
* USE-CANDIDATE moves the remote address at once, but not to a candidate of a lower priority than
  one that was nominated within `NOMINATED_TOGETHER_S`: Firefox nominates all that it tries, and
  sends on the best of them (RFC 5245 §8.1.1.2). A check without it moves the address only when
  there is none yet, or when the present one has been silent for `REBIND_SILENCE_S`: so a room
  whose NAT moved its port goes on, and a browser that probes its second network card changes
  nothing. A request seen before from another address (a replay) never moves anything.
* Which of our own addresses a check came to is half of the pair: the answer leaves from there (the
  peer takes no other, RFC 8445 §7.2.5.2.1), and a move of it is a move like the peer's.
* The new ufrag of an ICE restart works beside the old one until its first good check; then the
  old one is dead (RFC 8445 §2.4).
* Checks with the credentials of `probes` are of no session: answered, and nothing is changed.
* No packet for `SILENCE_S`: the session is silent. No authentic check for `CONSENT_S`: consent is
  gone, nothing may be sent to the peer until a check comes again (RFC 7675 §5.1).

States
    NEW ──check──► CONNECTED ──silence──► SILENT ──consent gone──► EXPIRED
                       ▲──────any packet─────┘  ▲                     │
                       └──────────────────check─┴─────────────────────┘
"""

from __future__ import annotations

import math
import secrets
import string
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from mixer.sdp import IceCredentials
from mixer.transport import stun
from mixer.transport.crowd import Crowd
from mixer.transport.line_probe import LineProbes
from mixer.transport.rate_limit import SourceBudget

Address = stun.Address

# Browsers check a chosen pair every 2.5 s (Chromium) to 6 s (aioice, Firefox; RFC 7675 §5.1).
SILENCE_S = 10.0
# RFC 7675 §5.1: consent expires 30 s after the last check.
CONSENT_S = 30.0
# Longer than Chromium's checks of a chosen pair are apart, shorter than Firefox's and aioice's.
REBIND_SILENCE_S = 3.0
# All first checks of a peer's candidates are sent within so long (RFC 8445 §14: 50 ms apart), and a
# peer that changes its mind nominates again.
NOMINATED_TOGETHER_S = 1.0
# Addresses of one peer from which DTLS is heard: its candidates on both families, its connections
# by TCP, and a moved one.
MAX_CONSENTED = 8
# Checks remembered per session against replay: more than a browser has in flight.
MAX_TRANSACTIONS = 64
# Sessions of one source network: a school of sixty devices behind one address, two connections
# each, four times over.
SESSIONS_PER_SOURCE = 512
# Answers to strangers per source: a broken client is told, a flood is not echoed.
REFUSALS_PER_S = 5.0
REFUSALS_BURST = 10.0

ICE_CHARACTERS = string.ascii_letters + string.digits
REFUSALS = {400: "Bad Request", 401: "Unauthorized"}
UFRAG_LENGTH = 8  # RFC 8839 §5.4: at least 4; 8 make a collision among thousands unlikely
PASSWORD_LENGTH = 24  # at least 22 (128 bits)


class IceState(Enum):
    """A session's life, as the table above draws it."""

    NEW = "new"
    CONNECTED = "connected"
    SILENT = "silent"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Answer:
    """Send these bytes to this address, from our address `local` ("": there is only one)."""

    address: Address
    data: bytes
    local: str = ""


@dataclass(frozen=True, slots=True)
class RemoteChanged:
    """The session now speaks with this address, from our address `local`; None: with nobody."""

    session: int
    address: Address | None
    local: str = ""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session entered another state."""

    session: int
    state: IceState


IceOutput = Answer | RemoteChanged | StateChanged


@dataclass(slots=True)
class IceCounters:
    """What was dropped and why."""

    malformed: int = 0
    unknown_ufrag: int = 0
    not_authentic: int = 0
    role_conflicts: int = 0
    replays: int = 0
    refusals_withheld: int = 0
    sources_full: int = 0
    probes_withheld: int = 0


@dataclass(slots=True)
class _Session:
    key: int
    credentials: IceCredentials
    created_at: float
    next_credentials: IceCredentials | None = None
    state: IceState = IceState.NEW
    remote: Address | None = None
    local: str = ""  # our address that `remote` speaks to
    remote_checked_at: float = 0.0  # last authentic check from `remote` to `local`
    nominated_at: float = -math.inf  # when `remote` was last nominated, and how good it is
    nominated_priority: int = 0
    checked_at: float = 0.0  # last authentic check from anywhere
    heard_at: float = 0.0  # last packet of any kind
    consented: OrderedDict[Address, None] = field(default_factory=OrderedDict)
    transactions: OrderedDict[bytes, tuple[Address, str]] = field(default_factory=OrderedDict)


def _due_at(session: _Session, now: float) -> float:
    """When time may change the session; now while it is silent, for any packet may end that."""
    match session.state:
        case IceState.CONNECTED:
            return min(session.heard_at + SILENCE_S, session.checked_at + CONSENT_S)
        case IceState.SILENT:
            return now
        case _:
            return math.inf


def random_text(length: int) -> str:
    """Characters RFC 8839 §5.4 allows, from the system's randomness."""
    return "".join(secrets.choice(ICE_CHARACTERS) for _ in range(length))


class IceAgent:
    """All sessions of one port. After each `handle_*` call carry out what it returned, in order."""

    def __init__(
        self, *, random_text: Callable[[int], str] = random_text, crowd: Crowd | None = None
    ) -> None:
        self._random_text = random_text
        self._crowd = Crowd(most=SESSIONS_PER_SOURCE) if crowd is None else crowd
        self._sessions: dict[int, _Session] = {}
        self._by_ufrag: dict[str, _Session] = {}
        self._by_address: dict[Address, _Session] = {}
        self._budget = SourceBudget(rate_per_s=REFUSALS_PER_S, burst=REFUSALS_BURST)
        self.probes = LineProbes(random_text, (UFRAG_LENGTH, PASSWORD_LENGTH))
        self._next_key = 1
        self._due_at = math.inf  # before, time alone changes no session
        self.counters = IceCounters()

    # Sessions

    def open(self, now: float) -> tuple[int, IceCredentials]:
        """A new session: its key and the credentials its peer must use."""
        session = _Session(self._next_key, self._new_credentials(), now)
        self._next_key += 1
        self._sessions[session.key] = session
        self._by_ufrag[session.credentials.ufrag] = session
        return session.key, session.credentials

    def restart(self, key: int) -> IceCredentials:
        """ICE restart: fresh credentials that replace the old ones with their first good check."""
        session = self._sessions[key]
        if session.next_credentials is not None:
            self._by_ufrag.pop(session.next_credentials.ufrag, None)
        session.next_credentials = self._new_credentials()
        self._by_ufrag[session.next_credentials.ufrag] = session
        return session.next_credentials

    def close(self, key: int) -> None:
        """Forget a session; closing it twice is fine."""
        session = self._sessions.pop(key, None)
        if session is None:
            return
        self._by_ufrag.pop(session.credentials.ufrag, None)
        if session.next_credentials is not None:
            self._by_ufrag.pop(session.next_credentials.ufrag, None)
        self._set_remote(session, None)
        self._withdraw(session)

    def session_of(self, address: Address) -> int | None:
        """The session that has proved it receives at this address, None for strangers."""
        session = self._by_address.get(address)
        return None if session is None else session.key

    def remote_of(self, key: int) -> Address | None:
        """The address the session speaks with now."""
        return self._sessions[key].remote

    def local_of(self, key: int) -> str:
        """Our address that the session's peer speaks to; "" where there is only one."""
        return self._sessions[key].local

    def state_of(self, key: int) -> IceState:
        """The session's state."""
        return self._sessions[key].state

    def __len__(self) -> int:
        return len(self._sessions)

    # Packets and time

    def handle_datagram(
        self, address: Address, data: bytes, now: float, local: str = ""
    ) -> list[IceOutput]:
        """A datagram whose first byte says STUN (RFC 7983) came from `address` to our `local`."""
        if not stun.is_binding_request(data):
            self.counters.malformed += 1
            return []
        ufrag = stun.local_ufrag(data)
        if ufrag == self.probes.credentials.ufrag:
            return self._probed(address, data, now, local)
        return self._check(address, data, now, local, ufrag=ufrag)

    def _check(
        self, address: Address, data: bytes, now: float, local: str, *, ufrag: str | None
    ) -> list[IceOutput]:
        session = self._by_ufrag.get(ufrag) if ufrag is not None else None
        if session is None and ufrag is not None:
            self.counters.unknown_ufrag += 1
            return self._refuse(address, local, data, 401, now)
        try:
            request = stun.parse_binding_request(data)
        except stun.StunError:
            self.counters.malformed += 1
            return []
        if session is None or not request.has_integrity:
            self.counters.not_authentic += 1
            return self._refuse(address, local, data, 400, now)
        credentials = session.credentials
        renewed = session.next_credentials
        if renewed is not None and request.local_ufrag == renewed.ufrag:
            credentials = renewed
        if request.local_ufrag != credentials.ufrag or not request.authentic(credentials.password):
            self.counters.not_authentic += 1
            return self._refuse(address, local, data, 401, now)
        outputs = self._checked(session, credentials, request, (address, local), now)
        return [o for o in outputs if not isinstance(o, Answer) or self._is_short(o, data)]

    def unheard(self, now: float) -> list[int]:
        """The sessions of which no check was heard for long; once a second, before `handle_timer`.

        `handle_activity` wants to know what else was heard of them.
        """
        if now < self._due_at:
            return []
        return [
            session.key
            for session in self._sessions.values()
            if session.state is IceState.SILENT
            or (session.state is IceState.CONNECTED and now - session.heard_at >= SILENCE_S)
        ]

    def handle_activity(self, key: int, heard_at: float, now: float) -> list[IceOutput]:
        """The last packet of any kind from the session's remote address came at `heard_at`."""
        session = self._sessions[key]
        session.heard_at = max(session.heard_at, heard_at)
        if session.state is IceState.SILENT and now - session.heard_at < SILENCE_S:
            return [self._enter(session, IceState.CONNECTED)]
        return []

    def handle_timer(self, now: float) -> list[IceOutput]:
        """Watch for silence and expired consent; call it about once a second."""
        if now < self._due_at:
            return []
        outputs: list[IceOutput] = []
        self._due_at = math.inf
        for session in self._sessions.values():
            if session.state in (IceState.NEW, IceState.EXPIRED):
                continue
            if now - session.checked_at >= CONSENT_S:
                outputs.append(self._enter(session, IceState.EXPIRED))
                outputs.append(RemoteChanged(session.key, None))
                self._set_remote(session, None)
                self._withdraw(session)
            elif session.state is IceState.CONNECTED and now - session.heard_at >= SILENCE_S:
                outputs.append(self._enter(session, IceState.SILENT))
            self._due_at = min(self._due_at, _due_at(session, now))
        return outputs

    # Inside

    def _checked(
        self,
        session: _Session,
        credentials: IceCredentials,
        request: stun.BindingRequest,
        pair: tuple[Address, str],
        now: float,
    ) -> list[IceOutput]:
        """An authentic check: answer it, and let it keep or move the session's address pair."""
        address, local = pair
        if request.sender_is_controlled:
            self.counters.role_conflicts += 1
            answer = stun.refusal(
                request.transaction_id, 487, "Role Conflict", credentials.password
            )
            return [Answer(address, answer, local)]
        before = None if session.remote is None else session.remote[0]
        if not self._crowd.admits(address[0], instead_of=before):
            self.counters.sources_full += 1
            answer = stun.refusal(request.transaction_id, 403, "Forbidden", credentials.password)
            return [Answer(address, answer, local)]
        answer = stun.success(request.transaction_id, address, credentials.password)
        outputs: list[IceOutput] = [Answer(address, answer, local)]
        if self._is_replay(session, request.transaction_id, pair):
            self.counters.replays += 1
            return outputs
        if credentials is session.next_credentials:
            del self._by_ufrag[session.credentials.ufrag]
            session.credentials, session.next_credentials = credentials, None
            # The restart may come from anywhere.
            session.remote_checked_at = session.nominated_at = -math.inf
        session.checked_at = session.heard_at = now
        outputs += self._consent(session, address)
        if self._may_move(session, request, pair, now):
            self._set_remote(session, address)
            session.local = local
            session.nominated_at = -math.inf
            outputs.append(RemoteChanged(session.key, address, local))
        if pair == (session.remote, session.local):
            session.remote_checked_at = now
            if request.use_candidate:
                session.nominated_at, session.nominated_priority = now, request.priority
        if session.state is not IceState.CONNECTED:
            outputs.append(self._enter(session, IceState.CONNECTED))
            self._due_at = min(self._due_at, _due_at(session, now))
        return outputs

    @staticmethod
    def _may_move(
        session: _Session, request: stun.BindingRequest, pair: tuple[Address, str], now: float
    ) -> bool:
        if pair == (session.remote, session.local):
            return False
        if session.remote is None or now - session.remote_checked_at >= REBIND_SILENCE_S:
            return True
        together = now - session.nominated_at < NOMINATED_TOGETHER_S
        is_worse = together and request.priority < session.nominated_priority
        return request.use_candidate and not is_worse

    @staticmethod
    def _is_replay(session: _Session, transaction_id: bytes, pair: tuple[Address, str]) -> bool:
        """Seen before on another pair. (On the same one it is a retransmission.)"""
        first_on = session.transactions.setdefault(transaction_id, pair)
        if len(session.transactions) > MAX_TRANSACTIONS:
            session.transactions.popitem(last=False)
        return first_on != pair

    def _consent(self, session: _Session, address: Address) -> list[IceOutput]:
        """The session's peer receives at this address; whoever had it before does no more."""
        outputs: list[IceOutput] = []
        previous = self._by_address.get(address)
        if previous is not None and previous is not session:
            del previous.consented[address]
            if previous.remote == address:
                self._set_remote(previous, None)
                outputs.append(RemoteChanged(previous.key, None))
        session.consented[address] = None
        session.consented.move_to_end(address)
        self._by_address[address] = session
        while len(session.consented) > MAX_CONSENTED:
            oldest = next(known for known in session.consented if known != session.remote)
            del session.consented[oldest]
            del self._by_address[oldest]
        return outputs

    def _set_remote(self, session: _Session, address: Address | None) -> None:
        self._crowd.moved(
            None if session.remote is None else session.remote[0],
            None if address is None else address[0],
        )
        session.remote = address

    def _probed(self, address: Address, data: bytes, now: float, local: str) -> list[IceOutput]:
        try:
            answer = self.probes.answer(address, data, now)
        except stun.StunError:
            self.counters.malformed += 1
            return []
        self.counters.probes_withheld = self.probes.withheld
        return [] if answer is None else [Answer(address, answer, local)]

    def _is_short(self, answer: Answer, request: bytes) -> bool:
        if len(answer.data) <= len(request):
            return True
        self.counters.refusals_withheld += 1
        return False

    def _withdraw(self, session: _Session) -> None:
        for address in session.consented:
            del self._by_address[address]
        session.consented.clear()

    def _refuse(
        self, address: Address, local: str, request: bytes, code: int, now: float
    ) -> list[IceOutput]:
        reason = REFUSALS[code]
        # Looked at before it is built: this is where a flood ends.
        too_long = stun.refusal_bytes(reason) > len(request)
        if too_long or not self._budget.take(address[0], now):
            self.counters.refusals_withheld += 1
            return []
        return [Answer(address, stun.refusal(request[8:20], code, reason, None), local)]

    @staticmethod
    def _enter(session: _Session, state: IceState) -> StateChanged:
        session.state = state
        return StateChanged(session.key, state)

    def _new_credentials(self) -> IceCredentials:
        while True:
            ufrag = self._random_text(UFRAG_LENGTH)
            if ufrag not in self._by_ufrag:
                return IceCredentials(ufrag, self._random_text(PASSWORD_LENGTH))
