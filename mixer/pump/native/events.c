/* See events.h. A record is contiguous; one that does not fit before the buffer's end goes to its
 * beginning. */
#include "events.h"

#include <stdlib.h>

bool event_ring_init(struct event_ring *ring) {
  *ring = (struct event_ring){.bytes = malloc(EVENT_RING_BYTES)};
  return ring->bytes;
}

void event_ring_free(struct event_ring *ring) {
  free(ring->bytes);
  *ring = (struct event_ring){0};
}

static bool find_room(struct event_ring *ring, uint32_t size, uint32_t bound, uint32_t *at) {
  uint32_t end = ring->start + ring->used; /* of the content, unwrapped; includes the end gap */
  uint32_t gap = 0;
  if (end < EVENT_RING_BYTES && end + size > EVENT_RING_BYTES) gap = EVENT_RING_BYTES - end;
  if (ring->used + gap + size > bound) return false;
  if (gap) {
    ring->end_gap = gap;
    ring->used += gap;
  }
  *at = (end + gap) % EVENT_RING_BYTES;
  return true;
}

bool event_ring_put(struct event_ring *ring, struct event *event, const void *data) {
  uint32_t bound = event->type == EVENT_DATAGRAM ? EVENT_RING_BYTES / 2 : EVENT_RING_BYTES;
  uint32_t at;
  event->size = (uint32_t)(sizeof *event + event->data_length + 7) & ~7u;
  if (!find_room(ring, event->size, bound, &at)) return false;
  memcpy(ring->bytes + at, event, sizeof *event);
  if (event->data_length) memcpy(ring->bytes + at + sizeof *event, data, event->data_length);
  ring->used += event->size;
  ring->waiting++;
  return true;
}

uint32_t event_ring_take(struct event_ring *ring, uint8_t *out, uint32_t room, uint32_t limit) {
  uint32_t written = 0;
  while (ring->waiting && limit--) {
    if (ring->end_gap && ring->start + ring->end_gap == EVENT_RING_BYTES) {
      ring->used -= ring->end_gap;
      ring->end_gap = 0;
      ring->start = 0;
    }
    const struct event *event = (const struct event *)(ring->bytes + ring->start);
    if (written + event->size > room) break;
    memcpy(out + written, event, event->size);
    written += event->size;
    ring->start = (ring->start + event->size) % EVENT_RING_BYTES;
    ring->used -= event->size;
    ring->waiting--;
  }
  return written;
}
