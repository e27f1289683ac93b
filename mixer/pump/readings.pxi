# Part of _pump.pyx: what Python reads of streams and lines, as rows.

cdef enum:
    REPORTS_MAX = 1024
    LEVELS_MAX = 4096


cdef list departure_rows(native.core *core, int64_t transport_id):
    cdef native.packet_log_entry *entries = <native.packet_log_entry *>malloc(
        native.PACKET_LOG_SIZE * sizeof(native.packet_log_entry)
    )
    cdef int count
    if entries is NULL:
        raise MemoryError
    try:
        with nogil:
            count = native.core_departures(
                core, transport_id, entries, native.PACKET_LOG_SIZE
            )
        checked(count, transport_id)
        return [(entries[i].sequence, entries[i].at_ns, entries[i].bytes) for i in range(count)]
    finally:
        free(entries)


cdef list sender_report_rows(native.core *core, int64_t transport_id, int64_t now):
    cdef native.sender_totals[REPORTS_MAX] reports
    cdef int count
    with nogil:
        count = native.core_sender_reports(core, transport_id, reports, REPORTS_MAX, now)
    checked(count, transport_id)
    return [
        (
            reports[i].ssrc, reports[i].ntp, reports[i].rtp_timestamp, reports[i].packets,
            reports[i].octets,
        )
        for i in range(count)
    ]


cdef list receiver_report_rows(native.core *core, int64_t transport_id, int64_t now):
    cdef native.receiver_report[REPORTS_MAX] reports
    cdef int count
    with nogil:
        count = native.core_receiver_reports(core, transport_id, reports, REPORTS_MAX, now)
    checked(count, transport_id)
    return [
        (
            reports[i].ssrc,
            reports[i].reception.fraction_lost,
            reports[i].reception.cumulative_lost,
            reports[i].reception.highest_sequence,
            reports[i].reception.jitter,
            reports[i].last_sr,
            reports[i].delay_since_last_sr,
        )
        for i in range(count)
    ]


cdef list audio_level_rows(native.core *core):
    cdef native.audio_level[LEVELS_MAX] levels
    cdef int count
    with nogil:
        count = native.core_audio_levels(core, levels, LEVELS_MAX)
    return [(levels[i].producer_id, levels[i].level) for i in range(count)]


cdef list take_outbox(native.outbox *outbox):
    """What the core would send, as (receiver, datagram)."""
    cdef native.destination *destination
    cdef native.out_packet *packet
    cdef uint32_t place
    cdef list sent = []
    for i in range(outbox.destination_count):
        destination = &outbox.destinations[i]
        if destination.plain is not NULL:
            to = os.fsdecode(<bytes>destination.plain.name.sun_path)
        else:
            to = from_native(&destination.address)
        place = destination.first
        while place != native.OUTBOX_NONE:
            packet = &outbox.packets[place]
            sent.append((to, <bytes>packet.bytes[: packet.length]))
            place = packet.next
    native.outbox_clear(outbox)
    return sent
