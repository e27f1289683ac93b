/* Owns the reading of transport-wide feedback: which packets of a transport arrived, and when
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). A message is looked through whole before
 * anything of it is believed; then its packets come one by one, without a copy. */
#ifndef TONGKE_FEEDBACK_READER_H
#define TONGKE_FEEDBACK_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "rtcp.h"

#define FEEDBACK_TICK_NS (250 * INT64_C(1000))
#define FEEDBACK_TICKS_PER_REFERENCE 256 /* 64 ms */

static inline bool rtcp_is_transport_feedback(const struct rtcp_part *part) {
  return part->type == RTCP_RTPFB && part->count == RTPFB_TRANSPORT_WIDE;
}

struct feedback_reader {
  uint16_t base;      /* transport-wide sequence of the first packet */
  uint16_t count;     /* packets reported on, at least one */
  uint32_t reference; /* the receiver's clock in 64 ms, 24 bits */
  /* What comes next. */
  const uint8_t *chunks, *deltas;
  uint32_t left;
  uint16_t chunk, left_in_chunk;
};

/* What a message says of one packet. */
struct packet_report {
  bool arrived;
  int32_t delta; /* since the arrival before it in 250 µs, the first since the reference time */
};

/* False: cut off, or saying what cannot be. The reader then must not be used. It points into the
 * part's bytes. */
bool feedback_open(struct feedback_reader *reader, const struct rtcp_part *part);
/* The next packet, in the order of sequence numbers; false after the last. */
bool feedback_next(struct feedback_reader *reader, struct packet_report *report);

#endif
