/* Owns the ring by which the pump tells Python what happened: bounded in bytes, oldest first.
 *
 * Datagrams (STUN, DTLS) may fill only half of it: whatever strangers send, there is room for what
 * the lesson itself has to say. */
#ifndef TONGKE_EVENTS_H
#define TONGKE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

enum event_type {
  EVENT_DATAGRAM = 1,
  EVENT_RTCP = 2,
  EVENT_NEW_SSRC = 3,
  EVENT_KEYFRAME_NEEDED = 4,
  EVENT_LAYER_SWITCHED = 5,
  EVENT_FIRST_PACKET = 6,
  EVENT_LINE = 7,
  EVENT_VOICE = 8,
};

struct event {
  uint32_t size; /* of the record: this header and its data, rounded up to 8 */
  uint16_t type;
  uint16_t data_length;
  int64_t id; /* of the transport, producer or consumer it is about */
  int64_t arrival_ns;
  struct address from, to;   /* DATAGRAM; `to` is ours */
  uint32_t ssrc;             /* NEW_SSRC */
  int16_t layer;             /* KEYFRAME_NEEDED, LAYER_SWITCHED, FIRST_PACKET */
  uint8_t payload_type;      /* NEW_SSRC */
  uint8_t identifier_lengths[3]; /* NEW_SSRC: MID, RID, repaired RID, one after another in data */
};

#define EVENT_RING_BYTES (512 * 1024)

struct event_ring {
  uint8_t *bytes;
  uint32_t start, used;
  uint32_t end_gap; /* unused bytes at the end of the buffer, when the content wraps */
  uint32_t waiting;
  bool is_signalled; /* Python has been told that something waits */
};

bool event_ring_init(struct event_ring *ring);
void event_ring_free(struct event_ring *ring);
/* False when full: the event is dropped. */
bool event_ring_put(struct event_ring *ring, struct event *event, const void *data);
/* Copies up to `limit` whole records to `out`; returns the bytes written. */
uint32_t event_ring_take(struct event_ring *ring, uint8_t *out, uint32_t room, uint32_t limit);

#endif
