# Part of _pump.pyx: values between Python and C, checked on the way in.


cdef uintptr_t srtp_address(str name) except 0:
    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


cdef native.srtp_functions srtp_library() except *:
    cdef native.srtp_functions functions
    functions.protect = <native.srtp_transform>srtp_address("srtp_protect")
    functions.unprotect = <native.srtp_transform>srtp_address("srtp_unprotect")
    functions.protect_rtcp = <native.srtp_transform>srtp_address("srtp_protect_rtcp")
    functions.unprotect_rtcp = <native.srtp_transform>srtp_address("srtp_unprotect_rtcp")
    functions.remove_stream = <native.srtp_stream_removal>srtp_address("srtp_remove_stream")
    functions.aead = aead_library()
    return functions


cdef native.aead_functions aead_library() except *:
    """OpenSSL's, in pylibsrtp's own library; all NULL where that does not show them."""
    cdef native.aead_functions functions
    memset(&functions, 0, sizeof(functions))
    library = ctypes.CDLL(_binding.__file__)
    try:
        addresses = [
            ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in AEAD_FUNCTIONS
        ]
    except AttributeError:
        return functions
    functions.new_context = <void *><uintptr_t>addresses[0]
    functions.free_context = <void *><uintptr_t>addresses[1]
    functions.aes_128_gcm = <void *><uintptr_t>addresses[2]
    functions.aes_256_gcm = <void *><uintptr_t>addresses[3]
    functions.begin = <void *><uintptr_t>addresses[4]
    functions.update = <void *><uintptr_t>addresses[5]
    functions.finish = <void *><uintptr_t>addresses[6]
    functions.control = <void *><uintptr_t>addresses[7]
    return functions


cdef int64_t checked(int64_t result, what) except -1:
    if result >= 0:
        return result
    if result == native.REFUSED_UNKNOWN:
        raise KeyError(what)
    if result == native.REFUSED_FULL:
        raise ValueError(f"{what}: a limit of the pump is reached")
    if result == native.REFUSED_SSRC_USED:
        raise ValueError(f"{what}: this SSRC is in use, or was, on this transport; take a new one")
    if result == native.REFUSED_MEMORY:
        raise MemoryError(what)
    raise ValueError(f"{what}: impossible value")


cdef int ranged(value, int64_t low, int64_t high, str name) except -2:
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low}…{high}, not {value}")
    return 0


cdef int ranged_length(bytes text, int most, str name) except -1:
    ranged(len(text), 0, most, f"the length of {name} in bytes")
    return len(text)


cdef uint32_t an_ssrc(value, str name) except? 0:
    if not 0 <= value <= 0xFFFFFFFF:
        raise ValueError(f"{name} must be an SSRC of 32 bits, not {value}")
    return value


cdef native.extension_ids extension_ids(
    mid, rid, repaired_rid, audio_level, abs_send_time, transport_cc, video_orientation
) except *:
    for value in (
        mid, rid, repaired_rid, audio_level, abs_send_time, transport_cc, video_orientation
    ):
        ranged(value, 0, 255, "a header extension id")
    cdef native.extension_ids ids
    ids.mid = mid
    ids.rid = rid
    ids.repaired_rid = repaired_rid
    ids.audio_level = audio_level
    ids.abs_send_time = abs_send_time
    ids.transport_cc = transport_cc
    ids.video_orientation = video_orientation
    return ids


cdef native.address to_native(address) except *:
    cdef native.address result
    cdef bytes packed
    packed, port, scope = pack_address(address[:2])
    memset(&result, 0, sizeof(result))
    memcpy(result.ip, <const uint8_t *>packed, 16)
    result.port = port
    if len(address) == 2:
        result.scope = scope
        result.kind = native.ADDRESS_INTERNET
    else:
        result.scope = address[2]
        result.kind = native.ADDRESS_TCP
    return result


cdef native.address to_native_host(str host) except *:
    # An address of ours; "" where the kernel is to choose.
    cdef native.address result
    cdef bytes packed
    memset(&result, 0, sizeof(result))
    if host:
        packed, scope = pack_host(host)
        memcpy(result.ip, <const uint8_t *>packed, 16)
        result.scope = scope
        result.kind = native.ADDRESS_INTERNET
    return result


cdef str from_native_host(const native.address *address):
    return from_native(address)[0] if address.kind == native.ADDRESS_INTERNET else ""


cdef from_native(const native.address *address):
    if address.kind == native.ADDRESS_TCP:
        return *unpack_address(address.ip[:16], address.port, 0), address.scope
    return unpack_address(address.ip[:16], address.port, address.scope)


cdef event_tuple(const native.event *event, const uint8_t *data):
    cdef bytes content = data[: event.data_length]
    if event.type == native.EVENT_DATAGRAM:
        return (
            DATAGRAM, event.id, from_native(&event.source), content, event.arrival_ns,
            from_native_host(&event.to),
        )
    if event.type == native.EVENT_RTCP:
        return (RTCP, event.id, content, event.arrival_ns)
    if event.type == native.EVENT_NEW_SSRC:
        mid_end = event.identifier_lengths[0]
        rid_end = mid_end + event.identifier_lengths[1]
        mid, rid, repaired = content[:mid_end], content[mid_end:rid_end], content[rid_end:]
        return (
            NEW_SSRC, event.id, event.ssrc, event.payload_type,
            mid.decode("ascii", "replace"),
            rid.decode("ascii", "replace"),
            repaired.decode("ascii", "replace"),
        )
    if event.type == native.EVENT_LINE:
        return (LINE, event.id)
    if event.type == native.EVENT_VOICE:
        return (VOICE, event.id)
    return (event.type, event.id, event.layer)


cdef named_counters(const char *const *names, const uint64_t *values, int count):
    return {names[i].decode(): values[i] for i in range(count)}


cdef dict named_measures(const native.histogram *measures):
    return {
        native.measure_names[i].decode(): (
            tuple([native.measure_bounds[i][j] for j in range(native.HISTOGRAM_BOUNDS)]),
            tuple([measures[i].counts[j] for j in range(native.HISTOGRAM_BOUNDS + 1)]),
            measures[i].sum,
        )
        for i in range(native.MEASURE_COUNT)
    }


cdef dict encoding_row(const native.encoding_stats *stats):
    return {
        "layer": stats.layer,
        "ssrc": stats.ssrc,
        "lost": stats.lost,
        "jitter": stats.jitter,
        **named_counters(
            native.encoding_counter_names, stats.counters, native.ENCODING_COUNTER_COUNT
        ),
    }
