# Part of _pump.pyx: what Python reads of streams and lines, as rows.

cdef enum:
    CONSUMERS_MAX = 1024  # of one transport: far above what a device may want
    LEVELS_MAX = 4096
    ROWS_AT_ONCE = 64  # the pump's thread waits while so many are read


cdef uint32_t next_ids(list every, Py_ssize_t begin, int64_t *ids) except? 0:
    cdef uint32_t count = min(len(every) - begin, ROWS_AT_ONCE)
    for i in range(count):
        ids[i] = every[begin + i]
    return count


cdef list loss_rows(native.core *core, int64_t transport_id):
    cdef native.stream_losses[CONSUMERS_MAX] losses
    cdef int count
    with nogil:
        count = native.core_losses(core, transport_id, losses, CONSUMERS_MAX)
    checked(count, transport_id)
    return [
        (losses[i].ssrc, losses[i].expected, losses[i].lost, losses[i].at_ns) for i in range(count)
    ]


cdef list consumer_byte_rows(native.core *core, list consumer_ids):
    cdef int64_t[ROWS_AT_ONCE] ids
    cdef uint64_t[ROWS_AT_ONCE] sent
    cdef uint32_t count
    cdef int result
    cdef list rows = []
    for begin in range(0, len(consumer_ids), ROWS_AT_ONCE):
        count = next_ids(consumer_ids, begin, ids)
        with nogil:
            result = native.core_consumer_bytes(core, ids, count, sent)
        checked(result, "a consumer")
        rows += [sent[i] for i in range(count)]
    return rows


cdef list layer_total_rows(native.core *core, int64_t producer_id):
    cdef native.layer_totals[native.LAYERS] rows
    cdef int count
    with nogil:
        count = native.core_layer_totals(core, producer_id, rows)
    checked(count, producer_id)
    return [
        LayerTotals(
            rows[i].layer,
            rows[i].bytes,
            rows[i].keyframes,
            rows[i].last_packet_ns,
            rows[i].format_changes,
            rows[i].steps_back,
            rows[i].longest_pause_ns,
            rows[i].past_bytes,
        )
        for i in range(count)
    ]


cdef bytes picture_format_of(native.core *core, int64_t producer_id, int layer):
    cdef uint8_t[native.PARAMETER_SETS_BYTES] room
    cdef int length
    with nogil:
        length = native.core_picture_format(core, producer_id, layer, room)
    return room[: checked(length, producer_id)]


cdef list transport_total_rows(native.core *core, list transport_ids):
    cdef int64_t[ROWS_AT_ONCE] ids
    cdef native.transport_totals[ROWS_AT_ONCE] totals
    cdef uint32_t count
    cdef int result
    cdef list rows = []
    for begin in range(0, len(transport_ids), ROWS_AT_ONCE):
        count = next_ids(transport_ids, begin, ids)
        with nogil:
            result = native.core_totals(core, ids, count, totals)
        checked(result, "a transport")
        rows += [
            TransportTotals(
                totals[i].bytes_received,
                totals[i].bytes_sent,
                totals[i].packets_expected,
                totals[i].packets_lost,
                totals[i].last_received_ns,
                totals[i].round_trip_ns,
            )
            for i in range(count)
        ]
    return rows


cdef list audio_level_rows(native.core *core):
    cdef native.audio_level[LEVELS_MAX] levels
    cdef int count
    with nogil:
        count = native.core_audio_levels(core, levels, LEVELS_MAX)
    return [(levels[i].producer_id, levels[i].level) for i in range(count)]


cdef list level_history_rows(native.core *core, list producer_ids, int64_t end):
    cdef int64_t[ROWS_AT_ONCE] ids
    cdef uint8_t[ROWS_AT_ONCE][128] levels  # native.LEVEL_FRAMES
    cdef uint32_t count
    cdef int result
    cdef list rows = []
    for begin in range(0, len(producer_ids), ROWS_AT_ONCE):
        count = next_ids(producer_ids, begin, ids)
        with nogil:
            result = native.core_level_history(core, ids, count, end, levels)
        checked(result, "a producer")
        rows += [<bytes>levels[i][:native.LEVEL_FRAMES] for i in range(count)]
    return rows


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
