"""Every metric of our own: the one list that the collectors fill and `docs/metrics.md` prints.

Names end in their unit, counters in `_total`. Labels are few and bounded: a UDP port, a reason of
ours, and for what belongs to a lesson its id, seat and device while it is live. No label has the
name of a person or a school.
"""

from __future__ import annotations

from server.metrics.sheet import Family, MetricKind

C, G, H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_PORT = ("port",)
_LESSON = ("lesson",)
_LINE = ("lesson", "seat", "device", "direction")
_IN = ("lesson", "seat", "device", "source", "layer")
_OUT = ("lesson", "seat", "device", "from_seat", "source")

NODE = (
    Family("tongke_lessons_open", G, "Lessons whose media is open."),
    Family("tongke_lessons_admitted", G, "Lessons this node takes at most."),
    Family(
        "tongke_node_ticks_total",
        C,
        "Rounds of regular work: one a second while all is well, five while lines change.",
    ),
    Family("tongke_node_tick_seconds_total", C, "Time these rounds took."),
    Family(
        "tongke_node_tick_late_seconds_total",
        C,
        "How much later than due they came: the event loop was busy with something else.",
    ),
)

PORT = (
    Family("tongke_port_lessons", G, "Lessons on this UDP port.", _PORT),
    Family("tongke_port_handshakes_pending", G, "Connections being set up.", _PORT),
    Family(
        "tongke_port_dropped_total",
        C,
        "Datagrams and events dropped above the pump.",
        ("port", "reason"),
    ),
    Family(
        "tongke_ice_dropped_total",
        C,
        "Connectivity checks dropped or refused.",
        ("port", "reason"),
    ),
)

PUMP = (
    Family("tongke_pump_received_datagrams_total", C, "Datagrams received.", _PORT),
    Family("tongke_pump_received_bytes_total", C, "Bytes received.", _PORT),
    Family("tongke_pump_received_batches_total", C, "Receiving system calls with a find.", _PORT),
    Family("tongke_pump_sent_datagrams_total", C, "Datagrams handed to the kernel.", _PORT),
    Family("tongke_pump_sent_bytes_total", C, "Bytes handed to the kernel by UDP.", _PORT),
    Family("tongke_pump_send_calls_total", C, "Sending system calls.", _PORT),
    Family(
        "tongke_pump_gso_messages_total", C, "Runs the kernel cut into datagrams for us.", _PORT
    ),
    Family("tongke_pump_forwarded_packets_total", C, "Media packets sent on, copies each.", _PORT),
    Family("tongke_pump_retransmitted_packets_total", C, "Packets sent again when asked.", _PORT),
    Family(
        "tongke_pump_retransmissions_missed_total",
        C,
        "Packets asked for and no longer in the history.",
        _PORT,
    ),
    Family(
        "tongke_pump_parameter_sets_sent_total",
        C,
        "Packets put in front of H.264 keyframes that came without their parameter sets.",
        _PORT,
    ),
    Family("tongke_pump_probe_packets_total", C, "Repeats sent to measure a line.", _PORT),
    Family("tongke_pump_nacks_sent_total", C, "Packets asked for again upstream.", _PORT),
    Family(
        "tongke_pump_feedback_sent_total",
        C,
        "Transport-wide feedback messages to publishers.",
        _PORT,
    ),
    Family("tongke_pump_reports_sent_total", C, "Datagrams of receiver or sender reports.", _PORT),
    Family("tongke_pump_padding_packets_total", C, "Packets of padding alone.", _PORT),
    Family(
        "tongke_pump_unshowable_packets_total",
        C,
        "H.264 packets of B-frames and what needs them: recorded, not sent to viewers.",
        _PORT,
    ),
    Family("tongke_pump_events_total", C, "Events told to Python.", _PORT),
    Family("tongke_pump_wakes_total", C, "Rounds of the pump's thread.", _PORT),
    Family("tongke_pump_busy_seconds_total", C, "Time these rounds took.", _PORT),
    Family("tongke_pump_tcp_accepted_total", C, "Connections to the TCP port.", _PORT),
    Family(
        "tongke_pump_tcp_refused_total",
        C,
        "Connections beyond what is admitted, or that made room for newer ones.",
        _PORT,
    ),
    Family(
        "tongke_pump_tcp_expired_total",
        C,
        "Connections closed that proved nothing in time, or fell silent.",
        _PORT,
    ),
    Family(
        "tongke_pump_tcp_stalled_total",
        C,
        "Connections closed whose peer took nothing for too long.",
        _PORT,
    ),
    Family(
        "tongke_pump_dropped_total",
        C,
        "Datagrams and packets not sent on, each under one reason.",
        ("port", "reason"),
    ),
    Family("tongke_pump_transports", G, "Connections, local ones too.", _PORT),
    Family("tongke_pump_producers", G, "Streams coming in.", _PORT),
    Family("tongke_pump_consumers", G, "Streams going out.", _PORT),
    Family("tongke_pump_events_waiting", G, "Events not yet taken by Python.", _PORT),
    Family("tongke_pump_event_ring_bytes", G, "Room they take, of 524,288.", _PORT),
    Family("tongke_pump_tcp_connections", G, "Peers connected by TCP, unproved ones too.", _PORT),
    Family("tongke_pump_plain_backlog_bytes", G, "What waits for slow local readers.", _PORT),
    Family(
        "tongke_pump_added_delay_seconds",
        H,
        "For each forwarded packet the time from its arrival to its way to the kernel.",
        _PORT,
    ),
    Family("tongke_pump_round_seconds", H, "Time of one round of the thread.", _PORT),
    Family("tongke_pump_batch_datagrams", H, "Datagrams received by one call.", _PORT),
    Family("tongke_pump_flush_datagrams", H, "Datagrams sent together.", _PORT),
)

LESSON = (
    Family("tongke_lesson_seats_present", G, "Seats that are there.", _LESSON),
    Family("tongke_lesson_devices", G, "Devices connected.", _LESSON),
    Family("tongke_lesson_recording", G, "1 while the lesson is being recorded.", _LESSON),
    Family("tongke_lesson_producers", G, "Streams coming in.", _LESSON),
    Family("tongke_lesson_consumers", G, "Streams going out.", _LESSON),
    Family(
        "tongke_lesson_streams_withheld",
        G,
        "Outgoing streams of which nothing is sent now.",
        ("lesson", "reason"),
    ),
)

LINE = (
    Family("tongke_transport_connected", G, "1 while the connection carries media.", _LINE),
    Family("tongke_transport_loss_ratio", G, "Packets the line lost, last 4 s, 0 to 1.", _LINE),
    Family(
        "tongke_transport_round_trip_seconds", G, "Round trip, smoothed; 0 while unknown.", _LINE
    ),
    Family("tongke_transport_bits_per_second", G, "Bitrate of the last 4 s.", _LINE),
    Family(
        "tongke_transport_available_bits_per_second",
        G,
        "What the line is believed to carry; 0 where only the sender knows.",
        _LINE,
    ),
    Family(
        "tongke_transport_wanted_bits_per_second",
        G,
        "What everything wanted would take (way down).",
        _LINE,
    ),
    Family("tongke_transport_received_packets_total", C, "Media packets from the peer.", _LINE),
    Family("tongke_transport_received_bytes_total", C, "Their bytes.", _LINE),
    Family("tongke_transport_sent_packets_total", C, "Packets to the peer.", _LINE),
    Family("tongke_transport_sent_bytes_total", C, "Their bytes.", _LINE),
    Family("tongke_transport_retransmitted_packets_total", C, "Packets sent again.", _LINE),
    Family("tongke_transport_nacks_received_total", C, "Packets the peer asked for again.", _LINE),
    Family(
        "tongke_transport_refused_packets_total",
        C,
        "Packets not authentic, replayed, malformed or too many.",
        _LINE,
    ),
)

STREAM = (
    Family("tongke_stream_in_packets_total", C, "Packets of this layer.", _IN),
    Family("tongke_stream_in_bytes_total", C, "Their bytes.", _IN),
    Family("tongke_stream_in_bits_per_second", G, "Bitrate, smoothed; 0 while silent.", _IN),
    Family(
        "tongke_stream_in_lost_packets",
        G,
        "Packets the line lost since the stream began; falls when one comes late.",
        _IN,
    ),
    Family("tongke_stream_in_recovered_packets_total", C, "Lost, and got when asked for.", _IN),
    Family("tongke_stream_in_nacks_sent_total", C, "Packets asked for again.", _IN),
    Family("tongke_stream_in_keyframe_requests_total", C, "PLI and FIR sent upstream.", _IN),
    Family("tongke_stream_in_keyframes_total", C, "Keyframes received.", _IN),
    Family("tongke_stream_in_jitter_seconds", G, "Interarrival jitter (RFC 3550).", _IN),
    Family("tongke_stream_out_packets_total", C, "Packets of this stream to this device.", _OUT),
    Family("tongke_stream_out_bytes_total", C, "Their bytes, repeats too.", _OUT),
    Family(
        "tongke_stream_out_layer",
        G,
        "The layer that goes out, 0 the smallest, -1 none.",
        _OUT,
    ),
    Family("tongke_stream_out_lost_packets", G, "What the receiver reports as lost.", _OUT),
    Family("tongke_stream_out_nacked_packets_total", C, "Packets asked for again.", _OUT),
    Family("tongke_stream_out_retransmitted_packets_total", C, "Packets sent again.", _OUT),
    Family("tongke_stream_out_keyframe_requests_total", C, "PLI and FIR from the receiver.", _OUT),
    Family("tongke_stream_out_switches_total", C, "Changes of layer.", _OUT),
)

SIGNALING = (
    Family("tongke_signaling_sockets_open", G, "WebSockets open."),
    Family("tongke_signaling_sockets_total", C, "WebSockets accepted."),
    Family("tongke_signaling_messages_received_total", C, "Messages of clients.", ("type",)),
    Family("tongke_signaling_messages_sent_total", C, "Messages to clients."),
    Family("tongke_signaling_messages_dropped_total", C, "Messages a client did not read in time."),
    Family("tongke_signaling_refusals_total", C, "Requests refused.", ("code",)),
    Family("tongke_signaling_closings_total", C, "WebSockets closed.", ("reason",)),
)

RECORDER = (
    Family("tongke_recorder_up", G, "1 while a recorder process is there."),
    Family("tongke_recorder_starts_total", C, "Starts of the recorder process."),
    Family("tongke_recordings", G, "Recordings not yet in the library.", ("state",)),
    Family("tongke_recorder_taps", G, "Sources being recorded or about to be."),
    Family("tongke_recorder_unwritten_events", G, "Journal events not yet confirmed on disk."),
    Family("tongke_recorder_dropped_events_total", C, "Journal events lost for want of room."),
)

ARCHIVE = (
    Family("tongke_uploads_waiting", G, "Recordings that wait for the object store."),
    Family("tongke_upload_spool_bytes", G, "What they take here meanwhile."),
    Family("tongke_upload_spool_full", G, "1 while that is more than `store_spool_gb`."),
    Family("tongke_upload_oldest_seconds", G, "For how long the first of them has waited."),
    Family("tongke_upload_failures", G, "Refusals one after the other, since a piece arrived."),
    Family("tongke_upload_sent_bytes_total", C, "Bytes sent, what was sent again among them."),
    Family("tongke_archive_kept", G, "Recordings kept in spite of their rule.", ("reason",)),
    Family("tongke_archive_quotas", G, "Communities near their quota, or over it.", ("state",)),
)

PROGRAMS = (
    Family("tongke_programs", G, "Lessons whose program is made, or has no room.", ("state",)),
    Family("tongke_program_starts_total", C, "Starts of programs' processes."),
    Family("tongke_program_taps", G, "Sources that go into programs."),
    Family("tongke_program_late_ticks", G, "Late pictures of the programs that are made now."),
    Family("tongke_program_dropped_datagrams", G, "Datagrams they found no room for."),
    Family("tongke_hls_lessons", G, "Lessons whose program is put out by HLS."),
    Family("tongke_pushes", G, "RTMP and SRT servers that are sent a program.", ("state",)),
    Family("tongke_push_starts", G, "How often these pushes have begun: more is trouble there."),
)

HTTP = (
    Family(
        "tongke_http_request_seconds",
        H,
        "Time from a request's head to the end of its answer.",
        ("method", "route", "status"),
    ),
    Family("tongke_http_requests_in_progress", G, "Requests being answered."),
)

DOOR = (
    Family(
        "tongke_certificate_end_timestamp_seconds",
        G,
        "When the served certificate ends, in seconds since 1970.",
    ),
    Family(
        "tongke_certificate_fault",
        G,
        "1 while this is wrong with the served certificate.",
        ("fault",),
    ),
    Family("tongke_certificate_reloads_total", C, "Certificates exchanged while running."),
)

MEDIA = (*NODE, *PORT, *PUMP, *LESSON, *LINE, *STREAM)
SERVICE = (*SIGNALING, *RECORDER, *PROGRAMS)
ALL = (*MEDIA, *SERVICE, *ARCHIVE, *HTTP, *DOOR)
