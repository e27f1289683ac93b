"""The load client's Python face: peers, streams, windows and counters of `native/load.c`.

Every call lets go of the GIL while it waits for the load's mutex; the thread itself never takes
the GIL. Built only in a clone (`setup.py`), never shipped.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset, strncpy

from pylibsrtp import ffi, lib


cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_lock(pthread_mutex_t *mutex)
    int pthread_mutex_unlock(pthread_mutex_t *mutex)


cdef extern from "time.h" nogil:
    enum: CLOCK_REALTIME


cdef extern from "load.h" nogil:
    enum: PEERS_MAX
    enum: STREAMS_MAX
    enum: DELAY_BUCKETS
    enum: DELAY_BUCKET_NS
    enum: WAITING_MAX
    enum: SCRIPT_TIMESTAMP_BITS
    ctypedef int (*srtp_transform)(void *, void *, int *)
    struct srtp_functions:
        srtp_transform protect, unprotect, protect_rtcp, unprotect_rtcp
    struct reception:
        uint32_t ssrc, received, base, highest, last_sr
        int64_t sr_arrived_ns
    struct peer:
        void *rx
        void *tx
        uint8_t transport_cc
        uint64_t accepted[2]
        reception *receptions
        int reception_count
        uint32_t ssrc
    struct stream_format:
        uint32_t ssrc
        uint8_t payload_type
        bint video
        uint8_t mid_id, audio_level_id, abs_send_time_id, transport_cc_id
        char mid[17]
        int payload_bytes, packets_per_frame
        int64_t frame_ns, packet_gap_ns, phase_ns
        uint32_t ticks_per_frame
        int keyframe_every
    struct script:
        int frame_count
        int *first_packet
        uint32_t *offset
        uint8_t *bytes
    struct stream:
        script *script
        stream_format format
        int peer
        bint sending
        uint32_t timestamp, packets, octets
        int64_t stamped_ns
        uint64_t window_sent
    struct waiting:
        int peer, length
        uint8_t *data
    struct totals:
        uint64_t sent, received, window_packets, other_payloads, broken, send_failed, late_ticks, kernel_drops
        uint64_t delay_count, delay_over, waiting_dropped, keyframe_requests, feedback_sent
    struct load:
        pthread_mutex_t mutex
        bint measuring, real_time
        peer **peers
        int peer_count
        stream **streams
        int stream_count
        uint32_t (*received)[STREAMS_MAX]
        uint32_t *delays
        int64_t window_began_ns, window_ended_ns
        waiting *waiting
        int waiting_head, waiting_count
        totals totals
    int64_t clock_ns(int clock)
    load *load_new(srtp_functions srtp)
    void load_free(load *load)
    void script_free(script *script)
    int load_start(load *load, bint real_time)
    void load_stop(load *load)
    int load_add_peer(load *load, const char *host, int port)
    int load_send(load *load, int peer, const uint8_t *data, int length)
    int load_send_rtcp(load *load, int peer, const uint8_t *data, int length)


cdef srtp_transform function(str name) except NULL:
    return <srtp_transform><uintptr_t>int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


cdef script *new_script(list frames) except NULL:
    """Frames, each a list of payloads, as the native thread reads them."""
    packets = [payload for frame in frames for payload in frame]
    if not packets or not all(frames) or max(map(len, packets)) > 1300:
        raise ValueError("a script has frames of payloads of up to 1,300 bytes")
    cdef bytes data = b"".join(packets)
    cdef script *fresh = <script *>calloc(1, sizeof(script))
    if fresh is NULL:
        raise MemoryError
    fresh.first_packet = <int *>calloc(len(frames) + 1, sizeof(int))
    fresh.offset = <uint32_t *>calloc(len(packets) + 1, sizeof(uint32_t))
    fresh.bytes = <uint8_t *>calloc(len(data), 1)
    if fresh.first_packet is NULL or fresh.offset is NULL or fresh.bytes is NULL:
        script_free(fresh)
        raise MemoryError
    fresh.frame_count = len(frames)
    for i, frame in enumerate(frames):
        fresh.first_packet[i + 1] = fresh.first_packet[i] + <int>len(frame)
    for i, payload in enumerate(packets):
        fresh.offset[i + 1] = fresh.offset[i] + <uint32_t>len(payload)
    memcpy(fresh.bytes, <const char *>data, len(data))
    return fresh


cdef class Load:
    """Many peers in one native thread; see `native/load.h`."""

    cdef load *_load

    def __cinit__(self):
        cdef srtp_functions srtp
        srtp.protect = function("srtp_protect")
        srtp.unprotect = function("srtp_unprotect")
        srtp.protect_rtcp = function("srtp_protect_rtcp")
        srtp.unprotect_rtcp = function("srtp_unprotect_rtcp")
        self._load = load_new(srtp)
        if self._load is NULL:
            raise MemoryError

    def __dealloc__(self):
        if self._load is not NULL:
            load_free(self._load)

    def start(self, *, bint real_time=False):
        """Run the thread; whether it has the real-time priority it was to have."""
        if load_start(self._load, real_time):
            raise OSError("cannot start the load thread")
        return self._load.real_time

    def stop(self):
        """End the thread; it may be started again."""
        with nogil:
            load_stop(self._load)

    cdef peer *_peer(self, int peer_id) except NULL:
        if not 0 <= peer_id < self._load.peer_count:
            raise KeyError(peer_id)
        return self._load.peers[peer_id]

    cdef stream *_stream(self, int stream_id) except NULL:
        if not 0 <= stream_id < self._load.stream_count:
            raise KeyError(stream_id)
        return self._load.streams[stream_id]

    def add_peer(self, str host, int port):
        """A socket connected to the server's address; returns the peer's number."""
        cdef int result = load_add_peer(self._load, host.encode(), port)
        if result < 0:
            raise OSError(f"cannot reach {host} port {port}, or too many peers")
        return result

    def send(self, int peer_id, bytes data):
        """A plain datagram (STUN, DTLS)."""
        self._peer(peer_id)
        load_send(self._load, peer_id, data, len(data))

    def send_rtcp(self, int peer_id, bytes data):
        """A compound RTCP packet, protected on its way; False while there is no SRTP yet."""
        self._peer(peer_id)
        cdef const uint8_t *raw = data
        cdef int length = len(data), result
        with nogil:
            result = load_send_rtcp(self._load, peer_id, raw, length)
        return result == 0

    def set_srtp(self, int peer_id, uintptr_t rx, uintptr_t tx):
        """Two `srtp_t` that only the load uses from now on; keep their owner alive."""
        cdef peer *one = self._peer(peer_id)
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
            one.rx, one.tx = <void *>rx, <void *>tx
            pthread_mutex_unlock(&self._load.mutex)

    def accept(self, int peer_id, list payload_types, int transport_cc, uint32_t ssrc):
        """Which payload types count as media, the id of the transport-wide extension (0: no
        feedback is sent) and the SSRC that feedback names as its sender."""
        cdef peer *one = self._peer(peer_id)
        cdef uint64_t bits[2]
        bits[0] = bits[1] = 0
        for number in payload_types:
            bits[number // 64] |= <uint64_t>1 << (number % 64)
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
            one.accepted[0] = bits[0]
            one.accepted[1] = bits[1]
            one.ssrc = ssrc
            one.transport_cc = transport_cc
            pthread_mutex_unlock(&self._load.mutex)

    def add_stream(
        self, int peer_id, *, uint32_t ssrc, int payload_type, bint video, str mid, dict extensions,
        int payload_bytes, int packets_per_frame, int64_t frame_ns, int64_t packet_gap_ns,
        int64_t phase_ns, uint32_t ticks_per_frame, int keyframe_every=30, list frames=None,
    ):
        """A stream to send, silent until `set_sending`; returns its number.

        `frames` (lists of payloads) are sent in turn in place of made-up ones, and measured by
        their RTP timestamps; either all streams of a load have them or none.
        """
        self._peer(peer_id)
        if self._load.stream_count == STREAMS_MAX:
            raise OSError("too many streams")
        if not 40 <= payload_bytes <= 1300 or packets_per_frame < 1 or frame_ns < 1:
            raise ValueError("a payload has 40 to 1,300 bytes, a frame packets and length")
        cdef stream *fresh = <stream *>calloc(1, sizeof(stream))
        if fresh is NULL:
            raise MemoryError
        if frames is not None:
            try:
                fresh.script = new_script(frames)
            except BaseException:
                free(fresh)
                raise
            fresh.timestamp = <uint32_t>self._load.stream_count << SCRIPT_TIMESTAMP_BITS
        fresh.peer = peer_id
        fresh.format.ssrc = ssrc
        fresh.format.payload_type = payload_type
        fresh.format.video = video
        fresh.format.mid_id = extensions.get("mid", 0)
        fresh.format.audio_level_id = 0 if video else extensions.get("audio_level", 0)
        fresh.format.abs_send_time_id = extensions.get("abs_send_time", 0)
        fresh.format.transport_cc_id = extensions.get("transport_cc", 0)
        strncpy(fresh.format.mid, mid.encode(), 16)
        fresh.format.payload_bytes = payload_bytes
        fresh.format.packets_per_frame = packets_per_frame
        fresh.format.frame_ns = frame_ns
        fresh.format.packet_gap_ns = packet_gap_ns
        fresh.format.phase_ns = phase_ns
        fresh.format.ticks_per_frame = ticks_per_frame
        fresh.format.keyframe_every = keyframe_every
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
            self._load.streams[self._load.stream_count] = fresh
            self._load.stream_count += 1
            pthread_mutex_unlock(&self._load.mutex)
        return self._load.stream_count - 1

    def set_sending(self, int stream_id, bint sending):
        """Begin or end sending a stream."""
        cdef stream *one = self._stream(stream_id)
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
            one.sending = sending
            pthread_mutex_unlock(&self._load.mutex)

    def drain(self):
        """STUN and DTLS datagrams that came: (peer, data)."""
        taken = []
        cdef waiting *slot
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
        try:
            while self._load.waiting_count:
                slot = &self._load.waiting[self._load.waiting_head]
                taken.append((slot.peer, (<char *>slot.data)[:slot.length]))
                self._load.waiting_head = (self._load.waiting_head + 1) % WAITING_MAX
                self._load.waiting_count -= 1
        finally:
            pthread_mutex_unlock(&self._load.mutex)
        return taken

    def receptions(self, int peer_id):
        """Per incoming SSRC: (ssrc, received, base, highest, last SR, ns since that SR)."""
        cdef peer *one = self._peer(peer_id)
        cdef int64_t now = clock_ns(CLOCK_REALTIME)
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
        try:
            return [
                (
                    one.receptions[i].ssrc, one.receptions[i].received, one.receptions[i].base,
                    one.receptions[i].highest, one.receptions[i].last_sr,
                    now - one.receptions[i].sr_arrived_ns,
                )
                for i in range(one.reception_count)
            ]
        finally:
            pthread_mutex_unlock(&self._load.mutex)

    def stream_state(self, int stream_id):
        """(peer, ssrc, packets, octets, RTP timestamp, Unix ns of the last packet)."""
        cdef stream *one = self._stream(stream_id)
        return (
            one.peer, one.format.ssrc, one.packets, one.octets, one.timestamp, one.stamped_ns,
        )

    def begin_window(self):
        """Measure what is sent from now on."""
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
            memset(self._load.received, 0, PEERS_MAX * sizeof(self._load.received[0]))
            memset(self._load.delays, 0, DELAY_BUCKETS * sizeof(uint32_t))
            self._load.totals.delay_count = self._load.totals.delay_over = 0
            self._load.totals.window_packets = 0
        for i in range(self._load.stream_count):
            self._load.streams[i].window_sent = 0
        self._load.window_began_ns = clock_ns(CLOCK_REALTIME)
        self._load.window_ended_ns = <int64_t>0x7FFFFFFFFFFFFFFF
        self._load.measuring = True
        pthread_mutex_unlock(&self._load.mutex)

    def end_window(self):
        """What is sent from now on is not measured; what still comes of the window is."""
        with nogil:
            pthread_mutex_lock(&self._load.mutex)
        self._load.measuring = False
        self._load.window_ended_ns = clock_ns(CLOCK_REALTIME)
        pthread_mutex_unlock(&self._load.mutex)
        return (self._load.window_ended_ns - self._load.window_began_ns) / 1e9

    def window_sent(self, int stream_id):
        """Packets of a stream sent in the window."""
        return self._stream(stream_id).window_sent

    def window_received(self, int peer_id, int stream_id):
        """Packets of a stream, sent in the window, that this peer has received."""
        self._peer(peer_id)
        self._stream(stream_id)
        return self._load.received[peer_id][stream_id]

    def delay_ms(self, double share):
        """The delay that this share (0 … 1) of the window's packets stayed below."""
        cdef uint64_t wanted = <uint64_t>(share * self._load.totals.delay_count), seen = 0
        cdef int bucket
        for bucket in range(DELAY_BUCKETS):
            seen += self._load.delays[bucket]
            if seen > wanted:
                return (bucket + 0.5) * DELAY_BUCKET_NS / 1e6
        return 0.0

    def totals(self):
        """Counters since the beginning."""
        return dict(self._load.totals)
