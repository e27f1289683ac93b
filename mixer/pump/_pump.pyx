"""The pump's Python face: checks values, lets go of the GIL, and calls the C core.

It decides nothing; what the calls mean is told in `mixer/pump/__init__.py`.
"""

import ctypes
import os

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cimport mixer.pump.native as native  # `from … cimport` hides from Cython what this is made from
from mixer.pump.addresses import pack_address, pack_host, unpack_address
from mixer.pump.totals import LayerTotals, TransportTotals

from pylibsrtp import _binding, ffi, lib

# Told in full in _pump.pyi; here so that they can be imported.
Address = tuple[str, int] | tuple[str, int, int]
PumpEvent = tuple

DATAGRAM = 1
RTCP = 2
NEW_SSRC = 3
KEYFRAME_NEEDED = 4
LAYER_SWITCHED = 5
FIRST_PACKET = 6
LINE = 7
VOICE = 8

CODEC_OPAQUE = 0
CODEC_VP8 = 1
CODEC_H264 = 2
CODEC_OPUS = 3

LAYERS = native.LAYERS
PARAMETER_SETS_BYTES = native.PARAMETER_SETS_BYTES

# In the order of `aead_functions` (native/aead.h).
AEAD_FUNCTIONS = (
    "EVP_CIPHER_CTX_new",
    "EVP_CIPHER_CTX_free",
    "EVP_aes_128_gcm",
    "EVP_aes_256_gcm",
    "EVP_EncryptInit_ex",
    "EVP_EncryptUpdate",
    "EVP_EncryptFinal_ex",
    "EVP_CIPHER_CTX_ctrl",
)

cdef enum:
    DRAIN_BYTES = 64 * 1024  # less than what malloc asks the kernel for each time


def monotonic_ns():
    return native.monotonic_now()


include "conversions.pxi"
include "readings.pxi"
include "line.pxi"


cdef class Pump:
    cdef native.pump *_pump
    cdef bint _is_stopped
    cdef int64_t _virtual_now
    cdef readonly int port
    cdef readonly int tcp_port
    cdef readonly int event_fd

    def __cinit__(self, *, str host="::", int port=0, str plain_path="", tcp_port=None):
        cdef int error = 0
        cdef const char *failed = NULL
        cdef native.pump_ports ports
        cdef native.srtp_functions functions = srtp_library()
        ranged(port, 0, 65535, "port")
        ranged(tcp_port or 0, 0, 65535, "tcp_port")
        host_bytes, path_bytes = os.fsencode(host), os.fsencode(plain_path)
        ports.host = host_bytes
        ports.port = port
        ports.tcp_port = native.TCP_NONE if tcp_port is None else tcp_port
        ports.plain_path = path_bytes
        self._pump = native.pump_new(&functions, &ports, &error, &failed)
        if self._pump is NULL:
            raise OSError(
                error,
                f"cannot open the pump on [{host}]:{port}, {os.fsdecode(failed)}: "
                f"{os.strerror(error)}",
            )
        self.port = self._pump.udp.port
        self.tcp_port = self._pump.tcp.port
        self.event_fd = self._pump.event_fd

    def __dealloc__(self):
        if self._pump is not NULL:
            with nogil:
                native.pump_free(self._pump)

    def start(self):
        if self._is_stopped:
            raise RuntimeError("a stopped pump has given up its port; make a new one")
        cdef int error = native.pump_start(self._pump)
        if error:
            raise OSError(error, f"cannot start the pump's thread: {os.strerror(error)}")

    def stop(self):
        self._is_stopped = True
        with nogil:
            native.pump_stop(self._pump)

    def drain(self, int limit=256):
        cdef uint8_t *room = <uint8_t *>malloc(DRAIN_BYTES)
        cdef uint32_t length, at = 0
        cdef const native.event *event
        cdef list events = []
        if room is NULL:
            raise MemoryError
        try:
            with nogil:
                length = native.pump_drain(self._pump, room, DRAIN_BYTES, limit)
            while at < length:
                event = <const native.event *>(room + at)
                events.append(event_tuple(event, room + at + sizeof(native.event)))
                at += event.size
        finally:
            free(room)
        return events

    def send_datagram(self, address, bytes data not None, str local=""):
        cdef native.address to = to_native(address)
        cdef native.address source = to_native_host(local)
        cdef const uint8_t *content = data
        cdef uint32_t length = len(data)
        cdef bint sent
        with nogil:
            sent = native.pump_send_datagram(self._pump, &to, &source, content, length)
        return bool(sent)

    def send_rtcp(self, int64_t transport_id, bytes data not None):
        cdef const uint8_t *content = data
        cdef uint32_t length = len(data)
        cdef int result
        with nogil:
            result = native.pump_send_rtcp(self._pump, transport_id, content, length)
        return checked(result, f"RTCP to transport {transport_id}") > 0

    cdef int64_t _now(self) noexcept:
        return self._virtual_now if self._virtual_now else native.monotonic_now()

    # Transports

    def add_transport(
        self, *, mid=0, rid=0, repaired_rid=0, audio_level=0, abs_send_time=0, transport_cc=0,
        video_orientation=0,
    ):
        cdef native.extension_ids ids = extension_ids(
            mid, rid, repaired_rid, audio_level, abs_send_time, transport_cc, video_orientation
        )
        cdef int64_t result
        with nogil:
            result = native.core_add_transport(&self._pump.core, &ids)
        return checked(result, "a transport")

    def add_plain_transport(self, path):
        cdef bytes name = os.fsencode(path)
        cdef const char *text = name
        cdef int64_t result
        with nogil:
            result = native.core_add_plain_transport(&self._pump.core, text)
        return checked(result, f"a plain transport at {path!r} (1…107 bytes, not taken)")

    def set_extensions(
        self, int64_t transport_id, *, mid=0, rid=0, repaired_rid=0, audio_level=0,
        abs_send_time=0, transport_cc=0, video_orientation=0,
    ):
        cdef native.extension_ids ids = extension_ids(
            mid, rid, repaired_rid, audio_level, abs_send_time, transport_cc, video_orientation
        )
        cdef int result
        with nogil:
            result = native.core_set_extensions(&self._pump.core, transport_id, &ids)
        checked(result, transport_id)

    def set_remote(self, int64_t transport_id, address, str local=""):
        cdef native.address remote
        cdef native.address source = to_native_host(local)
        cdef native.address *pointer = NULL
        cdef int result
        if address is not None:
            remote = to_native(address)
            pointer = &remote
        with nogil:
            result = native.core_set_remote(&self._pump.core, transport_id, pointer, &source)
        checked(result, transport_id)

    def set_srtp(
        self,
        int64_t transport_id,
        uintptr_t rx_session,
        uintptr_t tx_session,
        *,
        bytes send_key=b"",
        bytes send_salt=b"",
    ):
        cdef int result
        cdef native.srtp_keys keys
        keys.rx, keys.tx = <void *>rx_session, <void *>tx_session
        keys.key_length = len(send_key)
        if send_key:
            if len(send_key) not in (16, 32) or len(send_salt) != native.AEAD_SALT_BYTES:
                raise ValueError("AES-GCM takes a key of 16 or 32 bytes and a salt of 12")
            memcpy(keys.key, <const uint8_t *>send_key, len(send_key))
            memcpy(keys.salt, <const uint8_t *>send_salt, native.AEAD_SALT_BYTES)
        with nogil:
            result = native.core_set_srtp(&self._pump.core, transport_id, &keys)
        memset(&keys, 0, sizeof(keys))
        checked(result, transport_id)

    def set_reporting(self, int64_t transport_id, *, ssrc, str cname):
        cdef int result
        cdef bytes text = cname.encode()
        cdef const char *name = text
        cdef uint8_t length = ranged_length(text, native.CNAME_MAX, "cname")
        cdef uint32_t number = an_ssrc(ssrc, "ssrc")
        with nogil:
            result = native.core_set_reporting(
                &self._pump.core, transport_id, number, name, length
            )
        checked(result, transport_id)

    def remove_transport(self, int64_t transport_id):
        cdef int result
        with nogil:
            result = native.core_remove_transport(&self._pump.core, transport_id)
        native.pump_wake(self._pump)
        checked(result, transport_id)

    # Producers

    def add_producer(
        self, int64_t transport_id, *, int codec, uint32_t clock_rate, bint nack, remote_ssrc=0
    ):
        cdef native.producer_settings settings
        cdef int64_t result
        ranged(codec, 0, native.CODEC_COUNT - 1, "codec")
        settings.codec = <native.codec_t>codec
        settings.clock_rate = clock_rate
        settings.nack = nack
        settings.feedback_ssrc = an_ssrc(remote_ssrc, "remote_ssrc")
        with nogil:
            result = native.core_add_producer(&self._pump.core, transport_id, &settings)
        return checked(result, transport_id)

    def add_encoding(
        self, int64_t producer_id, int layer, *, ssrc, payload_type, rtx_ssrc=0,
        rtx_payload_type=0, bytes parameter_sets=b"",
    ):
        cdef native.encoding_settings settings
        cdef int result
        ranged(len(parameter_sets), 0, native.PARAMETER_SETS_BYTES, "length of parameter_sets")
        settings.parameter_sets = parameter_sets
        settings.parameter_sets_length = len(parameter_sets)
        ranged(layer, 0, native.LAYERS - 1, "layer")
        ranged(payload_type, 0, 127, "payload_type")
        ranged(rtx_payload_type, 0, 127, "rtx_payload_type")
        settings.layer = layer
        settings.ssrc = an_ssrc(ssrc, "ssrc")
        settings.rtx_ssrc = an_ssrc(rtx_ssrc, "rtx_ssrc")
        settings.payload_type = payload_type
        settings.rtx_payload_type = rtx_payload_type
        cdef int64_t now = self._now()
        with nogil:
            result = native.core_add_encoding(&self._pump.core, producer_id, &settings, now)
        native.pump_wake(self._pump)
        checked(result, f"layer {layer} of producer {producer_id}")

    def set_producer_paused(self, int64_t producer_id, bint paused):
        cdef int result
        cdef int64_t now = self._now()
        with nogil:
            result = native.core_set_producer_paused(&self._pump.core, producer_id, paused, now)
        native.pump_wake(self._pump)
        checked(result, producer_id)

    def remove_producer(self, int64_t producer_id):
        cdef int result
        with nogil:
            result = native.core_remove_producer(&self._pump.core, producer_id)
        checked(result, producer_id)

    # Consumers

    def add_consumer(
        self, int64_t producer_id, int64_t transport_id, *, ssrc, payload_type, rtx_ssrc=0,
        rtx_payload_type=0, str mid="", str cname="", bint from_past=False,
    ):
        cdef native.consumer_settings settings
        cdef int64_t result
        cdef bytes name = mid.encode("ascii"), source = cname.encode()
        ranged(payload_type, 0, 127, "payload_type")
        ranged(rtx_payload_type, 0, 127, "rtx_payload_type")
        settings.mid_length = ranged_length(name, 16, "mid")
        settings.cname_length = ranged_length(source, native.CNAME_MAX, "cname")
        settings.ssrc = an_ssrc(ssrc, "ssrc")
        settings.rtx_ssrc = an_ssrc(rtx_ssrc, "rtx_ssrc")
        settings.payload_type = payload_type
        settings.rtx_payload_type = rtx_payload_type
        settings.mid = name
        settings.cname = source
        settings.from_past = from_past
        with nogil:
            result = native.core_add_consumer(
                &self._pump.core, producer_id, transport_id, &settings
            )
        return checked(
            result, f"a consumer of producer {producer_id} for transport {transport_id}"
        )

    def set_consumer_layer(self, int64_t consumer_id, int layer):
        cdef int result
        cdef int64_t now = self._now()
        ranged(layer, -1, native.LAYERS - 1, "layer")
        with nogil:
            result = native.core_set_consumer_layer(&self._pump.core, consumer_id, layer, now)
        native.pump_wake(self._pump)
        checked(result, consumer_id)

    def remove_consumer(self, int64_t consumer_id):
        cdef int result
        with nogil:
            result = native.core_remove_consumer(&self._pump.core, consumer_id)
        checked(result, consumer_id)

    # What Python reads

    def line(self, int64_t transport_id):
        return line_row(&self._pump.core, transport_id)

    def set_line_settled(self, int64_t transport_id, bint settled):
        cdef int result
        with nogil:
            result = native.core_set_line_settled(&self._pump.core, transport_id, settled)
        checked(result, transport_id)

    def losses(self, int64_t transport_id):
        return loss_rows(&self._pump.core, transport_id)

    def consumer_bytes(self, list consumer_ids not None):
        return consumer_byte_rows(&self._pump.core, consumer_ids)

    def layer_totals(self, int64_t producer_id):
        return layer_total_rows(&self._pump.core, producer_id)

    def picture_format(self, int64_t producer_id, int layer):
        ranged(layer, 0, native.LAYERS - 1, "layer")
        return picture_format_of(&self._pump.core, producer_id, layer)

    def totals(self, list transport_ids not None):
        return transport_total_rows(&self._pump.core, transport_ids)

    def audio_levels(self):
        return audio_level_rows(&self._pump.core)

    def level_history(self, list producer_ids not None):
        cdef int64_t end = self._now() // native.LEVEL_FRAME_NS
        return end, level_history_rows(&self._pump.core, producer_ids, end)

    def probe(self, int64_t transport_id, *, int64_t bitrate_bps, int duration_ms):
        cdef int result
        cdef int64_t now = self._now()
        ranged(bitrate_bps, 1, 200_000_000, "bitrate_bps")
        ranged(duration_ms, 1, 500, "duration_ms")
        with nogil:
            result = native.core_probe(
                &self._pump.core, transport_id, bitrate_bps, duration_ms * 1_000_000, now
            )
        native.pump_wake(self._pump)
        return checked(result, transport_id) > 0

    # Counters

    def pump_stats(self):
        cdef uint64_t[native.PUMP_COUNTER_COUNT] counters
        with nogil:
            native.core_pump_stats(&self._pump.core, counters)
        return named_counters(
            native.pump_counter_names, counters, native.PUMP_COUNTER_COUNT
        )

    def pump_gauges(self):
        cdef uint64_t[native.PUMP_GAUGE_COUNT] gauges
        with nogil:
            native.core_pump_gauges(&self._pump.core, gauges)
        return named_counters(native.pump_gauge_names, gauges, native.PUMP_GAUGE_COUNT)

    def pump_measures(self):
        cdef native.histogram[native.MEASURE_COUNT] measures
        with nogil:
            native.core_pump_measures(&self._pump.core, measures)
        return named_measures(measures)

    def transport_stats(self, int64_t transport_id):
        cdef uint64_t[native.TRANSPORT_COUNTER_COUNT] counters
        cdef int result
        with nogil:
            result = native.core_transport_stats(&self._pump.core, transport_id, counters)
        checked(result, transport_id)
        return named_counters(
            native.transport_counter_names, counters, native.TRANSPORT_COUNTER_COUNT
        )

    def producer_stats(self, int64_t producer_id):
        cdef native.encoding_stats[native.LAYERS] stats
        cdef int count
        with nogil:
            count = native.core_producer_stats(&self._pump.core, producer_id, stats)
        checked(count, producer_id)
        return [encoding_row(&stats[i]) for i in range(count)]

    def consumer_stats(self, int64_t consumer_id):
        cdef native.consumer_stats stats
        cdef int result
        with nogil:
            result = native.core_consumer_stats(&self._pump.core, consumer_id, &stats)
        checked(result, consumer_id)
        return {
            "layer": stats.layer,
            "target": stats.target,
            "reported_lost": stats.reported_lost,
            "reported_jitter": stats.reported_jitter,
            **named_counters(
                native.consumer_counter_names, stats.counters, native.CONSUMER_COUNTER_COUNT
            ),
        }

    # For tests: the same core in virtual time, on a pump that was never started

    def _set_time(self, int64_t now_ns):
        if self._pump.is_running:
            raise RuntimeError("a running pump has the system's time")
        self._virtual_now = now_ns

    def _feed(self, source, bytes data not None, int64_t now_ns):
        cdef native.address sender
        cdef native.address unknown = to_native_host("")
        cdef uint32_t length = len(data)
        cdef uint8_t[2048] room
        self._set_time(now_ns)
        if length > sizeof(room):
            raise ValueError("longer than the pump's receive buffers")
        if isinstance(source, str):
            path = os.fsencode(source)
            sender = native.address_of_path(path, len(path))
        else:
            sender = to_native(source)
        memcpy(room, <const uint8_t *>data, length)
        native.core_receive(
            &self._pump.core, &sender, &unknown, room, length, now_ns, now_ns
        )
        return take_outbox(self._pump.core.outbox)

    def _tick(self, int64_t now_ns):
        self._set_time(now_ns)
        native.core_tick(&self._pump.core, 0, now_ns)
        return take_outbox(self._pump.core.outbox)

    def _measure(self, int measure, uint64_t value, uint64_t times):
        ranged(measure, 0, native.MEASURE_COUNT - 1, "measure")
        native.histogram_add(
            &self._pump.core.measures[measure], <native.measure_t>measure, value, times
        )
