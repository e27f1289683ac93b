# Part of _pump.pyx: what Python reads of streams and lines, as rows.

cdef enum:
    CONSUMERS_MAX = 1024  # of one transport: far above what a device may want
    LEVELS_MAX = 4096


cdef list loss_rows(native.core *core, int64_t transport_id):
    cdef native.stream_losses[CONSUMERS_MAX] losses
    cdef int count
    with nogil:
        count = native.core_losses(core, transport_id, losses, CONSUMERS_MAX)
    checked(count, transport_id)
    return [
        (losses[i].ssrc, losses[i].expected, losses[i].lost, losses[i].at_ns) for i in range(count)
    ]


cdef list consumer_byte_rows(native.core *core, int64_t transport_id):
    cdef native.consumer_bytes[CONSUMERS_MAX] rows
    cdef int count
    with nogil:
        count = native.core_consumer_bytes(core, transport_id, rows, CONSUMERS_MAX)
    checked(count, transport_id)
    return [(rows[i].consumer_id, rows[i].bytes) for i in range(count)]


cdef list layer_total_rows(native.core *core, int64_t producer_id):
    cdef native.layer_totals[native.LAYERS] rows
    cdef int count
    with nogil:
        count = native.core_layer_totals(core, producer_id, rows)
    checked(count, producer_id)
    return [
        (rows[i].layer, rows[i].bytes, rows[i].keyframes, rows[i].last_packet_ns)
        for i in range(count)
    ]


cdef transport_totals(native.core *core, int64_t transport_id):
    cdef native.transport_totals totals
    cdef int result
    with nogil:
        result = native.core_totals(core, transport_id, &totals)
    checked(result, transport_id)
    return TransportTotals(
        totals.bytes_received,
        totals.bytes_sent,
        totals.packets_expected,
        totals.packets_lost,
        totals.last_received_ns,
        totals.round_trip_ns,
    )


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
