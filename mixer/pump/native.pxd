# The C core as Cython sees it: only what _pump.pyx calls.

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "address.h" nogil:
    enum: ADDRESS_NONE, ADDRESS_INTERNET, ADDRESS_LOCAL, ADDRESS_TCP
    struct address:
        uint8_t ip[16]
        uint16_t port
        uint16_t kind
        uint32_t scope
    bint address_is_mapped(const address *)
    address address_of_path(const char *path, size_t length)


cdef extern from "clock.h" nogil:
    int64_t monotonic_now()


cdef extern from "events.h" nogil:
    enum: EVENT_DATAGRAM, EVENT_RTCP, EVENT_NEW_SSRC, EVENT_LINE, EVENT_VOICE
    struct event:
        uint32_t size
        uint16_t type
        uint16_t data_length
        int64_t id
        int64_t arrival_ns
        # `from` is a Python keyword
        address source "from"
        address to
        uint32_t ssrc
        int16_t layer
        uint8_t payload_type
        uint8_t identifier_lengths[3]


cdef extern from "srtp.h" nogil:
    ctypedef void *srtp_session
    ctypedef int (*srtp_transform)(srtp_session, void *, int *)
    ctypedef int (*srtp_stream_removal)(srtp_session, uint32_t)
    enum:
        AEAD_SALT_BYTES
    struct aead_functions:  # by address alone: only C calls them
        void *new_context
        void *free_context
        void *aes_128_gcm
        void *aes_256_gcm
        void *begin
        void *update
        void *finish
        void *control
    struct srtp_functions:
        srtp_transform protect
        srtp_transform unprotect
        srtp_transform protect_rtcp
        srtp_transform unprotect_rtcp
        srtp_stream_removal remove_stream
        aead_functions aead
    struct srtp_keys:
        srtp_session rx
        srtp_session tx
        uint32_t key_length
        uint8_t *key
        uint8_t *salt


cdef extern from "rtp.h" nogil:
    struct extension_ids:
        uint8_t mid
        uint8_t rid
        uint8_t repaired_rid
        uint8_t audio_level
        uint8_t abs_send_time
        uint8_t transport_cc
        uint8_t video_orientation


cdef extern from "rtcp.h" nogil:
    struct rtcp_part:
        uint8_t type
        uint8_t count
        const uint8_t *data
        uint32_t length
    bint rtcp_is_well_formed(const uint8_t *, uint32_t)


cdef extern from "reports.h" nogil:
    enum: CNAME_MAX


cdef extern from "feedback_reader.h" nogil:
    struct feedback_reader:
        uint16_t base
        uint32_t reference
    struct packet_report:
        bint arrived
        int32_t delta
    bint rtcp_is_transport_feedback(const rtcp_part *)
    bint feedback_open(feedback_reader *, const rtcp_part *)
    bint feedback_next(feedback_reader *, packet_report *)


cdef extern from "line.h" nogil:
    enum: TRAIN_MAX
    struct train_packet:
        int64_t sent_ns
        int64_t arrived_ns
        uint32_t bytes
    struct loss_sums:
        int64_t expected
        int64_t lost
        int64_t bytes
        int64_t lost_bytes
        int64_t first_sent_ns
        int64_t last_sent_ns
    struct line_reading:
        int usage
        double acknowledged_bps
        double busy_bps
        double sent_bps
        loss_sums loss
        int64_t heard_since_ns
        bint is_silent
        bint has_returned
        bint is_idle
        bint has_train
        uint32_t train_count
    struct line:
        bint is_settled
    line *line_new()
    void line_free(line *)
    void line_depart(line *, uint16_t, uint32_t, int64_t)
    void line_hear(line *, feedback_reader *, int64_t)
    void line_pass(line *, int64_t)
    void line_probe(line *, int64_t, int64_t)
    bint line_has_news(const line *, int64_t)
    void line_told(line *, int64_t)
    void line_take(line *, line_reading *, train_packet *)


cdef extern from "counters.h" nogil:
    enum: PUMP_COUNTER_COUNT, PUMP_GAUGE_COUNT, TRANSPORT_COUNTER_COUNT, ENCODING_COUNTER_COUNT
    enum: CONSUMER_COUNTER_COUNT
    const char *const pump_counter_names[]
    const char *const pump_gauge_names[]
    const char *const transport_counter_names[]
    const char *const encoding_counter_names[]
    const char *const consumer_counter_names[]


cdef extern from "measures.h" nogil:
    enum: MEASURE_COUNT, HISTOGRAM_BOUNDS
    const char *const measure_names[]
    const uint64_t measure_bounds[4][12]
    struct histogram:
        uint64_t counts[13]
        uint64_t sum
    ctypedef int measure_t "enum measure"
    void histogram_add(histogram *, measure_t, uint64_t, uint64_t)


cdef extern from "plain.h" nogil:
    struct sockaddr_un:
        char sun_path[108]
    struct plain_link:
        sockaddr_un name


cdef extern from "outbox.h" nogil:
    enum: OUTBOX_NONE
    struct out_packet:
        uint16_t length
        uint16_t next
        uint8_t bytes[2032]
    struct destination:
        address address
        plain_link *plain
        uint16_t first
    struct outbox:
        uint32_t packet_count
        uint32_t destination_count
        destination destinations[512]
        out_packet packets[1024]
    void outbox_clear(outbox *)


cdef extern from "core.h" nogil:
    enum: CODEC_COUNT, LAYERS, DATAGRAM_MAX, PARAMETER_SETS_BYTES
    ctypedef enum codec_t "enum codec":
        CODEC_OPAQUE
    struct core:
        outbox *outbox
        histogram measures[4]


cdef extern from "calls.h" nogil:
    enum: REFUSED_UNKNOWN, REFUSED_VALUE, REFUSED_FULL, REFUSED_MEMORY, REFUSED_SSRC_USED


cdef extern from "calls_transports.h" nogil:
    int64_t core_add_transport(core *, const extension_ids *)
    int64_t core_add_plain_transport(core *, const char *path)
    int core_set_extensions(core *, int64_t, const extension_ids *)
    int core_set_remote(core *, int64_t, const address *, const address *)
    int core_set_srtp(core *, int64_t, const srtp_keys *)
    int core_set_reporting(core *, int64_t, uint32_t, const char *, uint8_t)
    int core_probe(core *, int64_t, uint64_t, int64_t, int64_t)
    int core_remove_transport(core *, int64_t)


cdef extern from "calls_streams.h" nogil:
    struct producer_settings:
        codec_t codec
        uint32_t clock_rate
        bint nack
        uint32_t feedback_ssrc
    int64_t core_add_producer(core *, int64_t, const producer_settings *)
    struct encoding_settings:
        int layer
        uint32_t ssrc
        uint32_t rtx_ssrc
        uint8_t payload_type
        uint8_t rtx_payload_type
        const uint8_t *parameter_sets
        uint16_t parameter_sets_length
    int core_add_encoding(core *, int64_t, const encoding_settings *, int64_t)
    int core_set_producer_paused(core *, int64_t, bint, int64_t)
    int core_remove_producer(core *, int64_t)
    struct consumer_settings:
        uint32_t ssrc
        uint32_t rtx_ssrc
        uint8_t payload_type
        uint8_t rtx_payload_type
        const char *mid
        const char *cname
        uint8_t mid_length
        uint8_t cname_length
        bint from_past
    int64_t core_add_consumer(core *, int64_t, int64_t, const consumer_settings *)
    int core_set_consumer_layer(core *, int64_t, int, int64_t)
    int core_remove_consumer(core *, int64_t)


cdef extern from "calls_lines.h" nogil:
    int core_line(core *, int64_t, line_reading *, train_packet *)
    int core_set_line_settled(core *, int64_t, bint)


cdef extern from "level_history.h" nogil:
    enum: LEVEL_FRAMES, LEVEL_FRAME_NS


cdef extern from "calls_read.h" nogil:
    struct stream_losses:
        uint32_t ssrc
        uint32_t expected
        uint32_t lost
        int64_t at_ns
    int core_losses(core *, int64_t, stream_losses *, uint32_t)
    struct transport_totals:
        uint64_t bytes_received
        uint64_t bytes_sent
        uint64_t packets_expected
        uint64_t packets_lost
        int64_t last_received_ns
        int64_t round_trip_ns
    int core_totals(core *, const int64_t *, uint32_t, transport_totals *)
    int core_consumer_bytes(core *, const int64_t *, uint32_t, uint64_t *)
    struct audio_level:
        int64_t producer_id
        uint8_t level
    int core_audio_levels(core *, audio_level *, uint32_t)
    int core_level_history(core *, const int64_t *, uint32_t, int64_t, uint8_t (*)[128])
    struct layer_totals:
        int layer
        uint64_t bytes
        uint64_t keyframes
        uint64_t past_bytes
        uint64_t steps_back
        uint32_t format_changes
        int64_t last_packet_ns
        int64_t longest_pause_ns
    int core_layer_totals(core *, int64_t, layer_totals *)
    int core_picture_format(core *, int64_t, int, uint8_t *)
    struct encoding_stats:
        int layer
        uint32_t ssrc
        uint64_t lost
        uint32_t jitter
        uint64_t counters[64]
    struct consumer_stats:
        int layer
        int target
        int32_t reported_lost
        uint32_t reported_jitter
        uint64_t counters[64]
    void core_pump_stats(core *, uint64_t *)
    void core_pump_gauges(core *, uint64_t *)
    void core_pump_measures(core *, histogram *)
    int core_transport_stats(core *, int64_t, uint64_t *)
    int core_producer_stats(core *, int64_t, encoding_stats *)
    int core_consumer_stats(core *, int64_t, consumer_stats *)


cdef extern from "ingress.h" nogil:
    void core_receive(
        core *, const address *, const address *, uint8_t *, uint32_t, int64_t, int64_t)


cdef extern from "tick.h" nogil:
    int64_t core_tick(core *, int64_t, int64_t)


cdef extern from "udp.h" nogil:
    struct udp_socket:
        int fd
        uint16_t port

cdef extern from "tcp.h" nogil:
    struct tcp_port:
        int listen_fd
        uint16_t port


cdef extern from "pump.h" nogil:
    struct pump:
        core core
        udp_socket udp
        tcp_port tcp
        int event_fd
        bint is_running
    enum: TCP_NONE
    struct pump_ports:
        const char *host
        uint16_t port
        int32_t tcp_port
        const char *plain_path
    pump *pump_new(const srtp_functions *, const pump_ports *, int *error, const char **failed)
    void pump_free(pump *)
    int pump_start(pump *)
    void pump_stop(pump *)
    void pump_wake(pump *)
    uint32_t pump_drain(pump *, uint8_t *, uint32_t, uint32_t)
    bint pump_send_datagram(
        pump *, const address *, const address *, const uint8_t *, uint32_t)
    int pump_send_rtcp(pump *, int64_t, const uint8_t *, uint32_t)
