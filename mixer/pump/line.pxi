# Part of _pump.pyx: what the pump senses of a subscriber's line.


cdef tuple reading_row(const native.line_reading *reading, const native.train_packet *train):
    cdef object packets = None
    if reading.has_train:
        packets = tuple([
            (train[i].sent_ns * 1e-9, train[i].arrived_ns * 1e-9, train[i].bytes)
            for i in range(reading.train_count)
        ])
    return (
        reading.usage,
        reading.acknowledged_bps,
        reading.busy_bps,
        reading.sent_bps,
        reading.loss.expected,
        reading.loss.lost,
        reading.loss.bytes,
        reading.loss.lost_bytes,
        reading.loss.first_sent_ns * 1e-9,
        reading.loss.last_sent_ns * 1e-9,
        reading.heard_since_ns * 1e-9 if reading.heard_since_ns else None,
        bool(reading.is_silent),
        bool(reading.has_returned),
        bool(reading.is_idle),
        packets,
    )


cdef tuple line_row(native.core *core, int64_t transport_id):
    cdef native.train_packet[native.TRAIN_MAX] train
    cdef native.line_reading reading
    cdef int result
    with nogil:
        result = native.core_line(core, transport_id, &reading, train)
    checked(result, transport_id)
    return reading_row(&reading, train)


cdef bint open_feedback(native.feedback_reader *feedback, bytes message):
    cdef native.rtcp_part part
    cdef const uint8_t *content = message
    if not native.rtcp_is_well_formed(content, len(message)):
        return False
    part.type = content[1]
    part.count = content[0] & 0x1F
    part.data = content
    part.length = 4 + 4 * (content[2] << 8 | content[3])  # the first of a compound
    return native.rtcp_is_transport_feedback(&part) and native.feedback_open(feedback, &part)


def read_feedback(bytes message not None):
    # For tests: (base, reference time, delta or None of each packet); None when it is refused.
    cdef native.feedback_reader feedback
    cdef native.packet_report report
    cdef list deltas = []
    if not open_feedback(&feedback, message):
        return None
    while native.feedback_next(&feedback, &report):
        deltas.append(report.delta if report.arrived else None)
    return feedback.base, feedback.reference, tuple(deltas)


cdef class Line:
    # For tests: the senses of one line alone, in virtual time.
    cdef native.line *_line

    def __cinit__(self):
        self._line = native.line_new()
        if self._line is NULL:
            raise MemoryError

    def __dealloc__(self):
        native.line_free(self._line)

    def depart(self, sequence, size_bytes, int64_t now_ns):
        ranged(sequence, 0, 0xFFFF, "sequence")
        ranged(size_bytes, 1, 0xFFFF, "size_bytes")
        native.line_depart(self._line, sequence, size_bytes, now_ns)

    def hear(self, bytes message not None, int64_t now_ns):
        cdef native.feedback_reader feedback
        if not open_feedback(&feedback, message):
            return False
        native.line_hear(self._line, &feedback, now_ns)
        return True

    def let_pass(self, int64_t now_ns):
        native.line_pass(self._line, now_ns)

    def probe(self, int64_t began_ns, int64_t ends_ns):
        native.line_probe(self._line, began_ns, ends_ns)

    def set_settled(self, bint settled):
        self._line.is_settled = settled

    def tells(self, int64_t now_ns):
        if not native.line_has_news(self._line, now_ns):
            return False
        native.line_told(self._line, now_ns)
        return True

    def take(self):
        cdef native.train_packet[native.TRAIN_MAX] train
        cdef native.line_reading reading
        native.line_take(self._line, &reading, train)
        return reading_row(&reading, train)
